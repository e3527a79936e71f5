"""Scores of relations between the entities of whole documents, as DocRED and Re-DocRED have them.

A relation is one of two entities, whichever of their mentions it is annotated or reported for. See
Yao et al. 2019 (https://aclanthology.org/P19-1074) for F1, Ign F1 and evidence F1, and Tan et al. 2022
(https://aclanthology.org/2022.emnlp-main.580) for relations within and between sentences.
"""

from dataclasses import dataclass, field
from typing import AbstractSet, Any, Collection, Dict, Iterable, List, Sequence, Set, Tuple

import numpy
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..annotations import DEFAULT_ATTR, get_relations
from ..documents import sentence_starts
from ..mentions import char_range, mention_spans, read_clusters
from .counts import PRF

FAR = 5
"""Sentences; relations whose nearest mentions are further apart are counted once more."""

EntityFact = Tuple[str, str, str]
"""A name of the head, label, a name of the tail, as they are written."""

_GROUPS = ("all", "within_sentence", "across_sentences", "far")
_Triple = Tuple[int, str, int]


@dataclass
class DocumentRelations:
    """The relations of one document between its entities, which are numbered.

    Attributes:
        names: of each entity, those of all of its mentions.
        sentences: of each entity, those in which it is mentioned, counted from 0.
        gold: head, label and tail of the annotated relations, with their evidence.
        predicted: those of the predicted ones, with theirs.
    """

    names: List[Set[str]] = field(default_factory=list)
    sentences: List[Set[int]] = field(default_factory=list)
    gold: Dict[_Triple, Set[int]] = field(default_factory=dict)
    predicted: Dict[_Triple, Set[int]] = field(default_factory=dict)

    def distance(self, triple: _Triple) -> int:
        """The fewest sentences between a mention of the head and one of the tail."""
        head, tail = (sorted(self.sentences[entity]) for entity in (triple[0], triple[2]))
        return int(numpy.abs(numpy.subtract.outer(head, tail)).min()) if head and tail else 0

    def facts(self, triple: _Triple) -> Set[EntityFact]:
        """The facts that a relation states, by all names of its entities."""
        head, label, tail = triple
        return {(one, label, other) for one in self.names[head] for other in self.names[tail]}


def score_entities(
    documents: Iterable[DocumentRelations], known_facts: AbstractSet[EntityFact] = frozenset()
) -> Dict[str, Any]:
    """Scores of relations between entities; each group has precision, recall and F1.

    - ``all``: all relations.
    - ``within_sentence``: those with a sentence that mentions both entities; ``across_sentences``: the
      others; ``far``: those whose nearest mentions are more than :data:`FAR` sentences apart.
    - ``new_facts``: Ign F1, only with `known_facts`: right relations that state one of them are left out
      of the precision, and not of the recall.
    - ``evidence``: pairs of a relation and a sentence. Evidence of spurious relations is spurious.

    Args:
        documents: annotated and predicted relations.
        known_facts: facts of the training data, see :func:`read_entity_facts`.

    Returns:
        by group ``{"p": precision, "r": recall, "f": F1, "n": number of annotated ones}``.
    """
    counts = dict.fromkeys((*_GROUPS, "evidence"), PRF())
    n_known = 0
    for document in documents:
        for name, prf in count_entity_relations(document).items():
            counts[name] += prf
        right = document.gold.keys() & document.predicted.keys() if known_facts else ()
        n_known += sum(bool(document.facts(triple) & known_facts) for triple in right)
    scores: Dict[str, Any] = {
        name: {**prf.to_dict(), "n": prf.tp + prf.fn} for name, prf in counts.items()
    }
    if known_facts:
        everything = counts["all"]
        new = PRF(everything.tp - n_known, everything.fp)
        p, r = new.precision, everything.recall
        scores["new_facts"] = {"p": p, "r": r, "f": 2 * p * r / (p + r) if p + r else 0.0}
    return scores


def count_entity_relations(document: DocumentRelations) -> Dict[str, PRF]:
    """Counts of one document in each group of :func:`score_entities` but ``new_facts``."""
    counts = dict.fromkeys((*_GROUPS, "evidence"), PRF())
    for triple in document.gold.keys() | document.predicted.keys():
        is_gold, is_found = triple in document.gold, triple in document.predicted
        count = PRF(is_gold and is_found, is_found and not is_gold, is_gold and not is_found)
        distance = document.distance(triple)
        groups = ["within_sentence" if distance == 0 else "across_sentences"]
        for name in ("all", *groups, *(["far"] if distance > FAR else [])):
            counts[name] += count
        gold, found = (side.get(triple, set()) for side in (document.gold, document.predicted))
        counts["evidence"] += PRF(len(gold & found), len(found - gold), len(gold - found))
    return counts


