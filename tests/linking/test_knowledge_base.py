"""Knowledge bases: rows, building, folders that are damaged."""

import hashlib
import json

import numpy
import pytest

from rel_component.converters.report import Report
from rel_component.errors import ConfigError, DataError
from rel_component.linking import knowledge_base
from rel_component.linking.build import build_kb
from rel_component.linking.entities import MAX_DESCRIPTION, MAX_NAME, Entity, read_entities
from rel_component.linking.knowledge_base import KnowledgeBase, build, load_kb, save_kb
from rel_component.linking.names import folded_before

from .entities import ENTITIES, make_kb

GOOD = {"id": "Q1", "name": "Acme"}


@pytest.fixture
def folder(tmp_path):
    save_kb(make_kb(), tmp_path / "kb")
    return tmp_path / "kb"


def write(tmp_path, *rows):
    path = tmp_path / "kb.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines), encoding="utf8")
    return path


def test_entities_come_back(folder):
    expected = [(e.id, e.name, list(e.aliases), e.description, e.types, e.prior) for e in ENTITIES]
    for kb in (make_kb(), load_kb(folder), KnowledgeBase.from_bytes(make_kb().to_bytes())):
        assert expected == [
            (e.id, e.name, list(e.aliases), e.description, e.types, e.prior) for e in kb.entities()
        ]


def test_names_are_found(folder):
    kb = load_kb(folder)
    found = {text: [kb.name(i) for i in kb.exact(text)] for text in ("ibm", "zürich", "x")}
    assert found == {"ibm": ["IBM", "IBM"], "zürich": ["Zürich"], "x": []}
    assert [kb.name(i) for i in kb.loose("type II diabetes mellitus")] == [
        "Diabetes Mellitus, Type 2"
    ]
    assert kb.name(kb.similar("Berny Sanders", 1)[0][0]) == "Bernie Sanders"
    assert kb.similar("", 3) == kb.similar("?!", 3) == []
    assert (kb.find("Q4"), kb.find("Q99")) == (3, None)
    assert (kb.prior(0), kb.prior(2)) == (0.9, None)


def test_a_name_is_most_similar_to_itself():
    names = [f"name {i} of {i * 7919 % 1000}" for i in range(500)]
    kb = build(Entity(str(i), name) for i, name in enumerate(names))
    for i in range(0, 500, 50):
        (best, cosine), *others = kb.similar(names[i], 5)
        assert kb.name(best) == names[i]
        assert cosine == pytest.approx(1.0, abs=1e-5)
        assert all(other <= cosine for _, other in others)


def test_csv(tmp_path):
    path = tmp_path / "kb.csv"
    path.write_text(
        'id;name;aliases;types;prior\nQ1;Acme;"Acme Inc.| ACME ";ORG;0.5\nQ2;"Bell; Ada";;;\n',
        "utf8",
    )
    assert list(read_entities(path, Report())) == [
        Entity("Q1", "Acme", ("Acme Inc.", "ACME"), "", ("ORG",), 0.5),
        Entity("Q2", "Bell; Ada"),
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"name": "x"}, "id: expected 1 to 200"),
        ({"id": "Q2", "name": "  "}, "name: expected 1 to 500"),
        ({"id": "Q2", "name": "x" * (MAX_NAME + 1)}, "of 501 characters"),
        ({"id": "Q2", "name": "x\u0000"}, "printable"),
        ({"id": "Q2", "name": "x", "aliases": "y"}, "aliases: expected a list"),
        ({"id": "Q2", "name": "x", "aliases": ["y", ""]}, "aliases: expected 1 to 500"),
        (
            {"id": "Q2", "name": "x", "description": "d" * (MAX_DESCRIPTION + 1)},
            "description: expect",
        ),
        ({"id": "Q2", "name": "x", "prior": -1}, "prior: expected a number"),
        ({"id": "Q2", "name": "x", "prior": "much"}, "prior: expected a number"),
        ({"id": "Q1", "name": "x"}, "the id 'Q1' is that of entity 1"),
        ("{broken", "broken JSON"),
        ("[1]", "expected an object"),
    ],
)
def test_rows_that_cannot_be_used(tmp_path, row, message):
    path = write(tmp_path, GOOD, row, {"id": "Q3", "name": "Orbit"})
    with pytest.raises(DataError, match=message) as error:
        build_kb(path, tmp_path / "kb")
    assert f"{path}, line 2" in str(error.value)
    assert not (tmp_path / "kb").exists()
    report = Report(on_error="skip")
    assert [e.id for e in read_entities(path, report)] == ["Q1", "Q3"]
    assert (report.skipped["document"], len(report.problems)) == (1, 1)


