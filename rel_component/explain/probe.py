"""Ask a pair model about one relation of a document, and of changed copies of it."""

from functools import cached_property
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy
import numpy.typing as npt
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span
from thinc.types import Floats2d

from ..candidates import Candidates, with_learned_distance
from ..documents import copy_asked, copy_norms
from ..errors import ConfigError, listed
from ..mentions import read_mentions
from ..pipelines import find_extractor, source_name
from ..probabilities import Temperature, without_unasked
from ..targets import PairRows
from ..types import Int32Array, Relation
from .over_vectors import OverVectors

Floats = npt.NDArray[numpy.float64]

_MASK = "[MASK]"
_BATCH = 64  # documents
_LONGEST_KEPT = 400  # tokens of a document whose copies are kept
_MOST_KEPT = 512  # copies


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
    copy_asked(doc, copy)
    copy_norms(doc, copy, {i: int(starts_of[i]) for i, part in enumerate(parts) if part})
    variant = Variant(copy, starts_of, ends)

    def moved(span: Span) -> Span:
        return Span(copy, *variant.place(span), label=span.label, kb_id=span.kb_id)

    copy.set_ents([moved(ent) for ent in doc.ents])
    for key, group in doc.spans.items():
        copy.spans[key] = [moved(span) for span in group]
    return variant


def require_extractor(nlp: Language) -> Any:
    """The trained relation extractor of a pipeline.

    Raises:
        ConfigError: if there is none.
    """
    extractor: Any = find_extractor(nlp)
    if not isinstance(extractor, TrainablePipe):
        raise ConfigError(
            f"{source_name(nlp)} cannot be explained: it has no trained relation_extractor, only "
            f"{nlp.pipe_names}; a language model gives no probabilities of other texts"
        )
    return extractor


class DocumentProbe:
    """Scores relations of a document in copies of it, which pass the encoder once.

    Args:
        nlp: the pipeline.
        doc: a document with its mentions.

    Raises:
        ConfigError: if the pipeline has no trained relation extractor.
    """

    def __init__(self, nlp: Language, doc: Doc) -> None:
        extractor = require_extractor(nlp)
        self.nlp, self.doc, self.extractor = nlp, doc, extractor
        self.encoders = _components_before(nlp, extractor)
        self._kept: Dict[Tuple[Any, ...], Variant] = {}
        self.base = self.masked([])

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

    @cached_property
    def over_vectors(self) -> OverVectors:
        """The pair model over token vectors that are given."""
        return OverVectors(self.extractor.model)

    def masked(self, tokens: Iterable[int]) -> Variant:
        """A copy with the mask in place of some tokens."""
        return self.varied(dict.fromkeys(map(int, tokens), (self.mask,)))

    def varied(self, words: Mapping[int, Sequence[str]]) -> Variant:
        """A copy with other words, see :func:`vary`; the same one if it is asked for again."""
        key = tuple(sorted((i, tuple(others)) for i, others in words.items()))
        if key in self._kept:
            return self._kept[key]
        variant = vary(self.doc, words)
        if len(self.doc) <= _LONGEST_KEPT and len(self._kept) < _MOST_KEPT:
            self._kept[key] = variant
        return variant

    def encode(self, variants: Iterable[Variant]) -> None:
        """Let the components that compute vectors run over copies that have none."""
        missing = {id(each.doc): each.doc for each in variants if not each.doc.tensor.size}
        docs = list(missing.values())
        for i in range(0, len(docs), _BATCH):
            for component in self.encoders:
                batch = docs[i : i + _BATCH]
                component.set_annotations(batch, component.predict(batch))

    def ask(
        self, variants: Sequence[Variant], relations: Sequence[Relation], *, reverse: bool = False
    ) -> Floats:
        """The log-odds of relations in copies of the document.

        Args:
            variants: the copies.
            relations: relations of the document.
            reverse: whether the pairs from tail to head are asked about.

        Returns:
            log-odds; nan if the pair is no candidate there. *Shape:* ``(n_variants, n_relations)``
        """
        parts = [
            self._ask(variants[i : i + _BATCH], relations, reverse)
            for i in range(0, len(variants), _BATCH)
        ]
        return numpy.concatenate([numpy.zeros((0, len(relations))), *parts])

    def _ask(
        self, variants: Sequence[Variant], relations: Sequence[Relation], reverse: bool
    ) -> Floats:
        selected, rows = self.pairs(variants, relations, reverse=reverse)
        found = numpy.full(rows.shape, numpy.nan)
        if not selected.n_pairs:
            return found
        docs = [variant.doc for variant in variants]
        logits = self.extractor.model.predict((docs, selected))
        values, _ = self.asked(docs, selected, logits)
        for i, j in zip(*numpy.nonzero(rows >= 0)):
            found[i, j] = log_odds(self.extractor, relations[j].label, values[rows[i, j]])[0]
        return found

    def asked(
        self, docs: Sequence[Doc], candidates: Candidates, logits: Floats2d
    ) -> Tuple[Floats, Floats]:
        """Logits as the pipeline takes them: labels that a pair is not asked about are improbable.

        Args:
            docs: the documents.
            candidates: the pairs.
            logits: what the model says of them. *Shape:* ``(n_pairs, n_outputs)``

        Returns:
            the logits, and what their gradients are multiplied by. *Shape:* ``(n_pairs, n_outputs)``
        """
        values: Any = self.extractor.model.ops.to_numpy(logits).astype("float64")
        mask: Any
        values, mask = without_unasked(values, self.extractor.asked_labels(docs, candidates))
        return values, numpy.ones_like(values) if mask is None else mask

    def pairs(
        self, variants: Sequence[Variant], relations: Sequence[Relation], *, reverse: bool = False
    ) -> Tuple[Candidates, Int32Array]:
        """The pairs of relations in copies, alone, whose documents have vectors then.

        Args:
            variants: the copies.
            relations: relations of the document.
            reverse: whether the pairs from tail to head are meant.

        Returns:
            the pairs, and the row of each relation in each copy, -1 if it is no candidate there.
            *Shape:* ``(n_variants, n_relations)``
        """
        self.encode(variants)
        docs = [variant.doc for variant in variants]
        extractor = self.extractor
        generate = with_learned_distance(extractor.candidates, extractor.state.get("farthest"))
        candidates = generate(docs, read_mentions(docs, extractor.spans_key), extractor.schema)
        rows = _rows(candidates, variants, relations, reverse)
        selected = numpy.zeros(candidates.n_pairs, dtype="bool")
        selected[rows[rows >= 0]] = True
        places = numpy.append(numpy.cumsum(selected) - 1, -1)
        return candidates.select(selected), places[rows].astype("int32")


