"""Relation extraction for spaCy: ``nlp.add_pipe("relation_extractor")``, relations on ``doc._.rel``."""

from .annotations import RelationView, get_relations, set_relations
from .schema import RelationSchema, RelationType
from .types import Relation

__version__ = "0.1.0"

__all__ = [
    "Relation",
    "RelationSchema",
    "RelationType",
    "RelationView",
    "__version__",
    "get_relations",
    "set_relations",
]
