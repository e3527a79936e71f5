"""The scorer of CaRB in the benchmark, and what the rules reach on its dev part."""

import sys
from pathlib import Path

import pytest

from ..public_data import DATA
from .parsers import load_parser

pytest.importorskip("sklearn")

CARB = DATA / "carb" / "dev.tsv"


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    try:
        import openie
    finally:
        sys.path.pop(0)
    return openie


def test_scores_computed_by_hand(benchmark):
    make = benchmark.Extraction
    gold = {
        "Jobs founded Apple .": [
            make("founded", ("Jobs", "Apple", "in 1976")),
            make("is", ("Jobs", "founder")),
        ],
        "He left .": [make("left", ("He", "the firm"))],
    }
    found = {
        "Jobs founded Apple.": [
            make("founded", ("Jobs", "Apple"), 0.9),  # 3 of 3 words, 3 of 5
            make("be", ("Jobs", "a founder"), 0.5),  # 3 of 4 words, 3 of 3
            make("left", ("Jobs", "Apple"), 0.4),
        ]
    }
    scores = benchmark.score(gold, found)
    precision, recall = (1 + 0.75) / 2, (0.6 + 1) / 3
    f1 = 2 * precision * recall / (precision + recall)
    area = (1.6 / 3 - 0.2) * (precision + 1) / 2 + 0.2
    assert scores == pytest.approx((precision, recall, f1, area))


@pytest.mark.parametrize(
    ("predicate", "arguments", "expected"),
    [
        ("said", ("He", "it rained"), (1.0, 1.0)),
        ("said", ("it rained", "He"), (1.0, 1.0)),
        ("said", ("He",), (0.0, 0.0)),
        ("told", ("He", "it rained"), (0.0, 0.0)),
        ("said", ("She", "it snowed"), (0.5, 0.5)),
    ],
)
def test_what_is_said_matches_in_both_orders(benchmark, predicate, arguments, expected):
    gold = benchmark.Extraction("said", ("He", "it rained"))
    assert benchmark.match(gold, benchmark.Extraction(predicate, arguments)) == expected


def test_nothing_found_is_nothing_right(benchmark):
    gold = {"a": [benchmark.Extraction("b", ("c", "d"))]}
    assert benchmark.score(gold, {}) == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.slow
@pytest.mark.skipif(not CARB.exists(), reason="the public data sets are not there")
def test_the_rules_reach_their_scores_on_carb(benchmark):
    gold = benchmark.read_gold(CARB)
    meta = load_parser("en").meta
    nlp = benchmark.make_pipeline(f"{meta['lang']}_{meta['name']}")
    docs, _ = benchmark.parse(nlp, gold)
    scores = benchmark.score(gold, benchmark.extractions(docs, gold))
    assert scores.f1 > 0.57
    assert scores.precision > 0.64
    assert scores.auc > 0.4
