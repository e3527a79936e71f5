"""Relation extraction for spaCy: ``nlp.add_pipe("relation_extractor")``, relations on ``doc._.rel``.

The functions behind the commands are imported when they are used: :func:`add_labels`,
:func:`annotate`, :func:`apply_adapter`, :func:`audit_files`, :func:`calibrate`, :func:`compare`,
:func:`convert`, :func:`create_app`, :func:`discover`, :func:`evaluate`, :func:`extract`,
:func:`fit_examples`, :func:`init_config`, :func:`migrate`, :func:`quantize`, :func:`read_texts`,
:func:`render` and :func:`save_adapter`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .annotations import RelationView, get_relations, set_relations
from .errors import RelComponentError
from .event_types import EventSchema, EventType
from .events import Event, get_events, set_events
from .schema import RelationSchema, RelationType
from .types import Relation

if TYPE_CHECKING:
    from .app.render import render
    from .app.service.application import create_app
    from .audit.files import audit_files
    from .converters.convert import convert
    from .evaluation.calibrate import calibrate
    from .evaluation.comparison import compare
    from .evaluation.evaluate import evaluate
    from .evolution.add_labels import add_labels
    from .evolution.fit_examples import fit_examples
    from .evolution.migrate import migrate
    from .inference.adapter import apply_adapter, save_adapter
    from .inference.annotate import annotate
    from .inference.discover import discover
    from .inference.extract import extract
    from .inference.extract_files import extract_files
    from .inference.quantize import quantize
    from .inference.texts import read_texts
    from .recipes.init_config import init_config

__version__ = "0.2.0"

__all__ = [
    "Event",
    "EventSchema",
    "EventType",
    "RelComponentError",
    "Relation",
    "RelationSchema",
    "RelationType",
    "RelationView",
    "__version__",
    "add_labels",
    "annotate",
    "apply_adapter",
    "audit_files",
    "calibrate",
    "compare",
    "convert",
    "create_app",
    "discover",
    "evaluate",
    "extract",
    "extract_files",
    "fit_examples",
    "get_events",
    "get_relations",
    "init_config",
    "migrate",
    "quantize",
    "read_texts",
    "render",
    "save_adapter",
    "set_events",
    "set_relations",
]

_MODULES = {
    "add_labels": ".evolution.add_labels",
    "annotate": ".inference.annotate",
    "apply_adapter": ".inference.adapter",
    "audit_files": ".audit.files",
    "calibrate": ".evaluation.calibrate",
    "compare": ".evaluation.comparison",
    "convert": ".converters.convert",
    "create_app": ".app.service.application",
    "discover": ".inference.discover",
    "evaluate": ".evaluation.evaluate",
    "extract": ".inference.extract",
    "extract_files": ".inference.extract_files",
    "fit_examples": ".evolution.fit_examples",
    "init_config": ".recipes.init_config",
    "migrate": ".evolution.migrate",
    "quantize": ".inference.quantize",
    "read_texts": ".inference.texts",
    "render": ".app.render",
    "save_adapter": ".inference.adapter",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _draw(view: RelationView) -> str:
    """The HTML of ``doc._.rel`` in notebooks, made by what is imported when it is asked for."""
    html: str = import_module(".app.render", __name__).render_view(view)
    return html


RelationView.to_html = _draw
