"""Templates of HTML pages: whatever is put into them is escaped, and a missing value is an error."""

from importlib import resources
from typing import Any, Callable, Mapping, Optional

from jinja2 import Environment, FunctionLoader, StrictUndefined


def html_environment(
    package: str, filters: Optional[Mapping[str, Callable[..., Any]]] = None
) -> Environment:
    """The templates of a package.

    Args:
        package: name of the package, whose folder ``templates`` has the files.
        filters: filters that the templates use.
    """
    folder = resources.files(package) / "templates"
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf8")),
    )
    environment.filters.update(filters or {})
    return environment
