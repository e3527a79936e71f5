"""Open information extraction: what a text says, as tuples that no schema has to name."""
