"""Pipelines compared on the same documents."""

import numpy
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from rel_component.annotations import DEFAULT_ATTR, set_relations
from rel_component.evaluation.comparison import METRICS, compare
from rel_component.evaluation.counts import stack_counts
from rel_component.evaluation.scoring import count_relations, score_relations
from rel_component.schema import RelationSchema, RelationType
from rel_component.spacy_files import write_docs

from ..helpers import make_doc, make_example

ORG, CITY = (0, 1, "ORG"), (2, 3, "GPE")


@Language.factory("says_always", default_config={"every": 1})
class SaysAlways:
    """A component that relates the first two entities of every document, or of every nth one."""

    attr, schema, spans_key = DEFAULT_ATTR, RelationSchema(), None

    def __init__(self, nlp: Language, name: str, every: int) -> None:
        self.every, self.seen = every, 0

    def __call__(self, doc: Doc) -> Doc:
        if len(doc.ents) > 1:
            if self.seen % self.every == 0:
                set_relations(doc, [(doc.ents[0], "IN", doc.ents[1])])
            self.seen += 1
        return doc


@pytest.fixture(scope="module")
def docs(vocab):
    """Eight documents; in all but the last two, the organisation is IN the city."""
    return [
        make_doc(vocab, f"Acme{i} in Oslo", [ORG, CITY], [(0, "IN", 1)] if i < 6 else [])
        for i in range(8)
    ]


@pytest.fixture
def compared(docs, tmp_path):
    """Compares pipelines, given by their settings, on the documents."""

    def run(*configs, docs=docs, **options):
        write_docs(docs, tmp_path / "docs.spacy")
        pipelines = []
        for config in configs:
            pipelines.append(spacy.blank("en"))
            pipelines[-1].add_pipe("says_always", config=config)
        return compare(pipelines, tmp_path / "docs.spacy", gold_entities=True, **options)

    return run


def test_scores_are_those_of_the_scorer(compared):
    (result,) = compared({})
    values = {metric: score.value for metric, score in result.scores.items()}
    assert values["micro_p"] == pytest.approx(6 / 8)
    assert values["micro_r"] == 1.0
    assert values["micro_f"] == pytest.approx(12 / 14)
    assert values["macro_f"] == pytest.approx(12 / 14)
    assert (result.n_docs, result.failed, result.cost, result.valid) == (8, 0, None, None)
    assert result.difference is None
    assert set(result.scores) == set(METRICS)
    assert result.seconds > 0


def test_the_direction_counts_for_all_pipelines_or_for_none(vocab, tmp_path):
    turned = make_doc(vocab, "Oslo has Acme", [(0, 1, "GPE"), (2, 3, "ORG")], [(1, "IN", 0)])
    write_docs([turned], tmp_path / "docs.spacy")
    pipelines = [spacy.blank("en") for _ in range(2)]
    _, second = (nlp.add_pipe("says_always") for nlp in pipelines)
    data = tmp_path / "docs.spacy"
    results = compare(pipelines, data, gold_entities=True, names=["a", "b"], n_resamples=1)
    assert [result.scores["micro_f"].value for result in results] == [0.0, 0.0]
    second.schema = RelationSchema([RelationType("IN", symmetric=True)])
    results = compare(pipelines, data, gold_entities=True, names=["a", "b"], n_resamples=1)
    assert [result.scores["micro_f"].value for result in results] == [1.0, 1.0]


def test_intervals_hold_the_value_and_are_as_wide_as_they_should_be(compared):
    (result,) = compared({}, n_resamples=4000)
    score = result.scores["micro_p"]
    assert score.low < score.value < score.high
    # quantiles of the binomial distribution of 8 draws with 3 in 4
    assert score.low in (3 / 8, 4 / 8)
    assert score.high == 1.0
    assert result.scores["micro_r"].low == result.scores["micro_r"].high == 1.0


def test_the_difference_is_over_the_same_documents(compared):
    _, same, half = compared({}, {}, {"every": 2})
    assert (same.difference.value, same.difference.low, same.difference.high) == (0, 0, 0)
    assert half.difference.value == pytest.approx(2 * 3 / (4 + 6) - 12 / 14)
    assert half.difference.low < half.difference.value < 0


def test_counts_by_document_add_up_to_the_scores(docs):
    predicted = [
        make_doc(doc.vocab, [t.text for t in doc], [ORG, CITY], [(0, "AT" if i == 3 else "IN", 1)])
        for i, doc in enumerate(docs)
    ]
    pairs = [make_example(doc) for doc in docs]
    for eg, doc in zip(pairs, predicted):
        eg.predicted = doc
    labels, counts = stack_counts([count_relations(eg)["rel"] for eg in pairs])
    assert labels == ["AT", "IN"]
    assert counts.sum(axis=0).tolist() == [[0, 1, 0], [5, 2, 1]]
    assert counts[3].tolist() == [[0, 1, 0], [0, 0, 1]]
    tp, fp, fn = counts.sum(axis=(0, 1))
    assert score_relations(pairs)["rel_micro_f"] == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert isinstance(counts, numpy.ndarray)


def test_documents_without_relations_score_nothing(vocab, compared):
    (result,) = compared({}, docs=[make_doc(vocab, "Acme in Oslo")])
    assert {score.value for score in result.scores.values()} == {0.0}
