"""SpERT's JSON, in which CoNLL04 is distributed: one list of sentences.

Offsets are tokens, ends exclusive; relations name entities by their position in the list. Described
at https://github.com/lavis-nlp/spert.
"""

from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation
from ..format import AnnotationFormat
from ..records import (
    Record,
    get,
    get_items,
    json_detector,
    json_reader,
    json_writer,
    read_meta,
    write_meta,
)
from ..report import Report
from ._sentences import read_words

_FIELDS, _NAME = frozenset({"tokens", "entities", "relations"}), "orig_id"


def _read(record: Record, place: str, report: Report) -> Annotated:
    return Annotated(
        place=place,
        words=read_words(record, "tokens"),
        mentions=[
            AnnotatedMention(
                k, get(item, "start", int), get(item, "end", int), get(item, "type", str)
            )
            for k, item in enumerate(get_items(record, "entities", dict))
        ],
        relations=[
            AnnotatedRelation(
                get(item, "head", int), get(item, "tail", int), get(item, "type", str)
            )
            for item in get_items(record, "relations", dict)
        ],
        sentence_starts=[0],
        meta=read_meta(record, _FIELDS, _NAME),
    )


def _to_record(annotated: Annotated, report: Report) -> Record:
    positions = {mention.id: i for i, mention in enumerate(annotated.mentions)}
    return {
        **write_meta(annotated, _FIELDS, _NAME),
        "tokens": annotated.words,
        "entities": [
            {"type": mention.label, "start": mention.start, "end": mention.end}
            for mention in annotated.mentions
        ],
        "relations": [
            {
                "type": relation.label,
                "head": positions[relation.head],
                "tail": positions[relation.tail],
            }
            for relation in annotated.relations
        ],
    }


FORMAT = AnnotationFormat(
    name="spert",
    description="SpERT's JSON, e.g. CoNLL04",
    read=json_reader(_read, name=_NAME, lines=False),
    write=json_writer(_to_record, lines=False),
    looks_like=json_detector(lambda record: {"tokens", "entities"} <= record.keys()),
    holds=frozenset({"tokens", "sentences", "id", "meta"}),
    unit="tokens",
    sample="""\
[{"tokens": ["Jobs", "founded", "Apple"],
  "entities": [{"type": "Peop", "start": 0, "end": 1}, {"type": "Org", "start": 2, "end": 3}],
  "relations": [{"type": "Founded", "head": 0, "tail": 1}], "orig_id": 7}]
""",
)
