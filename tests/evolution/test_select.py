"""Which documents to annotate next."""

import json

import numpy
import pytest
import spacy

from rel_component.errors import ConfigError
from rel_component.evolution.select import _choose, _vectors, select

from ..cli.helpers import run, run_json
from ..helpers import make_doc, make_example
from ..pipeline.test_rehearsal import TINY

TEXTS = ["Acme hired Ada", "Acme met Ada", "nobody here", "Acme hired Ada again"]


@pytest.fixture(scope="module")
def nlp():
    """A pipeline that is sure of pairs with ``hired`` between them."""
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    extractor = nlp.add_pipe("relation_extractor", config={"model": TINY})
    mentions = [(0, 1, "ORG"), (2, 3, "PERSON")]
    doc = make_doc(nlp.vocab, TEXTS[0], mentions, [(1, "WORKS_AT", 0), (0, "HIRED", 1)])
    nlp.initialize(lambda: [make_example(doc)])
    ruler.add_patterns([{"label": "ORG", "pattern": "Acme"}, {"label": "PERSON", "pattern": "Ada"}])
    output = extractor.model.get_ref("scorer").get_ref("output_layer")
    output.get_param("W")[:] = 0  # all pairs look alike
    output.get_param("b")[:] = [0.0, 0.0, 2.0]
    return nlp


def test_documents_of_which_the_pipeline_is_unsure_come_first(nlp):
    found = select(nlp, [(text, {"id": i}) for i, text in enumerate(TEXTS)], 4)
    assert [doc.user_data["meta"]["id"] for doc in found.docs][-1] == 2  # without pairs
    assert found.labels[-1] == ""
    exp = numpy.exp([0.0, 0.0, 2.0])
    probabilities = numpy.sort(exp / exp.sum())
    margins = 2 * (1 - (probabilities[2] - probabilities[1]))
    assert found.uncertainty[0] == pytest.approx(margins / 3, rel=1e-4)
    assert found.to_dict()["read"] == 4
    assert len(select(nlp, TEXTS, 2).docs) == 2
    assert select(nlp, [], 2).docs == []


def test_unlike_documents_are_preferred_and_labels_take_turns():
    vectors = numpy.asarray([[1, 0], [1, 0], [0, 1], [0, 1]], dtype="float32")
    unsure = numpy.asarray([0.9, 0.8, 0.7, 0.1])
    assert _choose(unsure, ["A"] * 4, vectors, 3, 1.0) == [0, 2, 1]
    assert _choose(unsure, ["A"] * 4, vectors, 3, 0.0) == [0, 1, 2]
    assert _choose(unsure, ["A", "A", "A", "B"], vectors, 2, 0.0) == [0, 3]
    assert _choose(unsure, ["", "A", "A", "B"], vectors, 9, 0.0) == [1, 3, 2, 0]


def test_documents_without_tokens_have_vectors_as_wide_as_others(vocab):
    docs = [make_doc(vocab, "Acme hired Ada", []), make_doc(vocab, "", [])]
    assert _vectors(docs).shape == (2, 256)
    docs[0].tensor = numpy.asarray([[3.0, 4.0]] * 3, dtype="float32")
    assert _vectors(docs) == pytest.approx(numpy.asarray([[0.6, 0.8], [0.0, 0.0]]))
    assert _vectors([]).shape == (0, 256)


@pytest.mark.slow
def test_the_command_writes_what_is_to_be_annotated(nlp, tmp_path):
    nlp.to_disk(tmp_path / "pipeline")
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), encoding="utf8")
    arguments = ["select", tmp_path / "pipeline", tmp_path / "texts.txt", tmp_path / "todo.jsonl"]
    assert run_json(*arguments, "--n", 2)["selected"] == 2
    records = [
        json.loads(line) for line in (tmp_path / "todo.jsonl").read_text("utf8").splitlines()
    ]
    assert {item["label"] for record in records for item in record["entities"]} == {"ORG", "PERSON"}
    assert "2 of 4 documents" in " ".join(run(*arguments, "--n", 2).split())


@pytest.mark.parametrize("options", [{"n": 0}, {"diversity": 1.5}])
def test_options_out_of_range(nlp, options):
    with pytest.raises(ConfigError):
        select(nlp, [], **options)
