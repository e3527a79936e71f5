"""Pages to look at relations with: drawings of documents, the viewer, review, mistakes."""
