"""Pair models, one a file, and what they share."""
