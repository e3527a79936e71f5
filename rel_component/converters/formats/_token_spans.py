"""Mentions and relations as lists of first and last tokens, as CrossRE and DyGIE++ have them."""

from typing import Any, Dict, Iterable, List, Tuple

from ...errors import DataError
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId
from ..records import Record, get
from ..report import Report

Ends = Tuple[int, int]
"""First and last token of a mention."""


def get_lists(record: Record, key: str, place: str) -> List[List[Any]]:
    """A list of lists in a record, empty if the key is missing.

    Raises:
        DataError: if it is something else.
    """
    items = get(record, key, list, place, default=[])
    for i, item in enumerate(items):
        if not isinstance(item, list):
            raise DataError(f'"{key}"[{i}]: expected a list, got {item!r:.60}', place=place)
    return list(items)


def read_mentions(items: Iterable[List[Any]], place: str, report: Report) -> List[AnnotatedMention]:
    """Mentions ``[first, last, label, ...]``, numbered from 0; others go to the report."""
    mentions: List[AnnotatedMention] = []
    for item in items:
        if len(item) < 3 or not _are_tokens(item[:2]) or not isinstance(item[2], str):
            message = f"expected [first token, last token, label], got {item!r:.60}"
            report.problem(message, place=place, skips="mention")
            continue
        mentions.append(AnnotatedMention(len(mentions), item[0], item[1] + 1, item[2]))
    return mentions


def read_ends(item: List[Any]) -> Ends:
    """A mention ``[first, last]``.

    Raises:
        DataError: if it is something else.
    """
    if len(item) != 2 or not _are_tokens(item):
        raise DataError(f"expected [first token, last token], got {item!r:.60}")
    return item[0], item[1]


def read_relation(item: List[Any], ids: Dict[Ends, MentionId]) -> AnnotatedRelation:
    """A relation ``[first, last, first, last, label, ...]``.

    Args:
        ids: those of the mentions.

    Raises:
        DataError: if it is something else, or lies between other tokens.
    """
    if len(item) < 5 or not _are_tokens(item[:4]) or not isinstance(item[4], str):
        expected = "[first, last, first, last, label]"
        raise DataError(f"expected {expected} with tokens as integers, got {item!r:.60}")
    head, tail = (item[0], item[1]), (item[2], item[3])
    for ends in (head, tail):
        if ends not in ids:
            raise DataError(f"no mention goes from token {ends[0]} to token {ends[1]}")
    return AnnotatedRelation(ids[head], ids[tail], item[4])


def ids_by_ends(mentions: Iterable[AnnotatedMention]) -> Dict[Ends, MentionId]:
    """The mention of each range of tokens, the first one if there are several."""
    ids: Dict[Ends, MentionId] = {}
    for mention in mentions:
        ids.setdefault((mention.start, mention.end - 1), mention.id)
    return ids


def ends_by_id(annotated: Annotated, name: str, report: Report) -> Dict[MentionId, Ends]:
    """First and last token of each mention, for a format to write.

    Args:
        name: of the format.
        report: takes note of relations of mentions that it does not tell apart.
    """
    ends = {m.id: (m.start, m.end - 1) for m in annotated.mentions}
    ids = ids_by_ends(annotated.mentions)
    shared = sum(
        any(ids[ends[key]] != key for key in (relation.head, relation.tail))
        for relation in annotated.relations
    )
    if shared:
        message = f"relations of one of several mentions of the same tokens, which {name} mixes up"
        report.note(message, place=annotated.place, count=shared)
    return ends


def _are_tokens(items: List[Any]) -> bool:
    return all(type(item) is int for item in items)
