"""Open relations that are mapped to a schema by its labels, on hand-made parses."""

from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest
import spacy
from spacy.tokens import Doc

from rel_component.errors import ConfigError
from rel_component.pipeline import label_reading
from rel_component.pipeline.label_mapping import LabelMapping
from rel_component.pipeline.label_reading import TextVectors
from rel_component.types import Relation

from ..encoders import tiny_encoder

SCHEMA = {
    "relations": [
        {"label": "FOUNDED_BY", "head": ["ORG"], "tail": ["PERSON"]},
        {"label": "LIVES_IN", "head": ["PERSON"], "tail": ["GPE"]},
    ]
}
UNTYPED = {"relations": ["FOUNDED_BY", "LIVES_IN"]}
VECTORS = {"found": [1.0, 0.0], "live": [0.0, 1.0], "eat": [-0.6, -0.8]}
WORDS = ["Ann", "founded", "Acme", "."]


def make_doc(vocab, types=("PERSON", "ORG"), verb=("founded", "found")):
    ents = [f"B-{types[0]}", "O", f"B-{types[1]}", "O"]
    return Doc(
        vocab,
        words=["Ann", verb[0], "Acme", "."],
        heads=[1, 1, 1, 1],
        deps=["nsubj", "ROOT", "dobj", "punct"],
        pos=["PROPN", "VERB", "PROPN", "PUNCT"],
        tags=["NNP", "VBD", "NNP", "."],
        lemmas=["Ann", verb[1], "Acme", "."],
        ents=ents,
    )


def pipeline(schema=SCHEMA, **options):
    nlp = spacy.blank("en")
    mapping = {"@misc": "rel_component.label_mapping.v1", "encoder": tiny_encoder()}
    mapping = {"schema": schema, **mapping, **options}
    config = {"arguments": "entities", "mapping": mapping}
    nlp.add_pipe("open_relation_extractor", config=config)
    return nlp


def facts(doc):
    return [(rel.head.text, rel.label, rel.tail.text) for rel in doc._.rel]


@pytest.fixture
def near(monkeypatch):
    """Vectors of texts by the verb that is in them, and none of tokens."""

    def vector(text):
        return next((VECTORS[verb] for verb in VECTORS if verb in text.lower()), [0.0, 0.0])

    def vectors(self, relations):
        return numpy.asarray([vector(rel.label) for rel in relations])

    def encode(self, texts):
        return numpy.asarray([vector(text) for text in texts])

    monkeypatch.setattr(LabelMapping, "_vectors", vectors)
    monkeypatch.setattr(LabelMapping, "_encode", encode)


def test_a_tuple_gets_the_nearest_label_and_keeps_its_predicate(near):
    nlp = pipeline()
    (rel,) = nlp(make_doc(nlp.vocab))._.rel
    assert (rel.head.text, rel.label, rel.tail.text) == ("Acme", "FOUNDED_BY", "Ann")
    assert [span.text for span in rel.statement.predicate] == ["founded"]
    assert rel.score == 1.0


@pytest.mark.parametrize(
    ("types", "verb", "expected"),
    [
        (("PERSON", "ORG"), ("ate", "eat"), []),  # nothing is near
        (("PERSON", "PERSON"), ("founded", "found"), []),  # argument types do not fit
        (("PERSON", "GPE"), ("lives", "live"), [("Ann", "LIVES_IN", "Acme")]),
        (("GPE", "PERSON"), ("lives", "live"), [("Acme", "LIVES_IN", "Ann")]),
    ],
)
def test_what_is_not_near_or_does_not_fit_is_left_out(near, types, verb, expected):
    nlp = pipeline()
    assert facts(nlp(make_doc(nlp.vocab, types, verb))) == expected


def test_without_types_a_label_with_by_has_the_agent_as_its_tail(near):
    nlp = pipeline(UNTYPED)
    assert facts(nlp(make_doc(nlp.vocab))) == [("Acme", "FOUNDED_BY", "Ann")]
    assert facts(nlp(make_doc(nlp.vocab, verb=("lives", "live")))) == [("Ann", "LIVES_IN", "Acme")]


