"""What is learned from: gold relations on the rows of the candidate pairs, and a sample of these."""

import warnings
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Dict, Iterable, List, Literal, Optional, Sequence, Set, Tuple

import numpy
from spacy.tokens import Doc, Span
from spacy.training import Example

from .annotations import DEFAULT_ATTR, get_relations
from .candidates import Candidates
from .documents import document_id, sentence_starts, several_labels
from .errors import ConfigError, shown
from .mentions import Mentions, read_mentions, read_training_mentions, trimmed
from .schema import RelationSchema
from .types import BoolArray, FloatArray, Int32Array, Relation

_CharSpan = Tuple[int, int]


@dataclass(frozen=True)
class Targets:
    """Gold labels of candidate pairs.

    Attributes:
        values: *Shape:* ``(n_pairs, n_labels)``, columns in the order of the schema; 1.0 where the
            label holds.
        n_gold: number of annotated relations with a label of the schema.
        n_uncovered: number of these relations that no candidate pair stands for.
        evidence: pair and sentence, of the predicted document, of each piece of annotated evidence;
            each once. *Shape:* ``(n,)`` each
    """

    values: FloatArray
    n_gold: int
    n_uncovered: int
    evidence: Tuple[Int32Array, Int32Array]

    @property
    def positive(self) -> BoolArray:
        """Pairs with at least one label. *Shape:* ``(n_pairs,)``."""
        return numpy.any(self.values, axis=1)

    def select(self, rows: BoolArray) -> "Targets":
        """The targets of some of the pairs.

        Args:
            rows: mask of the pairs to keep. *Shape:* ``(n_pairs,)``
        """
        pairs, sentences = self.evidence
        kept = rows[pairs]
        evidence = ((numpy.cumsum(rows, dtype="int32") - 1)[pairs[kept]], sentences[kept])
        return replace(self, values=self.values[rows], evidence=evidence)


def make_targets(
    examples: Sequence[Example],
    candidates: Candidates,
    attr: str = DEFAULT_ATTR,
    *,
    mention_evidence: bool = False,
) -> Targets:
    """Align the relations of the reference documents with candidate pairs of the predicted ones.

    Where a predicted mention has the characters and the type of an annotated one, other mentions of
    the same characters are mistakes and have no relation. Where no mention has that type, all
    mentions of the same characters have the relation. A symmetric relation counts for both
    directions of its pair.

    Args:
        examples: the batch that the candidates were made from.
        candidates: pairs of mentions of the predicted documents, with the schema.
        attr: name of the extension attribute.
        mention_evidence: whether the sentences of head and tail are the evidence of relations that
            have none annotated.
    """
    schema = candidates.schema
    columns = {label: k for k, label in enumerate(schema.labels)}
    symmetric = set(schema.symmetric_labels)
    values = numpy.zeros((candidates.n_pairs, len(columns)), dtype="float32")
    rows_of = PairRows(candidates)
    evidence: Set[Tuple[int, int]] = set()
    spans = _mentions_by_characters([eg.predicted for eg in examples], candidates)
    n_gold = n_uncovered = 0
    for eg, by_chars in zip(examples, spans):
        for rel in get_relations(eg.reference, attr):
            if rel.label not in columns:
                continue
            n_gold += 1
            heads, tails = _entities(by_chars, rel.head), _entities(by_chars, rel.tail)
            rows = [row for h in heads for t in tails for row in rows_of(h, t)]
            if rel.label in symmetric:
                rows += [row for h in heads for t in tails for row in rows_of(t, h)]
            values[rows, columns[rel.label]] = 1.0
            n_uncovered += not rows
            if rows and (rel.evidence or mention_evidence):
                evidence.update(product(rows, _sentences(eg, rel)))
    found = numpy.asarray(sorted(evidence), dtype="int32").reshape(-1, 2)
    return Targets(values, n_gold, n_uncovered, (found[:, 0], found[:, 1]))


