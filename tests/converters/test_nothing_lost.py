"""No reader loses or changes anything without a word in the report."""

import cProfile
import csv
import json
import pstats
from pathlib import Path

import pytest
import spacy

from rel_component.converters.convert import convert as convert_to
from rel_component.converters.convert import convert_file, find_format
from rel_component.converters.format import detect_format, get_formats
from rel_component.converters.json_stream import first_values
from rel_component.converters.report import Report

from .files import facts, notes, read, read_text

CHINESE = {
    "text": "安李在巴黎创立了顶点公司。",
    "entities": [
        {"id": 1, "start": 0, "end": 2, "label": "PERSON"},
        {"id": 2, "start": 8, "end": 12, "label": "ORG"},
    ],
    "relations": [{"head": 2, "tail": 1, "label": "FOUNDED_BY"}],
}


def convert(path, content, name="jsonl", lang="en", **options):
    """The Docs of a file with this text, or this value as JSON, and the report."""
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(text.encode("utf8"))
    report = Report(on_error="skip")
    return list(convert_file(path, name, spacy.blank(lang), report, **options)), report


def test_a_likely_wrong_language_is_said(tmp_path):
    _, report = convert(tmp_path / "data", CHINESE)
    assert report.skipped == {"document": 0, "mention": 2, "relation": 1}
    assert "; the script has no spaces: try --lang zh" in report.problems[0]
    _, report = convert(tmp_path / "data", CHINESE, alignment="expand", spans_key="sc")
    hint = "documents with odd tokens; the script has no spaces: try --lang zh"
    assert notes(report)["mentions were widened to whole tokens"] == 2
    assert notes(report)[hint] == 1
    reason = "since mentions were widened to whole tokens; the script has no spaces: try --lang zh"
    assert report.problems[0].endswith(f"head and tail are the same mention, {reason}")
    (doc,), report = convert(tmp_path / "data", CHINESE, lang="zh")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("安李", "PERSON"), ("顶点公司", "ORG")]
    assert (report.relations, report.notes, report.problems) == (1, {}, [])


def test_most_mentions_within_tokens(tmp_path):
    entities = [{"id": i, "start": i, "end": i + 2, "label": "X"} for i in (0, 3)]
    content = {"text": "Donaudampfschiff", "entities": entities}
    _, report = convert(tmp_path / "data", content, alignment="expand", spans_key="sc")
    assert notes(report) == {
        "mentions were widened to whole tokens": 2,
        "documents with odd tokens; most mentions there cut tokens: is --lang en right?": 1,
        "mentions of the same tokens and label as another one, kept as one": 1,
    }
    assert report.mentions == 1


def test_converting_is_linear_in_the_document(tmp_path):
    def work(n_sentences):
        sentence = "Acme was founded by Ann. "
        mentions = [
            {"id": f"{name}{i}", "start": start, "end": start + len(name), "label": "X"}
            for i in range(n_sentences)
            for name in ("Acme", "Ann")
            for start in [i * len(sentence) + sentence.index(name)]
        ]
        content = {"text": sentence * n_sentences, "entities": mentions}
        with cProfile.Profile() as profile:
            convert(tmp_path / "data", content)
        return pstats.Stats(profile).total_calls

    work(1)
    assert work(80) < 2.4 * work(40)


def shown(annotated):
    """The text of each mention."""
    return [annotated.text[mention.start : mention.end] for mention in annotated.mentions]


