"""Relation schemas: files, errors, inference from documents, and what they allow."""

from dataclasses import replace

import numpy
import pytest

from rel_component.errors import SchemaError
from rel_component.schema import RelationSchema, RelationType, read_schema
from rel_component.types import Relation

from .helpers import make_doc

FOUNDED_BY = RelationType(
    "FOUNDED_BY",
    description="The tail founded the head.",
    head=("ORG",),
    tail=("PERSON", "ORG"),
    inverse="FOUNDER_OF",
)
PARTNER_OF = RelationType("PARTNER_OF", head=("ORG",), tail=("ORG",), symmetric=True)
MARRIED_TO = RelationType("MARRIED_TO", head=("PERSON",), tail=("PERSON",), symmetric=True)
ANYTHING = RelationType("ANYTHING")
PERSON, ORG = (0, 1, "PERSON"), (2, 3, "ORG")


def founded(vocab, relation):
    return make_doc(vocab, "Ada founded Acme", [PERSON, ORG], [relation])


# Files


@pytest.mark.parametrize("name", ["schema.yaml", "schema.yml", "schema.json"])
def test_file_round_trip(tmp_path, name):
    # YAML takes \x85 for a line break
    schema = RelationSchema(
        [FOUNDED_BY, PARTNER_OF, ANYTHING, RelationType("a\x85b", tail=("\x85",))]
    )
    schema.to_file(tmp_path / name)
    assert RelationSchema.from_file(tmp_path / name) == schema


def test_the_file_in_the_documentation_can_be_read(tmp_path):
    path = tmp_path / "schema.yaml"
    path.write_text(
        """
relations:
  - label: FOUNDED_BY
    description: The tail founded the head.
    head: [ORG]              # allowed entity types; left out or empty: any
    tail: [PERSON, ORG]
    inverse: FOUNDER_OF
  - label: PARTNER_OF
    symmetric: true
    head: ORG
    tail: ORG
  - ANYTHING
""",
        encoding="utf8",
    )
    assert list(read_schema(path).values()) == [FOUNDED_BY, PARTNER_OF, ANYTHING]


def test_to_dict_leaves_out_defaults():
    assert RelationSchema([ANYTHING]).to_dict() == {"relations": [{"label": "ANYTHING"}]}


@pytest.mark.parametrize(
    ("name", "text"), [("a.json", "{"), ("a.yaml", "relations: ["), ("a.yaml", None)]
)
def test_error_for_a_file_that_cannot_be_read(tmp_path, name, text):
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf8")
    with pytest.raises(SchemaError, match=f"{name}: cannot be read"):
        RelationSchema.from_file(tmp_path / name)


BOMB = "[&a [x,x,x,x,x,x,x,x,x,x]" + "".join(
    f", &{name} [{','.join(f'*{before}' for _ in range(10))}]"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "- &a {k: x}\n" + "".join(
    f"- &{name} {{<<: [{','.join(f'*{before}' for _ in range(10))}]}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        f"relations: [{{label: A, head: {BOMB}]}}]",
        f"relations: [{{label: A, symmetric: {BOMB}]}}]",
        f"relations: [{{label: {BOMB}]}}]",
        f"relations: {BOMB}]",
        f"relations: [{{? {BOMB}] : 1}}]",
        MERGES,
        "relations: &a [*a]",
        "relations: " + "[" * 1500,
        "relations: " + "[" * 120 + "]" * 120,
        "relations: [{label: " + "{a: " * 3000,
        "- " * 3000,
        "? " * 3000,
        "relations: [{label: !!python/object/apply:os.system [ls]}]",
        "relations: [{label: 0x" + "f" * 9000 + "}]",
        "relations: [{label: A, " + "x" * 9000 + ": 1}]",
        "x" * 9000 + ": 1\nrelations: []",
        "relations: [{label: [" + ", ".join("abc" * 70) + "]}]",
        "relations: [{label: A, inverse: [" + "[x, x, x], " * 100 + "]}]",
        "relations: [{label: A, tail: [2024-01-01, null, 1.5]}]",
        "\x00",
    ],
)  # fmt: skip
def test_hostile_schemas_are_short_errors(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text, encoding="utf8")
    with pytest.raises(SchemaError, match=r"a\.yaml: ") as caught:
        read_schema(tmp_path / "a.yaml")
    assert len(str(caught.value)) < len(str(tmp_path)) + 400


