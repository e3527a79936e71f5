"""The mentions of documents as arrays: entities, or the spans of a span group."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Container, Dict, Iterable, List, Optional, Sequence, Set, Tuple

import numpy
from spacy.attrs import ENT_IOB, ENT_KB_ID, ENT_TYPE
from spacy.strings import StringStore
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import filter_spans

from .errors import AnnotationError, shown
from .span_groups import MovingSpanGroup, current_spans
from .types import FloatArray, HashArray, Int32Array

MentionRow = Tuple[int, int, int]
"""Start and exclusive end in tokens, entity type as StringStore hash."""

CLUSTER_PREFIX = "coref_clusters"
"""Clusters of coreferent mentions are the span groups ``coref_clusters_1``, ``coref_clusters_2`` and so
on, as spaCy's experimental coreference component names them."""

CLUSTER_GROUP = re.compile(r"coref_(head_)?clusters_\d+")
"""Names of the span groups of clusters, of mentions or of their heads."""

_WITHOUT_MARKS = ("LATIN", "GREEK", "CYRILLIC", "HEBREW", "ARABIC")
"""Scripts in which names are compared without marks."""

TypedKey = Tuple[int, int, str]
"""Start and exclusive end in characters, entity type: comparable between tokenisations."""


@dataclass(frozen=True)
class Mentions:
    """The mentions of a batch of documents, ordered by document, start and end.

    Arrays live on the host: they come from Python objects and are only used as indices.

    Attributes:
        spans: *Shape:* ``(n_mentions, 2)``, start and exclusive end, tokens of the document.
        types: *Shape:* ``(n_mentions,)``, entity type as the StringStore hash, 0 for none.
        scores: *Shape:* ``(n_mentions,)``, probability of being a mention of that type; 1.0 if
            given.
        kb_ids: *Shape:* ``(n_mentions,)``, knowledge-base id as the StringStore hash, 0 for none.
        lengths: *Shape:* ``(n_docs,)``, mentions per document.
    """

    spans: Int32Array
    types: HashArray
    scores: FloatArray
    kb_ids: HashArray
    lengths: Int32Array

    def __len__(self) -> int:
        return int(self.spans.shape[0])

    @property
    def docs(self) -> Int32Array:
        """Index of the document of each mention. *Shape:* ``(n_mentions,)``."""
        return numpy.repeat(numpy.arange(len(self.lengths), dtype="int32"), self.lengths)

    @property
    def spans_by_doc(self) -> List[Int32Array]:
        """The spans of each document."""
        return numpy.split(self.spans, numpy.cumsum(self.lengths)[:-1])


def char_range(span: Span) -> Tuple[int, int]:
    """The characters of a span: start and exclusive end."""
    return (span.start_char, span.end_char)


def typed_key(span: Span) -> TypedKey:
    """The key of a mention: equal for mentions of the same characters and type."""
    return (span.start_char, span.end_char, span.label_)


def trimmed(span: Span) -> Tuple[int, int]:
    """The characters of a span without white space at its ends: start and exclusive end."""
    text = span.text
    start = span.start_char + len(text) - len(text.lstrip())
    return start, start + len(text.strip())


def mention_spans(doc: Doc, spans_key: Optional[str] = None) -> Sequence[Span]:
    """The mentions of a document: the spans of a group if it exists, or the entities."""
    if spans_key is None or spans_key not in doc.spans:
        return doc.ents
    return current_spans(doc.spans[spans_key])


def overlap(spans: Sequence[Span]) -> bool:
    """Whether some spans of a document share tokens, so that not all of them can be entities."""
    return len(filter_spans(spans)) < len(spans)


def read_mentions(docs: Sequence[Doc], spans_key: Optional[str] = None) -> Mentions:
    """The mentions of a batch of documents; equal spans of one type count once.

    Args:
        docs: the documents.
        spans_key: name of the span group that holds the mentions, with their probabilities in
            ``attrs["scores"]`` if they are known. The entities are the mentions of documents
            without this group, and with None.
    """
    return _to_arrays([_rows(doc, spans_key) for doc in docs])


def read_training_mentions(
    predicted: Sequence[Doc], reference: Sequence[Doc], spans_key: Optional[str] = None
) -> Mentions:
    """The mentions of predicted documents joined with those of the reference.

    Reference mentions are carried over by their characters, without white space at their ends;
    those that do not start and end at token boundaries of the predicted document are left out.
    """
    rows = []
    for doc, annotated in zip(predicted, reference):
        rows_of_doc = _rows(doc, spans_key)
        for span in mention_spans(annotated, spans_key):
            carried = doc.char_span(*trimmed(span), label=span.label)
            if carried:
                rows_of_doc[carried.start, carried.end, span.label] = (1.0, span.kb_id)
        rows.append(rows_of_doc)
    return _to_arrays(rows)


