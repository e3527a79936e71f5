"""Tests of single pair models."""
