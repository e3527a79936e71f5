"""The nouns of a graph: nodes, edges, their evidence, and where they contradict each other."""

from hashlib import blake2b
from typing import Dict, List, Literal, NamedTuple, Optional, Tuple

Rule = Literal["", "inverse", "closure"]
"""Why an edge is inferred; empty: documents state it."""

ContradictionKind = Literal["several tails", "both directions", "itself"]
"""A functional type with two tails; an asymmetric one both ways, or between a node and itself."""


class Node(NamedTuple):
    """An entity of many documents.

    Attributes:
        id: unique in the graph: the id in a knowledge base, or ``name:TYPE:normalised name``.
        kb_id: the id in a knowledge base or that of ``spacy rel canonicalize``; empty: none.
        name: the display name, the most frequent one.
        type: the most frequent type; empty: none.
        types: how often each type occurs, once for each name in each document.
        aliases: in how many documents each name occurs.
    """

    id: str
    kb_id: str
    name: str
    type: str
    types: Dict[str, int]
    aliases: Dict[str, int]


class Edge(NamedTuple):
    """A relation between two nodes.

    Attributes:
        id: a number made of head, label and tail, so that it is the same in all graphs.
        head: id of the node that it goes from.
        label: relation type.
        tail: id of the node that it goes to.
        head_name: display name of the head.
        tail_name: display name of the tail.
        count: pieces of evidence.
        documents: number of documents that state it.
        score: noisy-or of the scores of its documents; None: no score is known.
        max_score: the highest score.
        first_date: of the documents that state it, the first date in ISO 8601; None: not known.
        last_date: the last one.
        first_document: id of the document of the first date, or that was read first.
        last_document: id of the last one.
        rule: why it is inferred; empty: it is stated.
    """

    id: int
    head: str
    label: str
    tail: str
    head_name: str
    tail_name: str
    count: int  # type: ignore[assignment]  # the name of a column, and of a method of tuples
    documents: int
    score: Optional[float]
    max_score: Optional[float]
    first_date: Optional[str]
    last_date: Optional[str]
    first_document: Optional[str]
    last_document: Optional[str]
    rule: Rule


class Evidence(NamedTuple):
    """A place in a document that states an edge.

    Attributes:
        id: a number made of the edge, the document and the place in it.
        edge: number of the edge.
        document: id of the document, or ``#`` and its number where it has none.
        date: date of the document.
        score: probability; None: not known.
        text: the sentences of head and tail, and those that are marked as evidence; ``...`` stands
            between those that are not neighbours. Of more than 2000 characters, what is near to head and
            tail.
        head: first character of the head in the document, and the one after its last.
        tail: the same of the tail.
        head_at: where the head begins in `text`.
        tail_at: where the tail begins in `text`.
    """

    id: int
    edge: int
    document: str
    date: Optional[str]
    score: Optional[float]
    text: str
    head: Tuple[int, int]
    tail: Tuple[int, int]
    head_at: int
    tail_at: int


class GraphDocument(NamedTuple):
    """A document that states edges.

    Attributes:
        id: its id, or ``#`` and its number where it has none.
        date: in ISO 8601; None: not known.
        number: of all documents that were read, from 1.
    """

    id: str
    date: Optional[str]
    number: int


class Contradiction(NamedTuple):
    """Edges of which some must be wrong, or of which a node stands for two entities.

    Attributes:
        kind: what is wrong.
        label: relation type.
        node: id of the node that they share.
        name: its display name.
        edges: the edges, the most probable ones first, and a hundred at most.
    """

    kind: ContradictionKind
    label: str
    node: str
    name: str
    edges: List[Edge]


def number_of(*parts: object) -> int:
    """A number of 63 bits that stands for content, as databases have them.

    Args:
        parts: texts and numbers.
    """
    content = "\x1f".join(map(str, parts)).encode("utf8", "surrogatepass")
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big") >> 1