TEXT = "Ann 😀 Lee founded Acme.\nBob Ray left Acme."
PLACES = [(0, 9), (18, 22), (24, 31), (37, 41)]
NAMES = ["Ann 😀 Lee", "Acme", "Bob Ray", "Acme"]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("breaks", ["\n", "\r\n"])
@pytest.mark.parametrize("counted_mark", [0, 1])
@pytest.mark.parametrize("counted_breaks", [1, 2])
@pytest.mark.parametrize("utf16", [False, True])
@pytest.mark.parametrize("format", ["brat", "label_studio", "csv"])
def test_the_text_of_mentions_tells_what_offsets_count(
    tmp_path, format, mark, breaks, counted_mark, counted_breaks, utf16
):
    def counted(offset):
        before = TEXT[:offset]
        more = before.count("\n") * (counted_breaks - 1) + utf16 * before.count("😀")
        return offset + more + counted_mark

    text = mark + TEXT.replace("\n", breaks)
    mentions = [(counted(s), counted(e), name) for (s, e), name in zip(PLACES, NAMES)]
    if format == "brat":
        (tmp_path / "a.txt").write_bytes(text.encode("utf8"))
        lines = [f"T{i}\tX {s} {e}\t{name}" for i, (s, e, name) in enumerate(mentions)]
        (annotated,), report = read_text(tmp_path, breaks.join(lines), "brat", file="a.ann")
    elif format == "label_studio":
        values = [{"start": s, "end": e, "text": n, "labels": ["X"]} for s, e, n in mentions]
        result = [{"id": f"{i}", "type": "labels", "value": x} for i, x in enumerate(values)]
        task = {"data": {"text": text}, "annotations": [{"result": result}]}
        (annotated,), report = read_text(tmp_path, [task], "label_studio")
    else:
        header = "text,head,head_start,head_end,head_label,tail_start,tail_end,tail_label,label\n"
        lines = [f'"{text}",{n},{s},{e},X,,,,\n' for s, e, n in mentions]
        (annotated,), report = read_text(tmp_path, header + "".join(lines), "csv")
    assert (annotated.text, shown(annotated)) == (TEXT.replace("\n", breaks), NAMES)
    assert report.problems == []
    assert notes(report) == (
        {"texts began with a byte order mark, which was left out": 1} if mark else {}
    )


def test_a_mark_before_a_text_of_any_format_is_left_out(tmp_path):
    mention = {"id": 1, "start": 1, "end": 8, "label": "X", "fragments": [[1, 4], [5, 8]]}
    content = {"text": "\ufeffAnn Lee", "entities": [mention], "sentences": [0, 5]}
    (annotated,), _ = read_text(tmp_path, content, "jsonl")
    assert (annotated.text, annotated.sentence_starts) == ("Ann Lee", [0, 4])
    assert (shown(annotated), annotated.mentions[0].fragments) == (["Ann Lee"], ((0, 3), (4, 7)))
    for tokens, mentions in ((["\ufeffAnn", "Lee"], [0, 2]), (["\ufeff", "Ann", "Lee"], [1, 3])):
        entity = {"start": mentions[0], "end": mentions[1], "type": "X"}
        (annotated,), _ = read_text(tmp_path, [{"tokens": tokens, "entities": [entity]}], "spert")
        assert (annotated.words, annotated.mentions[0].end) == (["Ann", "Lee"], 2)


def test_brat_lines_with_a_star_are_relations_unless_they_are_called_equiv(tmp_path):
    (tmp_path / "a.txt").write_text(
        "The value of the resistor (VR) and the meter.", encoding="utf8"
    )
    lines = (
        "T1\tProcess 4 25\tvalue of the resistor\nT2\tProcess 27 29\tVR\n"
        "T3\tProcess 39 44\tmeter\n*\tSynonym-of T1 T2\n*\tAntonym-of T3 T2 T1\n*\tEquiv T1 T3\n"
        "*\tSynonym-of T1\n*\tSynonym-of T1 T9\n"
    )
    (annotated,), report = read_text(tmp_path, lines, "brat", file="a.ann")
    assert [(r.head, r.label, r.tail) for r in annotated.relations] == [
        ("T1", "Synonym-of", "T2"),
        ("T3", "Antonym-of", "T2"),
        ("T2", "Antonym-of", "T1"),
    ]
    assert annotated.clusters == [["T1", "T3"]]
    assert "relation Synonym-of of T1 to T9: its mention T9 does not exist" in report.problems[0]
    assert notes(report) == {"equivalences that are broken or of something unknown": 1}
    convert_to(tmp_path / "a.ann", tmp_path / "back", to="brat", on_error="skip")
    again = (tmp_path / "back/a.ann").read_text(encoding="utf8").splitlines()
    assert again[3:] == [
        "*\tSynonym-of T1 T2",
        "*\tAntonym-of T3 T2",
        "*\tAntonym-of T2 T1",
        "*\tEquiv T1 T3",
    ]