@pytest.mark.parametrize("text", ["[" * 20_000, '{"relations": ' + "[" * 900 + "]" * 900 + "}"])
def test_hostile_json_is_a_short_error(tmp_path, text):
    (tmp_path / "a.json").write_text(text, encoding="utf8")
    with pytest.raises(SchemaError, match=r"a\.json: ") as caught:
        read_schema(tmp_path / "a.json")
    assert len(str(caught.value)) < len(str(tmp_path)) + 400


def test_aliases_and_byte_order_marks_are_read(tmp_path):
    yaml = "relations:\n- {label: A, head: &o [ORG], tail: *o}\n- {label: B, head: *o}\n"
    for name, text in (("a.yaml", yaml), ("a.json", '{"relations": ["A"]}')):
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
        assert read_schema(tmp_path / name)["A"].label == "A"
    assert read_schema(tmp_path / "a.yaml")["B"].head == ("ORG",)


def test_errors_name_the_file(tmp_path):
    (tmp_path / "a.yaml").write_text("relations: [{head: [ORG]}]", encoding="utf8")
    with pytest.raises(SchemaError, match=r"a\.yaml: relations\[0\]\.label"):
        RelationSchema.from_file(tmp_path / "a.yaml")


@pytest.mark.parametrize("data", [None, [], {}, {"relations": {}}, {"relations": "FOUNDED_BY"}])
def test_error_for_data_without_a_list_of_relations(data):
    with pytest.raises(SchemaError, match='expected a mapping with a list under "relations"'):
        RelationSchema.from_dict(data)


def test_error_for_an_unknown_key_beside_relations():
    with pytest.raises(SchemaError, match="schema: entities: unknown key"):
        RelationSchema.from_dict({"relations": [], "entities": []})


@pytest.mark.parametrize(
    ("relation", "message"),
    [
        (3, r"relations\[1\]: expected a mapping with the keys label, description"),
        ({}, r"relations\[1\]\.label: missing or empty"),
        ("", r"relations\[1\]\.label: '' is empty"),
        ({"label": ""}, r"relations\[1\]\.label: missing or empty"),
        ({"label": 3}, r"relations\[1\]\.label: expected a string, got 3"),
        ({"label": " "}, r"relations\[1\]\.label: ' ' is empty or reserved"),
        ({"label": "NO_RELATION"}, r"relations\[1\]\.label: 'NO_RELATION' is empty or reserved"),
        ({"label": "A"}, r"relations\[1\]\.label: 'A' is declared twice"),
        (
            {"label": "B", "description": 1},
            r"relations\[1\]\.description: expected a string, got 1",
        ),
        (
            {"label": "B", "heads": []},
            r'relations\[1\]\.heads: unknown key, did you mean "head"\?; accepted: label',
        ),
        (
            {"label": "B", "head": 3},
            r"relations\[1\]\.head: expected a list of entity types, got 3",
        ),
        ({"label": "B", "tail": [""]}, r"relations\[1\]\.tail: expected a list of entity types"),
        (
            {"label": "B", "symmetric": 1},
            r"relations\[1\]\.symmetric: expected true or false, got 1",
        ),
        ({"label": "B", "inverse": ["A"]}, r"relations\[1\]\.inverse: expected a string"),
        ({"label": "B", "inverse": "B"}, r"relations\[1\]\.inverse: B is its own inverse"),
        (
            {"label": "B", "inverse": "A", "symmetric": True},
            r"relations\[1\]\.inverse: the symmetric B is its own inverse",
        ),
        (
            {"label": "B", "symmetric": True, "asymmetric": True},
            r"relations\[1\]\.asymmetric: B is symmetric already",
        ),
        (
            {"label": "B", "functional": True, "transitive": True},
            r"relations\[1\]\.transitive: B is functional",
        ),
        (
            {"label": "B", "inverse": "A"},
            r"relations\[1\]\.inverse: A is declared as the inverse of C, not of B",
        ),
    ],
)
def test_errors_name_the_key(relation, message):
    with pytest.raises(SchemaError, match=f"schema: {message}"):
        RelationSchema.from_dict({"relations": [{"label": "A", "inverse": "C"}, relation]})


