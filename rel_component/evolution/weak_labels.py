"""Distant supervision: documents that are annotated by facts that are known.

Where a sentence names both ends of a fact, it may state it (Mintz et al. 2009,
https://aclanthology.org/P09-1113/). Not all do: of each fact at least one sentence should (Riedel et al.
2010, https://doi.org/10.1007/978-3-642-15939-8_10), which is the one that another pipeline finds most
probable.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import product
from math import inf
from pathlib import Path
from typing import (
    Any,
    Collection,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span

from ..annotations import clear_relations, set_relations
from ..converters.formats.csv_rows import read_rows
from ..converters.report import Report
from ..decoding import ThresholdDecoder
from ..documents import ask_only, bare_copy, relation_key, sentence_numbers
from ..errors import ConfigError, DataError, listed
from ..evaluation.threshold_choice import record_decoding, with_lowest_threshold
from ..events import set_events
from ..inference.texts import Text, keep_meta, with_records
from ..linking.knowledge_base import KnowledgeBase
from ..margins import clear_unsure_pairs
from ..mentions import add_entities, char_range, mention_spans, normalize_name
from ..pipelines import (
    PipelineSource,
    RelationComponent,
    load_pipeline,
    mentions_key,
    source_name,
)
from ..types import NO_LINK, NO_RELATION, Int32Array, Relation
from .learning import require_trained

_COLUMNS = frozenset({"head", "label", "tail"})
_MOST_NEXT = 500  # mentions that one is paired with; lists of names would have millions of pairs
_WINDOW = 40  # tokens, where sentences are not known

_Fact = Tuple[str, str, str]
_Known = Tuple[Span, FrozenSet[str]]  # a mention, and what it may stand for in the facts


class Facts:
    """Facts by the names or ids of their ends.

    Args:
        rows: head, label and tail of each: names, or ids of a knowledge base.
        kb: knows by which names ids go; None: heads and tails are names.
    """

    def __init__(self, rows: Iterable[_Fact], kb: Optional[KnowledgeBase] = None) -> None:
        self._kb = kb
        self._labels: Dict[Tuple[str, str], Set[str]] = {}
        self._known: Set[str] = set()
        self.labels: Dict[str, None] = {}
        for head, label, tail in rows:
            ends = (head, tail) if kb else (normalize_name(head), normalize_name(tail))
            self._labels.setdefault(ends, set()).add(label)
            self._known.update(ends)
            self.labels[label] = None

    @classmethod
    def read(cls, path: Union[str, Path], kb: Optional[KnowledgeBase] = None) -> "Facts":
        """Read a CSV file with the columns ``head``, ``label`` and ``tail``.

        Raises:
            DataError: if it is none, has no facts, or one with an empty field or a reserved label.
        """
        rows = []
        for place, row in read_rows(Path(path), Report(), _COLUMNS):
            fact = (row["head"].strip(), row["label"].strip(), row["tail"].strip())
            if not all(fact):
                raise DataError("head, label and tail must not be empty", place=place)
            if fact[1] == NO_RELATION:
                raise DataError(
                    f"the label {NO_RELATION} is reserved; leave facts that do not hold out",
                    place=place,
                )
            rows.append(fact)
        if not rows:
            raise DataError("no facts", place=str(path))
        return cls(rows, kb)

    def keys(self, mention: Span) -> FrozenSet[str]:
        """What a mention may stand for in the facts: its name, or ids that it is linked to or names."""
        if self._kb is None:
            found = {normalize_name(mention.text)}
        elif mention.kb_id_ not in NO_LINK:
            found = {mention.kb_id_}
        else:
            names = numpy.asarray(self._kb.exact(mention.text), dtype="int32")
            found = {self._kb.entity_id(int(i)) for i in self._kb.entities_of(names)}
        return frozenset(found & self._known)

    def between(self, heads: FrozenSet[str], tails: FrozenSet[str]) -> Set[Tuple[_Fact, str]]:
        """The facts that hold between two mentions, and their labels."""
        return {
            ((head, label, tail), label)
            for head, tail in product(heads, tails)
            for label in self._labels.get((head, tail), ())
        }


@dataclass
class WeakLabels:
    """Documents that facts have annotated.

    Attributes:
        docs: those with a relation; and as many in which known entities meet without one.
        counts: relations by label.
        dropped: relations that another pipeline found too improbable, by label.
        n_read: number of documents that were read.
        n_facts: number of facts that some document may state.
    """

    docs: List[Doc] = field(default_factory=list)
    counts: "Counter[str]" = field(default_factory=Counter)
    dropped: "Counter[str]" = field(default_factory=Counter)
    n_read: int = 0
    n_facts: int = 0

    def to_dict(self) -> Dict[str, Any]:
        """The counts as JSON can hold them."""
        return {
            "read": self.n_read,
            "documents": len(self.docs),
            "facts": self.n_facts,
            "relations": dict(self.counts),
            "dropped": dict(self.dropped),
        }


@dataclass
class _Weak:
    """A document, and its relations with the facts that they may state."""

    doc: Doc
    found: List[Tuple[Relation, _Fact]]
    scores: Dict[Any, float] = field(default_factory=dict)


def weak_labels(
    pipeline: PipelineSource,
    texts: Iterable[Union[str, Text]],
    facts: Facts,
    *,
    agree: Optional[PipelineSource] = None,
    min_score: float = 0.3,
    negatives: float = 1.0,
) -> WeakLabels:
    """Annotate documents by facts.

    Documents are asked about the labels of the facts alone (``documents.ask_only``). A pair of known
    entities of one sentence without a fact is an example of no relation, others are as well.

    Args:
        pipeline: finds the mentions, and links them if it does; its name or path.
        texts: raw texts, with records or without; see :func:`~rel_component.read_texts`.
        facts: the facts.
        agree: a trained pipeline, such as one with LabelPair that was asked about the labels. A relation
            that it finds less probable than `min_score` is dropped, unless it is the most probable one
            of its fact. None: all are kept.
        min_score: the least probability.
        negatives: documents without a relation, in which known entities meet, for each one with some.

    Raises:
        ConfigError: if there is no such pipeline, an option is out of range, or the pipeline that has to
            agree knows no label of the facts.
    """
    if not 0.0 <= min_score <= 1.0 or not 0 <= negatives < inf:
        raise ConfigError(
            f"min_score must lie in [0, 1], and negatives be 0 or more: {min_score}, {negatives}"
        )
    nlp = load_pipeline(pipeline)
    judge = None if agree is None else _knowing(load_pipeline(agree), facts)
    spans_key = mentions_key(nlp)
    found_by: List[Any] = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, RelationComponent)]
    attrs = {pipe.attr for pipe in found_by}
    result = WeakLabels()
    weak: List[_Weak] = []
    without: List[Doc] = []
    for doc, record in nlp.pipe(with_records(texts), as_tuples=True):
        result.n_read += 1
        _forget_predictions(doc, attrs)
        keep_meta(doc, record)
        found, meet = _find(doc, facts, spans_key)
        if found:
            weak.append(_Weak(doc, found))
        elif meet:
            without.append(doc)
    symmetric: Tuple[str, ...] = ()
    if judge is not None:
        symmetric = require_trained(judge).schema.symmetric_labels
        _score(weak, judge, spans_key)
    best: Dict[_Fact, float] = {}
    for item in weak:
        for rel, fact in item.found:
            best[fact] = max(best.get(fact, 0.0), item.scores.get(_key(rel, symmetric), 0.0))
    for item in weak:
        kept = []
        for rel, fact in item.found:
            score = item.scores.get(_key(rel, symmetric), 0.0)
            is_kept = judge is None or score >= min_score or 0.0 < score == best[fact]
            (result.counts if is_kept else result.dropped)[rel.label] += 1
            if is_kept:
                kept.append(rel)
        set_relations(item.doc, kept)
        if kept:
            result.docs.append(item.doc)
    result.n_facts = len(best)
    result.docs += without[: round(negatives * len(result.docs))]
    for doc in result.docs:
        ask_only(doc, facts.labels)
    return result


def _forget_predictions(doc: Doc, attrs: Iterable[str]) -> None:
    """Leave nothing of what the pipeline itself says of relations and events."""
    for attr in attrs:
        clear_relations(doc, attr)
        clear_unsure_pairs(doc, attr)
    set_events(doc, [])


def _find(
    doc: Doc, facts: Facts, spans_key: Optional[str]
) -> Tuple[List[Tuple[Relation, _Fact]], bool]:
    """The relations that the facts suggest, and whether known entities meet in a sentence."""
    known = [(span, keys) for span in mention_spans(doc, spans_key) if (keys := facts.keys(span))]
    found: List[Tuple[Relation, _Fact]] = []
    meet = False
    for pair in _near_pairs(sorted(known, key=lambda item: item[0].start), sentence_numbers(doc)):
        meet = True
        for (head, heads), (tail, tails) in (pair, pair[::-1]):
            found += [
                (Relation(head, label, tail), fact)
                for fact, label in sorted(facts.between(heads, tails))
            ]
    return found, meet


def _near_pairs(
    known: Sequence[_Known], sentences: Optional[Int32Array]
) -> Iterator[Tuple[_Known, _Known]]:
    """Mentions, in their order, that do not overlap and are in one sentence, or near each other."""
    for i, one in enumerate(known):
        for other in known[i + 1 : i + 1 + _MOST_NEXT]:
            start, end = other[0].start, one[0].end
            if sentences is None:
                is_near = start - end <= _WINDOW
            else:
                is_near = sentences[start] == sentences[one[0].start]
            if not is_near:
                break
            if start >= end:
                yield one, other


def _knowing(nlp: Language, facts: Facts) -> Language:
    """The pipeline, if it knows labels of the facts: others have no score to it."""
    labels = require_trained(nlp).labels
    if not set(labels) & facts.labels.keys():
        raise ConfigError(
            f"{source_name(nlp)} has to agree, and knows none of the labels {listed(facts.labels)}, "
            f"only {listed(labels)}; ask it about them (spacy rel set-schema), or do without it"
        )
    return nlp


def _score(weak: List[_Weak], nlp: Language, spans_key: Optional[str]) -> None:
    """Set how probable the relations are to another pipeline, which is given the mentions."""
    extractor = require_trained(nlp)
    if not isinstance(extractor.decoder, ThresholdDecoder):
        raise ConfigError(f"{extractor.name}: scores need the decoder rel_component.decoder.v1")
    lowest = with_lowest_threshold(extractor.decoder)
    docs = list(_with_mentions(weak, nlp, spans_key, extractor.spans_key))
    before = nlp.pipe_names[: nlp.pipe_names.index(extractor.name)]
    finders = [
        name for name in before if {"doc.ents", "doc.spans"} & set(nlp.get_pipe_meta(name).assigns)
    ]
    with (
        nlp.select_pipes(disable=finders),
        record_decoding(nlp, {extractor.name: extractor}) as records,
    ):
        passed = list(nlp.pipe(docs))
        found = records[extractor.name].decode(lowest)
    for item, doc in zip(weak, passed):
        relations = found.get(id(doc), [])
        item.scores = {
            _key(rel, extractor.schema.symmetric_labels): rel.score or 0.0 for rel in relations
        }


def _with_mentions(
    weak: List[_Weak], nlp: Language, spans_key: Optional[str], target: Optional[str]
) -> Iterator[Doc]:
    for item in weak:
        copied = bare_copy(item.doc, vocab=nlp.vocab, sentences=True)
        ends = [span for rel, _ in item.found for span in (rel.head, rel.tail)]
        spans = [
            Span(copied, span.start, span.end, label=span.label_)
            for span in dict.fromkeys((*ends, *mention_spans(item.doc, spans_key)))
        ]
        if target is None:
            add_entities(copied, spans)  # ends of relations go first, where mentions overlap
        else:
            copied.spans[target] = spans
        yield copied


def _key(rel: Relation, symmetric: Collection[str]) -> Any:
    return relation_key(rel, symmetric, char_range)