def scored_mentions(doc: Doc, spans_key: Optional[str] = None) -> List[Tuple[Span, float]]:
    """The mentions of a document with their probabilities, 1.0 where none are known.

    Raises:
        AnnotationError: if the probabilities of a span group are no numbers in [0, 1].
    """
    spans = mention_spans(doc, spans_key)
    known = spans_key is not None and spans_key in doc.spans
    given = doc.spans[spans_key].attrs.get("scores", ()) if known else ()
    try:
        scores = numpy.asarray(given, dtype="float64").ravel()  # of spancat they may be a column
    except (TypeError, ValueError):
        scores = numpy.full(1, numpy.nan)
    if not ((scores >= 0.0) & (scores <= 1.0)).all():
        raise AnnotationError(
            f'doc.spans[{shown(spans_key)}].attrs["scores"] of {shown(doc.text)} holds '
            f"{shown(given)}: expected a probability in [0, 1] for each span, or no scores."
        )
    if len(scores) != len(spans):  # there are none, or the group was changed since
        return [(span, 1.0) for span in spans]
    return list(zip(spans, scores.tolist()))


def recognised_entities(doc: Doc, spans_key: Optional[str]) -> Set[TypedKey]:
    """The keys of the mentions of a span group that ``span_recognizer`` has made entities."""
    if spans_key is None or spans_key not in doc.spans:
        return set()
    spans, is_entity = mention_spans(doc, spans_key), doc.spans[spans_key].attrs.get("is_entity")
    if is_entity is None or len(is_entity) != len(spans):  # another component has written them
        return set()
    return {typed_key(span) for span, yes in zip(spans, is_entity) if yes}


def probable_mentions(doc: Doc, spans_key: Optional[str] = None) -> List[Span]:
    """The mentions of a document that are at least as probable as not."""
    return [span for span, score in scored_mentions(doc, spans_key) if score >= 0.5]


