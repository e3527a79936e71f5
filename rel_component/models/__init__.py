"""Models over documents: encoders, the span scorer, pair models, and their optimizer."""
