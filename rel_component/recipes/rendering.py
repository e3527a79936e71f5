"""Configs of recipes: one template for all that start anew, one for a pipeline that goes on learning."""

import json
import textwrap
from functools import cache
from typing import Any, Dict, Iterator, List, Optional, Tuple

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from spacy.util import load_config_from_str, load_model_from_config

from .settings import ADAPT, Reasons, Settings, default_settings

_WIDTH = 98


def render(settings: Settings, reasons: Optional[Reasons] = None) -> str:
    """The config of a recipe, with comments.

    Args:
        settings: its settings.
        reasons: why settings have their values, by name, as comments; None: what a recipe says of
            itself.
    """
    template = "adapt.cfg.jinja" if settings.recipe == ADAPT else "recipe.cfg.jinja"
    return _template(template).render(
        s=settings, o=settings.options, why=reasons or {}, fitted=bool(reasons)
    )


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader(__name__.rpartition(".")[0]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # no HTML; values pass the filter json
    )
    environment.filters["json"] = to_json
    environment.filters["comment"] = _comment
    return environment.get_template(name)


def render_recipe(recipe: str) -> str:
    """The config of a recipe with its defaults, as it stands in ``configs/``.

    Raises:
        ConfigError: if there is no such recipe.
    """
    return render(default_settings(recipe))


def fill(config: str) -> str:
    """Add all settings that a config does not name, with their defaults.

    What spaCy's ``init fill-config`` does, but comments stay, and so does the order.

    Args:
        config: the text of a config.

    Raises:
        ConfigValidationError: if it is not valid.
    """
    nlp = load_model_from_config(load_config_from_str(config), auto_fill=True, validate=False)
    missing = _sections(nlp.config.to_str())
    sections: List[Tuple[str, List[str]]] = []  # name and lines of each block, the head first
    for name, lines in _blocks(config):
        written = {_key(line) for line in lines}
        added = [line for line in missing.pop(name, []) if _key(line) not in written]
        sections.append((name, [*lines, *added]))
    for name, lines in missing.items():
        places = [i for i, (other, _) in enumerate(sections) if _shares(name, other)]
        sections.insert(places[-1] + 1 if places else len(sections), (name, [f"[{name}]", *lines]))
    return "\n\n".join("\n".join(lines) for _, lines in sections) + "\n"


def to_json(value: Any) -> str:
    """A value as configs have it: on one line, and without what would refer to another setting."""
    return json.dumps(value, ensure_ascii=False).replace("$", "\\u0024")


def _comment(text: str) -> str:
    lines = (textwrap.wrap(line, _WIDTH, break_on_hyphens=False) for line in text.splitlines())
    return "\n".join(f"# {line}" for wrapped in lines for line in wrapped)


def _blocks(config: str) -> Iterator[Tuple[str, List[str]]]:
    """The blocks of a config, each with the comments before it; the first may have comments only."""
    block: List[str] = []
    name = ""
    for paragraph in config.strip().split("\n\n"):
        lines = paragraph.strip("\n").split("\n")
        heads = [line[1:-1] for line in lines if line.startswith("[")]
        if heads and block:
            yield name, block
            block = []
        if heads:
            (name,) = heads
        block = [*block, *([""] if block else []), *lines]
    yield name, block


def _sections(config: str) -> Dict[str, List[str]]:
    """The lines of settings in each block of a config as spaCy writes it."""
    sections: Dict[str, List[str]] = {}
    lines: List[str] = []
    for line in config.split("\n"):
        if line.startswith("["):
            lines = sections.setdefault(line[1:-1], [])
        elif line.strip():
            lines.append(line)
    return sections


def _key(line: str) -> str:
    return "" if line.startswith(("#", "[")) else line.partition(" = ")[0]


def _shares(name: str, other: str) -> bool:
    """Whether a block belongs after another one: both are parts of one, or one is part of the other."""
    parent = name.rpartition(".")[0]
    return bool(parent) and (other == parent or other.startswith(f"{parent}."))
