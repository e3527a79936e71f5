"""From probabilities of spans to mentions and entities, and from annotated mentions to classes."""

import math
import re
import warnings
from dataclasses import dataclass
from typing import Collection, List, Optional, Sequence, Set, Tuple

import numpy
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..documents import token_characters, white_space
from ..errors import listed
from ..layers.rows import count_within
from ..mentions import blocked_tokens, mention_spans, scored_mentions, trimmed
from ..span_groups import MovingSpanGroup
from ..types import BoolArray, FloatArray, Int32Array

_BLANK_LINE = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class RecognizedMentions:
    """The mentions recognised in a document, ordered by start and end.

    Attributes:
        spans: start and exclusive end in tokens. *Shape:* ``(n, 2)``
        labels: index of the entity type of each mention. *Shape:* ``(n,)``
        scores: probability of the mention with this type. *Shape:* ``(n,)``
        is_entity: whether the mention is probable enough for an entity. *Shape:* ``(n,)``
    """

    spans: Int32Array
    labels: Int32Array
    scores: FloatArray
    is_entity: BoolArray


def enumerate_spans(docs: Sequence[Doc], max_width: int) -> Int32Array:
    """All spans of up to `max_width` tokens, by document, start and end.

    As with spaCy's NER, no span begins or ends with white space. None goes beyond a blank line.

    Returns:
        start and exclusive end, as rows of the tokens of all documents. *Shape:* ``(n_spans, 2)``
    """
    lengths = numpy.asarray([len(doc) for doc in docs], dtype="int64")
    n_tokens = int(lengths.sum())
    left = numpy.repeat(numpy.cumsum(lengths), lengths) - numpy.arange(n_tokens)
    n_ends = numpy.minimum(left, max_width)
    starts = numpy.repeat(numpy.arange(n_tokens), n_ends)
    ends = starts + 1 + count_within(n_ends)
    none = numpy.zeros((3, 0), dtype="int32")
    space_first, space_last, paragraphs = numpy.concatenate([none, *map(_layout, docs)], axis=1)
    possible = (space_first[starts] == 0) & (space_last[ends - 1] == 0)
    possible &= paragraphs[starts] == paragraphs[ends - 1]
    return numpy.stack([starts, ends], axis=1)[possible].astype("int32")


def _layout(doc: Doc) -> Int32Array:
    """Of each token, whether it begins and ends with white space, and the number of blank lines before.

    *Shape:* ``(3, n_tokens)``
    """
    starts, ends = token_characters(doc).T
    is_space = white_space(doc.text)
    breaks = [match.start() for match in _BLANK_LINE.finditer(doc.text)]
    n_breaks = numpy.searchsorted(breaks, starts)
    return numpy.stack([is_space[starts], is_space[ends - 1], n_breaks]).astype("int32")


def recognize(
    docs: Sequence[Doc],
    spans: Int32Array,
    probabilities: FloatArray,
    *,
    threshold: Optional[float],
    min_score: float,
    max_mentions: float,
) -> List[RecognizedMentions]:
    """The mentions of each document: the entity types of each span that are probable enough.

    Args:
        docs: the documents.
        spans: rows of the tokens of all documents, ordered. *Shape:* ``(n_spans, 2)``
        probabilities: probability of NO_ENTITY and of each entity type. *Shape:*
            ``(n_spans, 1 + n_labels)``
        threshold: the least probability of an entity; None: any that is higher than that of
            NO_ENTITY. A span is an entity of its most probable type only.
        min_score: the least probability of other mentions.
        max_mentions: the most mentions of a document, per token of it; the most probable ones are
            kept, and all entities that overlap no better one.
    """
    none, scores = probabilities[:, 0], probabilities[:, 1:]
    best = scores.argmax(axis=1)
    best_score = scores[numpy.arange(len(scores)), best]
    is_entity = best_score > none if threshold is None else best_score >= threshold
    wanted = scores >= min_score
    wanted[is_entity, best[is_entity]] = True
    rows, labels = numpy.nonzero(wanted)
    begins = numpy.cumsum([0, *map(len, docs)])
    splits = numpy.searchsorted(spans[rows, 0], begins[1:-1])
    result = []
    for doc, part, label, begin in zip(
        docs, numpy.split(rows, splits), numpy.split(labels, splits), begins
    ):
        mentions = RecognizedMentions(
            spans=(spans[part] - begin).astype("int32"),
            labels=label.astype("int32"),
            scores=scores[part, label],
            is_entity=is_entity[part] & (best[part] == label),
        )
        result.append(_most_probable(mentions, math.ceil(max_mentions * len(doc))))
    return result


def _most_probable(mentions: RecognizedMentions, limit: int) -> RecognizedMentions:
    """The most probable mentions up to a limit, and all entities that overlap no better one.

    Before it has learned, a model may take most spans for entities: those that overlap are limited.
    """
    if len(mentions.spans) <= limit:
        return mentions
    order = numpy.argsort(-mentions.scores, kind="stable")
    kept = numpy.zeros(len(order), dtype=bool)
    kept[order[:limit]] = True
    taken = numpy.zeros(mentions.spans.max(), dtype=bool)
    for i in order[mentions.is_entity[order]]:
        start, end = mentions.spans[i]
        if not taken[start:end].any():
            taken[start:end] = True
            kept[i] = True
    return RecognizedMentions(
        mentions.spans[kept], mentions.labels[kept], mentions.scores[kept], mentions.is_entity[kept]
    )


