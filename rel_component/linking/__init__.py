"""Mentions to entities of a knowledge base, and names to entities without one."""
