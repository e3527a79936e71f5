"""Pipelines as a whole: loading them, and finding their components for relations and mentions."""

from pathlib import Path
from typing import Any, List, Optional, Protocol, Union, runtime_checkable

from spacy import util
from spacy.language import Language

from .annotations import DEFAULT_ATTR
from .errors import ConfigError
from .schema import RelationSchema


@runtime_checkable
class RelationComponent(Protocol):
    """A component that extracts relations.

    Attributes:
        attr: name of the extension attribute that it writes relations to.
        schema: the relation types that it looks for.
        spans_key: span group that it takes mentions from; None: the entities.
    """

    attr: str
    schema: RelationSchema
    spans_key: Optional[str]


PipelineSource = Union[Language, str, Path]
"""A pipeline, its name or path, or the path of a config of one that needs no training."""


def load_pipeline(source: PipelineSource) -> Language:
    """Load a pipeline.

    Args:
        source: name or path of a pipeline, or path of a config of one that needs no training, such
            as a language model with a prompt; or a pipeline, which is returned as it is.

    Raises:
        ConfigError: if there is no such pipeline.
    """
    if isinstance(source, Language):
        return source
    try:
        if not str(source).endswith(".cfg"):
            return util.load_model(source)
        config = util.load_config(source)
    except OSError as err:
        raise ConfigError(f"{source} cannot be loaded: {err}") from err
    nlp = util.load_model_from_config(config, auto_fill=True)
    sourced = util.get_sourced_components(config)
    with nlp.select_pipes(disable=[*sourced]):
        nlp.initialize()
    return nlp


def blank_pipeline(lang: str) -> Language:
    """Make a pipeline of nothing but a tokenizer.

    Args:
        lang: code of the language, such as ``en``; ``xx`` for several languages.

    Raises:
        ConfigError: if spaCy does not know the language.
    """
    try:
        return util.get_lang_class(lang)()
    except ImportError as err:
        raise ConfigError(f"language {lang!r}: {err}") from err


def find_extractor(nlp: Language) -> Optional[RelationComponent]:
    """The first component that extracts relations, if there is one."""
    for _, component in nlp.pipeline:
        if isinstance(component, RelationComponent):
            return component
    return None


def entity_finders(nlp: Language, spans_key: Optional[str]) -> List[str]:
    """Names of the components that find the mentions; the relation extractor is never one of them.

    Mentions are the entities if there is no `spans_key`, else entities or the spans of a group.
    """
    places = {"doc.ents"} if spans_key is None else {"doc.ents", "doc.spans"}
    extractor: Any = find_extractor(nlp)
    return [
        name
        for name, component in nlp.pipeline
        if component is not extractor and places & set(nlp.get_pipe_meta(name).assigns)
    ]


def relation_attr(nlp: Language) -> str:
    """Name of the extension attribute that a pipeline writes relations to."""
    extractor = find_extractor(nlp)
    return DEFAULT_ATTR if extractor is None else extractor.attr


def require_prompted(nlp: Language) -> Any:
    """The component that prompts a language model.

    Raises:
        ConfigError: if there is none.
    """
    for _, component in nlp.pipeline:
        if hasattr(component, "questions"):
            return component
    raise ConfigError(
        f"no component of {source_name(nlp)} prompts a language model, only {nlp.pipe_names}; add "
        "llm_relation_extractor"
    )


def source_name(source: PipelineSource) -> str:
    """A short name of a pipeline for tables: the name of its folder, or of its config.

    Args:
        source: see :func:`load_pipeline`; a loaded pipeline has the name of its meta data.
    """
    if isinstance(source, Language):
        return str(source.meta["name"])
    path = Path(source)
    if path.name in ("model-best", "model-last"):
        path = path.parent
    return path.stem if path.suffix == ".cfg" else path.name
