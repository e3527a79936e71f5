"""The libraries of the extra ``audit``, which are imported when they are used."""

from importlib import import_module
from typing import Any

from ..errors import ConfigError


def import_extra(name: str) -> Any:
    """Import a module of the extra ``audit``.

    Raises:
        ConfigError: if it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as err:
        package = {"sklearn": "scikit-learn"}.get(name.split(".")[0], name)
        raise ConfigError(
            f"The audit needs the package {package}. Run: pip install 'rel-component[audit]'"
        ) from err
