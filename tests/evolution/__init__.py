"""Tests of schemas that change."""
