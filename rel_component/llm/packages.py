"""Packages of the extras, which are imported where they are used."""

from importlib import import_module
from typing import Any

from ..errors import ConfigError


def import_package(module: str, extra: str = "llm") -> Any:
    """Import an optional package.

    Args:
        module: name of the package in Python.
        extra: the extra of this package that installs it.

    Raises:
        ConfigError: if it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        package = module.replace("_", "-")
        raise ConfigError(
            f"The package {package} is not installed. Run: pip install 'rel-component[{extra}]'"
        ) from None
