"""The component ``llm_relation_extractor`` in a pipeline, with recorded answers."""

import json
import subprocess
import sys
import threading

import pytest
import spacy
from spacy.tokens import DocBin, Span
from spacy.training import Example

from rel_component.errors import ConfigError, LLMRefused
from rel_component.inference.extract import extract
from rel_component.types import Relation

from ..helpers import facts, make_doc
from ..llm.pipelines import TEXT, answer, make_pipeline, replay, report

FOUNDED = {"head": "M1", "label": "FOUNDED_BY", "tail": "M2"}
LOCATED = {"head": "M1", "label": "LOCATED_IN", "tail": "M3"}
BACKWARDS = {"head": "M3", "label": "LOCATED_IN", "tail": "M4"}


@pytest.fixture
def pipeline(tmp_path):
    """Makes a pipeline with recorded answers."""

    def make(*records, **options):
        return make_pipeline(replay(tmp_path, *records), **options)

    return make


def test_relations_between_given_mentions(pipeline):
    doc = pipeline(answer(FOUNDED, LOCATED))(TEXT)
    assert facts(doc) == [
        ("Apple", "FOUNDED_BY", "Steve Jobs"),
        ("Apple", "LOCATED_IN", "Cupertino"),
    ]
    assert [rel.score for rel in doc._.rel] == [None, None]
    assert (report(doc)["questions"], report(doc)["valid"]) == (1, 1)
    assert doc.text == TEXT


def test_entities_are_found(pipeline):
    text = json.dumps(
        {
            "entities": [
                {"text": "Apple", "type": "ORG"},
                {"text": "steve jobs", "type": "PERSON"},
            ],
            "relations": [{"head": "Apple", "label": "FOUNDED_BY", "tail": "steve jobs"}],
        }
    )
    doc = pipeline({"text": text}, ruler=False, mentions="found")(TEXT)
    assert facts(doc) == [("Apple", "FOUNDED_BY", "Steve Jobs")]
    assert [(s.text, s.label_) for s in doc.spans["llm_entities"]] == [
        ("Apple", "ORG"),
        ("Steve Jobs", "PERSON"),
    ]
    assert doc.ents == ()
    doc = pipeline({"text": text}, ruler=False, mentions="found", set_entities=True)(TEXT)
    assert [ent.text for ent in doc.ents] == ["Apple", "Steve Jobs"]


def test_what_is_dropped_is_counted(pipeline):
    bad = {"head": "M1", "label": "OWNS", "tail": "M2"}
    doc = pipeline(answer(FOUNDED, bad, FOUNDED))(TEXT)
    assert facts(doc) == [("Apple", "FOUNDED_BY", "Steve Jobs")]
    assert report(doc)["dropped"] == {"unknown_label": 1, "duplicate": 1}
    assert report(doc)["valid"] == 0


def test_an_asymmetric_relation_holds_in_one_direction(pipeline):
    reversed_ = {"head": "M4", "label": "LOCATED_IN", "tail": "M3"}
    doc = pipeline(answer(BACKWARDS, reversed_))(TEXT)
    assert facts(doc) == [("Cupertino", "LOCATED_IN", "California")]
    assert report(doc)["dropped"] == {"both_directions": 1}


def test_relations_from_before_are_replaced(pipeline):
    nlp = pipeline(answer())
    doc = nlp.make_doc(TEXT)
    nlp.get_pipe("entity_ruler")(doc)
    doc._.rel = [(doc.ents[0], "OLD", doc.ents[1])]
    assert facts(nlp.get_pipe("llm_relation_extractor")(doc)) == []


@pytest.mark.parametrize("text", ["", " ", "Apple", "Steve Jobs left California."])
def test_nothing_is_asked_in_vain(pipeline, text):
    doc = pipeline()(text)
    assert (facts(doc), report(doc)["questions"]) == ([], 0)


def test_documents_keep_their_order(pipeline):
    nlp = pipeline(*(answer(FOUNDED) if i % 2 else answer(LOCATED) for i in range(10)))
    texts = [TEXT if i % 3 else "Nothing." for i in range(15)]
    docs = list(nlp.pipe(texts))
    assert [doc.text for doc in docs] == texts
    assert [len(doc._.rel) for doc in docs] == [int(bool(i % 3)) for i in range(15)]


