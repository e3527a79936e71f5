"""Ways to run an extraction, one a file."""
