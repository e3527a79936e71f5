"""Small annotated corpora of several formats."""

import json

from rel_component import convert

_FIRMS = ("Acme", "Orbit Labs", "Initech", "Globex")
_PEOPLE = ("Ada Bell", "Bo Lee", "Ann Ray")


def records(n=12):
    """Records of the package's own format: one relation each, and every third one none."""
    for i in range(n):
        firm, person = _FIRMS[i % 4], _PEOPLE[i % 3]
        verb = "was founded by" if i % 3 else "has never been sold to"
        text = f"The firm {firm} {verb} {person} in the year {1900 + i}."
        spans = [(firm, "ORG"), (person, "PERSON"), (str(1900 + i), "DATE")]
        starts = [text.index(name) for name, _ in spans]
        yield {
            "id": f"d{i}",
            "text": text,
            "entities": [
                {"id": f"T{k}", "start": start, "end": start + len(name), "label": label}
                for k, (start, (name, label)) in enumerate(zip(starts, spans))
            ],
            "relations": [{"head": "T0", "tail": "T1", "label": "FOUNDED_BY"}] if i % 3 else [],
        }


def write(folder, items=None, name="train.jsonl"):
    """A file of records, of the package's own format."""
    path = folder / name
    items = list(records()) if items is None else items
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf8")
    return path


def write_as(folder, format_name):
    """The records in another format; of DyGIE's, those with a mention inside of another one."""
    source = write(folder, name="source.jsonl")
    path = folder / {"brat": "some notes", "csv": "rows.csv", "pubtator": "abstracts.txt"}.get(
        format_name, f"{format_name}.jsonl"
    )
    convert(source, path, to=format_name)
    source.unlink()
    if format_name == "dygie":
        items = [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]
        for item in items:
            for mentions in item["ner"]:
                start, end, _ = mentions[1]
                mentions.append([end, end, "SURNAME"])
                assert start < end
        path.write_text("\n".join(map(json.dumps, items)), encoding="utf8")
    return path
