"""Checks that the options of ``llm_relation_extractor`` fit each other and the documents."""

from typing import Any

from spacy.tokens import Doc

from ..errors import ConfigError
from ..margins import UnsurePairs, unsure_pairs
from ..types import POLARITIES


def check_prompt_options(component: Any) -> None:
    """Check the options of a component that prompts a language model.

    Args:
        component: the :class:`.LLMRelationExtractor`.

    Raises:
        ConfigError: if one is out of range, or two do not fit.
    """
    name = component.name
    for option, most in (("min_agreement", 1.0), ("min_similarity", 100.0), ("threshold", 1.0)):
        value = getattr(component, option)
        if not 0.0 <= value <= most:
            raise ConfigError(f"{name}: {option} must lie in [0, {most:g}], got {value}")
    if not component.keep:
        raise ConfigError(
            f"{name}: keep is empty: no relation would come out; accepted: {', '.join(POLARITIES)}"
        )
    if component.ask == "unsure" and component.mentions != "given":
        raise ConfigError(
            f'{name}: ask = "unsure" is about pairs of given mentions: set mentions = "given"'
        )
    if component.n_samples < 1:
        raise ConfigError(f"{name}: n_samples must be 1 or more, got {component.n_samples}")
    parameters = component.client.backend.settings.get("parameters", {})
    if component.n_samples > 1 and parameters.get("temperature") == 0:
        raise ConfigError(
            f"{name}: n_samples = {component.n_samples} needs a backend with a temperature above "
            "0: at 0 all samples are the same"
        )


def require_unsure_pairs(doc: Doc, name: str, attr: str) -> UnsurePairs:
    """The pairs of a document that the relation extractor before a component is unsure of.

    Args:
        doc: the document.
        name: name of the component.
        attr: name of the extension attribute that both write.

    Raises:
        ConfigError: if none has noted any.
    """
    noted = unsure_pairs(doc, attr)
    if noted is None:
        raise ConfigError(
            f'{name}: ask = "unsure", and no relation_extractor has noted what it is unsure of: put '
            f"one before {name}, with unsure_below above 0 and attr = {attr!r}"
        )
    return noted
