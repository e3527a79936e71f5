"""Packages of the extras, which are imported where they are used."""

from importlib import import_module, metadata
from typing import Any

from .errors import ConfigError


def import_package(module: str, extra: str) -> Any:
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
        name = module.split(".")[0].replace("_", "-")
        package = {"sklearn": "scikit-learn", "cassis": "dkpro-cassis"}.get(name, name)
        # the requirements themselves: pip may not know where this package is
        found = metadata.requires("rel-component") or ()
        needed = [line.split(";")[0] for line in found if line.endswith(f'extra == "{extra}"')]
        raise ConfigError(
            f"The package {package} is not installed. Run: pip install "
            + " ".join(f"'{requirement.strip()}'" for requirement in needed or [package])
        ) from None
