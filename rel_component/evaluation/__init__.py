"""Scores, mistakes and comparisons of pipelines, and agreement between annotators."""
