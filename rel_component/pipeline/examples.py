"""What a component looks at before it trains: its examples, and whether its model fits."""

import warnings
from typing import Any, Dict, Iterable, List, Optional, Sequence, Set

from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Model

from ..candidates import PairModelT
from ..errors import ConfigError
from ..mentions import mention_spans
from ..schema import RelationSchema
from ..targets import Targets


def sample_examples(
    examples: Iterable[Example], spans_key: Optional[str], n_examples: int = 10
) -> List[Example]:
    """A few examples with tokens, and among them every entity type that occurs.

    Args:
        examples: all examples.
        spans_key: span group of the mentions; None: the entities.
        n_examples: the least number, if there are so many.
    """
    sample: List[Example] = []
    seen: Set[int] = set()
    for eg in examples:
        types = {
            span.label
            for doc in (eg.predicted, eg.reference)
            for span in mention_spans(doc, spans_key)
        }
        if len(eg.predicted) and (len(sample) < n_examples or not types <= seen):
            sample.append(eg)
            seen |= types
    return sample


def warn_of_violations(
    examples: Sequence[Example], schema: RelationSchema, name: str, attr: str
) -> None:
    """Warn about annotated relations that the schema forbids.

    Args:
        name: of the component.
        attr: name of the extension attribute.
    """
    violations = schema.validate((eg.reference for eg in examples), attr=attr)
    if violations:
        warnings.warn(
            f"{name}: {len(violations)} relations of the examples are against the schema "
            f"and cannot be learned; the first, in document {violations[0].doc}: "
            f"{violations[0].relation}: {violations[0].message}",
            stacklevel=3,
        )


def warn_of_uncovered(
    examples: Sequence[Example], targets: Targets, schema: RelationSchema, name: str, attr: str
) -> None:
    """Warn about annotated relations that no candidate pair stands for, unless the schema forbids them.

    Args:
        targets: of all the examples.
        name: of the component.
        attr: name of the extension attribute.
    """
    violations = schema.validate((eg.reference for eg in examples), attr=attr)
    n_forbidden = sum(violation.relation.label in schema for violation in violations)
    if targets.n_uncovered > n_forbidden:
        warnings.warn(
            f"{name}: {targets.n_uncovered} of {targets.n_gold} relations of the examples "
            "have no candidate pair and cannot be learned: their mentions are not among the "
            "entities (or the span group), cut a token, or lie further apart than the "
            "candidate generator allows.",
            stacklevel=3,
        )


def warn_of_longer(
    references: Sequence[Doc], max_width: int, name: str, spans_key: Optional[str]
) -> None:
    """Warn about annotated mentions that are too long to be found.

    mentions; None: the entities.

    Args:
        max_width: the most tokens of a mention.
        name: of the component.
        spans_key: span group of the
    """
    widths = [len(span) for doc in references for span in mention_spans(doc, spans_key)]
    n_longer = sum(width > max_width for width in widths)
    if n_longer:
        warnings.warn(
            f"{name}: {n_longer} of {len(widths)} annotated mentions have more than max_width = "
            f"{max_width} tokens and cannot be found; the longest has {max(widths)}.",
            stacklevel=3,
        )


def refuse_uninitialised(model: Model[Any, Any], name: str) -> None:
    """Check that a model can predict.

    Raises:
        ConfigError: if it has no outputs yet.
    """
    if not model.has_dim("nO"):
        raise ConfigError(
            f"{name} is not initialised: call nlp.initialize with examples, or load a trained "
            "pipeline."
        )


def refuse_listeners(model: PairModelT, name: str) -> None:
    """Check that a model can read a batch twice.

    Raises:
        ConfigError: if it listens to another component, which reads each batch once.
    """
    if any(hasattr(node, "upstream_name") for node in model.walk()):
        raise ConfigError(
            f"{name}: consistency needs a model with an encoder of its own, and this one listens to "
            "another component. Set consistency = 0.0, or use rel_component."
            "Encoder.v1 in place of the listener."
        )


def score_extractor(component: Any, examples: Iterable[Example], **options: Any) -> Dict[str, Any]:
    """Scores of predicted documents by the scorer of a component that extracts relations.

    Args:
        component: its `scorer`, `schema`, `spans_key` and `attr` count.
        options: in their place.
    """
    if component.scorer is None:
        return {}
    settings = {
        "symmetric": component.schema.symmetric_labels,
        "spans_key": component.spans_key,
        "attr": component.attr,
        **options,
    }
    return dict(component.scorer(examples, **settings))
