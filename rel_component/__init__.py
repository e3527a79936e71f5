"""Relation extraction for spaCy: ``nlp.add_pipe("relation_extractor")``, relations on ``doc._.rel``.

The functions behind the commands are imported when they are used: :func:`annotate`,
:func:`audit_files`, :func:`compare`, :func:`convert`, :func:`evaluate`, :func:`extract`,
:func:`init_config` and :func:`read_texts`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .annotations import RelationView, get_relations, set_relations
from .errors import RelComponentError
from .schema import RelationSchema, RelationType
from .types import Relation

if TYPE_CHECKING:
    from .audit.files import audit_files
    from .converters.convert import convert
    from .evaluation.comparison import compare
    from .evaluation.evaluate import evaluate
    from .inference.annotate import annotate
    from .inference.extract import extract
    from .inference.texts import read_texts
    from .recipes.init_config import init_config

__version__ = "0.1.0"

__all__ = [
    "RelComponentError",
    "Relation",
    "RelationSchema",
    "RelationType",
    "RelationView",
    "__version__",
    "annotate",
    "audit_files",
    "compare",
    "convert",
    "evaluate",
    "extract",
    "get_relations",
    "init_config",
    "read_texts",
    "set_relations",
]

_MODULES = {
    "annotate": ".inference.annotate",
    "audit_files": ".audit.files",
    "compare": ".evaluation.comparison",
    "convert": ".converters.convert",
    "evaluate": ".evaluation.evaluate",
    "extract": ".inference.extract",
    "init_config": ".recipes.init_config",
    "read_texts": ".inference.texts",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
