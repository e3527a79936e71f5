"""Coreference without a model: rules for names, readers of other packages, and scores."""