def write_mentions(
    doc: Doc,
    recognized: RecognizedMentions,
    labels: Sequence[str],
    spans_key: str,
    *,
    write_ents: bool = True,
) -> None:
    """Write mentions to a span group, and the entities among them to ``doc.ents`` if asked for.

    Entities that the document has already stay, and are mentions with a score of 1; so do spans of the
    group that others have written, with their scores. Of entities that overlap, the most probable one is
    written. ``attrs["is_entity"]`` of the group says which mentions these are, and ``attrs["is_given"]``
    which ones were in it before.

    Args:
        doc: the document.
        recognized: what was recognised in it.
        labels: the entity types, in the order of their indices.
        spans_key: name of the span group.
        write_ents: whether ``doc.ents`` is written, too.
    """
    entities, blocked = list(doc.ents), blocked_tokens(doc)
    mentions = {
        (span.start, span.end, span.label_): (span, score) for span, score in _given(doc, spans_key)
    }
    given = set(mentions)
    mentions.update({(ent.start, ent.end, ent.label_): (ent, 1.0) for ent in entities})
    taken = numpy.zeros(len(doc), dtype=bool)
    for ent in [*entities, *blocked]:
        taken[ent.start : ent.end] = True
    written = set()
    for i in numpy.argsort(-recognized.scores, kind="stable"):
        start, end = (int(value) for value in recognized.spans[i])
        span = Span(doc, start, end, label=labels[recognized.labels[i]])
        mentions.setdefault((start, end, span.label_), (span, float(recognized.scores[i])))
        if write_ents and recognized.is_entity[i] and not taken[start:end].any():
            taken[start:end] = True
            entities.append(span)
            written.add((start, end, span.label_))
    doc.set_ents(entities, blocked=blocked)
    keys = sorted(mentions)
    attrs = {
        "scores": numpy.asarray([mentions[key][1] for key in keys], dtype="float32"),
        "is_entity": numpy.asarray([key in written for key in keys], dtype=bool),
        "is_given": numpy.asarray([key in given for key in keys], dtype=bool),
    }
    spans = [mentions[key][0] for key in keys]
    doc.spans[spans_key] = MovingSpanGroup(doc, name=spans_key, spans=spans, attrs=attrs)


def _given(doc: Doc, spans_key: str) -> List[Tuple[Span, float]]:
    """The spans of a group that ``span_recognizer`` has not written, with their probabilities."""
    if spans_key not in doc.spans:
        return []
    attrs = doc.spans[spans_key].attrs
    if "is_entity" in attrs and "is_given" not in attrs:
        return []  # all its own: an earlier version, which told none apart, has written the group
    scored, is_given = scored_mentions(doc, spans_key), attrs.get("is_given")
    if is_given is None or len(is_given) != len(scored):  # others have written or changed the group
        return scored
    return [item for item, yes in zip(scored, is_given) if yes]


def annotated_labels(docs: Sequence[Doc], spans_key: Optional[str]) -> List[str]:
    """The entity types of annotated documents, sorted."""
    return sorted(
        {span.label_ for doc in docs for span in mention_spans(doc, spans_key) if span.label_}
    )


def annotated_classes(
    examples: Sequence[Example], spans: Int32Array, labels: Sequence[str], spans_key: Optional[str]
) -> Int32Array:
    """The class of each span of the predicted documents: 0 for NO_ENTITY, or 1 + the index of its type.

    Annotated mentions are aligned by their characters, without white space at their ends; those
    that are not among the spans, or of an unknown type, are left out.

    Args:
        examples: the batch.
        spans: rows of the tokens of all predicted documents, ordered. *Shape:* ``(n_spans, 2)``
        labels: the entity types.
        spans_key: span group of the annotated mentions, where there is one; None: the entities.

    Returns:
        *Shape:* ``(n_spans,)``
    """
    columns = {label: k for k, label in enumerate(labels, start=1)}
    wanted = []
    begin = 0
    for eg in examples:
        for span in mention_spans(eg.reference, spans_key):
            aligned = eg.predicted.char_span(*trimmed(span))
            if aligned and span.label_ in columns:
                wanted.append((begin + aligned.start, begin + aligned.end, columns[span.label_]))
        begin += len(eg.predicted)
    classes = numpy.zeros(len(spans), dtype="int32")
    if wanted and len(spans):
        starts, ends, values = numpy.asarray(wanted, dtype="int64").T
        # no span ends beyond the last token, so that start and end make one ordered number
        codes = spans[:, 0].astype("int64") * (begin + 1) + spans[:, 1]
        sought = starts * (begin + 1) + ends
        places = numpy.minimum(numpy.searchsorted(codes, sought), len(codes) - 1)
        there = codes[places] == sought
        classes[places[there]] = values[there]
    return classes


def warn_of_longer(
    docs: Sequence[Doc], max_width: int, name: str, spans_key: Optional[str]
) -> None:
    """Warn about annotated mentions that are too long to be found."""
    widths = [len(span) for doc in docs for span in mention_spans(doc, spans_key)]
    n_longer = sum(width > max_width for width in widths)
    if n_longer:
        warnings.warn(
            f"{name}: {n_longer} of {len(widths)} annotated mentions have more than max_width = "
            f"{max_width} tokens and cannot be found; the longest has {max(widths)}.",
            stacklevel=3,
        )


def warn_of_unknown(
    docs: Sequence[Doc], known: Collection[str], name: str, spans_key: Optional[str]
) -> Set[str]:
    """Warn about annotated mentions of types that are not known, and return these types."""
    unknown = set(annotated_labels(docs, spans_key)).difference(known)
    if unknown:
        warnings.warn(
            f"{name}: documents of the training have mentions of the types {listed(sorted(unknown))}, "
            "which are none of its labels, and are learned as no entities. Where training.max_epochs "
            "is -1, spaCy initialises with the first 100 documents: name all types in `labels` of "
            f"[initialize.components.{name}], as init-config does.",
            stacklevel=3,
        )
    return unknown
