"""Trained pipelines and corpora whose schema changes."""
