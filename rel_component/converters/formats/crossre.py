"""CrossRE's JSONL: one sentence a line.

Offsets are tokens, the last one inclusive. A relation goes from the first to the second mention; after
its label come an explanation, whether the annotator was uncertain, and whether the syntax is ambiguous.
These are its attributes ``explanation``, ``uncertain`` and ``syntax_ambiguity``. Described at
https://github.com/mainlp/CrossRE.
"""

from dataclasses import replace

from ..annotated import Annotated
from ..format import AnnotationFormat
from ..records import (
    Record,
    get_items,
    json_detector,
    json_reader,
    json_writer,
    read_meta,
    write_meta,
)
from ..report import Report
from ._sentences import read_words
from ._token_spans import ids_by_range, ranges_by_id, read_mentions, read_relation

_REMARKS = {"explanation": "", "uncertain": False, "syntax_ambiguity": False}
"""What follows the label of a relation, where there is nothing to say."""

_FIELDS, _NAME = frozenset({"sentence", "ner", "relations"}), "doc_key"


def _read(record: Record, place: str, report: Report) -> Annotated:
    words = read_words(record, "sentence")
    mentions = read_mentions(get_items(record, "ner", list), place, report)
    ids = ids_by_range(mentions)
    relations = []
    for item in get_items(record, "relations", list):
        with report.skipping("relation", place):
            remarks = {name: value for name, value in zip(_REMARKS, item[5:]) if value}
            relations.append(replace(read_relation(item, ids), attributes=remarks))
    return Annotated(
        place=place,
        words=words,
        mentions=mentions,
        relations=relations,
        sentence_starts=[0],
        meta=read_meta(record, _FIELDS, _NAME),
    )


def _to_record(annotated: Annotated, report: Report) -> Record:
    ends = ranges_by_id(annotated, "crossre", report)
    record = write_meta(annotated, _FIELDS, _NAME)
    record["sentence"] = annotated.words
    record["ner"] = [[*ends[mention.id], mention.label] for mention in annotated.mentions]
    record["relations"] = [
        [
            *(*ends[relation.head], *ends[relation.tail], relation.label),
            *(relation.attributes.get(name, empty) for name, empty in _REMARKS.items()),
        ]
        for relation in annotated.relations
    ]
    others = sum(not rel.attributes.keys() <= _REMARKS.keys() for rel in annotated.relations)
    if others:
        message = "relations with attributes that crossre does not hold"
        report.note(message, place=annotated.place, count=others)
    return record


FORMAT = AnnotationFormat(
    name="crossre",
    description="the JSONL of CrossRE",
    read=json_reader(_read, name=_NAME),
    write=json_writer(_to_record),
    looks_like=json_detector(
        lambda record: isinstance(record.get("sentence"), list) and "ner" in record
    ),
    holds=frozenset({"tokens", "sentences", "relation_attributes", "id", "meta"}),
    unit="tokens",
    sample="""\
{"doc_key": "ai-1", "sentence": ["Jobs", "founded", "Apple"], \
"ner": [[0, 0, "person"], [2, 2, "organisation"]], \
"relations": [[2, 2, 0, 0, "origin", "founder", false, false]]}
""",
)
