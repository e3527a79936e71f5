"""Sending requests to a backend: order, concurrency, retries, cache, prices and budget."""
