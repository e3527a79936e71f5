"""Ask a pair model about one relation of a document, and of changed copies of it."""

from functools import cached_property
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy
import numpy.typing as npt
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span

from ..candidates import Candidates, with_learned_distance
from ..errors import ConfigError, listed
from ..mentions import read_mentions
from ..pipelines import find_extractor, source_name
from ..probabilities import Temperature
from ..targets import PairRows
from ..types import Relation

Floats = npt.NDArray[numpy.float64]

_MASK = "[MASK]"
_BATCH = 64  # documents
_LONGEST_KEPT = 400  # tokens of a document whose copies are kept


class Variant(NamedTuple):
    """A copy of a document with other words.

    Attributes:
        doc: the copy, with all mentions and clusters.
        starts: where each token of the document begins in the copy. *Shape:* ``(n_tokens,)``
        ends: where it ends.
    """

    doc: Doc
    starts: npt.NDArray[Any]
    ends: npt.NDArray[Any]

    def place(self, span: Span) -> Tuple[int, int]:
        """Start and exclusive end of a span of the document in the copy."""
        start, end = int(self.starts[span.start]), int(self.ends[span.end - 1])
        return start, max(end, start + 1)


def vary(doc: Doc, words: Optional[Mapping[int, Sequence[str]]] = None) -> Variant:
    """A copy of a document with other words, and none of its vectors.

    Args:
        doc: the document.
        words: the new words of some tokens, none to leave a token out; at least one for each token of
            a mention.
    """
    words = words or {}
    parts = [list(words.get(i, (token.text,))) for i, token in enumerate(doc)]
    lengths = numpy.asarray([len(part) for part in parts], dtype="int32")
    ends = numpy.cumsum(lengths)
    first = [token for token, part in zip(doc, parts) for _ in part]
    flat = [word for part in parts for word in part]
    starts_of = numpy.cumsum(lengths) - lengths
    is_start = numpy.zeros(len(flat), dtype="bool")
    has_sentences = doc.has_annotation("SENT_START")
    for token in doc if has_sentences else ():
        if token.is_sent_start and starts_of[token.i] < len(flat):
            is_start[starts_of[token.i]] = True
    spaces = [
        bool(token.whitespace_) if j + 1 == len(part) else True
        for token, part in zip(doc, parts)
        for j in range(len(part))
    ]
    copy = Doc(
        doc.vocab,
        words=flat,
        spaces=spaces,
        pos=[token.pos_ for token in first],
        sent_starts=is_start.tolist() if has_sentences else None,
    )
    variant = Variant(copy, starts_of, ends)

    def moved(span: Span) -> Span:
        return Span(copy, *variant.place(span), label=span.label, kb_id=span.kb_id)

    copy.set_ents([moved(ent) for ent in doc.ents])
    for key, group in doc.spans.items():
        copy.spans[key] = [moved(span) for span in group]
    return variant


