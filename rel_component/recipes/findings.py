"""What is annotated in documents, as far as settings of a pipeline depend on it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Iterable, Optional, Set, Tuple

from spacy.tokens import Doc

from ..annotations import get_relations
from ..documents import several_labels
from ..mentions import mention_spans, overlap, read_clusters

_Tokens = Tuple[int, int]


@dataclass
class Findings:
    """Counts over annotated documents.

    Attributes:
        documents: number of documents.
        empty: those without tokens.
        unmarked: those with tokens and without mentions.
        pairs_given: those with exactly two mentions.
        clustered: those with coreference clusters.
        divided: those with sentence boundaries.
        sentences: number of sentences, of documents with boundaries.
        mentions: number of mentions by entity type.
        widths: number of mentions by their length in tokens.
        relations: number of relations by label.
        related: ordered pairs with a relation.
        several: relations of a pair that has another label.
        both: unordered pairs with a relation in either direction.
        across: relations between two sentences.
        distances: number of relations by the tokens between head and tail.
        nested: documents in which mentions overlap.
        nested_arguments: documents in which mentions of relations overlap.
    """

    documents: int = 0
    empty: int = 0
    unmarked: int = 0
    pairs_given: int = 0
    clustered: int = 0
    divided: int = 0
    sentences: int = 0
    mentions: "Counter[str]" = field(default_factory=Counter)
    widths: "Counter[int]" = field(default_factory=Counter)
    relations: "Counter[str]" = field(default_factory=Counter)
    related: int = 0
    several: int = 0
    both: int = 0
    across: int = 0
    distances: "Counter[int]" = field(default_factory=Counter)
    nested: int = 0
    nested_arguments: int = 0

    @property
    def n_mentions(self) -> int:
        """Number of mentions."""
        return sum(self.mentions.values())

    @property
    def n_relations(self) -> int:
        """Number of relations."""
        return sum(self.relations.values())

    @property
    def typed(self) -> bool:
        """Whether the mentions have entity types."""
        return bool(self.mentions) and "" not in self.mentions

    def width(self, share: float) -> int:
        """The length in tokens that a share of the mentions does not exceed; 0 if there is none."""
        n_left = share * self.n_mentions
        for width, n in sorted(self.widths.items()):
            n_left -= n
            if n_left <= 1e-9:
                return width
        return 0


def examine(docs: Iterable[Doc], spans_key: Optional[str] = None) -> Findings:
    """Count what is annotated.

    Args:
        docs: the documents.
        spans_key: span group of the mentions; None: the entities.
    """
    found = Findings()
    for doc in docs:
        mentions = list(mention_spans(doc, spans_key))
        found.documents += 1
        found.empty += not len(doc)
        found.unmarked += bool(len(doc)) and not mentions
        found.mentions.update(span.label_ for span in mentions)
        found.widths.update(map(len, mentions))
        found.pairs_given += len({(span.start, span.end) for span in mentions}) == 2
        found.nested += overlap(mentions)
        found.clustered += bool(read_clusters(doc))
        if doc.has_annotation("SENT_START"):
            found.divided += 1
            found.sentences += sum(bool(token.is_sent_start) for token in doc)
        _count_relations(doc, found)
    return found


def _count_relations(doc: Doc, found: Findings) -> None:
    relations = get_relations(doc)
    found.relations.update(rel.label for rel in relations)
    found.several += len(several_labels(relations))
    pairs: Set[Tuple[_Tokens, _Tokens]] = set()
    for rel in relations:
        first, second = sorted([rel.head, rel.tail], key=lambda span: span.start)
        found.distances[max(second.start - first.end, 0)] += 1
        pairs.add(((rel.head.start, rel.head.end), (rel.tail.start, rel.tail.end)))
        if doc.has_annotation("SENT_START"):
            between = doc[min(first.start, len(doc)) + 1 : second.start + 1]
            found.across += any(token.is_sent_start for token in between)
    found.related += len(pairs)
    found.both += sum((tail, head) in pairs for head, tail in pairs) // 2
    arguments = {(span.start, span.end): span for rel in relations for span in (rel.head, rel.tail)}
    found.nested_arguments += overlap(list(arguments.values()))
