"""The encoder first: a language model is asked about what a relation extractor is unsure of."""

import json

import numpy
import pytest
import spacy
from thinc.api import Adam, Model

from rel_component.errors import ConfigError
from rel_component.evaluation.comparison import compare
from rel_component.evaluation.evaluate import evaluate
from rel_component.inference.extract_files import extract_files
from rel_component.margins import pair_margins, unsure_pairs
from rel_component.schema import RelationSchema
from rel_component.spacy_files import write_docs

from ..helpers import facts, make_doc, make_example
from ..llm.pipelines import SCHEMA, TEXT, answer, make_pipeline, replay, report
from .test_rehearsal import TINY

LOCATED = {"head": "M1", "label": "LOCATED_IN", "tail": "M2"}
SURE_TEXT = "Apple was founded by Steve Jobs."
USAGE = {"requests": 1, "input_tokens": 100, "output_tokens": 10}


def _logits(model, X, is_train):
    """Sure that Apple was founded by Steve Jobs and has no place, unsure of Cupertino and California."""
    docs, candidates = X
    mentions = candidates.mentions
    rows = []
    for pair in candidates.representatives[candidates.pairs]:
        doc = docs[mentions.docs[pair[0]]]
        names = [doc[int(start) : int(end)].text for start, end in mentions.spans[pair]]
        rows.append([0.0, 9.0, 0.0] if "Steve Jobs" in names else [9.0, 0.0, 0.0])
        if "Apple" not in names:
            rows[-1] = [0.5, 0.0, 0.7 if names[0] == "California" else 0.6]
    return model.ops.asarray2f(rows), lambda d_logits: docs


@pytest.fixture
def pipeline(tmp_path):
    """Makes a pipeline whose relation extractor is unsure of one pair, and recorded answers."""

    def make(*records, unsure_below=0.5, **options):
        nlp = make_pipeline(replay(tmp_path, *records), **{"ask": "unsure", **options})
        config = {"model": TINY, "unsure_below": unsure_below}
        config["spans_key"] = options.get("spans_key")
        extractor = nlp.add_pipe(
            "relation_extractor", config=config, before="llm_relation_extractor"
        )
        extractor.schema = RelationSchema.from_dict(SCHEMA)
        extractor.model = Model("by_name", _logits, dims={"nO": 3})
        return nlp

    return make


def test_only_the_unsure_pair_is_asked_about_and_answered(pipeline):
    nlp = pipeline(answer(LOCATED))
    component = nlp.get_pipe("llm_relation_extractor")
    with nlp.select_pipes(disable=[component.name]):
        doc = nlp(TEXT)
    assert facts(doc) == [
        ("Apple", "FOUNDED_BY", "Steve Jobs"),
        ("California", "LOCATED_IN", "Cupertino"),
    ]
    (question,) = component.questions(doc)
    assert [span.text for span in question.mentions.values()] == ["Cupertino", "California"]
    assert list(question.mentions) == ["M1", "M2"]
    assert "[M3" not in question.messages[-1].content
    doc = component(doc)
    assert facts(doc) == [
        ("Apple", "FOUNDED_BY", "Steve Jobs"),
        ("Cupertino", "LOCATED_IN", "California"),
    ]
    assert report(doc)["asked"] == {
        "documents": 1,
        "documents_not_asked": 0,
        "pairs": 1,
        "pairs_not_asked": 3,
    }


def test_what_the_extractor_is_sure_of_costs_nothing(pipeline):
    nlp = pipeline(answer(LOCATED))
    docs = list(nlp.pipe([SURE_TEXT, TEXT, "Nothing.", SURE_TEXT], batch_size=2))
    assert [len(doc._.rel) for doc in docs] == [1, 2, 0, 1]
    assert [report(doc)["questions"] for doc in docs] == [0, 1, 0, 0]
    component = nlp.get_pipe("llm_relation_extractor")
    assert dict(component.asked) == {
        "documents": 1,
        "documents_not_asked": 3,
        "pairs": 1,
        "pairs_not_asked": 5,
    }


def test_no_relation_is_an_answer_and_no_answer_is_none(pipeline):
    refused = {"error": "LLMRefused", "text": "no such model"}
    nlp = pipeline(answer(), refused)
    said, failed = nlp.pipe([TEXT, TEXT])
    assert facts(said) == [("Apple", "FOUNDED_BY", "Steve Jobs")]
    assert ("California", "LOCATED_IN", "Cupertino") in facts(failed)
    assert report(failed)["asked"]["pairs"] == 1


def test_a_question_without_an_answer_costs_no_relation_of_the_extractor(pipeline, tmp_path, vocab):
    refused = {"error": "LLMRefused", "text": "content filter"}
    nlp = pipeline(*[refused] * 4)
    folder = tmp_path / "out"
    summary = extract_files(nlp, [TEXT], folder, shards=True)
    assert (summary.documents, summary.relations, summary.failures) == (1, 2, 0)
    assert summary.counts == {"questions without an answer": 1}
    gold = tmp_path / "gold.spacy"
    write_docs([nlp.make_doc(TEXT)], gold)
    assert evaluate(nlp, gold, n_resamples=0).scores["rel_micro_p"] == 0.0
    (result,) = compare([nlp], gold, n_resamples=1)
    assert result.failed == 1
    assert result.scores


UNREADABLE = [
    "",
    "I cannot",
    "I'm sorry, I cannot help with that.",
    '{"relations": [{"head": "M1", "la',
]


