"""A small pipeline whose relation extractor reads its labels, and two sentences that it learns."""

import spacy

from rel_component.models.optimizers import EncoderAdam

from ..encoders import tiny_encoder
from ..helpers import facts, make_doc, make_example

DESCRIPTIONS = {"FOUNDED": "the head made the tail", "MET": "two of them met"}


def pipeline(label_variation=0.0, adapter_rank=4, shared=True, **options):
    nlp = spacy.blank("en")
    encoder = {
        "@architectures": "rel_component.Encoder.v1",
        "name": tiny_encoder(),
        "adapter_rank": adapter_rank,
    }
    if shared:
        nlp.add_pipe("shared_encoder", config={"model": encoder})
        encoder = {"@architectures": "rel_component.EncoderListener.v1"}
    model = {
        "@architectures": "rel_component.LabelPair.v1",
        "tok2vec": encoder,
        "hidden_size": 16,
        "n_prototypes": 2,
        "label_variation": label_variation,
    }
    options = {"adaptive_threshold": True, "exclusive": False, **options}
    if options["adaptive_threshold"]:
        options["loss"] = {"@losses": "rel_component.adaptive_threshold.v1"}
    elif not options["exclusive"]:
        options["loss"] = {"@losses": "rel_component.binary_cross_entropy.v1"}
    nlp.add_pipe("relation_extractor", config={"model": model, **options})
    return nlp


def examples(nlp):
    mentions = [(0, 1, "PERSON"), (2, 3, "ORG")]
    founded = make_doc(nlp.vocab, "ada made acme .", mentions, [(0, "FOUNDED", 1)])
    met = make_doc(nlp.vocab, "bo met cy .", mentions, [(0, "MET", 1), (1, "MET", 0)])
    return [make_example(founded), make_example(met)]


def learned(steps=100, **options):
    spacy.util.fix_random_seed(0)  # fixtures of a session come before that of each test
    nlp = pipeline(**options)
    data = examples(nlp)
    relations = [{"label": key, "description": text} for key, text in DESCRIPTIONS.items()]
    labels = {"relations": relations}
    nlp.config["initialize"]["components"]["relation_extractor"] = {"labels": labels}
    nlp.initialize(lambda: data)
    sgd = EncoderAdam(0.02, encoder_scale=1.0)
    for _ in range(steps):
        nlp.update(data, sgd=sgd, drop=0.0)
    return nlp


def found(nlp, example):
    doc = example.predicted.copy()
    for _, pipe in nlp.pipeline:
        doc = pipe(doc)
    return facts(doc)