def _sentences(eg: Example, rel: Relation) -> List[int]:
    """The sentences of the predicted document in which the evidence starts, or head and tail."""
    annotated, own = sentence_starts(eg.reference), sentence_starts(eg.predicted)
    if own is None or (rel.evidence and annotated is None):
        return []
    starts: Any = [rel.head.start_char, rel.tail.start_char]
    if rel.evidence and annotated is not None:
        starts = annotated[list(rel.evidence)]
    return (numpy.searchsorted(own, starts, side="right") - 1).clip(0).tolist()


def to_distribution(values: FloatArray) -> FloatArray:
    """Targets of exclusive labels: a column for NO_RELATION first, rows that sum to 1.

    Several labels of one pair share its probability.

    Args:
        values: *Shape:* ``(n_pairs, n_labels)``

    Returns:
        *Shape:* ``(n_pairs, 1 + n_labels)``
    """
    none = (~values.any(axis=1)).astype("float32")[:, None]
    joined = numpy.concatenate([none, values], axis=1)
    return joined / joined.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class PairSampling:
    """Chooses the pairs to learn from (``rel_component.pair_sampling.v1``).

    Args:
        mentions: ``predicted``: the mentions of the predicted documents are paired; ``both``: the
            annotated mentions as well, which are found again by their characters. Pairs that stand
            for no annotated relation are examples of NO_RELATION.
        negative_ratio: the most pairs without relation per pair with one, drawn at random for each
            batch. None: all.

    Raises:
        ConfigError: if an option is out of range.
    """

    mentions: Literal["both", "predicted"] = "both"
    negative_ratio: Optional[float] = None

    def __post_init__(self) -> None:
        if self.mentions not in ("both", "predicted"):
            raise ConfigError(
                f'sampling.mentions must be "both" or "predicted", got {shown(self.mentions)}'
            )
        if self.negative_ratio is not None and self.negative_ratio < 0:
            raise ConfigError(
                f"sampling.negative_ratio must be 0 or more, got {self.negative_ratio}"
            )

    def read_mentions(self, examples: Sequence[Example], spans_key: Optional[str]) -> Mentions:
        """The mentions to pair in training, with the tokens of the predicted documents."""
        predicted = [eg.predicted for eg in examples]
        if self.mentions == "predicted":
            return read_mentions(predicted, spans_key)
        return read_training_mentions(predicted, [eg.reference for eg in examples], spans_key)

    def choose(self, candidates: Candidates, targets: Targets) -> Tuple[Candidates, Targets]:
        """The pairs of a batch to learn from, and their targets."""
        if self.negative_ratio is None:
            return candidates, targets
        rows = sample_negatives(targets.positive, self.negative_ratio)
        return candidates.select(rows), targets.select(rows)


def sample_negatives(positive: BoolArray, ratio: float) -> BoolArray:
    """All pairs with a relation and at most `ratio` times as many without, drawn at random.

    Args:
        positive: whether a pair has a relation. *Shape:* ``(n_pairs,)``
        ratio: number of pairs without relation per pair with one; a batch without relations counts
            as having one.

    Returns:
        mask of the pairs to keep. *Shape:* ``(n_pairs,)``
    """
    negative = numpy.flatnonzero(~positive)
    n_keep = min(round(ratio * max(int(positive.sum()), 1)), len(negative))
    keep = positive.copy()
    keep[numpy.random.choice(negative, n_keep, replace=False)] = True
    return keep