class Probe:
    """Scores one relation in copies of its document.

    Args:
        nlp: the pipeline.
        doc: a document with its mentions.
        relation: a relation of it; its head, label and tail count.
        other: a probe of another relation of the document, whose copies are used again.

    Raises:
        ConfigError: if the pipeline has no trained relation extractor, if it does not know the label, or
            if head and tail are no candidate pair.
    """

    def __init__(
        self, nlp: Language, doc: Doc, relation: Relation, other: Optional["Probe"] = None
    ) -> None:
        extractor: Any = find_extractor(nlp)
        if not isinstance(extractor, TrainablePipe):
            raise ConfigError(
                f"{source_name(nlp)} cannot be explained: it has no trained relation_extractor, only "
                f"{nlp.pipe_names}; a language model gives no probabilities of other texts"
            )
        if relation.label not in extractor.labels:
            raise ConfigError(
                f"the pipeline does not know the label {relation.label!r:.60}; it knows "
                f"{listed(extractor.labels)}"
            )
        self.nlp, self.doc, self.relation = nlp, doc, relation
        self.extractor = extractor
        self.column = extractor.output_labels.index(relation.label)
        self.encoders = _components_before(nlp, extractor)
        self._masked: Dict[Tuple[int, ...], Variant] = {} if other is None else other._masked
        self.base = self.masked([])
        if not self.base.doc.tensor.size:
            self.encode([self.base.doc])
        if self.pair(self.base, reverse=False) is None:
            raise ConfigError(
                f"{relation.head.text!r:.60} and {relation.tail.text!r:.60} are no candidate pair of "
                "this pipeline: they are no mentions of the document, lie too far apart, or the schema "
                "allows no relation between their types"
            )
        (self.log_odds,) = self.score([self.base])

    @cached_property
    def mask(self) -> str:
        """The word that stands for any: the mask of the encoder, if it has one."""
        models = [self.extractor.model, *(component.model for component in self.encoders)]
        for shim in (shim for model in models for node in model.walk() for shim in node.shims):
            tokenizer = getattr(getattr(shim, "_model", None), "tokenizer", None)
            word = getattr(tokenizer, "mask_token", None)
            if word:
                return str(word)
        return _MASK

    def masked(self, tokens: Iterable[int]) -> Variant:
        """A copy with the mask in place of some tokens."""
        places = tuple(sorted(map(int, tokens)))
        if places in self._masked:
            return self._masked[places]
        variant = vary(self.doc, dict.fromkeys(places, (self.mask,)))
        if len(places) <= 1 and len(self.doc) <= _LONGEST_KEPT:
            self._masked[places] = variant
        return variant

    def encode(self, docs: List[Doc]) -> None:
        """Let the components that compute vectors run."""
        for component in self.encoders:
            component.set_annotations(docs, component.predict(docs))

    def score(self, variants: Sequence[Variant], *, reverse: bool = False) -> List[float]:
        """The log-odds of the label in copies of the document.

        Args:
            variants: the copies.
            reverse: whether the pair from tail to head is asked about.

        Returns:
            a number for each copy; nan if the pair is no candidate there.
        """
        found: List[float] = []
        for i in range(0, len(variants), _BATCH):
            found += self._score(variants[i : i + _BATCH], reverse)
        return found

    def _score(self, variants: Sequence[Variant], reverse: bool) -> List[float]:
        docs = [variant.doc for variant in variants]
        missing = [doc for doc in docs if not doc.tensor.size]
        if missing:
            self.encode(missing)
        candidates = self._candidates(docs)
        rows = self._rows(candidates, variants, reverse)
        known = [row for row in rows if row is not None]
        if not known:
            return [float("nan")] * len(variants)
        selected = numpy.zeros(candidates.n_pairs, dtype="bool")
        selected[known] = True
        logits = self.extractor.model.predict((docs, candidates.select(selected)))
        values = self.extractor.model.ops.to_numpy(logits).astype("float64")
        place = numpy.cumsum(selected) - 1
        return [
            float("nan") if row is None else self.log_odds_of(values[place[row]])[0] for row in rows
        ]

    def pair(self, variant: Variant, *, reverse: bool = False) -> Optional[Candidates]:
        """The pair of the relation in a copy, alone; None if it is no candidate."""
        candidates = self._candidates([variant.doc])
        (row,) = self._rows(candidates, [variant], reverse)
        if row is None:
            return None
        return candidates.select(numpy.arange(candidates.n_pairs) == row)

    def _candidates(self, docs: List[Doc]) -> Candidates:
        extractor = self.extractor
        generate = with_learned_distance(extractor.candidates, extractor.state.get("farthest"))
        return generate(docs, read_mentions(docs, extractor.spans_key), extractor.schema)

    def _rows(
        self, candidates: Candidates, variants: Sequence[Variant], reverse: bool
    ) -> List[Optional[int]]:
        entities: Dict[Tuple[int, int, int], List[Tuple[int, int]]] = {}
        mentions = candidates.mentions
        for i, (span, doc) in enumerate(zip(mentions.spans, mentions.docs)):
            key = (int(doc), int(span[0]), int(span[1]))
            entities.setdefault(key, []).append(
                (int(mentions.types[i]), int(candidates.entities[i]))
            )
        rows_of = PairRows(candidates)
        ends = (self.relation.head, self.relation.tail)
        found: List[Optional[int]] = []
        for i, variant in enumerate(variants):
            head, tail = (
                _of_type(entities.get((i, *variant.place(span)), []), span.label) for span in ends
            )
            if reverse:
                head, tail = tail, head
            rows = rows_of(head, tail) if head is not None and tail is not None else []
            found.append(rows[0] if rows else None)
        return found

    def log_odds_of(self, logits: Floats) -> Tuple[float, Floats]:
        """The log-odds of the label, calibrated as the scores are, and their gradient by the logits.

        Args:
            logits: *Shape:* ``(n_outputs,)``
        """
        extractor, column = self.extractor, self.column
        temperature: Temperature = extractor.temperature or Temperature()
        label = self.relation.label
        divisors = [temperature.labels.get(name, temperature.common) for name in extractor.labels]
        gradient = numpy.zeros(len(logits))
        if not extractor.exclusive:
            divisor = temperature.labels.get(label, temperature.common)
            gradient[column] = 1 / divisor
            if extractor.adaptive_threshold:
                gradient[0] = -1 / divisor
            return float(gradient @ logits), gradient
        against_none = numpy.append(0.0, (logits[1:] - logits[0]) / divisors)
        others = numpy.delete(against_none, column)
        top = others.max()
        shares = numpy.exp(others - top)
        value = against_none[column] - top - numpy.log(shares.sum())
        d_against = -numpy.insert(shares / shares.sum(), column, -1.0)
        gradient[1:] = d_against[1:] / divisors
        gradient[0] = -gradient[1:].sum()
        return float(value), gradient


def probability(log_odds: float) -> float:
    """The probability of log-odds; nan remains nan."""
    return float(0.5 * (1.0 + numpy.tanh(0.5 * log_odds)))


def _of_type(entities: List[Tuple[int, int]], label: int) -> Optional[int]:
    for kind, entity in entities:
        if kind == label:
            return entity
    return entities[0][1] if entities else None


def _components_before(nlp: Language, extractor: Any) -> List[Any]:
    """The components before the extractor that compute vectors for listeners."""
    found = []
    for _, component in nlp.pipeline:
        if component is extractor:
            break
        if hasattr(component, "find_listeners"):
            found.append(component)
    return found
