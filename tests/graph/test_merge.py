"""Relations of many documents as one graph."""

from dataclasses import replace

import pytest
import srsly

from rel_component.converters.annotated import AnnotatedEvent
from rel_component.converters.formats.jsonl import to_record
from rel_component.converters.report import Report
from rel_component.errors import ConfigError, DataError
from rel_component.graph import writer
from rel_component.graph.merge import GraphOptions, merged, merged_files
from rel_component.schema import RelationSchema, RelationType
from rel_component.spacy_files import write_docs

from ..helpers import make_doc
from .documents import APPLE, document

PEOPLE = [("Ann", "PERSON"), ("Bob", "PERSON"), ("Cy", "PERSON"), ("Di", "PERSON")]
NAMES = "Ann Bob Cy Di"


def schema(*types, **flags):
    return RelationSchema([*types] if types else [RelationType("R", **flags)])


def edges(documents, **options):
    with merged(documents, GraphOptions(**options)) as graph:
        return [(e.head_name, e.label, e.tail_name, e.rule) for e in graph.edges()]


def people(*relations, doc_id=None):
    return document(NAMES, PEOPLE, relations, doc_id=doc_id)


def test_nodes_are_those_of_ids_and_of_names_without_case():
    with merged(APPLE) as graph:
        nodes = {node.id: node for node in graph.nodes()}
        assert graph.counts() == {
            **{"nodes": 4, "edges": 4, "evidence": 5, "documents": 3},
            **{"contradictions": 0, "inferred": 0},
        }
    assert [*nodes] == ["name:ORG:apple", "Q19837", "name:PERSON:wozniak", "name:PRODUCT:mac"]
    jobs = nodes["Q19837"]
    assert jobs.aliases == {"Jobs": 1, "Steve Jobs": 1}  # not "He", which has no type
    assert (jobs.name, jobs.kb_id, jobs.type) == ("Steve Jobs", "Q19837", "PERSON")
    assert nodes["name:ORG:apple"].aliases == {"Apple": 3, "APPLE": 1}


def test_edges_have_the_figures_of_their_documents():
    with merged(APPLE) as graph:
        edge, evidence = next((e, [*found]) for e, found in graph.edges_with_evidence())
        assert evidence == graph.evidence_of(edge)
        assert graph.labels() == {"FOUNDED_BY": 2, "FOUNDER_OF": 1, "MADE": 1}
        assert [d.id for d in graph.documents()] == ["d1", "d2", "d3"]
    assert (edge.head_name, edge.label, edge.tail_name) == ("Apple", "FOUNDED_BY", "Steve Jobs")
    assert (edge.count, edge.documents, edge.score, edge.max_score) == (2, 2, 0.95, 0.9)
    assert (edge.first_date, edge.last_date) == ("2024-05-31", "2024-05-31")
    assert (edge.first_document, edge.last_document) == ("d1", "d1")  # d3 has no date
    first, second = evidence
    assert (first.document, first.score, first.text) == ("d1", 0.9, "Steve Jobs founded Apple.")
    assert first.text[first.head_at :][: first.head[1] - first.head[0]] == "Apple"
    assert first.text[first.tail_at :][: first.tail[1] - first.tail[0]] == "Steve Jobs"
    assert second.text == "Jobs, who founded Apple, said so."


def test_of_one_document_the_best_score_counts():
    twice = document("a b a b", [(c, "X") for c in "abab"], [(0, "R", 1, 0.5), (2, "R", 3, 0.6)])
    unknown = people((0, "R", 1, None))
    with merged(
        [twice, unknown, document("a b", [("a", "X"), ("b", "X")], [(0, "R", 1, 0.5)])]
    ) as g:
        both, other = g.edges()
    assert (both.count, both.documents, both.score, both.max_score) == (3, 2, 0.8, 0.6)
    assert (other.score, other.max_score) == (None, None)


def test_scores_below_the_least_one_and_unknown_ones_are_left_out():
    documents = [people((0, "R", 1, 0.4), (1, "R", 2, 0.5), (2, "R", 3, None))]
    assert edges(documents, min_score=0.5) == [("Bob", "R", "Cy", "")]


def test_documents_of_one_id_are_one():
    with merged([people((0, "R", 1), doc_id="d"), people((0, "R", 1), doc_id="d")]) as graph:
        (edge,) = graph.edges()
    assert (edge.count, edge.documents, edge.score) == (2, 1, 0.5)


