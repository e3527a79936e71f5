"""Documents that are annotated by facts."""

import pytest
import spacy

from rel_component.annotations import get_relations
from rel_component.decoding import ThresholdDecoder
from rel_component.documents import asked_labels
from rel_component.errors import ConfigError, DataError
from rel_component.events import Event, EventArgument, get_events, set_events
from rel_component.evolution.weak_labels import Facts, weak_labels
from rel_component.linking.entities import Entity
from rel_component.linking.knowledge_base import build
from rel_component.margins import unsure_pairs
from rel_component.spacy_files import read_docs

from ..cli.helpers import run_json
from ..helpers import facts, make_doc, make_example
from ..pipeline.test_rehearsal import TINY

ROWS = [("Acme", "FOUNDED_BY", "Ada"), ("ACME", "IN", "Rome")]
TEXTS = [
    "Ada founded Acme in 1990",
    "Acme lost Ada",
    "Bo likes Rome",
    "Ada likes Rome",
    "acme is in Rome . Ada left",
]
NAMES = {"ORG": ["Acme", "acme"], "PERSON": ["Ada", "Bo"], "GPE": ["Rome"]}


def _ruler(nlp):
    return [{"label": label, "pattern": name} for label in NAMES for name in NAMES[label]]


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_ruler").add_patterns(_ruler(nlp))
    return nlp


def test_sentences_with_both_ends_of_a_fact(nlp):
    found = weak_labels(nlp, [(text, {"id": i}) for i, text in enumerate(TEXTS)], Facts(ROWS))
    annotated = {doc.user_data["meta"]["id"]: facts(doc) for doc in found.docs}
    assert annotated == {
        0: [("Acme", "FOUNDED_BY", "Ada")],
        1: [("Acme", "FOUNDED_BY", "Ada")],
        3: [],  # both are known, and there is no fact
        4: [("acme", "IN", "Rome")],
    }
    assert all(asked_labels(doc) == {"FOUNDED_BY", "IN"} for doc in found.docs)
    assert found.to_dict()["facts"] == 2
    assert len(weak_labels(nlp, TEXTS, Facts(ROWS), negatives=0).docs) == 3
    assert weak_labels(nlp, [], Facts(ROWS)).docs == []


@pytest.mark.parametrize("components", [["sentencizer", "entity_ruler"], ["entity_ruler"]])
def test_mentions_count_however_many_came_before(nlp, components):
    with nlp.select_pipes(enable=components):
        text = "Bo . " * 600 + "Ada founded Acme ."
        found = weak_labels(nlp, [text], Facts([*ROWS, ("Bo", "KNOWS", "Eve")]))
    assert facts(found.docs[0]) == [("Acme", "FOUNDED_BY", "Ada")]


def test_ids_of_a_knowledge_base(nlp):
    kb = build(
        [
            Entity("Q1", "Acme", ("Acme Corp",)),
            Entity("Q2", "Ada"),
        ]
    )
    known = Facts([("Q1", "FOUNDED_BY", "Q2")], kb)
    found = weak_labels(nlp, TEXTS, known)
    assert [facts(doc) for doc in found.docs] == [[("Acme", "FOUNDED_BY", "Ada")]] * 2
    for kb_id, keys in (("Q9", set()), ("NIL", {"Q1"})):  # NIL: a linker found none
        linked = nlp("Acme knows Ada")
        linked.ents = [
            spacy.tokens.Span(linked, ent.start, ent.end, ent.label, kb_id=kb_id)
            for ent in linked.ents
        ]
        assert known.keys(linked.ents[0]) == keys


def _judge(**schema):
    """A pipeline that finds FOUNDED_BY a little improbable between any mentions."""
    other = spacy.blank("en")
    extractor = other.add_pipe("relation_extractor", config={"model": TINY})
    mentions = [(0, 1, "PERSON"), (2, 3, "ORG")]
    doc = make_doc(other.vocab, "Ada founded Acme", mentions, [(1, "FOUNDED_BY", 0)])
    met = make_doc(other.vocab, "Ada met Acme", mentions)
    data = [make_example(doc), make_example(met)]
    extractor.initialize(lambda: data, nlp=other, **schema)
    output = extractor.model.get_ref("scorer").get_ref("output_layer")
    output.get_param("W")[:] = 0
    output.get_param("b")[:] = [1.0, 0.0]
    return other


