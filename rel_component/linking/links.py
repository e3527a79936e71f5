"""The links of mentions: one for all mentions of an entity, and where it is written.

Links are ``ent.kb_id_``, as spaCy has them. The candidates with their scores are
``span._.kb_candidates``, plain values in ``doc.user_data``, so that they survive ``DocBin``.
"""

import math
from typing import Any, Dict, List, Optional, Sequence, Tuple, TypedDict

import numpy
from spacy.tokens import Doc, Span

from ..errors import ExtensionConflict
from ..mentions import mention_spans, read_clusters
from ..span_groups import MovingSpanGroup
from ..types import FloatArray
from .candidates import LinkCandidates
from .knowledge_base import KnowledgeBase

ATTRIBUTE = "kb_candidates"
"""Name of the extension attribute of spans."""


class Link(TypedDict):
    """A candidate of a mention: the id and the name of the entity, and its probability in [0, 1]."""

    id: str
    name: str
    score: float


def register_candidates() -> None:
    """Register ``span._.kb_candidates``.

    Raises:
        ExtensionConflict: if another package has registered it.
    """
    if not Span.has_extension(ATTRIBUTE):
        Span.set_extension(ATTRIBUTE, default=())
    elif Span.get_extension(ATTRIBUTE) != ((), None, None, None):
        raise ExtensionConflict(
            f"another package has registered span._.{ATTRIBUTE}; remove it with "
            f"Span.remove_extension({ATTRIBUTE!r}) before kb_linker is used"
        )


def best_links(
    kb: KnowledgeBase,
    docs: Sequence[Doc],
    mentions: Sequence[Sequence[Span]],
    candidates: LinkCandidates,
    logits: FloatArray,
    n: int,
) -> List[List[List[Link]]]:
    """The best candidates of each mention, those of a coreference cluster together.

    Args:
        kb: the knowledge base.
        docs: the documents.
        mentions: the mentions of each.
        candidates: their candidates.
        logits: *Shape:* ``(n_candidates,)``
        n: the most candidates of a mention.

    Returns:
        for each document and mention the candidates, the best first.
    """
    starts, lengths = candidates.starts.tolist(), candidates.lengths.tolist()
    result, mention = [], 0
    for doc, spans in zip(docs, mentions):
        best: List[Dict[int, float]] = []
        for start, length in zip(starts[mention:], lengths[mention : mention + len(spans)]):
            part = logits[start : start + length]
            order = numpy.argsort(-part, kind="stable")[:n]
            entities = candidates.entities[start : start + length][order]
            best.append(dict(zip(entities.tolist(), part[order].tolist())))
        mention += len(spans)
        _join_clusters(doc, spans, best)
        result.append([_to_links(kb, scores, n) for scores in best])
    return result


def _join_clusters(doc: Doc, spans: Sequence[Span], best: List[Dict[int, float]]) -> None:
    """Give the mentions of a cluster the candidates of all of them, with the highest scores."""
    places: Dict[Tuple[int, int], List[int]] = {}
    for i, span in enumerate(spans):
        places.setdefault((span.start, span.end), []).append(i)
    for cluster in read_clusters(doc):
        members = [i for span in cluster for i in places.get((span.start, span.end), ())]
        joined: Dict[int, float] = {}
        for i in members:
            for entity, score in best[i].items():
                joined[entity] = max(score, joined.get(entity, score))
        for i in members:
            best[i] = joined


def _to_links(kb: KnowledgeBase, scores: Dict[int, float], n: int) -> List[Link]:
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:n]
    return [
        {
            "id": kb.entity_id(entity),
            "name": kb.display_name(entity),
            "score": round(1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, logit)))), 4),
        }
        for entity, logit in ordered
    ]


def write_links(
    doc: Doc,
    mentions: Sequence[Span],
    links: Sequence[Sequence[Link]],
    threshold: float,
    spans_key: Optional[str] = None,
) -> None:
    """Write the links of mentions and their candidates.

    Args:
        doc: the document.
        mentions: its mentions, entities and then spans of the group; of those with the same tokens the
            first one's candidates are kept, as attributes of spans know no label.
        links: the candidates of each.
        threshold: the least score of a link.
        spans_key: the span group; None: none.
    """
    register_candidates()
    ids: Dict[Tuple[int, int, int], str] = {}
    for span, found in reversed([*zip(mentions, links)]):
        is_linked = bool(found) and found[0]["score"] >= threshold
        ids[span.start, span.end, span.label] = found[0]["id"] if is_linked else ""
        span._.set(ATTRIBUTE, [dict(link) for link in found])
    write_ids(doc, ids, spans_key)


def write_ids(
    doc: Doc, ids: Dict[Tuple[int, int, int], str], spans_key: Optional[str] = None
) -> None:
    """Write the ids of mentions to the entities, and to the spans of a group; others keep theirs.

    Args:
        doc: the document.
        ids: for start, end and label of a mention its id, empty if it has none.
        spans_key: the span group; None: none.
    """
    for ent in doc.ents:
        kb_id = ids.get((ent.start, ent.end, ent.label))
        if kb_id is not None:
            for token in ent:
                token.ent_kb_id_ = kb_id
    if spans_key is not None and spans_key in doc.spans:
        group = doc.spans[spans_key]
        doc.spans[spans_key] = MovingSpanGroup(
            doc,
            name=group.name,
            attrs=group.attrs,
            spans=[_linked(span, ids) for span in mention_spans(doc, spans_key)],
        )


def _linked(span: Span, ids: Dict[Tuple[int, int, int], str]) -> Any:
    kb_id = ids.get((span.start, span.end, span.label), span.kb_id_)
    return Span(span.doc, span.start, span.end, label=span.label, kb_id=kb_id, span_id=span.id)
