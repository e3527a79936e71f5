"""How the commands load pipelines, and find what extracts relations in them."""

from pathlib import Path
from typing import Any, List, Optional

from spacy import util
from spacy.language import Language

from ..annotations import DEFAULT_ATTR
from ..errors import ConfigError


def load_pipeline(source: str) -> Language:
    """A pipeline to use.

    Args:
        source: name or path of a pipeline, or path of a config of one that needs no training, such
            as a language model with a prompt.
    """
    if not source.endswith(".cfg"):
        return util.load_model(source)
    config = util.load_config(source)
    nlp = util.load_model_from_config(config, auto_fill=True)
    sourced = util.get_sourced_components(config)
    with nlp.select_pipes(disable=[*sourced]):
        nlp.initialize()
    return nlp


def find_extractor(nlp: Language) -> Optional[Any]:
    """The first component that extracts relations, if there is one."""
    for _, component in nlp.pipeline:
        if isinstance(getattr(component, "attr", None), str) and hasattr(component, "schema"):
            return component
    return None


def entity_finders(nlp: Language, spans_key: Optional[str]) -> List[str]:
    """Components that find what the relation extractor takes for mentions.

    Args:
        spans_key: span group of the mentions; None: the entities.
    """
    places = {"doc.ents"} if spans_key is None else {"doc.ents", "doc.spans"}
    extractor = find_extractor(nlp)
    return [
        name
        for name, component in nlp.pipeline
        if component is not extractor and places & set(nlp.get_pipe_meta(name).assigns)
    ]


def require_prompted(nlp: Language, source: str) -> Any:
    """The component that prompts a language model.

    Raises:
        ConfigError: if there is none.
    """
    for _, component in nlp.pipeline:
        if hasattr(component, "questions"):
            return component
    raise ConfigError(
        f"{source} has no component that prompts a language model; add llm_relation_extractor"
    )


def relation_attr(nlp: Language) -> str:
    """Name of the extension attribute that a pipeline writes relations to."""
    return getattr(find_extractor(nlp), "attr", DEFAULT_ATTR)


def source_name(source: str) -> str:
    """A short name of a pipeline for tables: that of its folder, or of its config."""
    path = Path(source)
    if path.name in ("model-best", "model-last"):
        path = path.parent
    return path.stem if path.suffix == ".cfg" else path.name