def score_documents(
    examples: Iterable[Example],
    *,
    symmetric: Collection[str] = (),
    spans_key: Any = None,
    attr: str = DEFAULT_ATTR,
    known_facts: AbstractSet[EntityFact] = frozenset(),
) -> Dict[str, Any]:
    """Score predicted documents by the entities of their clusters; see :func:`score_entities`.

    A predicted entity stands for the annotated one with which it shares the most mentions, by their
    characters; one that shares none is spurious, and so are its relations.

    Args:
        examples: predicted and reference documents; mentions without cluster are entities too.
        symmetric: labels whose direction does not count.
        spans_key: span group of the mentions; None: the entities.
        attr: name of the extension attribute.
        known_facts: facts of the training data, see :func:`read_entity_facts`.
    """
    documents = (document_relations(eg, symmetric, spans_key, attr) for eg in examples)
    return score_entities(documents, known_facts)


def read_entity_facts(
    docs: Iterable[Doc], *, symmetric: Collection[str] = (), attr: str = DEFAULT_ATTR
) -> Set[EntityFact]:
    """The facts that documents state, by all names of the entities as they are written.

    Args:
        docs: annotated documents, e.g. those of training.
        symmetric: labels whose direction does not count; their facts hold in both.
        attr: name of the extension attribute.
    """
    facts: Set[EntityFact] = set()
    for doc in docs:
        document = document_relations(Example(doc, doc), attr=attr)
        for head, label, tail in document.gold:
            facts |= document.facts((head, label, tail))
            if label in symmetric:
                facts |= document.facts((tail, label, head))
    return facts


class Entities:
    """The entities of a document: its clusters, and each mention that is in none.

    Args:
        doc: the document.
        others: mentions that may be in no cluster.

    Attributes:
        members: the mentions of each entity.
        numbers: the entity of a mention, by its characters.
    """

    def __init__(self, doc: Doc, others: Iterable[Span]) -> None:
        self.members: List[List[Span]] = []
        self.numbers: Dict[Tuple[int, int], int] = {}
        for group in [*read_clusters(doc), *([span] for span in others)]:
            new = [span for span in group if char_range(span) not in self.numbers]
            if new:
                self.numbers.update(dict.fromkeys(map(char_range, new), len(self.members)))
                self.members.append(new)


def document_relations(
    eg: Example, symmetric: Collection[str] = (), spans_key: Any = None, attr: str = DEFAULT_ATTR
) -> DocumentRelations:
    """The relations between entities of an example; see :func:`score_documents`.

    The entities of the reference come first, in the order of :class:`Entities`.
    """
    sides = []
    for doc in (eg.reference, eg.predicted):
        relations = get_relations(doc, attr)
        arguments = [span for rel in relations for span in (rel.head, rel.tail)]
        sides.append((Entities(doc, [*mention_spans(doc, spans_key), *arguments]), relations))
    (gold, gold_relations), (found, found_relations) = sides
    starts = sentence_starts(eg.reference)
    document = DocumentRelations()
    for members in gold.members:
        _add_entity(document, members, starts)
    numbers = []  # of the annotated entity that each predicted one stands for
    for members in found.members:
        shared = [n for span in members if (n := gold.numbers.get(char_range(span))) is not None]
        if shared:
            numbers.append(max(sorted(set(shared)), key=shared.count))
        else:
            numbers.append(len(document.names))
            _add_entity(document, members, starts)
    own = list(range(len(gold.members)))
    for target, entities, standing, relations in (
        (document.gold, gold, own, gold_relations),
        (document.predicted, found, numbers, found_relations),
    ):
        for rel in relations:
            head, tail = (
                standing[entities.numbers[char_range(span)]] for span in (rel.head, rel.tail)
            )
            if rel.label in symmetric and tail < head:
                head, tail = tail, head
            target.setdefault((head, rel.label, tail), set()).update(rel.evidence)
    return document


def _add_entity(document: DocumentRelations, members: Sequence[Span], starts: Any) -> None:
    document.names.append({span.text for span in members})
    begins = [span.start_char for span in members]
    numbers = [0] if starts is None else numpy.searchsorted(starts, begins, side="right") - 1
    document.sentences.append({int(number) for number in numbers})