def test_numbers_of_edges_and_evidence_are_the_same_in_all_graphs():
    def numbered(documents):
        with merged(documents) as graph:
            found = [(edge, [*pieces]) for edge, pieces in graph.edges_with_evidence()]
            assert found == [(edge, graph.evidence_of(edge)) for edge in graph.edges()]
        edges = {(e.head, e.label, e.tail): e.id for e, _ in found}
        return edges, {(p.id, p.edge, p.text) for _, pieces in found for p in pieces}

    edges, evidence = numbered(APPLE)
    other_edges, other_evidence = numbered(APPLE[2:])
    assert other_edges.items() <= edges.items()
    assert other_evidence < evidence
    assert len({*edges.values(), *(key for key, *_ in evidence)}) == 9
    assert len(numbered([APPLE[2], APPLE[2]])[1]) == 4


def test_an_id_that_recurs_in_a_file_is_one_document_and_its_texts_and_dates_are_compared():
    report = Report()
    first, second, third = (people((0, "R", 1), doc_id="d") for _ in range(3))
    second.meta["date"], third.meta["date"] = "2024", "2025"
    third.text = f"{NAMES} ."
    with merged([first, second, third], report=report) as graph:
        (edge,) = graph.edges()
    assert (edge.count, edge.documents, edge.first_date, edge.last_date) == (3, 1, "2024", "2024")
    assert {*report.notes} == {writer.OTHER_TEXT, writer.OTHER_DATE}


def test_documents_of_one_id_in_several_files_are_told_apart(tmp_path):
    a, b = (tmp_path / f"{name}.jsonl" for name in "ab")
    given = [people((0, "R", 1), doc_id="1"), people((0, "R", 1), doc_id="2")]
    srsly.write_jsonl(a, map(to_record, [*given, people((0, "R", 1), doc_id=f"{b}:1")]))
    other = document(f"{NAMES} .", PEOPLE, [(0, "R", 1)], doc_id="1", date="2024")
    srsly.write_jsonl(b, map(to_record, [other, given[1]]))
    report = Report()
    with merged_files([a, b], report=report) as graph:
        (edge,) = graph.edges()
        names = [d.id for d in graph.documents()]
    assert names == [f"{a}:1", "2", f"{b}:1", f"{b}:1#4"]
    assert (edge.count, edge.documents, edge.first_document) == (5, 4, f"{b}:1#4")
    assert {message: count for message, (count, _) in report.notes.items()} == {
        writer.OTHER_FILE: 1
    }


def test_documents_of_one_id_in_files_of_a_folder_are_told_apart(vocab, tmp_path):
    for name, words in (("a", "Ann met Bob"), ("b", "Ann met Bob again")):
        doc = make_doc(vocab, words, [(0, 1, "P"), (2, 3, "P")], [(0, "MET", 1, 0.5)])
        doc.user_data["meta"] = {"id": "1"}
        write_docs([doc], tmp_path / f"{name}.spacy")
    with merged_files([tmp_path]) as graph:
        assert [d.id for d in graph.documents()] == [f"{tmp_path / name}.spacy:1" for name in "ab"]


def test_what_a_document_denies_or_plans_is_no_fact():
    told = document(NAMES, PEOPLE, [(0, "R", 1), (1, "R", 2), (2, "R", 3), (0, "R", 3)], doc_id="d")
    kinds = ["negated", "planned", "asserted", ["odd"]]
    told.relations = [
        replace(rel, attributes={"polarity": kind}) for rel, kind in zip(told.relations, kinds)
    ]
    report = Report()
    with merged([told], report=report) as graph:
        assert [(e.head_name, e.tail_name) for e in graph.edges()] == [("Cy", "Di"), ("Ann", "Di")]
    ((count, _),) = report.notes.values()
    assert count == 2


def test_events_that_are_denied_or_only_possible_are_no_facts():
    told = people(
        (0, "who", 1), (0, "who", 2), (3, "KNOWS", 1)
    )  # as brat's are read, from triggers
    said = [{"polarity": "negated"}, {"modality": "possible"}, {"polarity": "asserted"}]
    told.events = [
        AnnotatedEvent("E", (("who", filler),), trigger, attributes=attributes)
        for trigger, filler, attributes in zip((0, 0, 3), (1, 2, 1), said)
    ]
    report = Report()
    with merged([told], report=report) as graph:
        found = {(e.head_name, e.label, e.tail_name) for e in graph.edges()}
    assert found == {("Di", "KNOWS", "Bob"), ("E: Di", "who", "Bob")}
    ((count, _),) = report.notes.values()
    assert count == 2


def test_symmetric_types_go_one_way():
    documents = [people((0, "R", 1), (1, "R", 0)), people((1, "R", 0), (3, "R", 2))]
    assert edges(documents, schema=schema(symmetric=True)) == [
        ("Ann", "R", "Bob", ""),
        ("Cy", "R", "Di", ""),
    ]
    with merged(documents, GraphOptions(schema=schema(symmetric=True))) as graph:
        edge = next(graph.edges())
        for piece in graph.evidence_of(edge):
            assert piece.text[piece.head_at :].startswith("Ann")
            assert piece.text[piece.tail_at :].startswith("Bob")
    assert len(edges(documents)) == 3


