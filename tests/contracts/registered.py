"""Find what is registered, by this package and by others."""

from importlib.metadata import entry_points
from typing import Any, Callable, List, get_type_hints

import pytest


def registered(group: str, returned: Any) -> List[str]:
    """Names of the entry points whose function is annotated to return a type.

    The annotation is what tells a pair model from other architectures, and candidate pairs from
    other functions in ``spacy_misc``.

    Args:
        group: an entry-point group.
        returned: a type or an alias, compared with the return annotation.
    """
    entries = entry_points(group=group)
    return sorted({entry.name for entry in entries if _returns(entry.load(), returned)})


def each_registered(group: str, returned: Any) -> pytest.MarkDecorator:
    """Run a test for each of these entry points, whose name is its argument `name`."""
    names = registered(group, returned)
    assert names, f"no entry point of {group} returns {returned}: its contract would test nothing"
    return pytest.mark.parametrize("name", names)


def _returns(function: Callable[..., Any], returned: Any) -> bool:
    hints = get_type_hints(function) if hasattr(function, "__annotations__") else {}
    return hints.get("return") == returned
