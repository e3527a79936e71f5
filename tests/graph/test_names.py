"""Which entities are one node, and what names and dates graphs have."""

from dataclasses import replace

import pytest

from rel_component.graph.merge import GraphOptions, merged
from rel_component.graph.names import KnownNames, day, is_name, writable
from rel_component.graph.types import number_of
from rel_component.schema import RelationSchema, RelationType

from .documents import document


def test_names_of_a_cluster_and_of_known_entities():
    clustered = document(
        "The company Acme Labs said it hired Ann.",
        [("The company", "ORG"), ("Acme Labs", "ORG"), ("it", ""), ("Ann", "PERSON")],
        [(2, "EMPLOYS", 3)],
        clusters=[(0, 1, 2)],
    )
    known = KnownNames([("E1", ["Ann", "Ann Lee"], ["PERSON"]), ("E2", ["Ann"], ["GPE"])])
    with merged([clustered], GraphOptions(known=known)) as graph:
        assert [(n.id, n.name) for n in graph.nodes()][1:] == [("E1", "Ann")]
        assert next(graph.nodes()).id == "name:ORG:acme labs"
    ambiguous = KnownNames([("E1", ["Ann"], []), ("E2", ["ANN"], [])])
    assert ambiguous.find("Ann", "PERSON") == ""


def test_nil_is_no_id():
    text = document(
        "Ann met Bob, and Cy met him.",
        [("Ann", "P", "NIL"), ("Bob", "P", "NIL"), ("Cy", "P"), ("him", "P", "Q2")],
        [(0, "MET", 1), (2, "MET", 1)],
        clusters=[(1, 3)],
    )
    with merged([text]) as graph:
        assert [node.id for node in graph.nodes()] == ["name:P:ann", "Q2", "name:P:cy"]


@pytest.mark.parametrize(
    ("name", "label", "expected"),
    [
        *((words, "", False) for words in ("He", "it", "the company", "The company", "shares")),
        *((words, "", True) for words in ("The Hague", "iPhone", "in 2024", "A", "公司", "IT")),
        *(("He", "PERSON", False), ("company", "ORG", True), ("US", "GPE", True)),
    ],
)
def test_what_is_a_name(name, label, expected):
    assert is_name(name, label) == expected


def test_words_that_are_no_name_are_a_node_of_their_document():
    def said(**options):
        words = [("He", ""), ("Acme", ""), ("the company", "")]
        stated = [(0, "found", 1), (2, "be", 1)]
        return document("He founded Acme, the company.", words, stated, **options)

    documents = [said(doc_id="a"), said(doc_id="b"), said(clusters=[(0, 2)])]
    number = number_of(documents[0].text)
    with merged(documents) as graph:
        assert [node.id for node in graph.nodes()] == [
            *(f"mention:a#{number}:he", "name::acme", f"mention:a#{number}:the company"),
            *(f"mention:b#{number}:he", f"mention:b#{number}:the company", f"mention:#{number}:he"),
        ]


def test_pronouns_give_a_cluster_no_name():
    text = document("He met Bo", [("He", "P"), ("Bo", "P")], [(0, "R", 1)], clusters=[(0, 1)])
    with merged([text]) as graph:
        assert [(node.id, node.aliases) for node in graph.nodes()] == [("name:P:bo", {"Bo": 1})]


def test_ids_never_meet_names():
    text = document(
        "Bob Bob Bob Bob",
        [("Bob", "A:B"), ("Bob", "A"), ("Bob", "A", "name:A:bob"), ("Bob", "A", "kb:name:A:bob")],
        [(0, "R", 1), (2, "R", 3)],
    )
    with merged([text]) as graph:
        assert len({node.id for node in graph.nodes()}) == 4


def test_a_node_has_all_names_of_its_mentions_with_the_number_of_documents():
    mentions = [("IBM", "ORG", "Q1"), ("Bo", "P"), ("Big Blue", "ORG", "Q1"), ("IBM", "ORG", "Q1")]
    linked = document(
        "IBM hired Bo. Big Blue, IBM, Bo.",
        [*mentions, ("Bo", "P")],
        [(0, "R", 1), (2, "R", 1), (3, "R", 4)],
    )
    clustered = replace(linked, clusters=[[0, 2, 3], [1, 4]])
    with merged([linked, clustered]) as graph:
        assert next(graph.nodes()).aliases == {"IBM": 2, "Big Blue": 2}


@pytest.mark.parametrize(("ids", "n_nodes"), [(["Q1"], 3), (["Q1", "Q2"], 5)])
def test_a_name_belongs_to_the_only_id_that_has_it(ids, n_nodes):
    documents = [
        document("Ann met Bob.", [("Ann", "P"), ("Bob", "P")], [(0, "R", 1)], doc_id="d0"),
        document("Cy met ANN.", [("Cy", "P"), ("ANN", "P")], [(1, "R", 0)], doc_id="d1"),
        *(
            document("Bob met Ann.", [("Bob", "P"), ("Ann", "P", kb)], [(0, "R", 1)], doc_id=kb)
            for kb in ids
        ),
    ]
    symmetric = RelationSchema([RelationType("R", symmetric=True)])
    with merged(documents, GraphOptions(schema=symmetric)) as graph:
        nodes = {node.id: node.aliases for node in graph.nodes()}
        edges = [(e.head, e.tail, e.documents) for e in graph.edges()]
        bob = next(graph.edges())
        spans = [e.text[e.head_at :][:3] for e in graph.evidence_of(bob)]
    assert len(nodes) == n_nodes
    if len(ids) == 1:
        assert nodes["Q1"] == {"Ann": 2, "ANN": 1}
        assert edges == [("Q1", "name:P:bob", 2), ("Q1", "name:P:cy", 1)]
        assert spans == ["Ann", "Ann"]


def test_two_of_one_name_that_are_related_stay_two():
    text = document("Ann met Ann", [("Ann", "P"), ("Ann", "P", "Q1")], [(0, "R", 1)])
    with merged([text]) as graph:
        assert [(e.head_name, e.tail_name) for e in graph.edges()] == [("Ann", "Ann")]
        assert [node.id for node in graph.nodes()] == ["name:P:ann", "Q1"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-05-31T10:00:00Z", "2024-05-31"),
        *((text, text) for text in ("2024", "2024-05", "2024-05-31")),
        (2024, "2024"),
        *(
            (value, None)
            for value in (
                "31.5.2024",
                "2024-13",
                "2024-02-31",
                "२०२४",
                "20240531",
                "",
                7,
                None,
                True,
                [2024],
            )
        ),
    ],
)
def test_dates(value, expected):
    assert day(value) == expected


def test_what_no_format_holds_has_a_picture():
    assert writable("a\0\x1b\x7f\ud800\n\t\x85") == "a\u2400\u241b\u2421\ufffd\n\t\x85"
