"""Reading of test files, with the report of what happened."""

import json
from collections import Counter
from pathlib import Path

from rel_component.converters.checks import check_documents
from rel_component.converters.format import get_format
from rel_component.converters.report import Report

DATA = Path(__file__).parent / "data"


def read(path, name, on_error="stop"):
    """The valid documents of a file, by its path or its name in the test data."""
    report = Report(on_error=on_error)
    return list(check_documents(get_format(name).read(DATA / path, report), report)), report


def read_text(folder, content, name, file="data", on_error="skip"):
    """The valid documents of a file with this text, or this value as JSON."""
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / file).write_bytes(text.encode("utf8"))
    return read(folder / file, name, on_error)


def notes(report):
    return {message: count for message, (count, _) in report.notes.items()}


def facts(annotated):
    """All of a document but the names of its mentions and the order of its annotations.

    Mentions of one cluster are the same end of a relation.
    """
    places = {m.id: ((m.start, m.end, m.label), *m.fragments) for m in annotated.mentions}
    clusters = {key: frozenset(map(places.get, c)) for c in annotated.clusters for key in c}
    ends = {key: clusters.get(key, frozenset({place})) for key, place in places.items()}
    return {
        "text": annotated.text or "",
        "words": annotated.words or [],
        "spaces": (annotated.spaces or [])[:-1],
        "sentences": annotated.sentence_starts or [0],
        "mentions": Counter((places[m.id], m.kb_id, plain(m)) for m in annotated.mentions),
        "relations": Counter(
            (
                ends[r.head],
                r.label,
                ends[r.tail],
                r.score,
                frozenset(r.evidence),
                plain(r),
            )
            for r in annotated.relations
        ),
        "events": Counter(
            (
                event.label,
                event.trigger if event.trigger is None else places[event.trigger],
                frozenset((role, places[key]) for role, key in event.arguments),
                event.score,
                plain(event),
            )
            for event in annotated.events
        ),
        "clusters": {cluster for cluster in clusters.values() if len(cluster) > 1},
        "meta": {**annotated.meta, "id": str(annotated.meta.get("id"))},
    }


def plain(item):
    return json.dumps(item.attributes, sort_keys=True)
