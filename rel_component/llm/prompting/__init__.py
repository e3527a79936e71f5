"""From a document to requests: templates, examples, windows, and schemas of the answers."""
