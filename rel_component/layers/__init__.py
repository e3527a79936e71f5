"""Thinc layers, encoders of PyTorch, and the arrays that they read."""