def test_a_passive_with_its_agent_is_read_as_the_active(near):
    nlp = pipeline(UNTYPED)
    doc = make_doc(nlp.vocab)
    acme, ann = doc.ents[1], doc.ents[0]
    (mapped,) = nlp.get_pipe("open_relation_extractor").mapping(
        [Relation(acme, "be found by", ann)]
    )
    assert (mapped.head.text, mapped.label, mapped.tail.text) == ("Acme", "FOUNDED_BY", "Ann")


def test_a_saved_pipeline_holds_the_encoder(tmp_path):
    nlp = pipeline(threshold=-1.0)
    nlp.to_disk(tmp_path / "pipeline")
    config = (tmp_path / "pipeline" / "config.cfg").read_text(encoding="utf8")
    (tmp_path / "pipeline" / "config.cfg").write_text(
        config.replace(tiny_encoder(), "gone"), encoding="utf8"
    )
    loaded = spacy.load(tmp_path / "pipeline")
    by_bytes = pipeline(encoder="gone").from_bytes(nlp.to_bytes())
    by_bytes.get_pipe("open_relation_extractor").mapping.threshold = -1.0
    (rel,) = nlp(make_doc(nlp.vocab))._.rel
    for other in (loaded, by_bytes):
        (same,) = other(make_doc(other.vocab))._.rel
        assert (same.label, same.score) == (rel.label, pytest.approx(rel.score))


def test_damaged_weights_are_an_error_that_names_them(tmp_path):
    pipeline().to_disk(tmp_path / "pipeline")
    (tmp_path / "pipeline" / "open_relation_extractor" / "mapping").write_bytes(b"\x80damaged")
    with pytest.raises(ConfigError, match=r"open_relation_extractor/mapping cannot be loaded"):
        spacy.load(tmp_path / "pipeline")


def test_the_vector_of_a_tuple_is_that_of_words_and_of_tokens_in_their_place():
    nlp = pipeline(threshold=-1.0)
    mapping = nlp.get_pipe("open_relation_extractor").mapping
    doc = nlp(make_doc(nlp.vocab))
    rel = Relation(doc.ents[0], "found", doc.ents[1], 1.0, (), "", doc._.rel[0].statement)
    text = mapping._encode(["person found organization"])[0]
    token = mapping.model.predict([doc])[0][1]
    expected = text + token / numpy.linalg.norm(token)
    expected /= numpy.linalg.norm(expected)
    assert mapping._vectors([rel])[0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"arguments": "phrases"}, 'arguments = "entities"'),
        ({"mapping": {"threshold": 2.0}}, "no cosine"),
    ],
)
def test_settings_that_do_not_fit_are_refused(config, message):
    base = {"@misc": "rel_component.label_mapping.v1", "encoder": tiny_encoder(), "schema": SCHEMA}
    given = {"arguments": "entities", **config, "mapping": {**base, **config.get("mapping", {})}}
    with pytest.raises(ConfigError, match=message):
        spacy.blank("en").add_pipe("open_relation_extractor", config=given)


def test_a_mapping_needs_a_schema():
    nlp = pipeline({})
    with pytest.raises(ConfigError, match="give it a schema"):
        nlp(make_doc(nlp.vocab))


def test_threads_read_vectors_while_others_make_room(monkeypatch):
    monkeypatch.setattr(label_reading, "_MAX_CACHED", 3)
    monkeypatch.setattr(
        label_reading, "encode_sentences", lambda encoder, texts: [[len(t)] for t in texts]
    )
    vectors = TextVectors()
    texts = [["x" * n for n in range(i, i + 3)] for i in range(200)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda given: vectors.encode(None, given), texts))
    assert [X[:, 0].tolist() for X in found] == [[i, i + 1, i + 2] for i in range(200)]
