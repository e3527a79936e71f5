"""Facts: relations between names, whatever text they come from."""

from typing import Collection, Iterable, List, Set, Tuple

from spacy.tokens import Doc, Span
from spacy.training import Example

from ..annotations import DEFAULT_ATTR, get_relations, set_relations
from ..mentions import normalize_name
from ..types import Relation

Fact = Tuple[str, str, str]
"""Name of the head, label, name of the tail; names of symmetric relations in alphabetical order."""


def fact_of(rel: Relation, symmetric: Collection[str] = ()) -> Fact:
    """The fact that a relation states.

    Args:
        rel: the relation.
        symmetric: labels whose direction does not count.
    """
    head, tail = normalize_name(rel.head.text), normalize_name(rel.tail.text)
    if rel.label in symmetric and tail < head:
        head, tail = tail, head
    return (head, rel.label, tail)


def read_facts(
    docs: Iterable[Doc], *, symmetric: Collection[str] = (), attr: str = DEFAULT_ATTR
) -> Set[Fact]:
    """The facts that documents state.

    Args:
        docs: annotated documents, e.g. those of training.
        symmetric: labels whose direction does not count.
        attr: name of the extension attribute.
    """
    return {fact_of(rel, symmetric) for doc in docs for rel in get_relations(doc, attr)}


def ignore_known(
    examples: Iterable[Example],
    train_facts: Collection[Fact],
    *,
    symmetric: Collection[str] = (),
    attr: str = DEFAULT_ATTR,
) -> List[Example]:
    """Copies of examples without the relations whose facts are known from training.

    Scored with ``score_relations``, they say how well relations are found that cannot have been
    learnt by heart: the Ign F1 of DocRED (Yao et al. 2019, https://aclanthology.org/P19-1074/), which
    leaves known facts out of the precision only, generalised to the recall. A predicted relation
    goes if it is right and known. One that repeats a known fact where the text does not state it
    stays, and is wrong.

    Args:
        examples: predicted and reference documents.
        train_facts: see :func:`read_facts`.
        symmetric: labels whose direction does not count.
        attr: name of the extension attribute.
    """
    result = []
    for eg in examples:
        gold = list(get_relations(eg.reference, attr))
        known = [rel for rel in gold if fact_of(rel, symmetric) in train_facts]
        ignored = {place for rel in known for place in _places(rel, symmetric)}
        predicted = [
            rel
            for rel in get_relations(eg.predicted, attr)
            if not ignored.intersection(_places(rel, ()))
        ]
        result.append(
            Example(
                _copy_with(eg.predicted, predicted, attr),
                _copy_with(eg.reference, [rel for rel in gold if rel not in known], attr),
            )
        )
    return result


_RelationPlace = Tuple[Tuple[int, int], str, Tuple[int, int]]


def _places(rel: Relation, symmetric: Collection[str]) -> List[_RelationPlace]:
    """A relation by the characters of its arguments, both ways if its label is symmetric."""
    head = (rel.head.start_char, rel.head.end_char)
    tail = (rel.tail.start_char, rel.tail.end_char)
    both = rel.label in symmetric
    return [(head, rel.label, tail), *([(tail, rel.label, head)] if both else [])]


def _copy_with(doc: Doc, relations: Iterable[Relation], attr: str) -> Doc:
    copy = doc.copy()
    moved = [
        Relation(_move(rel.head, copy), rel.label, _move(rel.tail, copy), rel.score)
        for rel in relations
    ]
    set_relations(copy, moved, attr)
    return copy


def _move(span: Span, doc: Doc) -> Span:
    return Span(doc, span.start, span.end, label=span.label_)
