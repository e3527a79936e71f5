"""How Sphinx makes the site: ``sphinx-build -W -n docs site``."""

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import typer
from confection import Config
from spacy.language import Language
from sphinx.application import Sphinx
from typer.cli import get_docs_for_click

import rel_component
from rel_component.cli import rel_cli

project = "rel_component"
author = "The rel_component authors"
copyright = author  # Sphinx asks for this name
release = version = rel_component.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"rel_component {release}"
html_show_sphinx = False
html_copy_source = False

myst_heading_anchors = 4  # levels of headings that can be linked to
myst_enable_extensions = ["attrs_inline"]

napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # signatures of a dozen typed arguments would fill pages
add_module_names = False
# types of other packages, and names that are no public pages
toc_object_entries = False
nitpick_ignore_regex = [("py:.*", ".*")]

_GROUPS = {
    "spacy_factories": "Components",
    "spacy_architectures": "Models",
    "spacy_misc": "Parts of components",
    "spacy_readers": "Corpora",
    "spacy_augmenters": "Augmentation",
    "spacy_callbacks": "Callbacks of a training",
    "spacy_scorers": "Scorers",
    "thinc_losses": "Losses",
    "thinc_optimizers": "Optimizers",
    "spacy_rel_llm_backends": "Backends of language models",
}
"""Groups of entry points that configs name, with their headings."""


def _registered() -> Iterator[Tuple[str, List[EntryPoint]]]:
    for group, heading in _GROUPS.items():
        points = entry_points(group=group)
        own = {point.name: point for point in points if point.value.startswith("rel_component.")}
        yield heading, [own[name] for name in sorted(own)]


def _configuration() -> str:
    """The page of all that a config can name, from what is registered."""
    parts = [
        "# Configuration reference\n\nWhat a config can name, with the arguments that its block takes: "
        "`@architectures`, `@misc`, `@losses` and so on, or `factory` for a component.\n"
    ]
    for heading, points in _registered():
        parts.append(f"## {heading}\n")
        for point in points:
            path = point.value.replace(":", ".")
            kind = "autoclass" if isinstance(point.load(), type) else "autofunction"
            parts.append(f"### {point.name}\n\n```{{eval-rst}}\n.. {kind}:: {path}\n```\n")
            if Language.has_factory(point.name):
                block = {
                    "factory": point.name,
                    **Language.get_factory_meta(point.name).default_config,
                }
                config = Config({"components": {point.name: block}}).to_str(interpolate=False)
                parts.append(f"Its defaults:\n\n```ini\n{config.strip()}\n```\n")
    return "\n".join(parts)


def _commands() -> str:
    """The page of all commands, from their help."""
    group = typer.main.get_command(rel_cli)
    context = typer.Context(group, info_name="rel")
    name = "python -m spacy rel"
    return get_docs_for_click(obj=group, ctx=context, name=name, title="Commands")


def _write_pages(app: Sphinx) -> None:
    for name, page in (("configuration", _configuration()), ("commands", _commands())):
        file = Path(app.srcdir, f"{name}.md")
        if not file.exists() or file.read_text(encoding="utf8") != page:
            file.write_text(page, encoding="utf8")


def _mend_shapes(_: Sphinx, *args: Any) -> None:
    """Take the colon from ``*Shape:*``, before which Napoleon would see a type."""
    lines: List[str] = args[-1]
    lines[:] = [line.replace("*Shape:*", "*Shape*") for line in lines]


def setup(app: Sphinx) -> Dict[str, Any]:
    """Connect the pages that are written to the builder."""
    app.connect("builder-inited", _write_pages)
    app.connect("autodoc-process-docstring", _mend_shapes, priority=1)
    return {"parallel_read_safe": True}