@pytest.mark.parametrize(("true", "n_relations"), [(None, 0), (0, 0), (1, 1)])
def test_label_studio_reads_what_is_marked_as_true(tmp_path, true, n_relations):
    regions = [
        {"id": name, "type": "labels", "value": {"start": start, "end": end, "labels": ["X"]}}
        for name, start, end in (("a", 0, 3), ("b", 12, 16))
    ]
    relation = {"type": "relation", "from_id": "a", "to_id": "b", "labels": ["FOUNDED"]}
    annotations = [
        {"result": regions, "ground_truth": true == 0},
        {"result": [*regions, relation], "ground_truth": true == 1},
        {"result": [], "ground_truth": True, "was_cancelled": True},
        {"result": [], "ground_truth": True, "skipped": True},  # before it was called so
    ]
    task = {"data": {"text": "Ann founded Acme."}, "annotations": annotations}
    (annotated,), report = read_text(tmp_path, [task], "label_studio")
    assert len(annotated.relations) == n_relations
    kind = "first" if true is None else "ground truth"
    (note,) = notes(report)
    assert note.startswith(f"tasks with several annotations, of which the {kind} was read; ")


@pytest.mark.parametrize(
    "start", ["=1+1", "+1", "-1", "@a", "\tb", "\rb", "'=x", "''-", "'a", "＝1"]
)
def test_csv_cells_are_no_formulas(tmp_path, start):
    content = {
        "id": start,
        "text": f"{start}. Acme",
        "entities": [
            {"id": 1, "start": 0, "end": len(start), "label": start},
            {"id": 2, "start": len(start) + 2, "end": len(start) + 6, "label": "X"},
        ],
        "relations": [{"head": 1, "tail": 2, "label": start}],
    }
    (tmp_path / "in.jsonl").write_bytes(json.dumps(content).encode("utf8"))
    report = convert_to(tmp_path / "in.jsonl", tmp_path / "out.csv", to="csv")
    with (tmp_path / "out.csv").open(encoding="utf8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not any(cell.startswith(tuple("=+-@\t\r＝")) for cell in cells)
    (annotated,), _ = read(tmp_path / "out.csv", "csv")
    head = annotated.mentions[0]
    assert (annotated.text, annotated.meta["id"], head.label) == (content["text"], start, start)
    assert [r.label for r in annotated.relations] == [start]
    assert (report.problems, shown(annotated)) == ([], [start, "Acme"])


HEADER = "text,head,head_start,head_end,head_label,tail_start,tail_end,tail_label,label,score,by\n"


def test_csv_columns_of_other_names_are_kept(tmp_path):
    rows = "a b,,0,1,X,2,3,X,Y,,Ann\na b,,2,3,X,0,1,X,Y,,Bob\nc d,,0,1,X,2,3,X,Y,,Bob\n"
    (first, second), _ = read_text(tmp_path, "sep=,\n" + HEADER + rows, "csv")
    assert (first.meta, second.meta) == ({}, {"by": "Bob"})
    assert [r.attributes for r in first.relations] == [{"by": "Ann"}, {"by": "Bob"}]


@pytest.mark.parametrize("before", ["", "sep=,\n"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_csv_as_spreadsheets_save_it(tmp_path, before, line_end):
    rows = "a b,,0,1,X,2,3,X,Y,,Ann\n,,,,,,,,,,\n"
    path = tmp_path / "rows.csv"
    path.write_text(f"\ufeff{before}{HEADER}{rows}", encoding="utf8", newline=line_end)
    assert find_format(path) == "csv"
    (annotated,), report = read(path, "csv")
    assert (annotated.text, len(annotated.relations), report.problems) == ("a b", 1, [])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a b,a,,,,,,,,,", "\"head_start\": expected a number of characters, got ''"),
        ("a b,,0,1,X,,,,Y,,", "a label 'Y' without head and tail"),
        ("a b,,,,,,,,Y,,", "a label 'Y' without head and tail"),
    ],
)
def test_csv_rows_that_say_half(tmp_path, row, message):
    _, report = read_text(tmp_path, HEADER + row, "csv")
    assert message in report.problems[0]


