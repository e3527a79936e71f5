"""Coreference clusters: relations between entities of several mentions, learned and reported."""

import pytest
import spacy
from spacy.tokens import Span
from spacy.training import Example

from rel_component.mentions import entity_mentions

from ..encoders import TINY_TOK2VEC, tiny_encoder
from ..helpers import facts, make_doc

CLUSTERS = {"@misc": "rel_component.candidate_pairs.v1", "clusters": "coref_clusters"}
MODELS = {
    "SpanPair": {
        "tok2vec": TINY_TOK2VEC,
    },
    "EntityPair": {"tok2vec": TINY_TOK2VEC},
    "PackedMarkers": {"name": tiny_encoder()},
    "EntityMarkers": {"name": tiny_encoder()},
}
# he and Ada are one entity, whose name stands in another sentence than the relation
TEXT = "He leads Acme . The name of the boss is Ada . Cy likes Oslo ."
MENTIONS = [
    (0, 1, "PERSON"),
    (2, 3, "ORG"),
    (10, 11, "PERSON"),
    (12, 13, "PERSON"),
    (14, 15, "GPE"),
]


def document(vocab, relations=()):
    doc = make_doc(vocab, TEXT, MENTIONS, relations, spans_key="sc", sent_starts=[0, 4, 12])
    doc.spans["coref_clusters_1"] = [doc[0:1], doc[10:11]]
    doc[10].pos_ = "PROPN"
    return doc


@pytest.mark.parametrize("name", MODELS)
def test_a_relation_of_any_mention_is_reported_of_the_name(name):
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    model = {"@architectures": f"rel_component.{name}.v1", "hidden_size": 32, **MODELS[name]}
    config = {"model": model, "candidates": CLUSTERS, "spans_key": "sc"}
    nlp.add_pipe("relation_extractor", config=config)
    reference = document(nlp.vocab, [(0, "LEADS", 1), (3, "LIKES", 4)])
    example = Example(document(nlp.vocab), reference)
    optimizer = nlp.initialize(lambda: [example])
    optimizer.learn_rate = 0.01
    losses = {"relation_extractor": 1.0}
    for _ in range(30):
        if losses["relation_extractor"] < 0.05:
            break
        losses = {}
        nlp.update([example], sgd=optimizer, losses=losses)
    doc = document(nlp.vocab)
    spans = [Span(doc, span.start, span.end, span.label_) for span in doc.spans["sc"]]
    doc.spans["sc"] = [*spans[:2], Span(doc, 10, 11, "PERSON", kb_id="Q7259"), *spans[3:]]
    nlp(doc)
    assert facts(doc) == [("Ada", "LEADS", "Acme"), ("Cy", "LIKES", "Oslo")]
    assert doc._.rel[0].head.kb_id_ == "Q7259"
    assert [span.text for span in entity_mentions(doc._.rel[0].head)] == ["He", "Ada"]
