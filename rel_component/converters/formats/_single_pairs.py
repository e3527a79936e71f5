"""Pairs of mentions, for formats that have one of them a sentence."""

from typing import Iterator, Optional, Tuple

from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation
from ..report import Report

Pair = Tuple[AnnotatedMention, AnnotatedMention, Optional[AnnotatedRelation]]
"""Head, tail and their relation; None: two mentions without one, in any order."""


def single_pairs(
    annotated: Annotated, name: str, report: Report, *, negatives: bool
) -> Iterator[Pair]:
    """Divide a document into pairs, one for each relation; `negatives`: or its only two mentions."""
    place = annotated.place
    mentions = {mention.id: mention for mention in annotated.mentions}
    if not annotated.relations:
        if negatives and len(annotated.mentions) == 2:
            head, tail = annotated.mentions
            yield head, tail, None
            return
        message = f"a document without a pair of mentions, which {name} does not hold"
        report.problem(message, place=place, skips="document")
        return
    ends = annotated.related
    entities = [cluster for cluster in annotated.clusters if not ends.isdisjoint(cluster)]
    alone = len(mentions.keys() - ends.union(*entities))
    if alone:
        message = f"mentions without relation, which {name} does not hold"
        report.note(message, place=place, count=alone)
    if len(annotated.relations) > 1:
        message = f"documents with several relations, written as one {name} sentence for each"
        report.note(message, place=place)
    for relation in annotated.relations:
        yield mentions[relation.head], mentions[relation.tail], relation
