"""Recipes: settings that fit annotated documents, with their reasons, as configs of spaCy."""