# Putting schemas together


def test_from_docs_reads_labels_and_argument_types_in_alphabetical_order(vocab):
    docs = [
        founded(vocab, (1, "FOUNDED_BY", 0)),
        founded(vocab, (0, "ADVISES", 1)),
        make_doc(vocab, "NASA founded Acme", [(0, 1, "AGENCY"), ORG], [(1, "FOUNDED_BY", 0)]),
    ]
    assert list(RelationSchema.from_docs(docs).values()) == [
        RelationType("ADVISES", head=("PERSON",), tail=("ORG",), inferred=True),
        RelationType("FOUNDED_BY", head=("ORG",), tail=("AGENCY", "PERSON"), inferred=True),
    ]


def test_from_docs_does_not_constrain_an_argument_that_was_seen_without_type(vocab):
    docs = [founded(vocab, (0, "ADVISES", 1))]
    docs.append(make_doc(vocab, "Ada founded Acme", [(0, 1, ""), ORG], [(0, "ADVISES", 1)]))
    inferred = RelationSchema.from_docs(docs)["ADVISES"]
    assert inferred == RelationType("ADVISES", tail=("ORG",), inferred=True)


def test_from_docs_without_relations_is_empty(vocab):
    assert len(RelationSchema.from_docs([make_doc(vocab, "Ada sleeps")])) == 0


def test_from_docs_reads_the_given_attribute(vocab):
    doc = make_doc(vocab, "Ada founded Acme", [PERSON, ORG], [(0, "A", 1)], attr="mine")
    assert RelationSchema.from_docs([doc]).labels == ()
    assert RelationSchema.from_docs([doc], attr="mine").labels == ("A",)


def test_merge_replaces_in_place_and_appends():
    described = RelationType("A", description="described")
    merged = RelationSchema([RelationType("A"), ANYTHING]).merge(
        RelationSchema([PARTNER_OF, described])
    )
    assert list(merged.values()) == [described, ANYTHING, PARTNER_OF]


def test_add_appends_a_type_without_constraints_if_it_is_not_there():
    schema = RelationSchema([PARTNER_OF])
    assert list(schema.add("ANYTHING").values()) == [PARTNER_OF, ANYTHING]
    assert schema.add("PARTNER_OF") == schema


def test_asymmetric_labels_are_kept_in_the_data():
    schema = RelationSchema([RelationType("A", asymmetric=True), RelationType("B")])
    assert RelationSchema.from_dict(schema.to_dict()).asymmetric_labels == ("A",)


def test_symmetric_labels():
    schema = RelationSchema([FOUNDED_BY, PARTNER_OF, MARRIED_TO])
    assert schema.symmetric_labels == ("PARTNER_OF", "MARRIED_TO")


# What a schema allows


@pytest.mark.parametrize(
    ("rel_type", "head", "tail", "expected"),
    [
        (FOUNDED_BY, "ORG", "PERSON", True),
        (FOUNDED_BY, "PERSON", "ORG", False),
        (FOUNDED_BY, "ORG", "", False),
        (ANYTHING, "", "GPE", True),
        (RelationType("A", head=("ORG",)), "ORG", "GPE", True),
        (RelationType("A", head=("ORG",)), "GPE", "ORG", False),
        (RelationType("A", head=("ORG",), symmetric=True), "GPE", "ORG", True),
        (RelationType("A", head=("ORG",), symmetric=True), "GPE", "GPE", False),
    ],
)
def test_allows(rel_type, head, tail, expected):
    assert rel_type.allows(head, tail) is expected


@pytest.mark.parametrize("name", ["schema.yaml", "schema.json"])
def test_inferred_argument_types_are_expected_and_forbid_nothing(tmp_path, name):
    RelationSchema([replace(FOUNDED_BY, inferred=True)]).to_file(tmp_path / name)
    schema = RelationSchema.from_file(tmp_path / name)
    types, labels = ["ORG", "PERSON"], ["FOUNDED_BY"]
    assert schema.allowed(types, labels).all()
    expected = [[[True], [True]], [[False], [False]]]  # rows: head ORG, PERSON
    numpy.testing.assert_array_equal(schema.expected(types, labels), expected)


