"""The component ``coref_resolver`` in a pipeline."""

import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from rel_component.errors import ConfigError
from rel_component.mentions import read_clusters

from ..encoders import TINY_TOK2VEC, tiny_encoder
from ..helpers import make_doc, train

MODEL = {
    "@architectures": "rel_component.CorefPair.v1",
    "hidden_size": 32,
    "tok2vec": TINY_TOK2VEC,
}
JOBS = "Steve Jobs left Apple . He sold the company , and Jobs liked it ."
BO = "Bo met Ann . She knew him ."
# words, mentions, clusters by the places of their mentions
TEXTS = [
    (JOBS, [(0, 2), (3, 4), (5, 6), (7, 9), (11, 12), (13, 14)], [(0, 2, 4), (1, 3, 5)]),
    (BO, [(0, 1), (2, 3), (4, 5), (6, 7)], [(0, 3), (1, 2)]),
    ("Cy sleeps .", [(0, 1)], []),
    ("Cy met Di .", [(0, 1), (2, 3)], []),
    ("", [], []),
]


def pipeline(**config):
    nlp = spacy.blank("en")
    nlp.add_pipe("coref_resolver", config={"model": MODEL, **config})
    return nlp


def document(nlp, words, mentions, clusters=()):
    typed = [(start, end, "M") for start, end in mentions]
    doc = make_doc(nlp.vocab, words, typed, spans_key="coref_mentions")
    spans = list(doc.spans["coref_mentions"])
    for number, cluster in enumerate(clusters, start=1):
        doc.spans[f"coref_clusters_{number}"] = [spans[i] for i in cluster]
    return doc


def examples_of(nlp, texts=TEXTS):
    return [Example(document(nlp, text, ms), document(nlp, text, ms, cs)) for text, ms, cs in texts]


def clusters_of(doc):
    return [[(span.start, span.end) for span in cluster] for cluster in read_clusters(doc)]


def expected(text):
    _, mentions, clusters = text
    return [[mentions[i] for i in cluster] for cluster in clusters]


@pytest.fixture(scope="module")
def nlp():
    spacy.util.fix_random_seed(0)
    nlp = pipeline()
    train(nlp, examples_of(nlp), 25)
    return nlp


def test_learns_the_clusters_of_a_small_corpus(nlp):
    for text in TEXTS:
        assert clusters_of(nlp(document(nlp, *text[:2]))) == expected(text)
    scores = nlp.evaluate(examples_of(nlp))
    assert scores["coref_conll_f"] == scores["coref_mentions_f"] == 1.0


def test_a_stream_gives_what_single_calls_give(nlp):
    docs = [document(nlp, *text[:2]) for text in TEXTS * 3]
    for doc, text in zip(nlp.pipe(docs, batch_size=4), TEXTS * 3):
        assert clusters_of(doc) == expected(text)


@pytest.mark.parametrize("way", ["disk", "bytes"])
def test_round_trip(nlp, tmp_path, way):
    if way == "disk":
        nlp.to_disk(tmp_path)
        loaded = spacy.load(tmp_path)
    else:
        loaded = pipeline().from_bytes(nlp.to_bytes())
    assert clusters_of(loaded(document(loaded, *TEXTS[0][:2]))) == expected(TEXTS[0])


def test_clusters_that_are_there_give_way(nlp):
    doc = document(nlp, *TEXTS[3][:2], [(0, 1)])
    doc.spans["coref_clusters_7"] = [doc[0:1]]
    doc.spans["other_1"] = [doc[0:1]]
    assert clusters_of(nlp(doc)) == []
    assert "other_1" in doc.spans


def test_singletons_are_clusters_if_asked_for(nlp):
    every = pipeline(singletons=True)
    every.initialize(lambda: examples_of(every))
    every.get_pipe("coref_resolver").from_bytes(nlp.get_pipe("coref_resolver").to_bytes())
    assert clusters_of(every(document(every, *TEXTS[3][:2]))) == [[(0, 1)], [(2, 3)]]


