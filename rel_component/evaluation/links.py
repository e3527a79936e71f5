"""Scores of links to a knowledge base, against a reference.

Only documents with annotated links count. A mention without id there, with ``NIL`` or with an id that
the knowledge base does not have, should have no link. Mentions are compared by their characters.
"""

from dataclasses import dataclass, field
from typing import Any, Callable, Collection, Dict, Iterable, List, Optional, Tuple

from spacy.tokens import Doc, Span
from spacy.training import Example

from ..linking.links import ATTRIBUTE
from ..mentions import char_range
from ..types import NO_LINK, ScorerFunction
from .counts import PRF

RECALL_AT = (1, 10, 50)
"""The numbers of candidates among which the right one is looked for."""


def make_link_scorer() -> ScorerFunction:
    """The scorer of linkers (``rel_component.link_scorer.v1``)."""
    return score_links


def score_links(
    examples: Iterable[Example],
    *,
    known: Optional[Callable[[str], bool]] = None,
    labels: Optional[Collection[str]] = None,
    **_: Any,
) -> Dict[str, Any]:
    """Compare the links of predicted documents with those of the reference.

    Args:
        examples: predicted and reference documents.
        known: whether the knowledge base has an id; None: it has all that are annotated.
        labels: types of the mentions that count; None: all.

    Returns:
        ``links_p``, ``links_r`` and ``links_f``, the micro scores of mentions with their link, end to
        end; ``links_accuracy``, the share of right links of the linkable mentions that were found;
        ``links_nil_p``, ``links_nil_r`` and ``links_nil_f`` of the found mentions that have no link; and
        ``links_recall_at``, for a number of candidates the share of linkable mentions found with the
        right one among them. ``links_n`` and ``links_nil_n`` count the annotated mentions with and
        without a link. All are None if no link is annotated.
    """
    counts = LinkCounts()
    for eg in examples:
        counts += count_links(eg, known=known, labels=labels)
    names = ("links_p", "links_r", "links_f", "links_nil_p", "links_nil_r", "links_nil_f")
    ends, found = counts.ends, counts.found
    if not ends.tp + ends.fn + counts.n_nil:
        return dict.fromkeys((*names, "links_accuracy", "links_recall_at"))
    recalls = {str(n): n_hits / max(found, 1) for n, n_hits in zip(RECALL_AT, counts.hits)}
    return {
        **{f"links_{key}": value for key, value in ends.to_dict().items()},
        **{f"links_nil_{key}": value for key, value in counts.nil.to_dict().items()},
        "links_accuracy": counts.right / found if found else None,
        "links_recall_at": recalls,
        "links_n": ends.tp + ends.fn,
        "links_nil_n": counts.n_nil,
    }


@dataclass
class LinkCounts:
    """Counts of links.

    Attributes:
        ends: mentions with their link, end to end.
        nil: found mentions without link.
        n_nil: annotated mentions without link.
        found: linkable mentions that were found.
        right: those with the right link.
        hits: for each of :data:`RECALL_AT`, those with the right one among so many candidates.
    """

    ends: PRF = field(default_factory=PRF)
    nil: PRF = field(default_factory=PRF)
    n_nil: int = 0
    found: int = 0
    right: int = 0
    hits: List[int] = field(default_factory=lambda: [0] * len(RECALL_AT))

    def __add__(self, other: "LinkCounts") -> "LinkCounts":
        return LinkCounts(
            self.ends + other.ends,
            self.nil + other.nil,
            self.n_nil + other.n_nil,
            self.found + other.found,
            self.right + other.right,
            [a + b for a, b in zip(self.hits, other.hits)],
        )


def count_links(
    eg: Example,
    *,
    known: Optional[Callable[[str], bool]] = None,
    labels: Optional[Collection[str]] = None,
) -> LinkCounts:
    """Counts of the links of one document; see :func:`score_links`."""
    counts = LinkCounts()
    gold = _links(eg.reference, known, labels)
    if gold is None:
        return counts
    found = (s for s in eg.predicted.ents if labels is None or s.label_ in labels)
    predicted = {char_range(span): span for span in found}
    ids = {chars: _id(span) for chars, span in predicted.items()}
    counts.n_nil = sum(not name for name in gold.values())
    counts.ends = _compare(
        {(chars, name) for chars, name in gold.items() if name},
        {(chars, name) for chars, name in ids.items() if name},
    )
    shared = gold.keys() & ids.keys()
    counts.nil = _compare({c for c in shared if not gold[c]}, {c for c in shared if not ids[c]})
    for chars in shared:
        if gold[chars]:
            counts.found += 1
            counts.right += ids[chars] == gold[chars]
            candidates = _candidates(predicted[chars])
            for i, n in enumerate(RECALL_AT):
                counts.hits[i] += gold[chars] in candidates[:n]
    return counts


def _links(
    doc: Doc, known: Optional[Callable[[str], bool]], labels: Optional[Collection[str]]
) -> Optional[Dict[Tuple[int, int], str]]:
    """The id of each mention, empty for no link; None if none is annotated."""
    spans = [span for span in doc.ents if labels is None or span.label_ in labels]
    if not any(_id(span) for span in spans):
        return None
    ids = {char_range(span): _id(span) for span in spans}
    return {c: name if known is None or known(name) else "" for c, name in ids.items()}


def _id(span: Span) -> str:
    return "" if span.kb_id_ in NO_LINK else span.kb_id_


def _candidates(span: Span) -> List[str]:
    """The ids of the candidates, the best first; of other linkers the link alone."""
    kept = span._.get(ATTRIBUTE) if Span.has_extension(ATTRIBUTE) else ()
    return [link["id"] for link in kept] or [_id(span)]


def _compare(gold: Collection[Any], predicted: Collection[Any]) -> PRF:
    shared = len(set(gold) & set(predicted))
    return PRF(shared, len(predicted) - shared, len(gold) - shared)
