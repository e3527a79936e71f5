"""The shapes in which well-known graph builders and models state relations."""

import json
import re

import pytest
import spacy

from rel_component.llm.answers.parsing import read_statements
from rel_component.llm.answers.relations import validate_statements
from rel_component.llm.types import Reply
from rel_component.schema import RelationSchema

TEXT = "Mia Roth founded Brava in Lyon. Leo Falk works for Brava. Norda sued Brava and Quill."
PEOPLE, FIRMS = ("Mia Roth", "Leo Falk"), ("Brava", "Norda", "Quill")
SCHEMA = RelationSchema.from_dict(
    {
        "relations": [
            {"label": "FOUNDED", "head": ["PERSON"], "tail": ["ORG"]},
            {"label": "WORKS_FOR", "head": ["PERSON"], "tail": ["ORG"]},
            {"label": "SUED", "head": ["ORG"], "tail": ["ORG"]},
        ]
    }
)
FOUNDED, WORKS = ("Mia Roth", "FOUNDED", "Brava"), ("Leo Falk", "WORKS_FOR", "Brava")
BOTH = [FOUNDED, WORKS]
SUED = [("Norda", "SUED", "Brava"), ("Norda", "SUED", "Quill")]
NODES = [
    {"id": "Mia Roth", "type": "PERSON"},
    {"id": "Leo Falk", "type": "PERSON"},
    {"id": "Brava", "type": "ORG"},
]


def with_names(head, label, tail):
    """Both relations as objects whose parts have these names."""
    return [{head: fact[0], label: fact[1], tail: fact[2]} for fact in BOTH]


SHAPES = {
    "names of LangChain": (with_names("source_node_id", "type", "target_node_id"), BOTH),
    "names of Neo4j": (with_names("start_node", "type", "end_node"), BOTH),
    "other names": (with_names("from", "predicate", "to"), BOTH),
    "nodes and edges": ({"nodes": NODES, "edges": with_names("source", "type", "target")}, BOTH),
    "a list in a list": ([with_names("head", "relation", "tail")], BOTH),
    "lists as strings": (
        {
            "nodes": json.dumps(NODES),
            "relationships": str(with_names("source", "type", "target")),
        },
        BOTH,
    ),
    "several tails": ([{"head": "Norda", "relation": "SUED", "tail": ["Brava", "Quill"]}], SUED),
    "several tails with types": (
        [
            {
                "head": "Norda",
                "relation": "SUED",
                "tail": ["Brava", "Quill"],
                "tail_type": ["ORG", "ORG"],
            }
        ],
        SUED,
    ),
    "the relation is an object": (
        [
            {"head": "Mia Roth", "relation": {"FOUNDED": {"place": "Lyon"}}, "tail": "Brava"},
            {"head": "Leo Falk", "relation": {"type": "WORKS_FOR"}, "tail": "Brava"},
        ],
        BOTH,
    ),
    "triplets of objects": (
        {
            "triplets": [
                {
                    "subject": {"type": "PERSON", "name": head},
                    "relation": {"type": label},
                    "object": {"type": "ORG", "name": tail},
                }
                for head, label, tail in BOTH
            ]
        },
        BOTH,
    ),
    "relations among the entities": (
        {
            "entities": [
                {"source": "mia_roth", "relationship": "founded", "destination": "brava"},
                {"source": "leo_falk", "relationship": "works_for", "destination": "brava"},
            ]
        },
        BOTH,
    ),
    "pairs by label": (
        {"FOUNDED": [["Mia Roth", "Brava"]], "WORKS_FOR": [["Leo Falk", "Brava"]]},
        BOTH,
    ),
    "a tool call": (
        {"name": "extract", "arguments": {"relations": with_names("head", "label", "tail")}},
        BOTH,
    ),
    "a tool call with a string": (
        {
            "tool_calls": [
                {
                    "function": {
                        "name": "extract",
                        "arguments": json.dumps({"relations": with_names("head", "label", "tail")}),
                    }
                }
            ]
        },
        BOTH,
    ),
    "Python tuples": (str(BOTH), BOTH),
    "a table": (
        "| head | relation | tail |\n|---|---|---|\n"
        "| Mia Roth | FOUNDED | Brava |\n| Leo Falk | WORKS_FOR | Brava |",
        BOTH,
    ),
    "CSV": ("head,relation,tail\nMia Roth,FOUNDED,Brava\nLeo Falk,WORKS_FOR,Brava", BOTH),
    "YAML": (
        "relations:\n- head: Mia Roth\n  relation: FOUNDED\n  tail: Brava\n"
        "- head: Leo Falk\n  relation: WORKS_FOR\n  tail: Brava\n",
        BOTH,
    ),
    "XML": (
        "<r><t><head>Mia Roth</head><label>FOUNDED</label><tail>Brava</tail></t>"
        "<t><head>Leo Falk</head><label>WORKS_FOR</label><tail>Brava</tail></t></r>",
        BOTH,
    ),
    "Cypher": (
        "(Mia Roth:PERSON)-[:FOUNDED]->(Brava:ORG)\n(Leo Falk:PERSON)-[:WORKS_FOR]->(Brava:ORG)",
        BOTH,
    ),
    "REBEL": (
        "<triplet> Mia Roth <subj> Brava <obj> FOUNDED "
        "<triplet> Leo Falk <subj> Brava <obj> WORKS_FOR",
        BOTH,
    ),
    "GraphRAG": (
        '("entity"<|>MIA ROTH<|>PERSON<|>a founder)##("entity"<|>BRAVA<|>ORG<|>a firm)##'
        '("relationship"<|>MIA ROTH<|>BRAVA<|>founded<|>9)##'
        '("relationship"<|>LEO FALK<|>BRAVA<|>works for<|>7)<|COMPLETE|>',
        BOTH,
    ),
}


@pytest.fixture(scope="module")
def doc():
    return spacy.blank("en")(TEXT)


def read(doc, reply, mentions):
    """The relations in a reply about the text, and what was dropped."""
    types = {**dict.fromkeys(PEOPLE, "PERSON"), **dict.fromkeys(FIRMS, "ORG")}
    spans = [
        doc.char_span(match.start(), match.end(), label=types[match[0]])
        for match in re.finditer("|".join(types), TEXT)
    ]
    given = {f"M{i}": span for i, span in enumerate(spans, start=1)}
    validated = validate_statements(
        read_statements(Reply(reply)),
        doc,
        SCHEMA,
        mentions=given if mentions == "given" else None,
        entity_types=("PERSON", "ORG"),
    )
    found = [(rel.head.text, rel.label, rel.tail.text) for rel in validated.relations]
    return found, validated.dropped


@pytest.mark.parametrize("mentions", ["given", "found"])
@pytest.mark.parametrize("shape", SHAPES)
def test_all_relations_are_read_and_none_is_dropped(doc, shape, mentions):
    reply, expected = SHAPES[shape]
    text = reply if isinstance(reply, str) else json.dumps(reply)
    assert read(doc, text, mentions) == (expected, {})


def test_a_relation_without_tail_is_counted(doc):
    relations = [
        {"head": "Mia Roth", "relation": "FOUNDED", "tail": None},
        {"head": "Leo Falk", "relation": "WORKS_FOR", "tail": "Brava"},
    ]
    assert read(doc, json.dumps(relations), "given") == ([WORKS], {"malformed_item": 1})
