"""Use of pipelines on texts: relations as records, training data, and the prompts that would be sent."""