def warn_of_unlearnable(
    docs: Sequence[Doc],
    schema: RelationSchema,
    name: str,
    *,
    exclusive: bool,
    complete: bool,
    attr: str = DEFAULT_ATTR,
) -> int:
    """Warn about annotated relations that the schema forbids, or that contradict each other.

    Args:
        docs: annotated documents.
        schema: the schema.
        name: name of the component.
        exclusive: whether a pair has at most one label.
        complete: whether these are all documents to learn from, and no batch of them.
        attr: name of the extension attribute.

    Returns:
        The number of relations that are warned of.

    Raises:
        ConfigError: if the schema forbids all relations that there are to learn from.
    """
    violations = schema.validate(docs, attr=attr)
    symmetric = schema.symmetric_labels
    contradictory = [
        (i, *pair)
        for i, doc in enumerate(docs if exclusive else ())
        for pair in several_labels(get_relations(doc, attr), symmetric)
    ]
    if violations:
        i, rel, n = violations[0].doc, violations[0].relation, len(violations)
        first = f"the first, in {_place(i, docs[i])}: {rel}: {violations[0].message}"
        if complete and n == sum(len(get_relations(doc, attr)) for doc in docs):
            raise ConfigError(
                f"{name}: all {n} relations of the examples are against the schema, and none is left "
                f"to learn; {first}. Correct the schema, or the annotations."
            )
        warnings.warn(
            f"{name}: {n} relations of the examples are against the schema and cannot be learned; "
            f"{first}",
            stacklevel=3,
        )
    if contradictory:
        i, rel, other = contradictory[0]
        warnings.warn(
            f"{name}: {len(contradictory)} relations of the examples have a pair that has another "
            f"label already, and labels are exclusive, so that they share its probability; the "
            f"first, in {_place(i, docs[i])}: {rel} and {other}. Settle them, or set exclusive = "
            "false.",
            stacklevel=3,
        )
    return len(violations) + len(contradictory)


def warn_of_uncovered(
    targets: Iterable[Targets],
    docs: Sequence[Doc],
    schema: RelationSchema,
    name: str,
    *,
    attr: str = DEFAULT_ATTR,
) -> None:
    """Warn about annotated relations that have no candidate pair, though the schema allows them.

    Args:
        targets: the targets of all examples, in parts, of which only one is held at a time.
        docs: all annotated documents.
        schema: the schema.
        name: name of the component.
        attr: name of the extension attribute.
    """
    n_gold = n_uncovered = 0
    for part in targets:
        n_gold += part.n_gold
        n_uncovered += part.n_uncovered
    forbidden = [v for v in schema.validate(docs, attr=attr) if v.relation.label in schema]
    if n_uncovered > len(forbidden):
        warnings.warn(
            f"{name}: {n_uncovered} of {n_gold} relations of the examples "
            "have no candidate pair and cannot be learned: their mentions are not among the "
            "entities (or the span group), cut a token, are one entity, or lie further apart than "
            "the candidate generator allows.",
            stacklevel=3,
        )


def _place(index: int, doc: Doc) -> str:
    name = document_id(doc)
    return f"document {index} ({name:.60})" if name else f"document {index}"


class PairRows:
    """Rows of a pair of entities, by binary search in the sorted codes of all pairs."""

    def __init__(self, candidates: Candidates) -> None:
        self._n = max(candidates.n_entities, 1)
        codes = candidates.pairs[:, 0].astype("int64") * self._n + candidates.pairs[:, 1]
        self._order = numpy.argsort(codes, kind="stable")
        self._codes = codes[self._order]

    def __call__(self, head: int, tail: int) -> List[int]:
        """The rows of a pair: one, or none if it is no candidate."""
        code = head * self._n + tail
        low, high = numpy.searchsorted(self._codes, [code, code + 1])
        return [int(row) for row in self._order[low:high]]


def _entities(by_chars: Dict[_CharSpan, Dict[int, List[int]]], span: Span) -> List[int]:
    """The entities that an annotated mention stands for."""
    by_type = by_chars.get((span.start_char, span.end_char)) or by_chars.get(trimmed(span), {})
    any_type = [entity for entities in by_type.values() for entity in entities]
    return by_type.get(span.label, any_type)


def _mentions_by_characters(
    docs: Sequence[Doc], candidates: Candidates
) -> List[Dict[_CharSpan, Dict[int, List[int]]]]:
    """For each document, the entities of the mentions at each character span, by entity type."""
    mentions = candidates.mentions
    result = []
    i = 0
    for doc, length in zip(docs, mentions.lengths):
        by_chars: Dict[_CharSpan, Dict[int, List[int]]] = {}
        for _ in range(length):
            start, end = (int(value) for value in mentions.spans[i])
            last = doc[end - 1]
            key = (doc[start].idx, last.idx + len(last))
            by_type = by_chars.setdefault(key, {})
            by_type.setdefault(int(mentions.types[i]), []).append(int(candidates.entities[i]))
            i += 1
        result.append(by_chars)
    return result
