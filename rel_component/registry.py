"""Registries of the package's own plug-ins, filled from entry points."""

from typing import Any, Dict, Type, TypeVar

import catalogue
from spacy import util

from .errors import ConfigError, did_you_mean, shown

T = TypeVar("T")

converters = catalogue.create("rel_component", "converters", entry_points=True)
"""Annotation formats: objects of the type ``AnnotationFormat``; see ``converters/``."""

executors = catalogue.create("rel_component", "executors", entry_points=True)
"""Ways to run an extraction: objects of the type ``Executor``; see ``inference/executors/``."""

graph_exporters = catalogue.create("rel_component", "graph_exporters", entry_points=True)
"""Formats of graphs: objects of the type ``GraphExporter``; see ``graph/exporters/``."""

llm_backends = catalogue.create("spacy", "rel_llm_backends", entry_points=True)
"""Language models: functions that return a ``Backend``; see ``llm/``. In a config:
``{"@rel_llm_backends": "rel_component.openai.v1", ...}``."""

# configs find what is an attribute of spaCy's own registry
util.registry.rel_llm_backends = llm_backends  # type: ignore[attr-defined]  # open to others


def registered(registry: Any, kind: Type[T]) -> Dict[str, T]:
    """Find all objects of a registry, in alphabetical order of their names.

    Args:
        registry: one of the registries of this module.
        kind: the type that they have to be of.

    Raises:
        ConfigError: if something else is registered.
    """
    found = registry.get_all()
    for name, value in found.items():
        if not isinstance(value, kind):
            article = "an" if kind.__name__[0] in "AEIOU" else "a"
            raise ConfigError(
                f"The entry point {name} of {'_'.join(registry.namespace)} is {shown(value)}; "
                f"expected {article} {kind.__name__}"
            )
    return {name: found[name] for name in sorted(found)}


def named(found: Dict[str, T], name: str, kind: str = "format") -> T:
    """Find an object by its name among those that are registered.

    Args:
        found: what is registered, by name.
        name: the name.
        kind: what they are, for the message.

    Raises:
        ConfigError: if there is none of this name.
    """
    if name not in found:
        near = did_you_mean(name, found)
        raise ConfigError(f"Unknown {kind} {shown(name)}{near}; available: {', '.join(found)}")
    return found[name]
