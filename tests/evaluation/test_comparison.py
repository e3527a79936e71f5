"""Pipelines compared on the same documents."""

import numpy
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from rel_component.annotations import set_relations
from rel_component.evaluation.comparison import METRICS, System, compare_systems
from rel_component.evaluation.scoring import count_by_document, score_relations

from ..helpers import make_doc, make_example

ORG, CITY = (0, 1, "ORG"), (2, 3, "GPE")


@Language.factory("says_always", default_config={"label": "IN", "every": 1})
def make_says_always(nlp: Language, name: str, label: str, every: int):
    """A component that relates the first two entities of every document, or of every nth one."""
    seen = iter(range(10**6))

    def component(doc: Doc) -> Doc:
        if len(doc.ents) > 1 and next(seen) % every == 0:
            head, tail = doc.ents[:2]
            set_relations(doc, [(head, label, tail)])
        return doc

    return component


@pytest.fixture(scope="module")
def examples(vocab):
    """Eight documents; in all but the last two, the organisation is IN the city."""
    docs = [
        make_doc(vocab, f"Acme{i} in Oslo", [ORG, CITY], [(0, "IN", 1)] if i < 6 else [])
        for i in range(8)
    ]
    return docs


def system(name, docs, **config):
    nlp = spacy.blank("en")
    nlp.add_pipe("says_always", config=config)
    examples = []
    for doc in docs:
        given = Doc(nlp.vocab, words=[token.text for token in doc])
        given.ents = [Span(given, ent.start, ent.end, ent.label_) for ent in doc.ents]
        examples.append(make_example(doc))
        examples[-1].predicted = given
    return System(name, nlp, examples)


def test_scores_are_those_of_the_scorer(examples):
    (result,) = compare_systems([system("always", examples)])
    values = {metric: score.value for metric, score in result.scores.items()}
    assert values["micro_p"] == pytest.approx(6 / 8)
    assert values["micro_r"] == 1.0
    assert values["micro_f"] == pytest.approx(12 / 14)
    assert values["macro_f"] == pytest.approx(12 / 14)
    assert (result.n_docs, result.failed, result.cost, result.valid) == (8, 0, None, None)
    assert result.difference is None
    assert result.seconds > 0


def test_intervals_hold_the_value_and_are_as_wide_as_they_should_be(examples):
    (result,) = compare_systems([system("always", examples)], n_resamples=4000)
    score = result.scores["micro_p"]
    assert score.low < score.value < score.high
    # quantiles of the binomial distribution of 8 draws with 3 in 4
    assert score.low in (3 / 8, 4 / 8)
    assert score.high == 1.0
    assert result.scores["micro_r"].low == result.scores["micro_r"].high == 1.0


def test_the_difference_is_over_the_same_documents(examples):
    systems = [system("a", examples), system("same", examples), system("half", examples, every=2)]
    _, same, half = compare_systems(systems)
    assert (same.difference.value, same.difference.low, same.difference.high) == (0, 0, 0)
    assert half.difference.value == pytest.approx(2 * 3 / (4 + 6) - 12 / 14)
    assert half.difference.low < half.difference.value < 0


def test_the_same_seed_gives_the_same_intervals(examples):
    first, second = (compare_systems([system("a", examples)], seed=7)[0].scores for _ in range(2))
    assert first == second
    assert set(first) == set(METRICS)


def test_counts_by_document_add_up_to_the_scores(examples):
    predicted = [
        make_doc(doc.vocab, [t.text for t in doc], [ORG, CITY], [(0, "AT" if i == 3 else "IN", 1)])
        for i, doc in enumerate(examples)
    ]
    pairs = [make_example(doc) for doc in examples]
    for eg, doc in zip(pairs, predicted):
        eg.predicted = doc
    labels, counts = count_by_document(pairs)
    assert labels == ["AT", "IN"]
    assert counts.sum(axis=0).tolist() == [[0, 1, 0], [5, 2, 1]]
    assert counts[3].tolist() == [[0, 1, 0], [0, 0, 1]]
    tp, fp, fn = counts.sum(axis=(0, 1))
    assert score_relations(pairs)["rel_micro_f"] == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert isinstance(counts, numpy.ndarray)


def test_documents_without_relations_score_nothing(vocab):
    docs = [make_doc(vocab, "Acme in Oslo")]
    (result,) = compare_systems([system("a", docs)])
    assert {score.value for score in result.scores.values()} == {0.0}