def normalize_name(text: str) -> str:
    """A name as it is compared: compatible characters, without case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def without_accents(text: str) -> str:
    """A text in compatible characters (NFKD) without marks that tell no names apart.

    These are accents of Latin, Greek and Cyrillic letters, and points and vowels of Hebrew and Arabic,
    which most texts leave out. Marks of other letters stay, such as the vowels of Devanagari and Thai.

    Args:
        text: the text.
    """
    if text.isascii():
        return text
    kept: List[str] = []
    stays = False
    for char in unicodedata.normalize("NFKD", text):
        if not is_mark(char):
            stays = keeps_marks(char)
        elif not stays:
            continue
        kept.append(char)
    return "".join(kept)


def words_of(text: str) -> List[str]:
    """The words of a text: letters and digits, with their marks."""
    return "".join(c if c.isalnum() or is_mark(c) else " " for c in text).split()


def is_mark(char: str) -> bool:
    """Whether a character combines with the letter before it."""
    return unicodedata.category(char).startswith("M")


@lru_cache(maxsize=4096)
def keeps_marks(char: str) -> bool:
    """Whether a character is a letter whose marks tell names apart, see :func:`without_accents`."""
    return char.isalpha() and not unicodedata.name(char, "").startswith(_WITHOUT_MARKS)


def type_indices(strings: StringStore, types: HashArray) -> Tuple[Sequence[str], Int32Array]:
    """The distinct entity types as strings, and for each mention the index of its type.

    Args:
        strings: the string store of the documents.
        types: *Shape:* ``(n_mentions,)``, StringStore hashes.

    Returns:
        names of ``n_types`` types, and indices of *Shape:* ``(n_mentions,)``.
    """
    hashes, indices = numpy.unique(types, return_inverse=True)
    names = [strings[int(value)] if value else "" for value in hashes]
    return names, indices.astype("int32")


def representative_examples(
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


def read_clusters(doc: Doc, prefix: str = CLUSTER_PREFIX) -> List[List[Span]]:
    """The coreference clusters of a document, in the order of their numbers.

    Args:
        doc: the document.
        prefix: name of the span groups, up to ``_1``, ``_2`` and so on.
    """
    return [current_spans(doc.spans[key]) for key in _cluster_keys(doc, prefix)]


def set_clusters(doc: Doc, clusters: Iterable[Sequence[Span]]) -> None:
    """Add clusters to a document as its first ones.

    Args:
        doc: the document.
        clusters: for each entity its mentions.
    """
    for number, cluster in enumerate(clusters, start=1):
        key = f"{CLUSTER_PREFIX}_{number}"
        doc.spans[key] = MovingSpanGroup(doc, name=key, spans=list(cluster))


def replace_clusters(doc: Doc, clusters: Iterable[Sequence[Span]]) -> None:
    """Set the clusters of a document, in place of all that it has.

    Args:
        doc: the document.
        clusters: for each entity its mentions.
    """
    for key in _cluster_keys(doc, CLUSTER_PREFIX):
        del doc.spans[key]
    set_clusters(doc, clusters)


def _cluster_keys(doc: Doc, prefix: str) -> List[str]:
    """The names of the span groups of clusters, in the order of their numbers."""
    pattern = re.compile(rf"{re.escape(prefix)}_(\d+)")
    numbered = [(int(match[1]), key) for key in doc.spans if (match := pattern.fullmatch(key))]
    return [key for _, key in sorted(numbered)]


def entity_mentions(span: Span, prefix: str = CLUSTER_PREFIX) -> List[Span]:
    """All mentions of the entity that a mention refers to, as the clusters of its Doc have them.

    Args:
        span: the mention, e.g. the head of a relation.
        prefix: see :func:`read_clusters`.

    Returns:
        the spans of the first cluster that has the tokens of `span`; `span` alone if none has.
    """
    for cluster in read_clusters(span.doc, prefix):
        if any(other.start == span.start and other.end == span.end for other in cluster):
            return cluster
    return [span]


def add_entities(
    doc: Doc, spans: Iterable[Span], replaceable: Optional[Container[TypedKey]] = None
) -> None:
    """Make spans entities, in place of entities that they overlap with.

    Args:
        doc: the document to change.
        spans: the spans; of two that overlap, the first becomes an entity. Those that begin or end
            with white space are left out.
        replaceable: keys of the entities that may give way, so that spans that overlap with others
            are left out; None: all.
    """
    spans = list(spans)
    if not spans:
        return
    entities, blocked = list(doc.ents), blocked_tokens(doc)
    known = {typed_key(ent): ent for ent in entities}  # with their links
    owners: List[Optional[int]] = [None] * len(doc)  # entity of each token, -1: one that stays
    for span in blocked:
        owners[span.start] = -1
    for i, ent in enumerate(entities):
        owner = i if replaceable is None or typed_key(ent) in replaceable else -1
        owners[ent.start : ent.end] = [owner] * len(ent)
    added, replaced = [], set()
    for span in spans:
        taken = set(owners[span.start : span.end])
        if -1 not in taken and trimmed(span) == (span.start_char, span.end_char):
            owners[span.start : span.end] = [-1] * len(span)
            added.append(known.get(typed_key(span), span))
            replaced |= taken
    kept = [ent for i, ent in enumerate(entities) if i not in replaced]
    if added:
        doc.set_ents([*kept, *added], blocked=blocked)


def blocked_tokens(doc: Doc) -> List[Span]:
    """The tokens that may belong to no entity, as ``doc.set_ents(..., blocked=...)`` has marked them."""
    if not len(doc):
        return []
    iob, types = doc.to_array([ENT_IOB, ENT_TYPE]).T
    return [doc[i : i + 1] for i in numpy.flatnonzero((iob == 3) & (types == 0)).tolist()]


def _rows(doc: Doc, spans_key: Optional[str]) -> Dict[MentionRow, Tuple[float, int]]:
    """The probability and knowledge-base id of each mention; a linker may know its entity alone."""
    rows: Dict[MentionRow, Tuple[float, int]] = {}
    has_links = doc.to_array(ENT_KB_ID).any()
    ents = doc.ents if has_links else ()
    links = {(ent.start, ent.end, ent.label): ent.kb_id for ent in ents if ent.kb_id}
    text = doc.text  # of a span, it is joined from its tokens
    for span, score in scored_mentions(doc, spans_key):
        if text[span.start_char : span.end_char].strip():
            row = (span.start, span.end, span.label)
            kb_id = span.kb_id or links.get(row, 0)
            rows[row] = max((score, kb_id), rows.get(row, (0.0, 0)))
    return rows


def _to_arrays(rows: List[Dict[MentionRow, Tuple[float, int]]]) -> Mentions:
    ordered = [item for doc_rows in rows for item in sorted(doc_rows.items())]
    return Mentions(
        spans=numpy.asarray([row[:2] for row, _ in ordered], dtype="int32").reshape(-1, 2),
        types=numpy.asarray([row[2] for row, _ in ordered], dtype="uint64"),
        scores=numpy.asarray([score for _, (score, _) in ordered], dtype="float32"),
        kb_ids=numpy.asarray([kb_id for _, (_, kb_id) in ordered], dtype="uint64"),
        lengths=numpy.asarray([len(doc_rows) for doc_rows in rows], dtype="int32"),
    )
