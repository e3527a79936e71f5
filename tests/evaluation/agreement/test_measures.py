"""How far annotators agree: figures computed by hand."""

import math
from dataclasses import replace
from itertools import islice

import numpy
import pytest
import spacy
import srsly

from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report
from rel_component.evaluation.agreement.documents import match_documents
from rel_component.evaluation.agreement.measures import measure_agreement
from rel_component.evaluation.agreement.pairs import PairLimits, RelationCounts
from rel_component.schema import RelationSchema

from ...test_assets import ASSETS
from .helpers import ACME, ADA, OSLO, annotate, one_each, share

RUNS, IN = (0, "RUNS", 1), (1, "IN", 2)
SCHEMA = RelationSchema.from_file(ASSETS / "business_schema.yaml")

N_RELATIONS = {
    "ACQUIRED": 9,
    "BORN_IN": 11,
    "CEO_OF": 14,
    "EMPLOYED_BY": 19,
    "FOUNDED_BY": 21,
    "FOUNDED_ON": 14,
    "LIVES_IN": 9,
    "LOCATED_IN": 44,
    "PARTNER_OF": 9,
    "PRODUCES": 20,
    "SUBSIDIARY_OF": 8,
}


@pytest.fixture(scope="module")
def annotators(tmp_path_factory):
    """Of the business development part 45 documents, and a copy with one change of each kind."""
    records, copy = (
        list(islice(srsly.read_jsonl(ASSETS / "business_dev.jsonl"), 45)) for _ in range(2)
    )

    def change(doc, fact, *changed):
        relations = copy[doc]["relations"]
        index = [(rel["head"], rel["label"], rel["tail"]) for rel in relations].index(fact)
        relations[index : index + 1] = [{"head": h, "label": la, "tail": t} for h, la, t in changed]

    change(0, ("T1", "BORN_IN", "T2"), ("T2", "BORN_IN", "T1"))
    change(1, ("T1", "PARTNER_OF", "T9"), ("T9", "PARTNER_OF", "T1"))
    change(1, ("T1", "LOCATED_IN", "T8"))
    change(2, ("T2", "LIVES_IN", "T6"), ("T2", "BORN_IN", "T6"))
    copy[3]["entities"][1]["start"] += len("The ")  # the Walt Disney Company, which ACQUIRED Pixar
    folder = tmp_path_factory.mktemp("annotators")
    docs = {}
    for name, data in (("ann", records), ("bob", copy)):
        srsly.write_jsonl(folder / f"{name}.jsonl", data)
        report = Report(on_error="stop")
        docs[name] = list(
            convert_file(folder / f"{name}.jsonl", "jsonl", spacy.blank("en"), report)
        )
    return docs


@pytest.fixture(scope="module")
def agreement(annotators):
    shared = match_documents(annotators, symmetric=SCHEMA.symmetric_labels)
    return measure_agreement(shared, n_resamples=200)


def kappa(observed, expected):
    return (observed - expected) / (1 - expected)


@pytest.mark.parametrize(
    ("part", "group", "counts"),
    [
        # of 313 mentions, one has other boundaries
        ("mentions", "strict", (312, 1, 1)),
        ("mentions", "span", (312, 1, 1)),
        # of 178 relations, one is turned, one has another label, one has another head, one is gone
        ("relations", "strict", (174, 4, 3)),
        ("relations", "undirected", (175, 3, 2)),
        ("relations", "agreed_mentions", (174, 3, 2)),
    ],
)
def test_f1_of_the_business_corpus(agreement, part, group, counts):
    overall = getattr(agreement, part)[group].overall
    both, only_first, only_second = counts
    expected = 2 * both / (2 * both + only_first + only_second)
    assert overall.counts == {("ann", "bob"): counts}
    assert overall.pairs["ann", "bob"].value == overall.mean.value == pytest.approx(expected)
    assert overall.mean.low < overall.mean.value < overall.mean.high


@pytest.mark.parametrize(
    ("label", "counts"),
    [
        ("ACQUIRED", (8, 1, 1)),
        ("BORN_IN", (10, 1, 2)),
        ("LIVES_IN", (8, 1, 0)),
        ("LOCATED_IN", (43, 1, 0)),
        ("PARTNER_OF", (9, 0, 0)),
        ("PRODUCES", (20, 0, 0)),
    ],
)
def test_f1_of_labels_of_the_business_corpus(agreement, label, counts):
    per_label = agreement.relations["strict"].per_label
    assert [*per_label] == [*N_RELATIONS]
    assert per_label[label].counts == {("ann", "bob"): counts}
    expected = 2 * counts[0] / (2 * counts[0] + counts[1] + counts[2])
    assert per_label[label].mean.value == pytest.approx(expected)


