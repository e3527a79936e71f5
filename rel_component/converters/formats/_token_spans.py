"""Mentions and relations as lists of first and last tokens, as CrossRE and DyGIE++ have them."""

from typing import Any, Dict, Iterable, List, Tuple

from ...errors import DataError, shown
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId
from ..report import Report

TokenRange = Tuple[int, int]
"""First and last token of a mention."""


def read_mentions(items: Iterable[List[Any]], place: str, report: Report) -> List[AnnotatedMention]:
    """Read mentions ``[first, last, label, ...]``, numbered from 0; others go to the report."""
    mentions: List[AnnotatedMention] = []
    for item in items:
        if len(item) < 3 or not _are_tokens(item[:2]) or not isinstance(item[2], str):
            message = f"expected [first token, last token, label], got {shown(item)}"
            report.problem(message, place=place, skips="mention")
            continue
        mentions.append(AnnotatedMention(len(mentions), item[0], item[1] + 1, item[2]))
    return mentions


def read_range(item: List[Any]) -> TokenRange:
    """Read a mention ``[first, last]``; a DataError if it is something else."""
    if len(item) != 2 or not _are_tokens(item):
        raise DataError(f"expected [first token, last token], got {shown(item)}")
    return item[0], item[1]


def read_relation(item: List[Any], ids: Dict[TokenRange, MentionId]) -> AnnotatedRelation:
    """Read a relation ``[first, last, first, last, label, ...]`` between mentions of known ids.

    Raises:
        DataError: if it is something else, or lies between other tokens.
    """
    if len(item) < 5 or not _are_tokens(item[:4]) or not isinstance(item[4], str):
        expected = "[first, last, first, last, label]"
        raise DataError(f"expected {expected} with tokens as integers, got {shown(item)}")
    head, tail = (item[0], item[1]), (item[2], item[3])
    for ends in (head, tail):
        if ends not in ids:
            raise DataError(f"no mention goes from token {ends[0]} to token {ends[1]}")
    return AnnotatedRelation(ids[head], ids[tail], item[4])


def ids_by_range(mentions: Iterable[AnnotatedMention]) -> Dict[TokenRange, MentionId]:
    """The mention of each range of tokens, the first one if there are several."""
    ids: Dict[TokenRange, MentionId] = {}
    for mention in mentions:
        ids.setdefault((mention.start, mention.end - 1), mention.id)
    return ids


def ranges_by_id(annotated: Annotated, name: str, report: Report) -> Dict[MentionId, TokenRange]:
    """The first and the last token of each mention, for a format that tells mentions by these."""
    ends = {m.id: (m.start, m.end - 1) for m in annotated.mentions}
    ids = ids_by_range(annotated.mentions)
    shared = sum(
        ids[ends[rel.head]] != rel.head or ids[ends[rel.tail]] != rel.tail
        for rel in annotated.relations
    )
    if shared:
        message = f"relations of one of several mentions of the same tokens, which {name} mixes up"
        report.note(message, place=annotated.place, count=shared)
    return ends


def _are_tokens(items: List[Any]) -> bool:
    return all(type(item) is int for item in items)
