"""Prodigy's relations JSONL.

::

    {"text": "Jobs founded Apple", "answer": "accept",
     "tokens": [{"text": "Jobs", "start": 0, "end": 4, "id": 0, "ws": true}, ...],
     "spans": [{"start": 0, "end": 4, "token_start": 0, "token_end": 0, "label": "PERSON"}, ...],
     "relations": [{"head": 2, "child": 0, "label": "FOUNDED_BY",
                    "head_span": {"start": 13, "end": 18, "label": "ORG", ...},
                    "child_span": {"start": 0, "end": 4, "label": "PERSON", ...}}]}

``head`` and ``child`` are the last tokens of the spans, by number. A relation goes from head to
child. Labels such as ``No-rel``, which annotators give to pairs they have looked at and found
unrelated, are no relations: they are counted and left out. Described at
https://prodi.gy/docs/api-interfaces#relations.
"""

from pathlib import Path
from typing import Dict, Iterator, List, Tuple

from ..errors import DataError
from .annotated import Annotated, AnnotatedMention, AnnotatedRelation
from .records import Record, get, get_objects, read_json_lines
from .report import Report

NEGATIVE_LABELS = frozenset({"no-rel", "no_rel", "norel", "no_relation", "no-relation"})
"""Labels, in lower case, that say there is no relation."""

_Key = Tuple[int, int, str]


def read_prodigy(path: Path, report: Report) -> Iterator[Annotated]:
    """Read a file that Prodigy's rel.manual has written (converter ``prodigy``).

    path: the file. report: takes note of what cannot be used.
    """
    for place, record in read_json_lines(path, report):
        if record.get("answer", "accept") != "accept":
            report.rejected += 1
            continue
        try:
            yield _read(record, place, report)
        except DataError as err:
            report.problem(err.message, place=place, skips="document")


def _read(record: Record, place: str, report: Report) -> Annotated:
    tokens = get_objects(record, "tokens", place)
    mentions: Dict[_Key, AnnotatedMention] = {}
    for span in get_objects(record, "spans", place):
        _add_mention(mentions, span, place)
    relations: List[AnnotatedRelation] = []
    for item in get_objects(record, "relations", place):
        label = get(item, "label", str, place)
        head = _find(mentions, item, "head", tokens, place)
        tail = _find(mentions, item, "child", tokens, place)
        if label.lower() in NEGATIVE_LABELS:
            report.negatives += 1
        else:
            relations.append(AnnotatedRelation(head.id, tail.id, label))
    annotated = Annotated(
        place=place,
        text=get(record, "text", str, place),
        mentions=list(mentions.values()),
        relations=relations,
        meta=dict(get(record, "meta", dict, place, default={})),
    )
    return _with_tokens(annotated, tokens, place) if tokens else annotated


def _add_mention(
    mentions: Dict[_Key, AnnotatedMention], span: Record, place: str
) -> AnnotatedMention:
    key = (
        get(span, "start", int, place),
        get(span, "end", int, place),
        str(get(span, "label", str, place, default="")),
    )
    return mentions.setdefault(key, AnnotatedMention(len(mentions), *key))


def _find(
    mentions: Dict[_Key, AnnotatedMention],
    item: Record,
    role: str,
    tokens: List[Record],
    place: str,
) -> AnnotatedMention:
    span = item.get(f"{role}_span")
    if isinstance(span, dict):
        return _add_mention(mentions, span, place)
    number = get(item, role, int, place)
    if not 0 <= number < len(tokens):
        raise DataError(f'"{role}": there is no token {number}', place=place)
    end = get(tokens[number], "end", int, place)
    ending = [mention for mention in mentions.values() if mention.end == end]
    if not ending:
        raise DataError(f'"{role}": no span ends with token {number}', place=place)
    return max(ending, key=lambda mention: mention.end - mention.start)


def _with_tokens(annotated: Annotated, tokens: List[Record], place: str) -> Annotated:
    """The same document with Prodigy's tokens, if they make up its text."""
    words = [str(get(token, "text", str, place)) for token in tokens]
    starts = [get(token, "start", int, place) for token in tokens]
    ends = [get(token, "end", int, place) for token in tokens]
    spaces = [ends[i] < starts[i + 1] for i in range(len(tokens) - 1)] + [False]
    text = "".join(word + " " * space for word, space in zip(words, spaces))
    if text != (annotated.text or "").rstrip(" "):
        return annotated
    first, last = {s: i for i, s in enumerate(starts)}, {e: i for i, e in enumerate(ends)}
    mentions = []
    for mention in annotated.mentions:
        if mention.start not in first or mention.end not in last:
            return annotated
        mentions.append(
            AnnotatedMention(mention.id, first[mention.start], last[mention.end] + 1, mention.label)
        )
    annotated.text, annotated.words, annotated.spaces = None, words, spaces
    annotated.mentions = mentions
    return annotated
