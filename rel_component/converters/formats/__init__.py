"""One file a format: its description, reading, writing, and at the end the object with a sample."""