class Probe:
    """Scores one relation in copies of its document.

    Args:
        nlp: the pipeline.
        doc: a document with its mentions.
        relation: a relation of it; its head, label and tail count.
        document: the probe of the document, which several relations share.

    Raises:
        ConfigError: if the pipeline has no trained relation extractor, if it does not know the label, or
            if head and tail are no candidate pair.
    """

    def __init__(
        self, nlp: Language, doc: Doc, relation: Relation, document: Optional[DocumentProbe] = None
    ) -> None:
        self.document = DocumentProbe(nlp, doc) if document is None else document
        self.doc, self.relation = doc, relation
        self.extractor, self.base = self.document.extractor, self.document.base
        if relation.label not in self.extractor.labels:
            raise ConfigError(
                f"the pipeline does not know the label {relation.label!r:.60}; it knows "
                f"{listed(self.extractor.labels)}"
            )
        (self.log_odds,) = self.score([self.base])
        if numpy.isnan(self.log_odds):
            raise ConfigError(
                f"{relation.head.text!r:.60} and {relation.tail.text!r:.60} are no candidate pair of "
                "this pipeline: they are no mentions of the document, lie too far apart, or the schema "
                "allows no relation between their types"
            )

    def masked(self, tokens: Iterable[int]) -> Variant:
        """A copy with the mask in place of some tokens."""
        return self.document.masked(tokens)

    def score(self, variants: Sequence[Variant], *, reverse: bool = False) -> List[float]:
        """The log-odds of the label in copies of the document.

        Args:
            variants: the copies.
            reverse: whether the pair from tail to head is asked about.

        Returns:
            a number for each copy; nan if the pair is no candidate there.
        """
        scores = self.document.ask(variants, [self.relation], reverse=reverse)
        return [float(score) for score in scores[:, 0]]


def log_odds(extractor: Any, label: str, logits: Floats) -> Tuple[float, Floats]:
    """The log-odds of a label, calibrated as the scores are, and their gradient by the logits.

    Args:
        extractor: the component.
        label: the label.
        logits: of a pair. *Shape:* ``(n_outputs,)``
    """
    column = extractor.output_labels.index(label)
    temperature: Temperature = extractor.temperature or Temperature()
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


def _rows(
    candidates: Candidates,
    variants: Sequence[Variant],
    relations: Sequence[Relation],
    reverse: bool,
) -> Int32Array:
    """The candidate pair of each relation in each copy, -1 if there is none."""
    entities: Dict[Tuple[int, int, int], List[Tuple[int, int]]] = {}
    mentions = candidates.mentions
    for i, (span, doc) in enumerate(zip(mentions.spans, mentions.docs)):
        key = (int(doc), int(span[0]), int(span[1]))
        entities.setdefault(key, []).append((int(mentions.types[i]), int(candidates.entities[i])))
    rows_of = PairRows(candidates)
    found = numpy.full((len(variants), len(relations)), -1, dtype="int32")
    for i, variant in enumerate(variants):
        for j, rel in enumerate(relations):
            head, tail = (
                _of_type(entities.get((i, *variant.place(span)), []), span.label)
                for span in (rel.head, rel.tail)
            )
            if head is not None and tail is not None:
                found[i, j] = [*(rows_of(tail, head) if reverse else rows_of(head, tail)), -1][0]
    return found


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
