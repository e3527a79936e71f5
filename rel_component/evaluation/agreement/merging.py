"""Documents with only what annotators agree on."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

from spacy.tokens import Doc, Span

from ...annotations import set_relations
from ...documents import bare_copy
from ...errors import ConfigError
from ...mentions import TypedKey
from ...types import Relation, shown_polarity
from .documents import SharedDoc, SharedDocuments


@dataclass
class Merged:
    """Documents with the annotations that are agreed on, and counts of what was left out.

    Attributes:
        docs: the documents.
        mentions: number of their mentions.
        relations: number of their relations.
        documents_left_out: number of documents that too few annotators have.
        mentions_left_out: number of mentions by reason: too few ``votes``, an ``overlap`` with a
            mention that has more votes, or ends that are not those of ``tokens`` of the first
            annotator.
        relations_left_out: number of relations by reason: too few ``votes``, ``mentions`` that were
            left out, or a ``polarity`` that is not the same for all who have the relation.
    """

    docs: List[Doc] = field(default_factory=list)
    mentions: int = 0
    relations: int = 0
    documents_left_out: int = 0
    mentions_left_out: Dict[str, int] = field(default_factory=dict)
    relations_left_out: Dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> Dict[str, Any]:
        """The counts."""
        return {
            "documents": len(self.docs),
            "mentions": self.mentions,
            "relations": self.relations,
            "left_out": {
                "documents": self.documents_left_out,
                "mentions": self.mentions_left_out,
                "relations": self.relations_left_out,
            },
        }


def merge_agreed(
    shared: SharedDocuments,
    *,
    min_votes: Optional[int] = None,
    spans_key: Optional[str] = None,
) -> Merged:
    """New documents with the mentions and relations that annotators agree on, strictly.

    Tokens, sentences and ``user_data["meta"]`` are those of the first annotator who has the document.

    Args:
        shared: the documents, see :func:`.documents.match_documents`.
        min_votes: how many annotators have to say so; None: all who have the document. Documents
            that fewer annotators have are left out.
        spans_key: span group for the mentions; None: they are entities.

    Raises:
        ConfigError: if there are not so many annotators.
    """
    n = len(shared.names)
    if min_votes is not None and not 1 <= min_votes <= n:
        raise ConfigError(f"min_votes must be between 1 and {n}, the annotators; got {min_votes}")
    merged = Merged(documents_left_out=shared.n_single)
    mentions_out: Counter[str] = Counter()
    relations_out: Counter[str] = Counter()
    for doc in shared.docs:
        needed = len(doc.available) if min_votes is None else min_votes
        if len(doc.available) < needed:
            merged.documents_left_out += 1
            continue
        copy = bare_copy(doc.doc, sentences=True)
        if "meta" in doc.doc.user_data:
            copy.user_data["meta"] = doc.doc.user_data["meta"]
        kept = _keep_mentions(doc, copy, needed, mentions_out, nested=spans_key is not None)
        if spans_key is None:
            copy.set_ents(list(kept.values()))
        else:
            copy.spans[spans_key] = [kept[key] for key in sorted(kept)]
        relations = []
        for key, votes in _votes(doc, "relations"):
            head, label, tail = key
            said = {a.polarities.get(key, "") for a in doc.available if key in a.relations}
            if votes < needed:
                relations_out["votes"] += 1
            elif head not in kept or tail not in kept:
                relations_out["mentions"] += 1
            elif len(set(map(shown_polarity, said))) > 1:
                relations_out["polarity"] += 1
            else:
                relations.append(Relation(kept[head], label, kept[tail], polarity=max(said)))
        set_relations(copy, relations)
        merged.docs.append(copy)
        merged.mentions += len(kept)
        merged.relations += len(relations)
    merged.mentions_left_out, merged.relations_left_out = dict(mentions_out), dict(relations_out)
    return merged


def _votes(doc: SharedDoc, kind: str) -> List[Tuple[Any, int]]:
    """Mentions or relations and how many annotators have them, in the order of the text."""
    counts = Counter(item for annotation in doc.available for item in getattr(annotation, kind))
    return sorted(counts.items())


def _keep_mentions(
    doc: SharedDoc, copy: Doc, needed: int, left_out: Counter[str], *, nested: bool
) -> Dict[TypedKey, Span]:
    """The agreed mentions that fit into a document; counts the others."""
    kept: Dict[TypedKey, Span] = {}
    taken = [False] * len(copy)
    # of overlapping ones that with the most votes, then the longest, then the first
    for key, votes in sorted(
        _votes(doc, "mentions"), key=lambda item: (-item[1], item[0][0] - item[0][1], item[0])
    ):
        span = copy.char_span(key[0], key[1], label=key[2])
        if votes < needed:
            left_out["votes"] += 1
        elif span is None:
            left_out["tokens"] += 1
        elif not nested and any(taken[span.start : span.end]):
            left_out["overlap"] += 1
        else:
            kept[key] = span
            taken[span.start : span.end] = [True] * len(span)
    return kept