@pytest.mark.parametrize("closure", [False, True])
def test_symmetric_edges_have_the_same_numbers_in_whatever_order_documents_are_read(closure):
    documents = [people((3, "R", 0), (0, "R", 2), doc_id="d"), people((1, "R", 3), doc_id="e")]
    options = GraphOptions(schema=schema(symmetric=True, transitive=True), closure=closure)

    def numbers(documents):
        with merged(documents, options) as graph:
            found = [(edge.id, [*map(str, pieces)]) for edge, pieces in graph.edges_with_evidence()]
        return sorted(found)

    assert numbers(documents) == numbers(documents[::-1])


def test_inverses_by_choice():
    types = schema(RelationType("PARENT_OF", inverse="CHILD_OF"))
    documents = [people((0, "PARENT_OF", 1), (1, "CHILD_OF", 0), (3, "CHILD_OF", 2))]
    assert len(edges(documents, schema=types)) == 3
    assert edges(documents, schema=types, inverses="merge") == [
        ("Ann", "PARENT_OF", "Bob", ""),
        ("Cy", "PARENT_OF", "Di", ""),
    ]
    assert edges(documents, schema=types, inverses="add")[3:] == [
        ("Cy", "PARENT_OF", "Di", "inverse")
    ]


def test_an_inverse_of_several_types_becomes_none_of_them():
    types = schema(*(RelationType(f"{who}_OF", inverse="CHILD_OF") for who in ("FATHER", "MOTHER")))
    documents = [people((1, "CHILD_OF", 0), (2, "FATHER_OF", 3))]
    stated = [("Bob", "CHILD_OF", "Ann", ""), ("Cy", "FATHER_OF", "Di", "")]
    assert edges(documents, schema=types, inverses="merge") == stated
    assert edges(documents, schema=types, inverses="add")[2:] == [
        ("Di", "CHILD_OF", "Cy", "inverse")
    ]


@pytest.mark.parametrize(
    ("symmetric", "expected"),
    [(False, {("Ann", "Cy")}), (True, {("Ann", "Cy"), ("Ann", "Di"), ("Bob", "Di")})],
)
def test_transitive_types_are_completed(symmetric, expected):
    types = schema(transitive=True, symmetric=symmetric)
    documents = [people((0, "R", 1), (1, "R", 2), (3, "R", 2) if symmetric else (3, "R", 0))]
    found = edges(documents, schema=types, closure=True)
    if not symmetric:
        expected = expected | {("Di", "Bob"), ("Di", "Cy")}
    assert {(head, tail) for head, _, tail, rule in found if rule == "closure"} == expected
    assert len(found) == 3 + len(expected)


def test_circles_and_too_many_inferred_edges():
    types = schema(transitive=True)
    circle = [people((0, "R", 1), (1, "R", 2), (2, "R", 0))]
    assert len(edges(circle, schema=types, closure=True)) == 6
    with pytest.raises(ConfigError, match="more than 2 edges"):
        edges(circle, schema=types, closure=True, max_inferred=2)


@pytest.mark.parametrize(
    ("flags", "relations", "expected"),
    [
        ({"functional": True}, [(0, 1), (0, 2), (3, 1)], [("several tails", "Ann", 2)]),
        (
            {"functional": True, "symmetric": True},
            [(0, 1), (2, 0), (1, 3)],
            [("several tails", "Ann", 2), ("several tails", "Bob", 2)],
        ),
        ({"asymmetric": True}, [(0, 1), (1, 0), (1, 2)], [("both directions", "Ann", 2)]),
        ({}, [(0, 1), (1, 0), (0, 2)], []),
    ],
)
def test_contradictions(flags, relations, expected):
    documents = [people(*((head, "R", tail) for head, tail in relations))]
    with merged(documents, GraphOptions(schema=schema(**flags))) as graph:
        found = [(c.kind, c.name, len(c.edges)) for c in graph.contradictions()]
    assert found == expected


def test_a_name_that_stands_for_two():
    same = document("Bush, son of Bush", [("Bush", "P"), ("Bush", "P")], [(0, "R", 1)])
    with merged([same], GraphOptions(schema=schema(asymmetric=True))) as graph:
        assert [(c.kind, c.node) for c in graph.contradictions()] == [("itself", "name:P:bush")]


def test_sentences_of_evidence():
    text = "Ann left. It rained. It snowed. It hailed. She met Bob. The end."
    mentions = [("Ann", "P"), ("Bob", "P")]

    def shown(**more):
        with merged([document(text, mentions, [(0, "R", 1)], **more)]) as graph:
            (piece,) = graph.evidence_of(next(graph.edges()))
        assert piece.text[piece.tail_at :].startswith("Bob")
        return piece.text

    assert shown() == shown(starts=[0, 10, 21, 32, 43, 56]) == "Ann left. ... She met Bob."
    assert shown(starts=[0, 43]) == text.replace("The", "The")
    long = "x" * 5000
    with merged([document(f"Ann {long} Bob", mentions, [(0, "R", 1)])]) as graph:
        (piece,) = graph.evidence_of(next(graph.edges()))
    assert len(piece.text) < 1000
    assert piece.text[piece.tail_at :] == "Bob"