def test_no_entities(tmp_path):
    with pytest.raises(DataError, match="no entity"):
        build_kb(write(tmp_path, "[]"), tmp_path / "kb")


def test_the_folder_must_be_new_or_empty(tmp_path, folder):
    with pytest.raises(ConfigError, match="has files in it"):
        build_kb(write(tmp_path, GOOD), folder)
    assert len(load_kb(folder)) == len(ENTITIES)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(DataError, match="build-kb FILE FOLDER"):
        load_kb(tmp_path)


def test_every_file_is_checked(folder):
    for file in sorted(folder.glob("*.npy")):
        content = file.read_bytes()
        for damaged in (None, content[:-1], content[:-1] + bytes([content[-1] ^ 1])):
            file.unlink()
            if damaged is not None:
                file.write_bytes(damaged)
            with pytest.raises(DataError, match=file.name):
                load_kb(folder)
            file.write_bytes(content)
    assert len(load_kb(folder)) == len(ENTITIES)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("name_starts", lambda a: a[::-1]),
        ("name_starts", lambda a: a[:-1]),
        ("first_names", lambda a: a * 0),
        ("id_order", lambda a: a + 100),
        ("exact_names", lambda a: -a - 1),
        ("entity_types", lambda a: a + 9),
        ("gram_names", lambda a: a + 10_000),
        ("gram_starts", lambda a: a + 1),
        ("priors", lambda a: a * 0 - 1),
        ("names", lambda a: a.reshape(1, -1)),
    ],
)
def test_values_that_lead_out_of_others_are_refused(tmp_path, name, change):
    """Whoever makes a folder can make its checksums too."""
    kb = make_kb()
    kb.arrays[name] = numpy.ascontiguousarray(change(kb.arrays[name]))
    data = kb.to_bytes()
    with pytest.raises(DataError, match=name):
        KnowledgeBase.from_bytes(data)
    save_kb(kb, tmp_path / "kb")
    with pytest.raises(DataError, match=name):
        load_kb(tmp_path / "kb")


@pytest.mark.parametrize("data", [b"", b"\x93", b"\x81\xa7version\x01", make_kb().to_bytes()[:-9]])
def test_bytes_of_something_else(data):
    with pytest.raises(DataError, match="these bytes are no knowledge base"):
        KnowledgeBase.from_bytes(data)


@pytest.mark.parametrize(
    ("names", "is_new"), [(["Müller", "Ёлка"], False), (["कमल", "कमला"], True)]
)
def test_a_knowledge_base_of_version_1_is_indexed_again_if_names_have_other_forms(
    names, is_new, tmp_path, monkeypatch
):
    entities = [Entity(f"Q{i}", name, prior=i + 1.0) for i, name in enumerate(names)]
    with monkeypatch.context() as patch:
        patch.setattr(knowledge_base, "_VERSION", 1)
        patch.setattr(knowledge_base, "folded", folded_before)
        old = build(entities).with_vectors(numpy.eye(2))
        save_kb(old, tmp_path / "kb")
        data = old.to_bytes()
    for kb in (load_kb(tmp_path / "kb"), KnowledgeBase.from_bytes(data)):
        assert [*kb.entities()] == [*old.entities()]
        assert [kb.loose(name) for name in names] == [[0], [1]]
        assert kb.vectors.tolist() == numpy.eye(2).tolist()
        same = numpy.array_equal(kb.arrays["gram_hashes"], old.arrays["gram_hashes"])
        assert same is not is_new


def test_nothing_is_unpickled(folder):
    meta = json.loads((folder / "kb.json").read_text())
    file = folder / "ids.npy"
    numpy.save(file, numpy.asarray([{}], dtype=object), allow_pickle=True)
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    meta["files"]["ids"] = {"bytes": file.stat().st_size, "sha256": checksum}
    (folder / "kb.json").write_text(json.dumps(meta))
    with pytest.raises(DataError, match="allow_pickle"):
        load_kb(folder)
