"""Registries of the package's own plug-ins, filled from entry points."""

import catalogue
from spacy import util

converters = catalogue.create("rel_component", "converters", entry_points=True)
"""Annotation formats: objects of the type ``AnnotationFormat``; see ``converters/``."""

graph_exporters = catalogue.create("rel_component", "graph_exporters", entry_points=True)
"""Formats of graphs: objects of the type ``GraphExporter``; see ``graph/exporters/``."""

llm_backends = catalogue.create("spacy", "rel_llm_backends", entry_points=True)
"""Language models: functions that return a ``Backend``; see ``llm/``. In a config:
``{"@rel_llm_backends": "rel_component.openai.v1", ...}``."""

# configs find what is an attribute of spaCy's own registry
util.registry.rel_llm_backends = llm_backends  # type: ignore[attr-defined]  # open to others