def test_dates_that_are_none_are_noted():
    report = Report()
    documents = [document(NAMES, PEOPLE, [(0, "R", 1)], date="yesterday")]
    with merged(documents, report=report) as graph:
        assert next(graph.edges()).first_date is None
    assert "ISO 8601" in next(iter(report.notes))
    assert (report.documents, report.relations) == (1, 1)


def test_files_of_several_formats(vocab, tmp_path):
    doc = make_doc(vocab, "Ann met Bob", [(0, 1, "P"), (2, 3, "P")], [(0, "MET", 1, 0.5)])
    write_docs([doc], tmp_path / "a.spacy")
    (tmp_path / "b.jsonl").write_text(
        '{"text": "Ann met Bob", "entities": [{"id": 1, "start": 0, "end": 3, "label": "P"}, {"id": 2, '
        '"start": 8, "end": 11, "label": "P"}], "relations": [{"head": 1, "tail": 2, "label": "MET"}]}',
        encoding="utf8",
    )
    with merged_files([tmp_path / "a.spacy", tmp_path / "b.jsonl"]) as graph:
        (edge,) = graph.edges()
        assert [d.id for d in graph.documents()] == ["#1", "#2"]
    assert (edge.count, edge.score) == (2, 1.0)
    (tmp_path / "c.jsonl").write_text(
        '{"text": "Ann", "entities": [{"id": 1, "start": 0, "end": 9}]}\n', encoding="utf8"
    )
    with (
        pytest.raises(DataError, match=r"c\.jsonl, line 1"),
        merged_files([tmp_path / "b.jsonl", tmp_path / "c.jsonl"]),
    ):
        pass


@pytest.mark.parametrize(
    "options", [{"inverses": "both"}, {"closure": True}, {"inverses": "merge"}]
)
def test_options_that_do_not_fit(options):
    with pytest.raises(ConfigError, match=r"expected keep, merge or add|declared in a"):
        GraphOptions(**options)


def test_a_full_disk_is_an_error_that_says_where(monkeypatch):
    limit = "\nPRAGMA max_page_count = 30;"
    monkeypatch.setattr(writer, "_TABLES", writer._TABLES + limit)
    long = document(f"Ann {'x' * 1000} Bob", PEOPLE[:2], [(0, "R", 1)] * 500)
    with pytest.raises(DataError, match=r"rel_graph_.*disk is full; TMPDIR"), merged([long]):
        pass


def test_nodes_that_are_no_longer_in_memory_are_found(monkeypatch):
    monkeypatch.setattr(writer, "_MAX_KNOWN", 2)
    documents = [people((i % 4, "R", (i + 1) % 4)) for i in range(20)]
    with merged(documents) as graph:
        assert graph.counts()["nodes"] == 4


def test_an_event_is_a_node_and_its_pairs_are_no_edges():
    found = people((0, "MEETING:who>who", 1), (0, "KNOWS", 1))
    keys = [mention.id for mention in found.mentions]
    roles = tuple(("who", key) for key in keys[:3])
    found = replace(found, events=[AnnotatedEvent("MEETING", roles, score=0.5)])
    with merged([found]) as graph:
        nodes = {node.name: node for node in graph.nodes()}
        edges = {(e.head_name, e.label, e.tail_name, e.score) for e in graph.edges()}
    assert nodes["MEETING: Ann, Bob, Cy"].type == "MEETING"
    whole = "MEETING: Ann, Bob, Cy"
    assert edges == {
        ("Ann", "KNOWS", "Bob", 0.5),
        *((whole, "who", name, 0.5) for name in ("Ann", "Bob", "Cy")),
    }


def test_events_and_pronouns_have_the_same_nodes_in_whatever_order_documents_are_read():
    def said(text):
        found = document(text, [("He", ""), ("Bob", "PERSON")], [(0, "R", 1)], doc_id="1")
        meeting = AnnotatedEvent("E", (("who", 1),), 0)
        return replace(found, events=[meeting, replace(meeting, label="F")])

    def nodes(*documents):
        with merged(documents) as graph:
            return {node.id for node in graph.nodes()} - {"name:PERSON:bob"}

    one, other = said("He met Bob"), said("He left Bob")
    both = nodes(one, other)
    assert both == nodes(other, one, other) == nodes(one) | nodes(other)
    assert len(both) == 6
    assert nodes(replace(one, events=one.events[1:])) < nodes(one)
