"""Coreference: rules for names, antecedents of mentions, readers of other packages, and scores."""
