"""Intervals of scores, against scores of the resampled documents themselves."""

import numpy
import pytest
from spacy.scorer import get_ner_prf
from spacy.tokens import Span
from spacy.training import Example

from rel_component.coreference.scoring import score_clusters
from rel_component.evaluation.document_scores import score_documents
from rel_component.evaluation.event_scores import score_events
from rel_component.evaluation.intervals import Bootstrap
from rel_component.evaluation.links import score_links
from rel_component.evaluation.score_intervals import (
    add_coreference_intervals,
    add_event_intervals,
    add_link_intervals,
    add_mention_intervals,
    add_relation_intervals,
)
from rel_component.evaluation.scoring import score_relations, score_span_group
from rel_component.events import Event

from ..helpers import make_doc

N_DRAWS = 20
MENTIONS = [(i, i + 1, "AB"[i % 2]) for i in range(8)]
PAIRS = [(i, "RS"[i % 2], j) for i in range(8) for j in range(8) if abs(i - j) in (1, 5)]


def some(rng, items, share):
    return [item for item in items if rng.random() < share]


def side(vocab, rng):
    """A document of which something is left out, with clusters, links and a span group."""
    doc = make_doc(vocab, "a b c d e f g h", MENTIONS, some(rng, PAIRS, 0.5), sent_starts=[0, 4])
    doc.spans["group"] = some(rng, list(doc.ents), 0.7)
    doc.ents = [
        Span(doc, ent.start, ent.end, ent.label, kb_id=rng.choice(["", "Q1", "Q2"]))
        for ent in some(rng, list(doc.ents), 0.8)
    ]
    doc._.events = [
        Event("EF"[i % 2], (("p", doc[i : i + 1]), ("q", doc[i + 1 : i + 2]), ("r", doc[7:8])))
        for i in some(rng, range(6), 0.5)
    ]
    for i in (0, 3):
        doc.spans[f"coref_clusters_{i}"] = some(
            rng, [doc[j : j + 1] for j in (i, i + 1, i + 2)], 0.8
        )
    return doc


@pytest.fixture(scope="module")
def examples(vocab):
    rng = numpy.random.default_rng(0)
    return [Example(side(vocab, rng), side(vocab, rng)) for _ in range(6)]


def all_scores(examples):
    return {
        **score_relations(examples, symmetric=["S"]),
        "document": score_documents(examples, symmetric=["S"]),
        **get_ner_prf(examples),
        **score_span_group(examples, "group"),
        **score_events(examples),
        **score_clusters(examples),
        **score_links(examples, labels=["A"]),
    }


def flat(scores, prefix=()):
    """The scores by the names on the way to them, None left out."""
    found = {}
    for name, value in scores.items():
        if isinstance(value, dict):
            found.update(flat(value, (*prefix, name)))
        elif value is not None:
            found[(*prefix, name)] = value
    return found


def intervals(scores):
    """The intervals by the names of their scores."""
    found = {}
    for name in (name for name in scores if name.endswith("_interval")):
        key, interval = name.removesuffix("_interval"), scores[name]
        if "low" in interval:
            found[key,] = interval
            continue
        for label, each in interval.items():
            inner = (
                {(): each} if each is None or "low" in each else {(k,): v for k, v in each.items()}
            )
            found.update({(key, label, *rest): value for rest, value in inner.items()})
    return found


@pytest.fixture(scope="module")
def scores(examples):
    draws = Bootstrap(len(examples), N_DRAWS, seed=3)
    scores = all_scores(examples)
    add_relation_intervals(scores, examples, draws, symmetric=["S"])
    add_mention_intervals(scores, examples, draws, spans_key="group")
    add_event_intervals(scores, examples, draws)
    add_coreference_intervals(scores, examples, draws)
    add_link_intervals(scores, examples, draws, labels=["A"])
    return scores


def test_all_scores_have_intervals(scores):
    counts = {"n", "coref_n", "coref_no_singletons_n", "links_n", "links_nil_n"}
    counts |= {
        name for name in scores if name.startswith(("rel_", "events_")) and name.endswith("_n")
    }
    plain = {k: v for k, v in scores.items() if not k.endswith("_interval")}
    assert {key for key in flat(plain) if key[-1] not in counts} == intervals(scores).keys()


def test_intervals_are_those_of_the_scores_of_resampled_documents(examples, scores):
    drawn = Bootstrap(len(examples), N_DRAWS, seed=3).sum(numpy.eye(len(examples)))[1:]
    resampled = []
    for row in drawn:
        docs = [eg for eg, n in zip(examples, row) for _ in range(int(n))]
        resampled.append(flat(all_scores(docs)))
    for key, interval in intervals(scores).items():
        if key[:2] in (("document", "far"), ("document", "evidence")):
            assert interval is None  # there are none
            continue
        if "macro" in key[0] and not key[0].startswith(("rel_", "events_")):
            continue  # spaCy has no macro scores of entities
        values = [found[key] for found in resampled if key in found]
        expected = numpy.percentile(values, [2.5, 97.5])
        assert (interval["low"], interval["high"]) == pytest.approx(tuple(expected)), key
        assert interval["value"] == pytest.approx(flat(scores)[key]), key


def test_scores_of_other_scorers_have_no_interval(examples):
    scores = {
        "rel_n": 1,
        "rel_micro_f": 0.123,
        "rel_per_type": {"R": {"p": 0.123}, "T": {"f": 0.5}},
    }
    add_relation_intervals(scores, examples, Bootstrap(len(examples), 5, seed=0))
    assert "rel_micro_f_interval" not in scores
    assert scores["rel_per_type_interval"] == {"R": {"p": None}, "T": {"f": None}}


def test_a_type_that_resampled_documents_lack_is_left_out_of_them(vocab):
    gold = [make_doc(vocab, "a b", [(0, 1, "A"), (1, 2, "A")], [(0, "R", 1)])]
    gold += [make_doc(vocab, "a b") for _ in range(3)]
    examples = [Example(doc, doc) for doc in gold]
    scores = score_relations(examples)
    add_relation_intervals(scores, examples, Bootstrap(4, 50, seed=0))
    assert scores["rel_per_type_interval"]["R"]["f"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert scores["rel_micro_f_interval"]["low"] == 0.0
    assert scores["rel_boundaries_micro_f_interval"]["low"] == 1.0