def test_a_long_run_of_documents_without_questions(pipeline, monkeypatch):
    monkeypatch.setattr("rel_component.pipeline.pending.MAX_WAITING", 4)
    nlp = pipeline(answer(FOUNDED))
    taken = []

    def texts():
        for i in range(20):
            taken.append(i)
            yield TEXT if i == 17 else "Nothing."

    docs = nlp.pipe(texts(), batch_size=1)
    next(docs)
    assert len(taken) < 8
    assert [len(doc._.rel) for doc in docs] == [0] * 16 + [1, 0, 0]


def test_a_failed_document_is_marked_and_the_others_go_on(pipeline, caplog):
    refused = {"error": "LLMRefused", "text": "no such model"}
    nlp = pipeline(answer(FOUNDED), refused, answer(LOCATED))
    with caplog.at_level("WARNING", logger="spacy"):
        docs = list(nlp.pipe([TEXT, TEXT, TEXT]))
    assert [len(doc._.rel) for doc in docs] == [1, 0, 1]
    assert [report(doc)["failures"] for doc in docs] == [(), ("LLMRefused: no such model",), ()]
    assert nlp.get_pipe("llm_relation_extractor").n_failed == 1
    assert "1 documents have no or incomplete answers" in caplog.text


def test_a_failed_document_can_raise(pipeline):
    nlp = pipeline({"error": "LLMRefused", "text": "no such model"}, on_failure="raise")
    with pytest.raises(LLMRefused, match="no such model"):
        nlp(TEXT)


def test_nothing_more_is_sent_after_an_error(pipeline):
    refused = {"error": "LLMRefused", "text": "no such model"}
    nlp = pipeline(refused, *[answer(FOUNDED)] * 99, on_failure="raise")
    with pytest.raises(LLMRefused) as caught:
        list(nlp.pipe([TEXT] * 50))
    records = nlp.get_pipe("llm_relation_extractor").client.backend.records
    for thread in threading.enumerate():
        if thread.name.startswith("rel_llm"):
            thread.join(10)
    assert sum(record.used for record in records) <= 3  # those in flight when it was raised
    assert caught.traceback  # which holds the frames of the pipeline


def test_samples_vote(pipeline):
    nlp = pipeline(
        answer(FOUNDED, LOCATED), answer(FOUNDED), answer(FOUNDED, BACKWARDS), n_samples=3
    )
    doc = nlp(TEXT)
    assert facts(doc) == [("Apple", "FOUNDED_BY", "Steve Jobs")]
    assert doc._.rel[0].score == 1.0
    assert report(doc)["dropped"] == {"disagreement": 2}
    nlp = pipeline(answer(FOUNDED, LOCATED), answer(FOUNDED), answer(LOCATED), n_samples=3)
    assert [round(rel.score, 2) for rel in nlp(TEXT)._.rel] == [0.67, 0.67]


def test_the_score_is_the_probability_of_the_label(pipeline):
    text = json.dumps({"relations": [FOUNDED, LOCATED]})
    parts, tokens = text.partition("FOUNDED_BY"), []
    for part, logprob in ((parts[0], -3.0), ("FOUND", -0.25), ("ED_BY", -0.5), (parts[2], -7.0)):
        tokens.append([part, logprob])
    doc = pipeline({"text": text, "tokens": tokens}, threshold=0.4)(TEXT)
    assert facts(doc) == [("Apple", "FOUNDED_BY", "Steve Jobs")]
    assert doc._.rel[0].score == pytest.approx(2.718281828**-0.75)


def test_one_question_for_each_pair(pipeline):
    replies = ["FOUNDED_BY", "LOCATED_IN", "NO_RELATION", "LOCATED_IN", "NO_RELATION"]
    nlp = pipeline(*({"text": json.dumps({"label": r})} for r in replies), template="pairs.v1")
    doc = nlp(TEXT)
    assert facts(doc) == [
        ("Apple", "FOUNDED_BY", "Steve Jobs"),
        ("Apple", "LOCATED_IN", "Cupertino"),
        ("Cupertino", "LOCATED_IN", "California"),
    ]
    assert (report(doc)["questions"], report(doc)["valid"]) == (5, 5)


