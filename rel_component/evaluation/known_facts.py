"""Facts: relations between names, whatever text states them."""

from typing import Collection, Iterable, Set, Tuple

from spacy.tokens import Doc

from ..annotations import DEFAULT_ATTR, get_relations
from ..documents import relation_key
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
    return relation_key(rel, symmetric, lambda span: normalize_name(span.text))


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
