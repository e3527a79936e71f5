"""An annotation format: JSONL with spans, and triples of their positions."""

from rel_component.converters.annotated import Annotated, AnnotatedMention, AnnotatedRelation
from rel_component.converters.format import AnnotationFormat
from rel_component.converters.records import (
    Record,
    get,
    get_items,
    json_detector,
    json_reader,
    json_writer,
)
from rel_component.converters.report import Report
from rel_component.errors import DataError


def read(record: Record, place: str, report: Report) -> Annotated:
    spans = [_items(item, int, int, str) for item in get_items(record, "spans", list)]
    triples = [_items(item, int, str, int) for item in get_items(record, "triples", list)]
    return Annotated(
        place=place,
        text=get(record, "passage", str),
        mentions=[AnnotatedMention(i, *span) for i, span in enumerate(spans)],
        relations=[AnnotatedRelation(head, tail, label) for head, label, tail in triples],
    )


def to_record(annotated: Annotated, report: Report) -> Record:
    numbers = {mention.id: i for i, mention in enumerate(annotated.mentions)}
    return {
        "passage": annotated.text,
        "spans": [[m.start, m.end, m.label] for m in annotated.mentions],
        "triples": [[numbers[r.head], r.label, numbers[r.tail]] for r in annotated.relations],
    }


def _items(values: list, *kinds: type) -> list:
    if [type(value) for value in values] != [*kinds]:
        raise DataError(f"expected {[kind.__name__ for kind in kinds]}, got {values!r:.60}")
    return values


FORMAT = AnnotationFormat(
    name=__name__,
    description="spans and triples",
    read=json_reader(read),
    looks_like=json_detector(lambda record: {"passage", "spans", "triples"} <= record.keys()),
    write=json_writer(to_record),
    sample='{"passage": "Ada met Bo", "spans": [[0, 3, "A"], [8, 10, "A"]], '
    '"triples": [[0, "MET", 1]]}\n',
)
