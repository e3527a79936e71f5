"""The formats of data sets and of INCEpTION, on files of the form that they are published in."""

import json

import pytest
import spacy

from rel_component.converters.annotated import Annotated, AnnotatedMention, AnnotatedRelation
from rel_component.converters.format import detect_format
from rel_component.converters.report import Report
from rel_component.converters.writing import write_file
from rel_component.errors import DataError

from .files import facts, notes, read, read_text

NLP = spacy.blank("en")


def test_relations_of_entities(tmp_path):
    (annotated, _), report = read("docred.json", "docred")
    texts = {m.id: " ".join(annotated.words[m.start : m.end]) for m in annotated.mentions}
    found = [(texts[r.head], r.label, texts[r.tail], r.evidence) for r in annotated.relations]
    assert found == [
        ("Nordwind", "P112", "Ilse Brandt", (0,)),
        ("Nordwind", "P159", "Kiel", (0, 2)),
        ("Kiel", "P131", "Schleswig", ()),
    ]
    assert [len(cluster) for cluster in annotated.clusters] == [2, 3, 2, 1, 1]
    assert annotated.sentence_starts == [0, 10, 16]
    assert notes(report) == {"mentions that one entity lists twice": 1}


def test_an_entity_is_named_by_a_mention_of_its_own(tmp_path):
    vertex = [{"name": "a", "sent_id": 0, "pos": [i, i + 1], "type": "X"} for i in range(3)]
    labels = [{"h": 0, "t": 1, "r": "P1", "evidence": [1, 7]}]
    record = {"sents": [["a", "b", "c"], [], ["d"]], "vertexSet": [vertex[:2], vertex[::2]]}
    (annotated,), report = read_text(tmp_path, [{**record, "labels": labels}], "docred")
    ((head, tail),) = [(r.head, r.tail) for r in annotated.relations]
    assert [annotated.mentions[head].start, annotated.mentions[tail].start] == [1, 2]
    assert notes(report) == {"evidence that is no sentence of the document": 2}


def test_attributes_of_crossre():
    (annotated, _), _ = read("crossre.json", "crossre")
    assert [relation.attributes for relation in annotated.relations] == [
        {"explanation": "founder"},
        {"uncertain": True},
        {"syntax_ambiguity": True},
    ]


def test_events_and_clusters_of_dygie():
    (durkan, boat), report = read("dygie.jsonl", "dygie")
    assert durkan.clusters == [[0, 2], [1, 3]]
    assert [mention.label for mention in boat.mentions] == ["", ""]
    assert durkan.meta == {"id": "durkan", "dataset": "news"}
    assert notes(report) == {"events, which are not read": 1}


def test_several_mentions_of_an_entity_of_fewrel():
    (_, annotated, _), _ = read("fewrel.json", "fewrel")
    assert annotated.clusters == [["h0", "h1"]]
    assert [mention.kb_id for mention in annotated.mentions] == ["Q101", "Q101", "Q1707"]


def test_a_list_of_fewrel(tmp_path):
    instance = {"tokens": ["a", "b", "c"], "h": ["a c", "", [[0, 2]]], "t": ["b", "", [[1]]]}
    content = [{**instance, "relation": "P1"}, instance]
    (first, second), report = read_text(tmp_path, content, "fewrel")
    assert first.mentions[0].fragments == ((0, 1), (2, 3))
    assert [len(first.relations), len(second.relations)] == [1, 0]
    assert report.problems == []


def document(n, relations):
    mentions = [AnnotatedMention(i, i, i + 1, "A") for i in range(n)]
    links = [AnnotatedRelation(head, tail, "r") for head, tail in relations]
    return Annotated("d", words=list("abcd"), mentions=mentions, relations=links)


@pytest.mark.parametrize(
    ("n", "relations", "written"),
    [
        (2, [(0, 1)], ["r"]),
        (3, [(0, 1), (2, 0)], ["r", "r"]),
        (2, [], ["no_relation"]),
        (3, [], []),
    ],
)
def test_tacred_has_a_sentence_for_each_relation(n, relations, written, tmp_path):
    report = Report(on_error="skip")
    write_file([document(n, relations)], tmp_path / "written", "tacred", NLP, report)
    content = json.loads((tmp_path / "written").read_text(encoding="utf8"))
    assert [record["relation"] for record in content] == written
    assert report.skipped["document"] == (0 if written else 1)


@pytest.mark.parametrize("ending", [".yml", ".json", ".jsonl"])
def test_forms_of_spacy_llm(ending, tmp_path):
    found, _ = read("spacy_llm.yml", "spacy_llm")
    path = tmp_path / f"examples{ending}"
    write_file(found, path, "spacy_llm", NLP, Report())
    assert [facts(again) for again in read(path, "spacy_llm")[0]] == [facts(a) for a in found]
    assert detect_format(path) == "spacy_llm"
    if ending == ".yml":
        examples = list(pytest.importorskip("spacy_llm.registry").fewshot_reader(path)())
        assert [example["text"] for example in examples] == [a.text for a in found]
        assert examples[0]["relations"][0] == {"dep": 1, "dest": 0, "relation": "FOUNDED_BY"}


