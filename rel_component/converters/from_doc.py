"""The annotations of a Doc, for a format to write: the counterpart of :mod:`.builder`."""

from typing import Dict, List, Optional, Set, Tuple

from spacy.tokens import Doc, Span

from ..annotations import DEFAULT_ATTR, get_relations
from ..documents import words_and_spaces
from ..errors import DataError, shown
from ..events import get_events
from ..mentions import probable_mentions, read_clusters
from .annotated import Annotated, AnnotatedEvent, AnnotatedMention, AnnotatedRelation, MentionId
from .details import as_json, mention_details, relation_details

_Key = Tuple[int, int, str]


def to_annotated(
    doc: Doc,
    *,
    place: str = "",
    spans_key: Optional[str] = None,
    attr: str = DEFAULT_ATTR,
) -> Annotated:
    """Read the annotations of a Doc, annotated by hand or by a pipeline.

    Args:
        doc: the document. Its probable mentions are joined with the heads and tails of its relations,
            the mentions of its events and the members of its clusters, where these are others.
        place: name of the document, for messages.
        spans_key: span group that holds the mentions of documents that have it; None: the entities.
        attr: name of the extension attribute of the relations.

    Raises:
        DataError: if the document has meta data that are no dict.
    """
    meta = doc.user_data.get("meta", {})
    if not isinstance(meta, dict):
        message = f'doc.user_data["meta"] is {shown(meta)}: expected a dict with string keys'
        raise DataError(message, place=place)
    mentions = _Mentions(doc)
    for span in probable_mentions(doc, spans_key):
        mentions.add(span)
    relations = []
    for rel in get_relations(doc, attr):
        name, evidence, attributes = relation_details(doc, rel.label, rel.head, rel.tail)
        head, tail = mentions.add(rel.head), mentions.add(rel.tail)
        if rel.polarity:
            attributes["polarity"] = rel.polarity
        if rel.statement is not None:
            attributes["statement"] = rel.statement.to_json()
        relations.append(
            AnnotatedRelation(
                head, tail, rel.label, rel.score, name, rel.evidence or evidence, attributes
            )
        )
    events = [
        AnnotatedEvent(
            event.label,
            tuple((role, mentions.add(span)) for role, span in event.arguments),
            None if event.trigger is None else mentions.add(event.trigger),
            event.score,
            event.id or None,
            as_json(event.attributes),
        )
        for event in get_events(doc)
    ]
    clusters = [[mentions.add(span) for span in cluster] for cluster in read_clusters(doc)]
    words, spaces = words_and_spaces(doc)
    has_sentences = doc.has_annotation("SENT_START")
    return Annotated(
        place=place,
        words=words,
        spaces=spaces,
        mentions=mentions.found,
        relations=relations,
        clusters=clusters,
        sentence_starts=[token.i for token in doc if token.is_sent_start]
        if has_sentences
        else None,
        meta=as_json(meta),
        events=events,
    )


class _Mentions:
    """Mentions of a document, each once, with the ids they were read with where there are any."""

    def __init__(self, doc: Doc) -> None:
        self.found: List[AnnotatedMention] = []
        self._doc = doc
        self._ids: Dict[_Key, MentionId] = {}
        self._used: Set[MentionId] = set()

    def add(self, span: Span) -> MentionId:
        key = (span.start, span.end, span.label_)
        if key not in self._ids:
            mention_id, attributes = mention_details(self._doc, span)
            self._ids[key] = self._free(mention_id)
            self.found.append(
                AnnotatedMention(
                    self._ids[key],
                    span.start,
                    span.end,
                    span.label_,
                    kb_id=span.kb_id_,
                    attributes=attributes,
                )
            )
        return self._ids[key]

    def _free(self, kept: Optional[MentionId]) -> MentionId:
        """The id, or a new one if there is none or, in joined documents, another mention has it."""
        number = len(self.found) + 1
        while kept is None or kept in self._used:
            kept = f"T{number}"
            number += 1
        self._used.add(kept)
        return kept