def test_mentions_are_distinct_and_probable(nlp):
    doc = document(nlp, *TEXTS[1][:2])
    spans = list(doc.spans["coref_mentions"])
    twice = [*spans, *(spacy.tokens.Span(doc, s.start, s.end, label="N") for s in spans), doc[0:3]]
    doc.spans["coref_mentions"] = twice
    doc.spans["coref_mentions"].attrs["scores"] = [0.9] * 4 + [0.6] * 4 + [0.4]
    clusters = read_clusters(nlp(doc))
    assert clusters_of(doc) == expected(TEXTS[1])
    assert {span.label_ for cluster in clusters for span in cluster} == {"M"}


def test_entities_are_the_mentions_of_documents_without_the_group(nlp):
    ents = [(start, end, "M") for start, end in TEXTS[1][1]]
    assert clusters_of(nlp(make_doc(nlp.vocab, BO, ents))) == expected(TEXTS[1])


def test_annotated_clusters_are_learned_without_predicted_mentions():
    nlp = pipeline()
    examples = [Example(nlp.make_doc(eg.reference.text), eg.reference) for eg in examples_of(nlp)]
    train(nlp, examples, 25)
    assert clusters_of(nlp(document(nlp, *TEXTS[1][:2]))) == expected(TEXTS[1])


@pytest.mark.slow
def test_a_spurious_mention_is_joined_with_nothing():
    nlp = pipeline()
    texts = [(BO, [*TEXTS[1][1], (1, 2), (5, 6)], TEXTS[1][2]), *TEXTS]
    train(nlp, examples_of(nlp, texts), 25)
    assert clusters_of(nlp(document(nlp, *texts[0][:2]))) == expected(TEXTS[1])


@pytest.mark.slow
def test_training_resumes(nlp, tmp_path):
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    new = ("Ann met Cy . She knew him .", [(0, 1), (2, 3), (4, 5), (6, 7)], [(0, 2), (1, 3)])
    sgd = loaded.resume_training()
    sgd.learn_rate = 0.01
    for _ in range(30):
        loaded.update(examples_of(loaded, [new, *TEXTS]), sgd=sgd)
    for text in (new, *TEXTS):
        assert clusters_of(loaded(document(loaded, *text[:2]))) == expected(text)


@pytest.mark.slow
def test_a_shared_encoder_learns_with_it():
    nlp = spacy.blank("en")
    listener = {"@architectures": "rel_component.EncoderListener.v1"}
    encoder = {"@architectures": "rel_component.Encoder.v1", "name": tiny_encoder(), "overlap": 0.1}
    nlp.add_pipe("shared_encoder", config={"model": encoder})
    nlp.add_pipe("coref_resolver", config={"model": {**MODEL, "tok2vec": listener}})
    examples = examples_of(nlp)
    empty = make_doc(nlp.vocab, "no mention")
    sgd = nlp.initialize(lambda: examples)
    before = nlp(nlp.make_doc(JOBS)).tensor.copy()
    nlp.update([*examples, Example(empty, empty)], sgd=sgd)
    nlp.update([Example(empty, empty)], sgd=sgd)
    assert (nlp(nlp.make_doc(JOBS)).tensor != before).any()


@pytest.mark.slow
def test_any_pair_model_and_candidates_will_do():
    generator = {"@misc": "rel_component.candidate_pairs.v1"}
    model = {**MODEL, "@architectures": "rel_component.SpanPair.v1"}
    nlp = pipeline(model=model, candidates=generator)
    train(nlp, examples_of(nlp), 25)
    assert clusters_of(nlp(document(nlp, *TEXTS[1][:2]))) == expected(TEXTS[1])


def test_training_on_documents_without_pairs(nlp):
    resolver = nlp.get_pipe("coref_resolver")
    empty = Doc(nlp.vocab)
    assert resolver.update([Example(empty, empty)]) == {"coref_resolver": 0.0}
    assert resolver.update(examples_of(nlp, [TEXTS[2]])) == {"coref_resolver": 0.0}


def test_clear_errors():
    with pytest.raises(ConfigError, match=r"min_score must lie in \[0, 1\], got 2"):
        pipeline(min_score=2.0)
    with pytest.raises(ConfigError, match="not initialised"):
        pipeline()("a text")
    nlp = pipeline()
    with pytest.raises(ConfigError, match="no pair of coreferent mentions in the examples"):
        nlp.initialize(lambda: examples_of(nlp, TEXTS[2:]))
