"""From replies to relations: parsing, grounding, validation and merging."""