def test_another_pipeline_has_to_agree(nlp):
    other = _judge()
    found = weak_labels(nlp, TEXTS, Facts(ROWS[:1]), agree=other, min_score=0.5)
    assert found.counts["FOUNDED_BY"] == 2  # the best of each fact, and its equal
    assert weak_labels(nlp, TEXTS, Facts(ROWS), agree=other).dropped["IN"] == 1  # not known to it
    with pytest.raises(ConfigError, match="knows none of the labels IN, only FOUNDED_BY"):
        weak_labels(nlp, TEXTS, Facts(ROWS[1:]), agree=other)


def test_the_direction_of_a_symmetric_fact_does_not_count(nlp):
    other = _judge(labels={"relations": [{"label": "FOUNDED_BY", "symmetric": True}]})
    found = weak_labels(nlp, ["Ada founded Acme"], Facts(ROWS), agree=other, min_score=0.1)
    assert facts(found.docs[0]) == [("Acme", "FOUNDED_BY", "Ada")]


def test_of_overlapping_mentions_the_ends_of_facts_are_judged(nlp):
    finder = spacy.blank("en")
    patterns = [
        {"label": "ORG", "pattern": name} for name in ("Acme", "Acme of Rome", "of Rome Ltd")
    ]
    ruler = finder.add_pipe("span_ruler", config={"spans_key": "mentions"})
    ruler.add_patterns([*patterns, {"label": "PERSON", "pattern": "Ada"}])
    extractor = finder.add_pipe(
        "relation_extractor", config={"model": TINY, "spans_key": "mentions"}
    )
    doc = make_doc(
        finder.vocab, "Ada founded Acme", [(0, 1, "PERSON"), (2, 3, "ORG")], [(1, "FOUNDED_BY", 0)]
    )
    extractor.initialize(lambda: [make_example(doc)], nlp=finder)
    text = "Ada founded Acme of Rome Ltd"
    found = weak_labels(finder, [text], Facts(ROWS), agree=_judge(), min_score=0.1)
    assert facts(found.docs[0]) == [("Acme", "FOUNDED_BY", "Ada")]


def test_nothing_that_the_pipeline_says_itself_is_kept():
    finder = _judge()
    finder.add_pipe("entity_ruler", first=True).add_patterns(_ruler(finder))
    extractor = finder.get_pipe("relation_extractor")
    extractor.unsure_below, extractor.attr, extractor.decoder = 1.0, "mine", ThresholdDecoder(0.0)

    @spacy.Language.component("finds_an_event")
    def finds_an_event(doc):
        set_events(doc, [Event("LOSS", (EventArgument("of", doc.ents[0]),))])
        return doc

    finder.add_pipe("finds_an_event")
    found = weak_labels(finder, TEXTS[:4], Facts(ROWS[:1]))
    assert len(found.docs) == 2
    for doc in found.docs:
        assert facts(doc) == [("Acme", "FOUNDED_BY", "Ada")]
        assert (len(get_relations(doc, "mine")), len(get_events(doc))) == (0, 0)
        assert unsure_pairs(doc) is None


@pytest.mark.slow
def test_the_command(nlp, tmp_path):
    nlp.to_disk(tmp_path / "pipeline")
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), encoding="utf8")
    (tmp_path / "facts.csv").write_text("head,label,tail\nAcme,FOUNDED_BY,Ada\n", encoding="utf8")
    result = run_json(
        "distant",
        *(tmp_path / name for name in ("pipeline", "facts.csv", "texts.txt", "weak.spacy")),
    )
    assert result["relations"] == {"FOUNDED_BY": 2}
    docs = list(read_docs(tmp_path / "weak.spacy", spacy.blank("en")))
    assert [facts(doc) for doc in docs][:2] == [[("Acme", "FOUNDED_BY", "Ada")]] * 2


@pytest.mark.parametrize(
    "content",
    [
        "",
        "head,label\n",
        "head,label,tail\n",
        "head,label,tail\na,,b",
        "head,label,tail\na,NO_RELATION,b",
    ],
)
def test_files_without_facts(tmp_path, content):
    (tmp_path / "facts.csv").write_text(content, encoding="utf8")
    with pytest.raises(DataError, match=r"facts\.csv"):
        Facts.read(tmp_path / "facts.csv")


@pytest.mark.parametrize(
    "options", [{"min_score": 2.0}, {"negatives": -1}, {"negatives": float("nan")}]
)
def test_options_out_of_range(nlp, options):
    with pytest.raises(ConfigError):
        weak_labels(nlp, [], Facts(ROWS), **options)