def test_a_template_names_the_parts_of_an_answer(pipeline, tmp_path):
    template = tmp_path / "mine.jinja"
    template.write_text(
        '{% set keys = ["von", "was", "nach"] %}{% macro system(task) %}{% endmacro %}'
        "{% macro user(task, item) %}{{ item.marked_text or item.text }}{% endmacro %}",
        encoding="utf8",
    )
    made = {"von": "M1", "was": "FOUNDED_BY", "nach": "M2"}
    doc = pipeline(answer(made), template=str(template))(TEXT)
    assert facts(doc) == [("Apple", "FOUNDED_BY", "Steve Jobs")]
    assert report(doc)["valid"] == 1


def test_open_labels(pipeline):
    made = {"head": "M1", "label": "was started by", "tail": "M2"}
    doc = pipeline(answer(made), template="open.v1", relation_schema=None)(TEXT)
    assert facts(doc) == [("Apple", "was started by", "Steve Jobs")]


def test_a_wrong_answer_is_sent_back_once(pipeline):
    wrong = {"head": "M1", "label": "OWNS", "tail": "M2"}
    nlp = pipeline(answer(wrong), answer(FOUNDED), repair=True)
    doc = nlp(TEXT)
    assert facts(doc) == [("Apple", "FOUNDED_BY", "Steve Jobs")]
    assert report(doc)["dropped"] == {}


def test_costs_add_up(pipeline):
    usage = {"requests": 1, "input_tokens": 1000, "output_tokens": 10, "seconds": 0.5}
    nlp = pipeline(
        answer(FOUNDED, usage=usage),
        answer(usage=usage),
        client={"prices": {"input": 1.0, "output": 10.0}},
    )
    docs = list(nlp.pipe([TEXT, TEXT]))
    assert [report(doc)["usage"]["cost"] for doc in docs] == [pytest.approx(0.0011)] * 2
    assert nlp.get_pipe("llm_relation_extractor").usage.cost == pytest.approx(0.0022)
    assert nlp.get_pipe("llm_relation_extractor").usage.input_tokens == 2000


def test_the_cache_answers_the_second_time(pipeline, tmp_path):
    nlp = pipeline(answer(FOUNDED), client={"cache": str(tmp_path / "cache.sqlite")})
    first, second = nlp(TEXT), nlp(TEXT)
    assert facts(first) == facts(second) == [("Apple", "FOUNDED_BY", "Steve Jobs")]
    assert report(second)["usage"]["cache_hits"] == 1


def test_examples_go_into_the_prompt_and_into_the_pipeline_on_disk(pipeline, tmp_path):
    nlp = pipeline(answer())
    shown = make_doc(
        nlp.vocab, "Acme in Oslo", [(0, 1, "ORG"), (2, 3, "GPE")], [(0, "LOCATED_IN", 1)]
    )
    extractor = nlp.get_pipe("llm_relation_extractor")
    extractor.set_examples([shown], nlp)
    doc = nlp.get_pipe("entity_ruler")(nlp.make_doc(TEXT))
    (question,) = extractor.questions(doc)
    assert "Acme" in question.messages[1].content
    nlp.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline").get_pipe("llm_relation_extractor")
    assert loaded.questions(doc)[0].messages == question.messages
    assert loaded.schema.to_dict() == extractor.schema.to_dict()
    again = pipeline(answer()).get_pipe("llm_relation_extractor").from_bytes(extractor.to_bytes())
    assert again.questions(doc)[0].messages == question.messages


def test_the_nearest_examples_by_the_vectors_of_the_pipeline(pipeline):
    nlp = pipeline(answer(), example_selection="nearest", n_examples=1)
    nlp.vocab.reset_vectors(width=2)
    for word, vector in {"Rome": [1, 0], "Lima": [0, 1], "Cupertino": [1, 0.1]}.items():
        nlp.vocab.set_vector(word, vector)
    docs = [
        make_doc(
            nlp.vocab, f"Acme in {city}", [(0, 1, "ORG"), (2, 3, "GPE")], [(0, "LOCATED_IN", 1)]
        )
        for city in ("Lima", "Rome")
    ]
    extractor = nlp.get_pipe("llm_relation_extractor")
    extractor.set_examples(docs, nlp)
    doc = nlp.get_pipe("entity_ruler")(nlp.make_doc(TEXT))
    assert "Rome" in extractor.questions(doc)[0].messages[1].content


