"""Formats of graphs, one a file."""