@pytest.mark.parametrize(
    ("content", "format", "message"),
    [
        ([{"sents": [["a"]]}], "docred", '"vertexSet": expected a list, got nothing'),
        ([{"sents": ["a"], "vertexSet": []}], "docred", '"sents"[0]: expected a list'),
        (
            [{"sents": [["a"]], "vertexSet": [[{"sent_id": 0, "pos": [0, 2], "type": "X"}]]}],
            "docred",
            "document 0, entity 0: tokens 0:2 are not a range",
        ),
        (
            [{"sents": [["a"]], "vertexSet": [], "labels": [{"h": 0, "t": 1, "r": "P1"}]}],
            "docred",
            'document 0, label 0: "h": there is no entity 0',
        ),
        ([{"token": ["a"]}], "tacred", '"subj_start": expected an integer'),
        ({"sentence": ["a"], "ner": [[0, "a"]]}, "crossre", "expected [first token, last token"),
        (
            {"sentence": ["a", "b"], "ner": [[0, 0, "X"]], "relations": [[0, 0, 1, 1, "r"]]},
            "crossre",
            "no mention goes from token 1 to token 1",
        ),
        ({"sentences": [["a"]], "ner": [[0]]}, "dygie", '"ner"[0]: expected a list, got 0'),
        ({"P1": [{"tokens": ["a"], "h": ["a", "Q1", []]}]}, "fewrel", "relation P1, document 0"),
        ("- text: 2001-01-01\n", "spacy_llm", "document 0: Object of type date"),
        ("- text: hm\n  ents: 1\n", "spacy_llm", '"ents": expected a list, got 1'),
        ('- text: "\\uD83D"\n', "spacy_llm", "document 0: broken JSON"),
    ],
)
def test_problems_name_the_place(content, format, message, tmp_path):
    _, report = read_text(tmp_path, content, format)
    assert len(report.problems) == 1
    assert report.problems[0].startswith(str(tmp_path / "data"))
    assert message in report.problems[0]


@pytest.mark.parametrize(
    "yaml",
    [
        "- &a [*a]",
        "\n".join(
            ["- &x0 [a]", *(f"- &x{i + 1} [{', '.join([f'*x{i}'] * 9)}]" for i in range(12))]
        ),
    ],
)
def test_aliases_do_not_fill_the_memory(yaml, tmp_path):
    with pytest.raises(DataError, match="aliases that make it too large"):
        read_text(tmp_path, yaml, "spacy_llm")


ENTITIES = {
    "sents": [["Ann", "saw", "her", "dog", "."], ["It", "slept", "."]],
    "entities": [
        {"type": "person", "wikipedia": "Ann", "mentions": [[0, 1], [2, 3, "pronoun"]]},
        {"type": "animal", "wikipedia": None, "mentions": [[2, 4], [5, 6]]},
    ],
    "ontonotes_clusters": [[[2, 4], [5, 6]], [[1, 2], [6, 7]]],
    "genre": "news",
}


def test_entities_have_types_and_titles(tmp_path):
    (annotated,), report = read_text(tmp_path, ENTITIES, "clusters", on_error="stop")
    mentions = [(m.start, m.end, m.label, m.kb_id) for m in annotated.mentions]
    assert mentions == [
        (0, 1, "person", "Ann"),
        (2, 3, "pronoun", "Ann"),
        (2, 4, "animal", ""),
        (5, 6, "animal", ""),
    ]
    assert (annotated.clusters, annotated.sentence_starts) == ([[0, 1], [2, 3]], [0, 5])
    assert annotated.meta == {"genre": "news"}
    assert notes(report) == {'"ontonotes_clusters", which are not read beside "entities"': 1}


def test_clusters_of_ontonotes_have_the_types_of_the_entities(tmp_path):
    (annotated,), report = read_text(tmp_path, ENTITIES, "ontonotes", on_error="stop")
    assert [m.label for m in annotated.mentions] == ["animal", "animal", "MENTION", "MENTION"]
    assert (annotated.clusters, notes(report)) == ([[0, 1], [2, 3]], {})


def test_a_mention_in_two_clusters_stays_in_the_first(tmp_path):
    record = {"sents": [["Ann", "left", "her"]], "clusters": [[[0, 1], [2, 3]], [[2, 3]]]}
    (annotated,), report = read_text(tmp_path, record, "clusters", on_error="stop")
    assert (len(annotated.mentions), annotated.clusters) == (2, [[0, 1]])
    assert list(report.notes) == [
        "members of clusters that are no mention, were left out or are in two clusters"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clusters": [[[0, 9]]]}, "mention 0: tokens 0:9 are not a range of 1 tokens"),
        ({"clusters": [[[0]]]}, "entity 0: expected [first token, exclusive end], got [0]"),
        ({"clusters": [[[0, 1, 2]]]}, "entity 0: expected [first token, exclusive end], got"),
        ({"clusters": [3]}, '"clusters"[0]: expected a list, got 3'),
        ({"entities": [{"mentions": 3}]}, '"mentions": expected a list, got 3'),
        ({"relations": [{"head": 1, "tail": 0, "label": "X"}]}, '"head": there is no entity 1'),
    ],
)
def test_bad_clusters(tmp_path, change, message):
    record = {"id": "d7", "sents": [["Ann"]], "clusters": [[[0, 1]]], **change}
    _, report = read_text(tmp_path, record, "clusters")
    assert message in report.problems[0]
    assert "document d7" in report.problems[0]
