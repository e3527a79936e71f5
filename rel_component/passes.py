"""The length of a training in passes over its documents, and all that is a share of it."""

import math
import random
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, Callable, Iterator, Optional

import numpy
from spacy.language import Language
from spacy.util import registry, resolve_dot_names

from .errors import ConfigError, DataError, shown

_NAME = "rel_component.passes.v1"
_RECOGNIZER = "span_recognizer"


def configure_passes(
    passes: float = 10.0,
    warmup: float = 0.05,
    annotate_after: Optional[float] = None,
    evaluations: int = 10,
    patience: float = 0.0,
    updates: int = 0,
) -> Callable[[Language], Language]:
    """A callback for ``[initialize.after_init]`` that sets the length of the training.

    It counts the batches of one pass over the training corpus and writes numbers of updates into
    ``nlp.config``: ``max_steps``, ``eval_frequency`` and ``patience`` of the block ``[training]``,
    and ``total_steps`` and ``warmup_steps`` of the learning rate where its schedule has them. The
    last update is evaluated; for that the training is shortened by less than one part in
    `evaluations`.

    A ``training.max_steps`` above 0, e.g. ``--training.max_steps 500``, is the most updates there
    are, and a ``training.max_epochs`` above 0 the most passes; the shares are then shares of that.

    Args:
        passes: passes over the documents.
        warmup: share of all updates in which the learning rate rises, in [0, 1].
        annotate_after: share of all updates after which each ``span_recognizer`` annotates the
            predicted documents, in [0, 1]. None: what the component says.
        evaluations: how often the development documents are evaluated, at least.
        patience: share of all updates without a better score on the development documents after
            which training stops, in [0, 1]; 0: never.
        updates: written by the callback: all updates, as counted at the last initialisation. A
            ``training.max_steps`` of this number is its own, and not a limit that was set.

    Raises:
        ConfigError: if an option is out of range.
        DataError: when called, if the training corpus has no documents.
    """
    if not 0 < passes < math.inf:
        raise ConfigError(f"passes must be more than 0, got {shown(passes)}")
    if evaluations < 1:
        raise ConfigError(f"evaluations must be 1 or more, got {evaluations}")
    shares = {"warmup": warmup, "annotate_after": annotate_after, "patience": patience}
    for option, share in shares.items():
        if share is not None and not 0.0 <= share <= 1.0:
            raise ConfigError(f"{option} is a share of all updates, in [0, 1], got {share}")
    return partial(
        _set_length,
        passes=passes,
        warmup=warmup,
        annotate_after=annotate_after,
        evaluations=evaluations,
        patience=patience,
        updates=updates,
    )


def _set_length(
    nlp: Language,
    *,
    passes: float,
    warmup: float,
    annotate_after: Optional[float],
    evaluations: int,
    patience: float,
    updates: int,
) -> Language:
    training = nlp.config["training"]
    config = nlp.config.interpolate()
    if _has_no_path(config):  # the user has examples of another place
        return nlp
    limit = training["max_steps"]
    if not isinstance(limit, int) or limit <= 0 or limit == updates:
        limit = math.inf
    if training["max_epochs"] > 0:
        passes = min(passes, training["max_epochs"])
    n_batches = _count_batches(nlp, config, at_most=limit / passes)
    total = max(1, round(min(passes * n_batches, limit)))
    frequency = max(1, total // evaluations)
    total -= total % frequency

    training["max_steps"] = total
    training["eval_frequency"] = frequency
    # no less than from one evaluation to the next, which might have been better
    training["patience"] = max(frequency, math.ceil(patience * total)) if patience else 0
    rate = training["optimizer"].get("learn_rate")
    if isinstance(rate, dict):
        numbers = {"total_steps": total, "warmup_steps": round(warmup * total)}
        rate.update({key: number for key, number in numbers.items() if key in rate})
    if annotate_after is not None:
        _set_annotate_after(nlp, round(annotate_after * total))
    callback = nlp.config["initialize"]["after_init"]
    if isinstance(callback, dict) and callback.get("@callbacks") == _NAME:
        callback["updates"] = total
    return nlp


def _has_no_path(config: Any) -> bool:
    """Whether the training corpus is read from a path that is not set."""
    block = config
    for name in config["training"]["train_corpus"].split("."):
        block = block.get(name, {})
    return bool(block.get("path", "") is None)


def _count_batches(nlp: Language, config: Any, *, at_most: float) -> int:
    """The batches of one pass over the training corpus, up to a number that is enough to know."""
    (corpus,) = resolve_dot_names(config, [config["training"]["train_corpus"]])
    batcher = registry.resolve({"batcher": config["training"]["batcher"]})["batcher"]
    stop = None if at_most == math.inf else math.ceil(at_most) + 1
    with _same_random_state():
        n_batches = sum(1 for _ in islice(batcher(corpus(nlp)), stop))
    if not n_batches:
        raise DataError("no documents to train on", place=config["training"]["train_corpus"])
    return n_batches


@contextmanager
def _same_random_state() -> Iterator[None]:
    """Leave no trace of a reading that shuffles or augments in what comes after it."""
    states = random.getstate(), numpy.random.get_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        numpy.random.set_state(states[1])


def _set_annotate_after(nlp: Language, n_updates: int) -> None:
    frozen = nlp.config["training"]["frozen_components"]
    for name in nlp.component_names:
        if nlp.get_pipe_meta(name).factory == _RECOGNIZER and name not in frozen:
            component: Any = nlp.get_pipe(name)
            component.annotate_after = n_updates
            nlp.get_pipe_config(name)["annotate_after"] = n_updates
