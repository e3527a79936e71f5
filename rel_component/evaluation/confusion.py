"""Which relation types are taken for which others."""

from collections import Counter, defaultdict
from typing import Any, Collection, DefaultDict, Iterable, List, Set, Tuple
from typing import Counter as CounterType

from spacy.tokens import Doc
from spacy.training import Example

from ..annotations import DEFAULT_ATTR, get_relations
from ..documents import relation_key
from ..types import NO_RELATION

Confusion = CounterType[Tuple[str, str]]
"""How often a pair of mentions was annotated with the first label and predicted with the second."""


def confuse_labels(
    examples: Iterable[Example],
    *,
    symmetric: Collection[str] = (),
    attr: str = DEFAULT_ATTR,
) -> Confusion:
    """Compare the labels of equal pairs of mentions.

    Labels that both documents give a pair are right. What remains is compared one by one, in
    alphabetical order; where one document has more labels, the other has NO_RELATION.

    Args:
        examples: predicted and reference documents.
        symmetric: labels whose direction does not count.
        attr: name of the extension attribute.
    """
    counts: Confusion = Counter()
    for eg in examples:
        gold, found = (_labels(doc, symmetric, attr) for doc in (eg.reference, eg.predicted))
        for pair in {**gold, **found}:
            annotated, predicted = gold.get(pair, set()), found.get(pair, set())
            counts.update((label, label) for label in annotated & predicted)
            left: List[str] = sorted(annotated - predicted)
            right: List[str] = sorted(predicted - annotated)
            for i in range(max(len(left), len(right))):
                names = [side[i] if i < len(side) else NO_RELATION for side in (left, right)]
                counts[names[0], names[1]] += 1
    return counts


def _labels(doc: Doc, symmetric: Collection[str], attr: str) -> DefaultDict[Any, Set[str]]:
    """The labels of each pair of mentions."""
    labels: DefaultDict[Any, Set[str]] = defaultdict(set)
    for rel in get_relations(doc, attr):
        head, label, tail = relation_key(rel, symmetric)
        labels[head, tail].add(label)
    return labels
