"""Relations by prompting a generative language model."""