IDS = [1, "1", 2.0, True, None, [1], {"a": 1}, 1.5, "true"]


@pytest.mark.parametrize("format", ["jsonl", "doccano", "label_studio"])
@pytest.mark.parametrize("ids", [IDS[:4], [*IDS[3:6], 0], IDS[5:8], [{"b": 2}, {"a": 1}, []]])
def test_ids_of_any_type_stay_apart(tmp_path, format, ids):
    places = [(2 * i, 2 * i + 1) for i in range(len(ids))]
    ends = [key for key in ids if key is not None][:2]
    text = "a b c d e"
    if format == "label_studio":
        regions = [
            {"id": key, "type": "labels", "value": {"start": s, "end": e, "labels": ["X"]}}
            for key, (s, e) in zip(ids, places)
            if key is not None
        ]
        relation = {"type": "relation", "from_id": ends[0], "to_id": ends[1], "labels": ["Y"]}
        annotation = {"id": ids[0], "result": [*regions, relation]}
        content = [{"id": ids[0], "data": {"text": text}, "annotations": [annotation]}]
    else:
        start, end = ("start", "end") if format == "jsonl" else ("start_offset", "end_offset")
        entities = [
            {"id": key, start: s, end: e, "label": "X"}
            for key, (s, e) in zip(ids, places)
            if key is not None or format == "doccano"
        ]
        relation = (
            {"head": ends[0], "tail": ends[1], "label": "Y", "id": ids[-1]}
            if format == "jsonl"
            else {"from_id": ends[0], "to_id": ends[1], "type": "Y", "id": ids[-1]}
        )
        content = {"id": ids[0], "text": text, "entities": entities, "relations": [relation]}
    (annotated,), report = read_text(tmp_path, content, format)
    n_named = len(ids) if format == "doccano" else len(ids) - ids.count(None)
    assert (len(annotated.mentions), report.problems) == (n_named, [])
    (relation,) = annotated.relations
    by_id = {mention.id: mention.start for mention in annotated.mentions}
    expected = [2 * i for i, key in enumerate(ids) if key is not None][:2]
    assert [by_id[relation.head], by_id[relation.tail]] == expected


def test_fields_of_mentions_and_relations_are_kept(tmp_path):
    own = {
        "text": "a b",
        "entities": [
            {
                "id": 1,
                "start": 0,
                "end": 1,
                "label": "X",
                "note": "n",
                "attributes": {"sure": True},
            },
            {"id": 2, "start": 2, "end": 3, "label": "X"},
        ],
        "relations": [{"head": 1, "tail": 2, "label": "Y", "by": "Ann"}],
        "source": "here",
    }
    (annotated,), _ = read_text(tmp_path, own, "jsonl")
    assert detect_format(tmp_path / "data") == "jsonl"
    assert annotated.mentions[0].attributes == {"note": "n", "sure": True}
    assert annotated.relations[0].attributes == {"by": "Ann"}
    assert annotated.meta == {"source": "here"}


def json_records(name):
    """The objects in the sample of a format, none if that is no JSON."""
    sample = get_formats()[name].sample
    if not isinstance(sample, str) or sample[:1] not in ("{", "[") or name == "bioc":
        return []  # BioC's is one collection
    if name == "fewrel":
        ((label, records),) = json.loads(sample).items()
        return [{**record, "relation": label} for record in records]
    return list(first_values(sample))