def test_without_a_schema_a_symmetric_relation_has_a_direction(annotators):
    agreement = measure_agreement(match_documents(annotators), n_resamples=0)
    assert agreement.relations["strict"].overall.counts == {("ann", "bob"): (173, 5, 4)}
    assert agreement.relations["undirected"].overall.counts == {("ann", "bob"): (175, 3, 2)}


def test_mentions_by_type_of_the_business_corpus(agreement):
    strict = agreement.mentions["strict"].per_label
    assert {label: row.counts["ann", "bob"] for label, row in strict.items()} == {
        "DATE": (53, 0, 0),
        "GPE": (71, 0, 0),
        "ORG": (108, 1, 1),
        "PERSON": (57, 0, 0),
        "PRODUCT": (23, 0, 0),
    }
    assert agreement.mentions["span"].per_label == {}


def test_pairs_of_the_business_corpus(agreement):
    # 1990 ordered pairs of mentions; the one with other boundaries is in 16 pairs with 8 others
    assert agreement.n_pairs == agreement.n_complete == 1990 - 16
    # 176 pairs have relations in the first copy, and the turned one is another pair in the second:
    # one pair of the 177 relations with agreed mentions has two labels
    assert agreement.n_unrelated == 1974 - 176 - 1
    assert agreement.relation_counts == {
        "ann": RelationCounts(177, not_agreed=1),
        "bob": RelationCounts(176, not_agreed=1),
    }


def test_coefficients_of_the_business_corpus(agreement):
    n = 1974
    first = {**N_RELATIONS, "ACQUIRED": 8, "CEO_OF": 13, "EMPLOYED_BY": 18, "CEO and employed": 1}
    first["NO_RELATION"] = n - sum(first.values())
    second = {**first, "BORN_IN": 12, "LIVES_IN": 8, "LOCATED_IN": 43}
    second["NO_RELATION"] += 1
    assert sum(second.values()) == n
    # The turned relation is two pairs, on which one says NO_RELATION and the other BORN_IN.
    observed = (n - 4) / n
    cohen = kappa(observed, sum(first[c] * second[c] for c in first) / n**2)
    both = {category: first[category] + second[category] for category in first}
    fleiss = kappa(observed, sum(count**2 for count in both.values()) / (2 * n) ** 2)
    by_chance = sum(count * (count - 1) for count in both.values()) / (2 * n * (2 * n - 1))
    found = agreement.coefficients
    assert found.cohen.mean.value == pytest.approx(cohen, abs=1e-9)
    assert found.fleiss.value == pytest.approx(fleiss, abs=1e-9)
    assert found.alpha.value == pytest.approx(kappa(observed, by_chance), abs=1e-9)
    for figure in (found.cohen.mean, found.fleiss, found.alpha):
        assert figure.low < figure.value < figure.high


def test_coefficients_of_a_label_of_the_business_corpus(agreement):
    n, first, second, both = 1974, 11, 12, 10  # BORN_IN
    observed = (n - (first - both) - (second - both)) / n
    cohen = kappa(observed, (first * second + (n - first) * (n - second)) / n**2)
    yes, no = first + second, 2 * n - first - second
    found = agreement.per_label["BORN_IN"]
    assert found.cohen.mean.value == pytest.approx(cohen, abs=1e-9)
    assert found.fleiss.value == pytest.approx(
        kappa(observed, (yes**2 + no**2) / (2 * n) ** 2), abs=1e-9
    )
    by_chance = (yes * (yes - 1) + no * (no - 1)) / (2 * n * (2 * n - 1))
    assert found.alpha.value == pytest.approx(kappa(observed, by_chance), abs=1e-9)
    assert agreement.per_label["PRODUCES"].alpha.value == 1.0


def test_only_pairs_that_the_schema_allows(annotators):
    shared = match_documents(annotators, symmetric=SCHEMA.symmetric_labels)
    limited = measure_agreement(shared, limits=PairLimits(SCHEMA), n_resamples=0)
    assert limited.n_pairs < 1974
    # nobody is allowed to be the place where somebody is born
    assert limited.relation_counts["bob"] == RelationCounts(175, not_agreed=1, outside=1)


