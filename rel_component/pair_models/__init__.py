"""Pair models: each a file with a builder that returns a ``PairModelT``."""
