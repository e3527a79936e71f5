"""Pairs of mentions, for formats that have one of them a sentence."""

from dataclasses import dataclass
from typing import Iterator, Optional

from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation
from ..report import Report


@dataclass(frozen=True)
class Pair:
    """Two mentions of a document.

    Attributes:
        annotated: the document.
        head: the first argument of the relation, or any of two mentions without one.
        tail: the other mention.
        relation: the relation from head to tail; None: there is none.
    """

    annotated: Annotated
    head: AnnotatedMention
    tail: AnnotatedMention
    relation: Optional[AnnotatedRelation]


def single_pairs(
    annotated: Annotated, name: str, report: Report, *, negatives: bool
) -> Iterator[Pair]:
    """Divide a document into pairs, one for each relation.

    Args:
        annotated: the document.
        name: name of the format.
        report: takes note of what such formats do not hold.
        negatives: whether two mentions without relation, of a document without any, are a pair.
    """
    place = annotated.place
    mentions = {mention.id: mention for mention in annotated.mentions}
    ends = {key for relation in annotated.relations for key in (relation.head, relation.tail)}
    entities = [cluster for cluster in annotated.clusters if not ends.isdisjoint(cluster)]
    if not annotated.relations:
        if negatives and len(annotated.mentions) == 2:
            head, tail = annotated.mentions
            yield Pair(annotated, head, tail, None)
            return
        message = f"a document without a pair of mentions, which {name} does not hold"
        report.problem(message, place=place, skips="document")
        return
    alone = len(mentions.keys() - ends.union(*entities))
    if alone:
        message = f"mentions without relation, which {name} does not hold"
        report.note(message, place=place, count=alone)
    if len(annotated.relations) > 1:
        message = f"documents with several relations, written as one {name} sentence for each"
        report.note(message, place=place)
    for relation in annotated.relations:
        yield Pair(annotated, mentions[relation.head], mentions[relation.tail], relation)