def test_three_annotators_of_whom_one_lacks_a_document(vocab):
    def doc(i, *relations):
        return annotate(vocab, relations, [ADA, ACME], text=f"Ada runs Acme{i} .")

    agreement = measure_agreement(
        share([doc(0, RUNS), doc(1, RUNS)], [doc(0, RUNS), doc(1, RUNS)], [doc(0)]),
        n_resamples=0,
    )
    strict = agreement.relations["strict"].overall
    assert [figure.value for figure in strict.pairs.values()] == [1.0, 0.0, 0.0]
    assert strict.mean.value == pytest.approx(1 / 3)
    # values of the four units: RUNS RUNS none, none none none, RUNS RUNS, none none
    assert (agreement.n_pairs, agreement.n_complete, agreement.n_unrelated) == (4, 2, 2)
    observed, expected = (1 / 3 + 1) / 2, (2**2 + 4**2) / 6**2
    found = agreement.coefficients
    assert found.fleiss.value == pytest.approx(kappa(observed, expected))
    # ten values, four of them RUNS; of the first unit one pair in three agrees
    alpha = kappa((3 * 1 / 3 + 3 + 2 + 2) / 10, (4 * 3 + 6 * 5) / (10 * 9))
    assert found.alpha.value == pytest.approx(alpha)
    cohen = [figure.value for figure in found.cohen.pairs.values()]
    assert cohen == [1.0, 0.0, 0.0]
    assert agreement.per_label["RUNS"].alpha.value == pytest.approx(alpha)


def test_intervals_are_those_of_resampled_documents(vocab):
    said = [([RUNS], [RUNS]), ([RUNS, IN], [RUNS]), ([IN], [(0, "IN", 2)]), ([RUNS], [RUNS, IN])]
    first, second = (
        [annotate(vocab, row[i], text=f"Ada runs Acme{k} in Oslo") for k, row in enumerate(said)]
        for i in (0, 1)
    )
    shared = share(first, second)
    measured = measure_agreement(shared, n_resamples=30, seed=3)
    assert measured == measure_agreement(shared, n_resamples=30, seed=3)
    assert measured != measure_agreement(shared, n_resamples=30, seed=4)
    draws = numpy.random.default_rng(3).multinomial(4, [0.25] * 4, 30)
    again = [
        measure_agreement(
            replace(shared, docs=[d for d, n in zip(shared.docs, draw) for _ in range(n)]),
            n_resamples=0,
        )
        for draw in draws
    ]
    for read in (
        lambda agreement: agreement.relations["strict"].overall.mean,
        lambda agreement: agreement.coefficients.cohen.mean,
        lambda agreement: agreement.coefficients.fleiss,
        lambda agreement: agreement.coefficients.alpha,
        lambda agreement: (agreement.per_label.get("IN") or agreement.per_label["RUNS"]).alpha,
    ):
        values = [read(agreement).value for agreement in again]
        values = [value for value in values if not math.isnan(value)]
        low, high = numpy.percentile(values, [2.5, 97.5])
        assert (read(measured).low, read(measured).high) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("relations", "mentions", "reason"),
    [
        ([], [ADA, ACME], "all pairs are of one category for every annotator"),
        ([], [OSLO], "no pairs of agreed mentions"),
        ([], [], "no pairs of agreed mentions"),
    ],
)
def test_what_is_not_defined_says_why(vocab, relations, mentions, reason):
    docs = [annotate(vocab, relations, mentions, text=f"Ada runs Acme{i} in Oslo") for i in (0, 1)]
    agreement = measure_agreement(share(docs, docs), n_resamples=10)
    undefined = {"value": None, "low": None, "high": None}
    coefficients = agreement.to_dict()["coefficients"]["overall"]
    for figure in (coefficients["cohen"]["mean"], coefficients["fleiss"], coefficients["alpha"]):
        assert figure == {**undefined, "reason": reason}
    strict = agreement.relations["strict"].overall.mean
    assert strict.to_dict() == {
        **undefined,
        "reason": "neither annotator has any in the documents of both",
    }


def test_no_documents_in_common(vocab):
    agreement = measure_agreement(
        one_each(annotate(vocab), annotate(vocab, mentions=(), text="Nothing"))
    )
    assert (agreement.n_shared, agreement.n_pairs, len(agreement.problems)) == (0, 0, 2)
    assert math.isnan(agreement.coefficients.alpha.value)
    assert math.isnan(agreement.mentions["strict"].overall.mean.value)
    assert agreement.per_label == {}


def test_a_label_that_only_resampled_documents_lack(vocab):
    # In some draws nobody uses IN: the interval is over the others.
    docs = [
        annotate(vocab, [IN] if i == 0 else [RUNS], text=f"Ada runs Acme{i} in Oslo")
        for i in range(3)
    ]
    figure = measure_agreement(share(docs, docs), n_resamples=50).per_label["IN"].alpha
    assert (figure.value, figure.low, figure.high) == (1.0, 1.0, 1.0)
