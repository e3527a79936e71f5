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
that were rejected or ignored are counted and left out. A text that several annotators have, as
``_annotator_id`` or ``_session_id`` says, is a document of each. Described at
https://prodi.gy/docs/api-interfaces#relations.
"""

from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ...errors import DataError
from ..annotated import (
    Annotated,
    AnnotatedMention,
    AnnotatedRelation,
    MentionId,
    in_characters,
    in_tokens,
    word_offsets,
)
from ..checks import NEGATIVE_LABELS
from ..format import AnnotationFormat
from ..records import (
    Record,
    first_records,
    get,
    get_items,
    json_reader,
    json_writer,
    read_meta,
)
from ..report import Report

_FIELDS = frozenset(
    {
        *("text", "tokens", "spans", "relations", "answer"),
        *("_input_hash", "_task_hash", "_view_id", "_is_binary"),
    }
)

_Key = Tuple[int, int, str]


def _read_file(path: Path, report: Report) -> Iterator[Annotated]:
    annotators: Dict[int, Any] = {}  # the first of each text
    for annotated in json_reader(_read)(path, report):
        annotator = annotated.meta.get("_annotator_id") or annotated.meta.get("_session_id")
        text = hash((annotated.text, *(annotated.words or ())))
        if annotator and annotators.setdefault(text, annotator) != annotator:
            report.note(
                "documents whose text another annotator has as well: convert the lines of each "
                "annotator by themselves, and spacy rel agreement --merged joins them",
                place=annotated.place,
            )
        yield annotated


def _read(record: Record, place: str, report: Report) -> Optional[Annotated]:
    if record.get("answer", "accept") != "accept":
        report.rejected += 1
        return None
    tokens = get_items(record, "tokens", dict)
    mentions: Dict[_Key, AnnotatedMention] = {}
    spans = get_items(record, "spans", dict)
    for span in spans:
        _add_mention(mentions, span)
    if len(mentions) < len(spans):
        twice = len(spans) - len(mentions)
        report.note("spans that an example lists twice, read once", place=place, count=twice)
    # Where spans end with the same token, a relation is of the longest.
    by_end = {m.end: m for m in sorted(mentions.values(), key=lambda m: m.end - m.start)}
    relations: List[AnnotatedRelation] = []
    for item in get_items(record, "relations", dict):
        label = get(item, "label", str)
        bare = [role for role in ("head", "child") if _is_bare(item, role)]
        if bare and label.lower() in NEGATIVE_LABELS:
            report.negatives += 1
        elif bare:
            report.problem(
                f'its "{bare[0]}_span" has no label; a relation lies between spans with labels',
                place=f"{place}, relation {label:.60} of {item.get('head')} to {item.get('child')}",
                skips="relation",
            )
        if bare:
            continue
        with report.skipping("relation", f"{place}, relation {label:.60}"):
            head = _find(mentions, item, "head", tokens, by_end)
            tail = _find(mentions, item, "child", tokens, by_end)
            relations.append(AnnotatedRelation(head.id, tail.id, label))
    annotated = Annotated(
        place=place,
        text=get(record, "text", str),
        mentions=list(mentions.values()),
        relations=relations,
        meta=read_meta(record, _FIELDS),
    )
    return _with_tokens(annotated, tokens) if tokens else annotated


def _add_mention(mentions: Dict[_Key, AnnotatedMention], span: Record) -> AnnotatedMention:
    label: str = get(span, "label", str, default="")
    key = get(span, "start", int), get(span, "end", int), label
    return mentions.setdefault(key, AnnotatedMention(len(mentions), *key))


def _is_bare(item: Record, role: str) -> bool:
    """True if an argument of a relation is a token, or a span without label."""
    span = item.get(f"{role}_span")
    return isinstance(span, dict) and span.get("label") in (None, "")


def _find(
    mentions: Dict[_Key, AnnotatedMention],
    item: Record,
    role: str,
    tokens: List[Record],
    by_end: Dict[int, AnnotatedMention],
) -> AnnotatedMention:
    """The mention that is an argument of a relation."""
    span = item.get(f"{role}_span")
    if isinstance(span, dict):
        return _add_mention(mentions, span)
    number = get(item, role, int)
    if not tokens:
        raise DataError(f'"{role}": token {number}, but the example has no "tokens"')
    if not 0 <= number < len(tokens):
        raise DataError(f'"{role}": there is no token {number}')
    end = get(tokens[number], "end", int)
    if end not in by_end:
        raise DataError(f'"{role}": no span ends with token {number}')
    return by_end[end]


def _with_tokens(annotated: Annotated, tokens: List[Record]) -> Annotated:
    """The document with Prodigy's tokens, if they make up its text."""
    offsets = [(get(token, "start", int), get(token, "end", int)) for token in tokens]
    tokenized = in_tokens(annotated, offsets)
    if tokenized is None or tokenized.words != [get(token, "text", str) for token in tokens]:
        return annotated
    return tokenized


def _to_record(annotated: Annotated, report: Report) -> Record:
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
    records = first_records(head)
    fields = {"spans", "tokens", "answer", "_input_hash"}
    return all("text" in record for record in records) and any(
        not record.keys().isdisjoint(fields) for record in records
    )


FORMAT = AnnotationFormat(
    name="prodigy",
    description="Prodigy's JSONL of rel.manual",
    read=_read_file,
    write=json_writer(_to_record),
    looks_like=_looks_like,
    holds=frozenset({"tokens", "spaces", "id", "meta"}),
    unit="tokens",
    sample="""\
{"text": "Jobs founded Apple", "answer": "accept", "meta": {"source": "example"}, "tokens": [\
{"text": "Jobs", "start": 0, "end": 4, "id": 0, "ws": true}, \
{"text": "founded", "start": 5, "end": 12, "id": 1, "ws": true}, \
{"text": "Apple", "start": 13, "end": 18, "id": 2, "ws": false}], "spans": [\
{"start": 0, "end": 4, "token_start": 0, "token_end": 0, "label": "PERSON"}, \
{"start": 13, "end": 18, "token_start": 2, "token_end": 2, "label": "ORG"}], "relations": [\
{"head": 2, "child": 0, "label": "FOUNDED_BY", \
"head_span": {"start": 13, "end": 18, "token_start": 2, "token_end": 2, "label": "ORG"}, \
"child_span": {"start": 0, "end": 4, "token_start": 0, "token_end": 0, "label": "PERSON"}}]}
""",
)
