"""Options of drawings, named as displaCy names its own."""

import re
import zlib
from typing import Any, Dict, Iterable, List, Literal, Mapping, Optional

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from spacy.displacy.render import DEFAULT_LABEL_COLORS
from spacy.util import registry

from ..annotations import DEFAULT_ATTR
from ..errors import ConfigError, did_you_mean, shown

Style = Dict[str, str]
"""Custom properties of CSS: ``--rel-c`` a color, or ``--rel-h`` the hue of one for light and dark."""

_N_HUES = 15
_CSS = re.compile(r"(?!.*(?:url|expression|image)\s*\()[-#\w\s.,%()/+*\"']{1,200}", re.IGNORECASE)
_CSS_VALUE = (
    "a value of CSS without url(), such as #7aecec, or linear-gradient(90deg, #aa9cfc, #fc9ce7)"
)


class RenderOptions(BaseModel):
    """What is drawn of a document, and how.

    Attributes:
        labels: only relations of these types; None: all.
        ents: only mentions of these entity types, and relations between them; None: all.
        colors: colors of entity types and of relation types, beside those of displaCy.
        min_score: only relations with at least this score, or without one.
        template: HTML of a mention in place of our own, with ``{text}``, ``{label}``, ``{bg}``,
            ``{kb_id}``; all that is put there is escaped.
        bg: background; None: that of light or dark.
        color: color of the text; None: that of light or dark.
        font: font family.
        theme: ``light`` or ``dark``; ``auto``: as the reader has chosen.
        clusters: whether mentions show the number of their coreference cluster.
        kb_url_template: address of an entry of the knowledge base, with ``{}`` for its id.
        spans_key: span group of the mentions; None: the entities.
        attr: name of the extension attribute of the relations.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    labels: Optional[List[str]] = None
    ents: Optional[List[str]] = None
    colors: Dict[str, str] = Field(default_factory=dict)
    min_score: Optional[float] = Field(default=None, ge=0, le=1)
    template: Optional[str] = None
    bg: Optional[str] = None
    color: Optional[str] = None
    font: Optional[str] = None
    theme: Literal["auto", "light", "dark"] = "auto"
    clusters: bool = True
    kb_url_template: Optional[str] = None
    spans_key: Optional[str] = None
    attr: str = DEFAULT_ATTR

    @field_validator("labels", "ents", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        return list(value) if isinstance(value, (tuple, set, frozenset)) else value

    @field_validator("bg", "color", "font")
    @classmethod
    def _is_css(cls, value: Optional[str]) -> Optional[str]:
        if value is not None and not _CSS.fullmatch(value):
            raise ValueError(f"expected {_CSS_VALUE}")
        return value

    @field_validator("colors")
    @classmethod
    def _are_css(cls, value: Dict[str, str]) -> Dict[str, str]:
        for label, color in value.items():
            if not _CSS.fullmatch(color):
                raise ValueError(f"{shown(label)}: expected {_CSS_VALUE}")
        return value

    @field_validator("template")
    @classmethod
    def _can_be_filled(cls, value: Optional[str]) -> Optional[str]:
        if value is not None:
            try:
                filled = value.format(text="", label="", bg="", kb_id="")
            except (AttributeError, LookupError, ValueError):
                filled = None
            if filled is None or "{text}" not in value:
                raise ValueError(
                    "expected HTML with {text}, and no others than {label}, {bg}, {kb_id}"
                )
        return value

    @field_validator("kb_url_template")
    @classmethod
    def _is_address(cls, value: Optional[str]) -> Optional[str]:
        if value is not None and not (value.startswith(("https://", "http://")) and "{}" in value):
            raise ValueError("expected an address such as https://www.wikidata.org/wiki/{}")
        return value

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> "RenderOptions":
        """Check options.

        Args:
            options: the options by name.

        Raises:
            ConfigError: if there is no such option, or its value is not valid.
        """
        try:
            return cls.model_validate(dict(options))
        except ValidationError as err:
            problem = err.errors()[0]
            name = ".".join(map(str, problem["loc"]))
            if problem["type"] == "extra_forbidden":
                hint = did_you_mean(name, cls.model_fields)
                known = ", ".join(cls.model_fields)
                raise ConfigError(
                    f"render: no option {name:.60}{hint}; there are {known}"
                ) from None
            raise ConfigError(
                f"render: option {name:.60}: {problem['msg']}, got {shown(problem['input'])}"
            ) from None

    def entity_styles(self, labels: Iterable[str]) -> Dict[str, Style]:
        """The colors of entity types: those of displaCy, of its plug-ins, and of the options."""
        known = dict(DEFAULT_LABEL_COLORS)
        for plugin in registry.displacy_colors.get_all().values():
            found = plugin() if callable(plugin) else plugin
            known.update({k: v for k, v in found.items() if _CSS.fullmatch(str(v))})
        return _styles(labels, {**known, **self.colors})

    def relation_styles(self, labels: Iterable[str]) -> Dict[str, Style]:
        """The colors of relation types."""
        return _styles(labels, self.colors)


def _styles(labels: Iterable[str], colors: Mapping[str, str]) -> Dict[str, Style]:
    """The style of each label; those without a color have a hue, mostly the same in all documents."""
    in_capitals = {label.upper(): color for label, color in colors.items()}
    styles: Dict[str, Style] = {}
    taken: List[int] = []
    for label in sorted(set(labels)):
        color = colors.get(label) or in_capitals.get(label.upper())
        if color is not None:
            styles[label] = {"--rel-c": color}
            continue
        step = zlib.crc32(label.encode("utf8")) % _N_HUES
        while step in taken:
            step = (step + 1) % _N_HUES
        taken = [] if len(taken) == _N_HUES - 1 else [*taken, step]
        styles[label] = {"--rel-h": str(step * 360 // _N_HUES)}
    return styles