def test_a_reply_that_cannot_be_read_is_no_answer(pipeline):
    nlp = pipeline(*({"text": text, "finish_reason": "length"} for text in UNREADABLE))
    for doc in nlp.pipe([TEXT] * len(UNREADABLE)):
        assert ("California", "LOCATED_IN", "Cupertino") in facts(doc)


def test_what_is_read_of_a_reply_that_is_cut_off_is_an_answer(pipeline):
    text = json.dumps({"relations": [LOCATED]})[:-2] + ', {"head": "M'
    (doc,) = pipeline({"text": text, "finish_reason": "length"}).pipe([TEXT])
    assert facts(doc)[1:] == [("Cupertino", "LOCATED_IN", "California")]


def test_one_of_several_replies_is_no_answer_of_all(pipeline):
    refused = {"error": "LLMRefused", "text": "content filter"}
    nlp = pipeline(answer(), refused, refused, n_samples=3)
    assert ("California", "LOCATED_IN", "Cupertino") in facts(nlp(TEXT))


def test_a_question_for_each_pair(pipeline):
    replies = [{"text": json.dumps({"label": label})} for label in ("LOCATED_IN", "NO_RELATION")]
    doc = pipeline(*replies, template="pairs.v1")(TEXT)
    assert facts(doc)[1:] == [("Cupertino", "LOCATED_IN", "California")]
    assert report(doc)["questions"] == 2


def test_mentions_of_a_span_group(pipeline, tmp_path, vocab):
    nlp = pipeline(answer(LOCATED), answer(LOCATED), spans_key="sc", ruler=False)
    mentions = [(0, 1, "GPE"), (2, 3, "GPE")]
    doc = make_doc(
        vocab, "Cupertino in California", mentions, [(0, "LOCATED_IN", 1)], spans_key="sc"
    )
    write_docs([doc], tmp_path / "docs.spacy")
    scores = evaluate(nlp, tmp_path / "docs.spacy", gold_entities=True, n_resamples=0).scores
    assert scores["rel_micro_f"] == 1.0


def test_counts_of_a_comparison(pipeline, tmp_path, vocab):
    nlp = pipeline(answer(LOCATED, usage=USAGE))
    mentions = [(0, 1, "GPE"), (2, 3, "GPE")]
    docs = [
        make_doc(vocab, "Cupertino in California", mentions, [(0, "LOCATED_IN", 1)]),
        make_doc(vocab, "nobody here"),
    ]
    write_docs(docs, tmp_path / "docs.spacy")
    (result,) = compare([nlp], tmp_path / "docs.spacy", gold_entities=True, n_resamples=1)
    assert result.asked == {
        "documents": 1,
        "documents_not_asked": 1,
        "pairs": 1,
        "pairs_not_asked": 0,
    }
    assert result.input_tokens == 50


def test_a_trained_pipeline(pipeline, tmp_path):
    """What is asked about is what the loaded extractor is unsure of, to the pair."""
    trained = spacy.blank("en")
    trained.add_pipe("relation_extractor", config={"model": TINY, "unsure_below": 0.9})
    mentions = [(0, 1, "ORG"), (2, 3, "PERSON")]
    texts = ("Acme hired Ada", "Acme met Ada", "Orbit hired Bo", "Orbit met Bo")
    docs = [
        make_doc(trained.vocab, text, mentions, [(0, "FOUNDED_BY", 1)] if "hired" in text else [])
        for text in texts
    ]
    examples = [make_example(doc) for doc in docs]
    trained.initialize(lambda: examples)
    sgd = Adam(0.02)
    for _ in range(15):
        trained.update(examples, sgd=sgd)
    trained.to_disk(tmp_path / "trained")
    nlp = spacy.load(tmp_path / "trained")
    backend = replay(tmp_path, *[answer()] * 9)
    nlp.add_pipe(
        "llm_relation_extractor",
        config={"backend": backend, "relation_schema": SCHEMA, "ask": "unsure"},
    )
    extractor = nlp.get_pipe("relation_extractor")
    given = [
        make_doc(nlp.vocab, text, mentions)
        for text in (*texts, "Acme sacked Ada", "Acme and Bo", "Orbit , Bo")
    ]
    candidates, values = extractor.predict(given)
    margins = pair_margins(given, candidates, values, exclusive=True).values
    least = margins.reshape(len(given), 2).min(axis=1)  # of the two directions
    assert extractor.unsure_below == 0.9
    extractor.unsure_below = float(numpy.median(least))
    asked = [report(doc)["asked"]["pairs"] for doc in nlp.pipe(given, batch_size=3)]
    assert asked == [int(value) for value in least < extractor.unsure_below]
    assert 0 < sum(asked) < len(asked)


def test_what_does_not_fit_is_refused(pipeline):
    with pytest.raises(ConfigError, match=r"unsure_below above 0"):
        pipeline(unsure_below=0.0)(TEXT)
    with pytest.raises(ConfigError, match=r'set mentions = "given"'):
        pipeline(mentions="found")
    with pytest.raises(ConfigError, match=r"unsure_below must lie in \[0, 1\]"):
        pipeline(unsure_below=2.0)


@pytest.mark.filterwarnings("ignore:.* both write doc")
def test_nothing_is_noted_where_nobody_asks(pipeline):
    nlp = pipeline(answer(), unsure_below=0.0, ask="all")
    doc = nlp(TEXT)
    assert unsure_pairs(doc) is None
    assert "asked" not in report(doc)