SHAPES = {
    "list": json.dumps,
    "list over lines": lambda records: json.dumps(records, indent=1),
    "lines": lambda records: "\n".join(map(json.dumps, records)),
    "lines with CRLF": lambda records: "\r\n\r\n".join(map(json.dumps, records)),
    "objects on one line": lambda records: "".join(map(json.dumps, records)),
    "objects with carriage returns": lambda records: "\r".join(map(json.dumps, records)),
    "object": lambda records: json.dumps(records[0]),
    "object over lines": lambda records: json.dumps(records[0], indent=1),
    "objects over lines": lambda records: "\n".join(json.dumps(r, indent=1) for r in records),
    "objects that begin in their first line": lambda records: "\n".join(
        json.dumps(record, indent=1).replace("\n", "", 1) for record in records
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [name for name in get_formats() if json_records(name)])
def test_json_of_any_shape(tmp_path, name, shape):
    records = json_records(name)
    expected, _ = read_text(tmp_path, get_formats()[name].sample, name)
    found, report = read_text(tmp_path, "\ufeff" + SHAPES[shape](records), name, file="shaped")
    n_expected = 1 if shape.startswith("object ") or shape == "object" else len(expected)
    assert [facts(a)["mentions"] for a in found] == [facts(a)["mentions"] for a in expected][
        :n_expected
    ]
    assert [len(a.relations) for a in found] == [len(a.relations) for a in expected][:n_expected]
    assert report.problems == []
    assert detect_format(tmp_path / "shaped") == name


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (["a", "A", "a/b", "b.c"], ["a", "document000002", "a/b", "b.c"]),
        (["NUL", "con", "aux.txt", "x/LPT1.a"], [f"document{i:06}" for i in range(1, 5)]),
        (["-rf", "a.", "a.ann/b", "../x"], [f"document{i:06}" for i in range(1, 5)]),
        (["caf\u00e9", "cafe\u0301", "console", "CAF\u00c9"], ["caf\u00e9", 2, "console", 4]),
        ([None, "document000001", 7, ["a"]], ["document000001", "document000002", "7", 4]),
    ],
)
def test_ids_that_are_names_of_files_on_all_systems(tmp_path, ids, names):
    (tmp_path / "in").write_text(
        "\n".join(json.dumps({"id": key, "text": "a"}) for key in ids), encoding="utf8"
    )
    report = convert_to(tmp_path / "in", tmp_path / "out", to="brat")
    expected = [name if isinstance(name, str) else f"document{name:06}" for name in names]
    found = {file.relative_to(tmp_path / "out") for file in (tmp_path / "out").rglob("*.ann")}
    assert found == {Path(f"{name}.ann") for name in expected}
    changed = sum(key is not None and str(key) != name for key, name in zip(ids, expected))
    assert notes(report).get("documents whose ids are no names of files", 0) == changed


def test_long_runs_of_brackets_have_the_same_tokens(tmp_path):
    text = "(" * 700 + "Ann]" + "}" * 700
    nlp = spacy.blank("en")
    sizes = []
    tokenizer = nlp.tokenizer
    nlp.tokenizer = lambda piece: (sizes.append(len(piece)), tokenizer(piece))[1]
    (tmp_path / "data").write_text(json.dumps({"text": text}), encoding="utf8")
    (doc,) = convert_file(tmp_path / "data", "jsonl", nlp, Report())
    assert (doc.text, [t.text for t in doc]) == (text, [t.text for t in tokenizer(text)])
    assert len(doc) == 1402
    assert max(sizes) < 450


def test_doccano_mentions_are_under_the_field_that_has_some(tmp_path):
    record = {"text": "Jobs left", "entities": [], "label": [[0, 4, "PERSON"]]}
    (found,), _ = read_text(tmp_path, json.dumps(record), "doccano")
    assert [mention.label for mention in found.mentions] == ["PERSON"]
