"""Tests of the Thinc layers."""