def test_the_allowed_table():
    schema = RelationSchema([FOUNDED_BY, MARRIED_TO])
    table = schema.allowed(["ORG", "PERSON"], ["MARRIED_TO", "FOUNDED_BY", "UNKNOWN"])
    founded_by = [[True, True], [False, False]]  # rows: head ORG, PERSON; columns: tail
    married_to = [[False, False], [False, True]]
    unknown = [[True, True], [True, True]]
    expected = numpy.stack([married_to, founded_by, unknown], axis=2)
    numpy.testing.assert_array_equal(table, expected)


def test_the_allowed_table_without_types():
    assert RelationSchema([FOUNDED_BY]).allowed([], ["FOUNDED_BY"]).shape == (0, 0, 1)


def test_with_inverses_adds_the_other_direction(vocab):
    (rel,) = founded(vocab, (1, "FOUNDED_BY", 0, 0.7))._.rel
    closed = RelationSchema([FOUNDED_BY]).with_inverses([rel])
    assert closed == [rel, Relation(rel.tail, "FOUNDER_OF", rel.head, 0.7)]


def test_with_inverses_adds_nothing_twice(vocab):
    (rel,) = founded(vocab, (1, "FOUNDED_BY", 0))._.rel
    both = [rel, Relation(rel.tail, "FOUNDER_OF", rel.head)]
    assert RelationSchema([FOUNDED_BY]).with_inverses(both) == both


@pytest.mark.parametrize("schema", [RelationSchema(), RelationSchema([RelationType("FOUNDED_BY")])])
def test_with_inverses_keeps_relations_without_inverse(vocab, schema):
    relations = list(founded(vocab, (1, "FOUNDED_BY", 0))._.rel)
    assert schema.with_inverses(relations) == relations


@pytest.mark.parametrize(
    ("relation", "message"),
    [
        ((1, "OWNS", 0), "unknown label 'OWNS'; known: FOUNDED_BY, ANYTHING"),
        (
            (0, "FOUNDED_BY", 1),
            "FOUNDED_BY does not hold between PERSON and ORG; allowed: ORG to PERSON|ORG",
        ),
        ((1, "FOUNDED_BY", 1), "FOUNDED_BY between a mention and itself"),
    ],
)
def test_validate_says_what_is_wrong(vocab, relation, message):
    schema = RelationSchema([FOUNDED_BY, ANYTHING])
    docs = [founded(vocab, (1, "FOUNDED_BY", 0)), founded(vocab, relation)]
    (violation,) = schema.validate(docs)
    assert (violation.doc, violation.message) == (1, message)
    assert violation.relation == docs[1]._.rel[0]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (PARTNER_OF, False),  # certain, and so no relation is expected of a type that none has
        (replace(PARTNER_OF, inferred=True), True),
        (RelationType("ANYTHING", head=("ORG",)), True),
        (RelationType("TAKES", head=("PERSON",), tail=("PET",)), True),
    ],
)
def test_inferred_types_allow_what_the_schema_names(other, expected):
    schema = RelationSchema([replace(FOUNDED_BY, inferred=True), other])
    assert schema.allows("FOUNDED_BY", "PERSON", "ORG")
    assert schema.allows("FOUNDED_BY", "PET", "ORG") is expected
    assert schema.allows("UNKNOWN", "PET", "ORG")
    table = schema.allowed(["PET", "ORG"], ["FOUNDED_BY", "UNKNOWN"])
    assert table[0, 1].tolist() == [expected, True]


def test_what_is_not_expected_is_no_violation(vocab):
    schema = RelationSchema([replace(FOUNDED_BY, inferred=True)])
    docs = [founded(vocab, (1, "FOUNDED_BY", 0)), founded(vocab, (0, "FOUNDED_BY", 1))]
    assert schema.validate(docs) == []
    (found,) = schema.find_unexpected(docs)
    assert (found.doc, found.forbidden) == (1, False)
    assert found.message == (
        "FOUNDED_BY is not expected between PERSON and ORG; inferred: ORG to PERSON|ORG"
    )
    assert RelationSchema([FOUNDED_BY]).find_unexpected(docs) == []


def test_validate_accepts_allowed_relations(vocab):
    docs = [founded(vocab, (1, "FOUNDED_BY", 0)), founded(vocab, (0, "ANYTHING", 1))]
    assert RelationSchema([FOUNDED_BY, ANYTHING]).validate(docs) == []
