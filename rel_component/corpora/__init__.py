"""Annotated documents: reading, augmenting and splitting them, and examples for prompts."""