def test_the_schema_is_read_from_examples_if_there_is_none(pipeline):
    nlp = pipeline(answer(FOUNDED), relation_schema=None, ruler=False)
    mentions = [(0, 1, "ORG"), (4, 6, "PERSON")]
    reference = make_doc(
        nlp.vocab, "Acme was founded by Ada Bell", mentions, [(0, "FOUNDED_BY", 1)]
    )
    given = nlp.make_doc(reference.text)
    given.ents = [Span(given, *mention) for mention in mentions]
    nlp.initialize(lambda: [Example(given, reference)])
    assert nlp.get_pipe("llm_relation_extractor").labels == ("FOUNDED_BY",)
    assert nlp.evaluate([Example(given, reference)])["rel_micro_f"] == 1.0


def test_documents_keep_relations_and_report(pipeline):
    nlp = pipeline(answer(FOUNDED))
    doc = nlp(TEXT)
    data = DocBin(docs=[doc], store_user_data=True).to_bytes()
    (loaded,) = DocBin().from_bytes(data).get_docs(nlp.vocab)
    assert facts(loaded) == facts(doc)
    assert report(loaded) == report(doc)


def test_several_processes_are_refused_in_one_sentence(pipeline):
    nlp = pipeline(answer(FOUNDED), answer(FOUNDED))
    with pytest.raises(ValueError, match=r"n_process=1 .*, and raise"):
        list(nlp.pipe([TEXT, TEXT], n_process=2))
    with pytest.raises(ConfigError, match=r"n_process=1 .*, and raise"):
        extract(nlp, [TEXT, TEXT], n_process=2)


def test_labels_can_be_added(pipeline):
    extractor = pipeline(answer()).get_pipe("llm_relation_extractor")
    assert (extractor.add_label("OWNS"), extractor.add_label("OWNS")) == (1, 0)
    assert extractor.labels == ("FOUNDED_BY", "LOCATED_IN", "OWNS")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"min_agreement": 1.5}, r"min_agreement must lie in \[0, 1\]"),
        ({"min_similarity": 101}, r"min_similarity must lie in \[0, 100\]"),
        ({"n_samples": 0}, "n_samples must be 1 or more"),
        ({"template": "missing"}, "no template 'missing'"),
        ({"relation_schema": {"relations": [{"label": ""}]}}, "relation_schema: relations"),
        ({"client": {"concurrency": "many"}}, "concurrency"),
    ],
)
def test_options_are_checked(pipeline, config, message):
    with pytest.raises((ConfigError, ValueError), match=message):
        pipeline(answer(), **config)


LIGHT = """
import sys
import spacy
from importlib.metadata import entry_points

blocked = "openai", "sqlite3", "tenacity", "json_repair", "jinja2", "torch", "transformers", "sklearn"
sys.modules.update(dict.fromkeys(blocked))  # to import them raises, also where spaCy has done it
for entry in entry_points(group="spacy_factories"):
    if entry.value.startswith("rel_component."):
        entry.load()
loaded = "rel_component.llm.client.", "spacy_transformers"
assert not [name for name in sys.modules if name.startswith(loaded)]
"""


@pytest.mark.slow
def test_factories_import_no_heavy_package():
    subprocess.run([sys.executable, "-c", LIGHT], check=True)


QUOTED = {"quote": "Apple was founded by Steve Jobs", "polarity": "asserted"}
NOT_LOCATED = {**LOCATED, "quote": "in Cupertino", "polarity": "negated"}


