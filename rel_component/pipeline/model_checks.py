"""Checks that the model of a component fits its options, and can predict."""

import warnings
from typing import Any, Iterable, Sequence
from weakref import WeakKeyDictionary

import numpy
from spacy.attrs import IDX
from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.tokens import Doc
from thinc.api import Model

from ..decoding import Decoder, ThresholdDecoder
from ..errors import ConfigError, did_you_mean, listed, shown
from ..losses import class_weights_of
from ..types import LossFunction

_encoded: "WeakKeyDictionary[Doc, Any]" = WeakKeyDictionary()
"""Where the tokens of documents began when ``shared_encoder`` computed their vectors."""


def check_options(
    name: str,
    model: Model[Any, Any],
    *,
    exclusive: bool,
    adaptive_threshold: bool,
    consistency: float,
    finds_evidence: bool,
    unsure_below: float,
) -> None:
    """Check that the options of a relation extractor fit its model and each other.

    Args:
        name: name of the component.
        model: its model.
        exclusive: see :class:`.RelationExtractor`, as for the others.
        adaptive_threshold: whether a threshold is learned for each pair.
        consistency: weight of the agreement of two passes.
        finds_evidence: whether evidence is learned.
        unsure_below: the margin of pairs that are noted.

    Raises:
        ConfigError: if they do not.
    """
    if consistency < 0:
        raise ConfigError(f"{name}: consistency must be 0 or more, got {consistency}")
    if not 0.0 <= unsure_below <= 1.0:
        raise ConfigError(f"{name}: unsure_below must lie in [0, 1], got {unsure_below}")
    if adaptive_threshold and exclusive:
        raise ConfigError(
            f"{name}: adaptive_threshold is for multiple labels: set exclusive = false"
        )
    if finds_evidence and not model.attrs.get("finds_evidence"):
        raise ConfigError(
            f"{name}: the model {shown(model.name)} finds no evidence: use "
            "rel_component.EntityPair.v1, or set evidence = null"
        )
    if finds_evidence and consistency:
        raise ConfigError(f"{name}: evidence cannot be learned with consistency: set one of them")


def warn_of_unknown_labels(
    name: str, labels: Sequence[str], loss: LossFunction, decoder: Decoder
) -> None:
    """Warn of class weights and thresholds of labels that a component does not have.

    Args:
        name: name of the component.
        labels: names of its outputs.
        loss: its loss.
        decoder: its decoder.
    """
    thresholds = decoder.label_thresholds if isinstance(decoder, ThresholdDecoder) else {}
    options = {"loss.class_weights": class_weights_of(loss), "decoder.thresholds": thresholds}
    for option, numbers in options.items():
        for label in (label for label in numbers if label not in labels):
            warnings.warn(
                f"{name}: {option} has a number for {shown(label)}, which is no label of the component "
                f"and counts for nothing{did_you_mean(label, labels)}; known: {listed(labels)}",
                stacklevel=3,
            )


def refuse_uninitialised(model: Model[Any, Any], name: str) -> None:
    """Check that the model of the component `name` can predict.

    Raises:
        ConfigError: if the model has no outputs yet.
    """
    if not model.has_dim("nO"):
        raise ConfigError(
            f"{name} is not initialised: call nlp.initialize with examples, or load a trained "
            "pipeline."
        )


def resize_outputs(model: Model[Any, Any], name: str, n_outputs: int) -> None:
    """Give an initialised model outputs for further labels, unless it has as many already.

    Args:
        model: the model of a component.
        name: name of the component.
        n_outputs: how many outputs it shall have.

    Raises:
        ConfigError: if the model cannot have others than it has.
    """
    if model.get_dim("nO") == n_outputs:
        return
    if "resize_output" not in model.attrs:
        raise ConfigError(
            f"{name}: the model {shown(model.name)} has {model.get_dim('nO')} outputs and takes no "
            'further label, as it has no attrs["resize_output"]: give all labels to a new component '
            "when it is initialised"
        )
    model.attrs["resize_output"](model, n_outputs)


def remember_tokens(docs: Iterable[Doc]) -> None:
    """Remember the tokens that documents have while their vectors are computed."""
    for doc in docs:
        _encoded[doc] = doc.to_array(IDX)


def has_joined_words(doc: Doc) -> bool:
    """Whether a token has white space inside, as merged tokens have and tokenizers make hardly ever."""
    return any(len(token.text.split()) > 1 for token in doc)


def refuse_changed_tokens(
    docs: Iterable[Doc], model: Model[Any, Any], name: str, *, joined_words: bool
) -> None:
    """Check that the tokens of documents are those whose vectors the model of a component reads.

    spaCy gives a merged token the vector of its last part, and the parts of a split one zeros.

    Args:
        docs: the documents.
        model: the model; one that listens to no other component is not affected.
        name: name of the component.
        joined_words: whether tokens with white space inside are expected, if it is not known what
            the tokens were.

    Raises:
        ConfigError: if tokens were merged or split after their vectors were computed.
    """
    if not any(isinstance(node, Tok2VecListener) for node in model.walk()):
        return
    for doc in docs:
        tokens = _encoded.get(doc)
        if tokens is None:
            changed = not joined_words and doc.tensor.size and has_joined_words(doc)
        else:
            changed = not numpy.array_equal(tokens, doc.to_array(IDX))
        if changed:
            raise ConfigError(
                f"{name}: tokens of {shown(doc.text)} were merged or split after their vectors were "
                f"computed. Put the component that does so, as merge_entities, after {name}, or "
                "before the encoder."
            )
