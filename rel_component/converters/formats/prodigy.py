"""Prodigy's relations JSONL.

::

    {"text": "Jobs founded Apple", "answer": "accept",
     "tokens": [{"text": "Jobs", "start": 0, "end": 4, "id": 0, "ws": true}, ...],
     "spans": [{"start": 0, "end": 4, "token_start": 0, "token_end": 0, "label": "PERSON"}, ...],
     "relations": [{"head": 2, "child": 0, "label": "FOUNDED_BY",
                    "head_span": {"start": 13, "end": 18, "label": "ORG", ...},
                    "child_span": {"start": 0, "end": 4, "label": "PERSON", ...}}]}

``head`` and ``child`` are the last tokens of the spans, by number; ``token_end`` is the last token of a
span, while ``end`` is the character after it. A relation goes from head to child. Labels such as
``No-rel``, which annotators give to pairs they have looked at and found unrelated, are no relations:
they are counted and left out. Relations of single tokens, whose spans have no label, cannot be used.
Examples without relations, as ner.manual makes them, are read too; those
that were rejected or ignored are counted and left out. Described at
https://prodi.gy/docs/api-interfaces#relations.
"""

from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from ...errors import DataError
from ..annotated import (
    Annotated,
    AnnotatedMention,
    AnnotatedRelation,
    MentionId,
    in_characters,
    word_offsets,
)
from ..format import AnnotationFormat
from ..records import (
    Record,
    get,
    get_objects,
    note_unread,
    objects_on_lines,
    read_each,
    read_json_lines,
    write_json_lines,
)
from ..report import Report

NEGATIVE_LABELS = frozenset({"no-rel", "no_rel", "norel", "no_relation", "no-relation"})
"""Labels, in lower case, that say there is no relation."""

_FIELDS = frozenset({"text", "tokens", "spans", "relations", "meta", "answer"})

_Key = Tuple[int, int, str]


def read_prodigy(path: Path, report: Report) -> Iterator[Annotated]:
    """Read a file that Prodigy's rel.manual has written (format ``prodigy``).

    Args:
        path: the file.
        report: takes note of what cannot be used.
    """
    yield from read_each(read_json_lines(path, report), _read, report)


def write_prodigy(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    """Write a file for Prodigy's rel.manual, or for its database of accepted examples.

    Args:
        documents: with words.
        path: the file.
        report: nothing to take note of.
    """
    write_json_lines(map(_to_record, documents), path)


def _read(record: Record, place: str, report: Report) -> Optional[Annotated]:
    if record.get("answer", "accept") != "accept":
        report.rejected += 1
        return None
    tokens = get_objects(record, "tokens", place)
    mentions: Dict[_Key, AnnotatedMention] = {}
    for span in get_objects(record, "spans", place):
        _add_mention(mentions, span, place)
    relations: List[AnnotatedRelation] = []
    for item in get_objects(record, "relations", place):
        label = get(item, "label", str, place)
        is_negative = label.lower() in NEGATIVE_LABELS
        report.negatives += is_negative
        bare = [role for role in ("head", "child") if _is_bare(item, role)]
        if bare and not is_negative:
            report.problem(
                f'its "{bare[0]}_span" has no label; a relation lies between spans with labels',
                place=f"{place}, relation {label:.60} of {item.get('head')} to {item.get('child')}",
                skips="relation",
            )
        if bare:
            continue
        head = _find(mentions, item, "head", tokens, place)
        tail = _find(mentions, item, "child", tokens, place)
        if not is_negative:
            relations.append(AnnotatedRelation(head.id, tail.id, label))
    note_unread({k: v for k, v in record.items() if k[:1] != "_"}, _FIELDS, place, report)
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


def _is_bare(item: Record, role: str) -> bool:
    """Whether an end of a relation is not a labelled span but a token, or a span without label."""
    span = item.get(f"{role}_span")
    return isinstance(span, dict) and span.get("label") in (None, "")


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
    if not tokens:
        raise DataError(f'"{role}": token {number}, but the example has no "tokens"', place=place)
    if not 0 <= number < len(tokens):
        raise DataError(f'"{role}": there is no token {number}', place=place)
    end = get(tokens[number], "end", int, place)
    ending = [mention for mention in mentions.values() if mention.end == end]
    if not ending:
        raise DataError(f'"{role}": no span ends with token {number}', place=place)
    return max(ending, key=lambda mention: mention.end - mention.start)


def _with_tokens(annotated: Annotated, tokens: List[Record], place: str) -> Annotated:
    """The same document with Prodigy's tokens, if they make up its text."""
    text = annotated.text or ""
    words = [get(token, "text", str, place) for token in tokens]
    given = [(get(token, "start", int, place), get(token, "end", int, place)) for token in tokens]
    followers = [*(start for start, _ in given[1:]), len(text)]
    spaces = [text[end:follower] == " " for (_, end), follower in zip(given, followers)]
    joined = "".join(word + " " * space for word, space in zip(words, spaces))
    if joined != text or word_offsets(words, spaces) != given:
        return annotated
    first = {start: i for i, (start, _) in enumerate(given)}
    last = {end: i + 1 for i, (_, end) in enumerate(given)}
    if not all(m.start in first and m.end in last for m in annotated.mentions):
        return annotated
    mentions = [replace(m, start=first[m.start], end=last[m.end]) for m in annotated.mentions]
    return replace(annotated, text=None, words=words, spaces=spaces, mentions=mentions)


def _to_record(annotated: Annotated) -> Record:
    words, spaces = annotated.words or [], annotated.spaces
    characters = in_characters(annotated)
    offsets = word_offsets(words, spaces)
    spans: Dict[MentionId, Record] = {
        mention.id: {
            "start": offsets[mention.start][0],
            "end": offsets[mention.end - 1][1],
            "token_start": mention.start,
            "token_end": mention.end - 1,
            "label": mention.label,
        }
        for mention in annotated.mentions
    }
    record: Record = {
        "text": characters.text,
        "tokens": [
            {
                "text": word,
                "start": start,
                "end": end,
                "id": i,
                "ws": bool(spaces[i]) if spaces is not None else i < len(words) - 1,
            }
            for i, (word, (start, end)) in enumerate(zip(words, offsets))
        ],
        "spans": list(spans.values()),
        "relations": [
            {
                "head": spans[relation.head]["token_end"],
                "child": spans[relation.tail]["token_end"],
                "head_span": spans[relation.head],
                "child_span": spans[relation.tail],
                "label": relation.label,
            }
            for relation in annotated.relations
        ],
        "answer": "accept",
    }
    if annotated.meta:
        record["meta"] = annotated.meta
    return record


def _looks_like(head: str) -> bool:
    records = objects_on_lines(head)
    return (
        bool(records)
        and all("text" in record for record in records)
        and any(
            not record.keys().isdisjoint({"spans", "tokens", "answer", "_input_hash"})
            for record in records
        )
    )


FORMAT = AnnotationFormat(
    name="prodigy",
    description="Prodigy's JSONL of rel.manual",
    read=read_prodigy,
    write=write_prodigy,
    looks_like=_looks_like,
    holds=frozenset({"tokens", "id", "meta"}),
    unit="tokens",
)