def test_quotes_and_polarities(pipeline):
    reply = answer({**FOUNDED, **QUOTED}, NOT_LOCATED)
    nlp = pipeline(reply, quote=True, polarity=True)
    nlp.add_pipe("sentencizer", first=True)
    (question,) = nlp.get_pipe("llm_relation_extractor").questions(
        nlp.get_pipe("entity_ruler")(nlp.make_doc(TEXT))
    )
    assert "letter by letter" in question.messages[0].content
    doc = nlp(TEXT)
    assert [(rel.label, rel.evidence, rel.polarity) for rel in doc._.rel] == [
        ("FOUNDED_BY", (0,), "asserted")
    ]
    assert (report(doc)["valid"], report(doc)["dropped"]) == (1, {"negated": 1})
    nlp = pipeline(reply, reply, quote=True, polarity=True, keep=["asserted", "negated"])
    kept = {rel.label: rel.polarity for rel in nlp(TEXT)._.rel}
    assert kept == {"FOUNDED_BY": "asserted", "LOCATED_IN": "negated"}
    (record,) = extract(nlp, [TEXT])
    assert [rel["polarity"] for rel in record["relations"]] == ["asserted", "negated"]


def test_what_holds_wins_and_samples_vote_by_polarity(pipeline):
    negated = {**FOUNDED, "polarity": "negated"}
    replies = [answer({**FOUNDED, "polarity": "asserted"}), answer(negated), answer(negated)]
    options = {"polarity": True, "n_samples": 3}
    keep = ["asserted", "negated", "planned"]
    (rel,) = pipeline(*replies, **options, min_agreement=0.3, keep=keep)(TEXT)._.rel
    assert (rel.polarity, round(rel.score, 2)) == ("negated", 0.67)
    (rel,) = pipeline(*replies, **options, min_agreement=0.3)(TEXT)._.rel
    assert (rel.polarity, round(rel.score, 2)) == ("asserted", 0.33)


@pytest.mark.parametrize("template", ["relations.v1", "triples.v1", "pairs.v1", "open.v1"])
def test_each_template_asks_for_quotes_and_polarities(pipeline, template):
    nlp = pipeline(template=template, quote=True, polarity=True)
    example = make_doc(
        nlp.vocab,
        "Orbit was founded by Ada .",
        [(0, 1, "ORG"), (4, 5, "PERSON")],
        [(0, "FOUNDED_BY", 1)],
    )
    component = nlp.get_pipe("llm_relation_extractor")
    component.set_examples([example], nlp)
    question = component.questions(nlp.get_pipe("entity_ruler")(nlp.make_doc(TEXT)))[0]
    texts = [message.content for message in question.messages if message.role != "assistant"]
    assert '- "quote"' in texts[0]
    shown = json.loads(question.messages[1 if template == "triples.v1" else 2].content)
    item = shown if template == "pairs.v1" else shown["relations"][0]
    assert item["quote"] == "Orbit was founded by Ada"
    assert item["polarity"] == "asserted"
    assert "polarity" in json.dumps(question.schema)


def test_negated_examples_are_no_examples_of_relations(pipeline):
    nlp = pipeline()
    example = make_doc(nlp.vocab, "Orbit was founded by Ada .", [(0, 1, "ORG"), (4, 5, "PERSON")])
    example._.rel = [Relation(example.ents[0], "FOUNDED_BY", example.ents[1], polarity="negated")]
    for polarity, shown in ((False, 0), (True, 1)):
        nlp = pipeline(polarity=polarity)
        component = nlp.get_pipe("llm_relation_extractor")
        component.set_examples([example], nlp)
        component.from_bytes(component.to_bytes())
        question = component.questions(nlp.get_pipe("entity_ruler")(nlp.make_doc(TEXT)))[0]
        relations = json.loads(question.messages[2].content)["relations"]
        assert [rel["polarity"] for rel in relations] == ["negated"] * shown


def test_options_of_quotes_and_polarities_that_do_not_fit(pipeline, tmp_path):
    with pytest.raises(ConfigError, match="keep is empty: no relation would come out"):
        pipeline(keep=[])
    with pytest.raises(ValueError, match="keep"):
        pipeline(keep=["denied"])
    path = tmp_path / "own.jinja"
    path.write_text(
        '{%- set keys = ["head", "quote", "tail"] -%}{%- macro system(task) -%}{%- endmacro -%}'
        "{%- macro user(task, item) -%}{{ item.text }}{%- endmacro -%}",
        encoding="utf8",
    )
    nlp = pipeline(template=str(path), quote=True)
    with pytest.raises(ConfigError, match="has a key quote, which is asked for besides"):
        nlp(TEXT)
