"""TACRED's JSON, also that of TACREV and Re-TACRED: one pair of mentions a sentence.

Offsets are tokens, the last one inclusive. The copy on the Hugging Face hub has exclusive ends: so has a
file at whose beginning an end is the number of tokens, and no mention a single token. The relation
goes from subject to object; ``no_relation`` says that there is none. Zhang et al. 2017,
https://nlp.stanford.edu/projects/tacred.
"""

from functools import partial
from pathlib import Path
from typing import Iterable, Iterator, Sequence

from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation
from ..format import AnnotationFormat, read_head
from ..records import (
    Record,
    first_records,
    get,
    json_detector,
    json_reader,
    read_meta,
    write_meta,
    write_records,
)
from ..report import Report
from ._sentences import read_words
from ._single_pairs import Pair, single_pairs

NO_RELATION = "no_relation"

_ROLES = ("subj", "obj")
_PARSES = ("stanford_pos", "stanford_ner", "stanford_head", "stanford_deprel")
_FIELDS = frozenset(
    {
        *("token", "relation", *_PARSES),
        *(f"{role}_{part}" for role in _ROLES for part in ("start", "end", "type")),
    }
)


def _read_file(path: Path, report: Report) -> Iterator[Annotated]:
    is_exclusive = _ends_are_exclusive(first_records(read_head(path)))
    if is_exclusive:
        report.note("files whose ends of mentions were taken for exclusive ones", place=str(path))
    read = partial(_read, is_exclusive=is_exclusive)
    yield from json_reader(read, lines=False)(path, report)


def _ends_are_exclusive(records: Sequence[Record]) -> bool:
    ends = [
        (record[f"{role}_start"], record[f"{role}_end"], len(record["token"]))
        for record in records
        for role in _ROLES
        if isinstance(record.get("token"), list)
        and all(type(record.get(f"{role}_{part}")) is int for part in ("start", "end"))
    ]
    is_possible = all(start < end <= length for start, end, length in ends)
    return is_possible and any(end == length for _, end, length in ends)


def _read(record: Record, place: str, report: Report, is_exclusive: bool) -> Annotated:
    mentions = []
    for role in _ROLES:
        start, end = get(record, f"{role}_start", int), get(record, f"{role}_end", int)
        label = get(record, f"{role}_type", str)
        mentions.append(AnnotatedMention(role, start, end + (not is_exclusive), label))
    words = read_words(record, "token")
    if not record.keys().isdisjoint(_PARSES):
        report.note("part-of-speech tags and parses, which are not read", place=place)
    return Annotated(
        place,
        words=words,
        mentions=mentions,
        relations=[AnnotatedRelation(*_ROLES, get(record, "relation", str))],
        sentence_starts=[0],
        meta=read_meta(record, _FIELDS),
    )


def _write_file(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    records = (
        _to_record(annotated, pair)
        for annotated in documents
        for pair in single_pairs(annotated, "tacred", report, negatives=True)
    )
    write_records(records, path, lines=False)


def _to_record(annotated: Annotated, pair: Pair) -> Record:
    head, tail, relation = pair
    record = write_meta(annotated, _FIELDS)
    record["relation"] = NO_RELATION if relation is None else relation.label
    record["token"] = annotated.words
    for role, mention in zip(_ROLES, (head, tail)):
        record[f"{role}_start"] = mention.start
        record[f"{role}_end"] = mention.end - 1
        record[f"{role}_type"] = mention.label
    return record


FORMAT = AnnotationFormat(
    name="tacred",
    description="the JSON of TACRED and Re-TACRED",
    read=_read_file,
    write=_write_file,
    looks_like=json_detector(
        lambda record: {"token", "relation", "subj_start", "obj_start"} <= record.keys()
    ),
    holds=frozenset({"tokens", "sentences", "id", "meta"}),
    unit="tokens",
    sample="""\
[{"id": "61b3", "docid": "AFP_ENG_2007", "token": ["Jobs", "founded", "Apple"],
  "relation": "org:founded_by", "subj_start": 2, "subj_end": 2, "subj_type": "ORGANIZATION",
  "obj_start": 0, "obj_end": 0, "obj_type": "PERSON"}]
""",
)
