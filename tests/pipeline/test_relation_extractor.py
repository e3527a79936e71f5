"""The component ``relation_extractor`` in a pipeline."""

import pickle
from dataclasses import replace

import numpy
import pytest
import spacy
from spacy.cli.find_threshold import find_threshold
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from thinc.api import set_dropout_rate

from rel_component.decoding import ThresholdDecoder
from rel_component.errors import ConfigError
from rel_component.pipeline import relation_extractor
from rel_component.schema import RelationSchema, RelationType
from rel_component.targets import PairSampling, make_targets
from rel_component.types import Relation

from ..encoders import TINY_TOK2VEC, tiny_encoder
from ..helpers import facts, make_candidates, make_doc, make_example

HIRED = "Acme hired Ada"  # ORG, PERSON: Ada works at Acme
FOUNDED = "Bo founded Orbit"  # PERSON, ORG: Orbit was founded by Bo
ACME, ADA = (0, 1, "ORG"), (2, 3, "PERSON")
BO, ORBIT = (0, 1, "PERSON"), (2, 3, "ORG")
WORKS_AT = ("Ada", "WORKS_AT", "Acme")
FOUNDED_BY = ("Orbit", "FOUNDED_BY", "Bo")
BOTH = [[WORKS_AT], [FOUNDED_BY]]

TINY = {
    "model": {
        "@architectures": "rel_component.SpanPair.v1",
        "hidden_size": 32,
        "tok2vec": TINY_TOK2VEC,
    }
}
GENERATOR = {"@misc": "rel_component.candidate_pairs.v1"}
MULTIPLE = {"exclusive": False, "loss": {"@losses": "rel_component.binary_cross_entropy.v1"}}


def pipeline(**config):
    """A pipeline with a small model that is not initialised."""
    nlp = spacy.blank("en")
    nlp.add_pipe("relation_extractor", config={**TINY, **config})
    return nlp


def references(nlp):
    return [
        make_doc(nlp.vocab, HIRED, [ACME, ADA], [(1, "WORKS_AT", 0)]),
        make_doc(nlp.vocab, FOUNDED, [BO, ORBIT], [(1, "FOUNDED_BY", 0)]),
    ]


def examples_of(nlp):
    return [make_example(reference) for reference in references(nlp)]


def train(nlp, examples, *, steps=40, initialize=True, enough=0.005, **options):
    """Train for some steps, or until all losses are small; the last, by component, are returned."""
    if initialize:
        nlp.initialize(lambda: examples)
    optimizer = nlp.resume_training() if not initialize else nlp._optimizer
    optimizer.learn_rate = 0.01
    for _ in range(steps):
        losses = {}
        nlp.update(examples, sgd=optimizer, losses=losses, **options)
        if max(losses.values()) < enough:
            break
    return losses


def trained(examples=examples_of, *, steps=40, enough=0.005, **config):
    """A trained pipeline whose schema forbids what was not seen, which two documents do not make it."""
    nlp = pipeline(**config)
    train(nlp, examples(nlp), steps=steps, enough=enough)
    pipe = nlp.get_pipe("relation_extractor")
    pipe.schema = RelationSchema(replace(kind, inferred=False) for kind in pipe.schema.values())
    return nlp


def inputs(nlp):
    """The two training documents without relations."""
    return [eg.predicted for eg in examples_of(nlp)]


def outputs(nlp, docs=None):
    return [facts(nlp(doc)) for doc in (inputs(nlp) if docs is None else docs)]


@pytest.fixture(scope="module")
def nlp():
    """A trained pipeline; tests leave it as it is."""
    spacy.util.fix_random_seed(0)
    return trained()


# Training and prediction


def test_without_config_two_examples_are_learned():
    nlp = spacy.blank("en")
    nlp.add_pipe("relation_extractor")
    train(nlp, examples_of(nlp), steps=20)
    assert outputs(nlp) == BOTH


def test_a_small_model_learns_two_examples(nlp):
    docs = [nlp(doc) for doc in inputs(nlp)]
    assert [facts(doc) for doc in docs] == BOTH
    assert 0.5 < docs[0]._.rel[0].score <= 1.0


def test_evaluate(nlp):
    scores = nlp.evaluate(examples_of(nlp))
    assert scores["rel_micro_f"] == 1.0
    assert sorted(scores["rel_per_type"]) == ["FOUNDED_BY", "WORKS_AT"]


def test_evaluate_counts_relations_of_missed_mentions(nlp):
    examples = [make_example(references(nlp)[0]), make_example(references(nlp)[1], [ORBIT])]
    assert nlp.evaluate(examples)["rel_micro_r"] == 0.5


@pytest.mark.slow
def test_spacy_finds_a_threshold(tmp_path):
    nlp = trained(decoder={"@misc": "rel_component.decoder.v1"})
    ruler = nlp.add_pipe("entity_ruler", first=True)
    ruler.add_patterns([{"label": "ORG", "pattern": "Acme"}, {"label": "PERSON", "pattern": "Ada"}])
    nlp.to_disk(tmp_path / "model")
    DocBin(docs=references(nlp)[:1], store_user_data=True).to_disk(tmp_path / "dev.spacy")
    *_, scores = find_threshold(
        str(tmp_path / "model"),
        tmp_path / "dev.spacy",
        "relation_extractor",
        "decoder.threshold",
        "rel_micro_f",
        n_trials=2,
        silent=True,
    )
    assert list(scores) == [0.0, 1.0]
    assert scores[0.0] != scores[1.0]


def test_evaluate_without_scorer():
    nlp = trained(scorer=None)
    assert "rel_micro_f" not in nlp.evaluate(examples_of(nlp))


def test_pipe_predicts_like_call(nlp):
    other = make_doc(nlp.vocab, "Acme Ada Orbit Bo", [(i, i + 1, "ORG") for i in range(4)])
    docs = [*inputs(nlp), make_doc(nlp.vocab, ""), make_doc(nlp.vocab, HIRED, [ADA]), other] * 3
    expected = [nlp(doc.copy())._.rel.as_dict() for doc in docs]
    for doc, relations in zip(nlp.pipe(docs, batch_size=4), expected, strict=True):
        found = doc._.rel.as_dict()
        assert found.keys() == relations.keys()
        for pair, scores in relations.items():
            assert found[pair] == pytest.approx(scores, abs=1e-4)


def test_pipe_over_two_processes(nlp):
    docs = nlp.pipe(inputs(nlp) * 2, n_process=2, batch_size=1)
    assert [facts(doc) for doc in docs] == [[WORKS_AT], [FOUNDED_BY]] * 2


@pytest.mark.parametrize(
    ("words", "mentions"), [("", []), (HIRED, []), (HIRED, [ADA])], ids=["empty", "none", "one"]
)
def test_without_pairs_there_are_no_relations(nlp, words, mentions):
    doc = make_doc(nlp.vocab, words, mentions)
    assert outputs(nlp, [doc.copy()]) == [[]]
    assert [facts(each) for each in nlp.pipe([doc.copy(), doc])] == [[], []]


def test_relations_are_replaced_when_entities_change(nlp):
    doc = nlp(inputs(nlp)[0])
    doc.ents = doc.ents[:1]
    assert facts(nlp.get_pipe("relation_extractor")(doc)) == []


def test_prediction_leaves_text_and_entities_alone(nlp):
    doc = inputs(nlp)[0]
    before = (doc.text, doc.ents, doc.to_array(["ORTH", "ENT_TYPE"]).tolist())
    doc = nlp(doc)
    assert (doc.text, doc.ents, doc.to_array(["ORTH", "ENT_TYPE"]).tolist()) == before


# Initialisation


def test_error_without_labels():
    nlp = pipeline()
    with pytest.raises(ConfigError, match="no relation in the examples and no labels given"):
        nlp.initialize(lambda: [make_example(make_doc(nlp.vocab, HIRED, [ACME, ADA]))])


@pytest.mark.parametrize("mentions", [[], [ACME, ADA]], ids=["no pairs", "pairs"])
def test_error_when_not_initialised(mentions):
    nlp = pipeline()
    with pytest.raises(ConfigError, match=r"relation_extractor is not initialised: call nlp\.init"):
        nlp(make_doc(nlp.vocab, HIRED, mentions))


def test_labels_as_a_list_keep_their_order():
    nlp = pipeline()
    labels = ["WORKS_AT", "OWNS", "FOUNDED_BY"]
    nlp.config["initialize"]["components"]["relation_extractor"] = {"labels": labels}
    nlp.initialize(lambda: examples_of(nlp))
    pipe = nlp.get_pipe("relation_extractor")
    assert pipe.labels == tuple(labels)
    works_at = RelationType("WORKS_AT", head=("PERSON",), tail=("ORG",), inferred=True)
    assert pipe.schema["WORKS_AT"] == works_at
    assert pipe.schema["OWNS"] == RelationType("OWNS")


def test_numbers_of_labels_that_there_are_not_are_named():
    weights = {"no_relation": 0.5, "WORKS_AT": 2.0}
    loss = {"@losses": "rel_component.cross_entropy.v1", "class_weights": weights}
    decoder = {"@misc": "rel_component.decoder.v1", "thresholds": {"WORKED_AT": 0.3}}
    nlp = pipeline(loss=loss, decoder=decoder)
    with pytest.warns(UserWarning, match="counts for nothing") as warned:
        nlp.initialize(lambda: examples_of(nlp))
    of_loss, of_decoder = (str(warning.message) for warning in warned)
    assert "loss.class_weights has a number for 'no_relation'" in of_loss
    assert 'did you mean "NO_RELATION"?' in of_loss
    assert "decoder.thresholds has a number for 'WORKED_AT'" in of_decoder
    assert 'did you mean "WORKS_AT"?' in of_decoder


def test_label_data_restores_the_schema(nlp):
    data = nlp.get_pipe("relation_extractor").label_data
    other = pipeline()
    other.config["initialize"]["components"]["relation_extractor"] = {"labels": data}
    other.initialize(lambda: examples_of(other))
    assert other.get_pipe("relation_extractor").schema == nlp.get_pipe("relation_extractor").schema


def test_a_schema_file_in_the_config(tmp_path):
    types = [RelationType("FOUNDED_BY", symmetric=True), RelationType("WORKS_AT")]
    RelationSchema(types).to_file(tmp_path / "schema.yaml")
    nlp = pipeline()
    nlp.config["initialize"]["components"]["relation_extractor"] = {
        "relation_schema": {
            "@misc": "rel_component.read_schema.v1",
            "path": str(tmp_path / "schema.yaml"),
        }
    }
    nlp.initialize(lambda: examples_of(nlp))
    assert nlp.get_pipe("relation_extractor").schema == RelationSchema(types)


def test_the_schema_filters_predictions(nlp):
    swapped = make_doc(nlp.vocab, HIRED, [(0, 1, "GPE"), (2, 3, "GPE")])
    assert outputs(nlp, [swapped]) == [[]]


def test_types_of_few_examples_do_not_filter_and_are_saved(tmp_path):
    nlp = pipeline()
    nlp.initialize(lambda: examples_of(nlp))
    nlp.to_disk(tmp_path)
    pipe = spacy.load(tmp_path).get_pipe("relation_extractor")
    assert pipe.schema == nlp.get_pipe("relation_extractor").schema
    assert all(kind.inferred for kind in pipe.schema.values())
    swapped = make_doc(pipe.vocab, HIRED, [(0, 1, "GPE"), (2, 3, "GPE")])
    assert pipe.predict([swapped]).candidates.n_pairs == 2


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            {"relations": [{"label": "FOUNDED_BY", "head": ["TEAM"]}, {"label": "WORKS_AT"}]},
            "1 relations of the examples are against the schema .* in document 200: .*FOUNDED_BY",
        ),
        (["WORKS_AT"], "in document 200: .*unknown label 'FOUNDED_BY'; known: WORKS_AT"),
    ],
    ids=["entity type", "label"],
)
def test_a_rare_relation_against_the_schema_gives_a_warning(labels, message):
    nlp = pipeline()
    works_at, founded_by = examples_of(nlp)
    with pytest.warns(UserWarning, match=message):
        nlp.get_pipe("relation_extractor").initialize(
            lambda: [*[works_at] * 200, founded_by], nlp=nlp, labels=labels
        )


def test_updates_warn_once_of_relations_that_cannot_be_learned():
    nlp = pipeline()
    nlp.initialize(lambda: examples_of(nlp))
    unknown = make_doc(nlp.vocab, HIRED, [ADA, ACME], [(0, "UNKNOWN", 1)])
    unknown.user_data["meta"] = {"id": "doc-7"}
    extractor = nlp.get_pipe("relation_extractor")
    with pytest.warns(UserWarning, match=r"1 relations .*document 0 \(doc-7\).*'UNKNOWN'; known:"):
        extractor.update([make_example(unknown)])
    extractor.update([make_example(unknown)])  # another warning would be an error


def test_training_without_a_relation_to_learn_is_an_error():
    nlp = pipeline()
    schema = RelationSchema([RelationType("FOUNDED_BY", head=("TEAM",)), RelationType("OTHER")])
    with pytest.raises(
        ConfigError, match=r"all 2 relations .* none is left to learn; the first, in"
    ):
        nlp.get_pipe("relation_extractor").initialize(
            lambda: examples_of(nlp), nlp=nlp, relation_schema=schema
        )


def test_labels_that_exclude_each_other_are_a_warning():
    nlp = pipeline()
    doc = make_doc(nlp.vocab, HIRED, [ADA, ACME], [(0, "WORKS_AT", 1), (0, "LEADS", 1)])
    with pytest.warns(
        UserWarning, match=r"in document 0: \(Ada, LEADS, Acme\) and \(Ada, WORKS_AT"
    ):
        nlp.initialize(lambda: [make_example(doc)])
    nlp.update([make_example(doc)], sgd=False)  # another warning would be an error
    several = pipeline(**MULTIPLE)
    several.initialize(lambda: [make_example(doc)])


@pytest.mark.parametrize(("words", "mentions"), [("", []), (HIRED, []), (HIRED, [ADA])])
def test_examples_without_pairs_can_be_initialised_with_labels(words, mentions):
    nlp = pipeline()
    nlp.get_pipe("relation_extractor").add_label("WORKS_AT")
    nlp.initialize(lambda: [make_example(make_doc(nlp.vocab, words, mentions))])
    assert outputs(nlp, [make_doc(nlp.vocab, words, mentions)]) == [[]]
    assert len(outputs(nlp)) == 2


def test_the_first_examples_may_have_no_pair():
    nlp = pipeline()
    without = [make_example(make_doc(nlp.vocab, HIRED, [ADA])) for _ in range(12)]
    nlp.initialize(lambda: [*without, *examples_of(nlp)])
    assert nlp.get_pipe("relation_extractor").labels == ("FOUNDED_BY", "WORKS_AT")


def test_initialising_again_with_more_labels():
    nlp = pipeline()
    nlp.initialize(lambda: examples_of(nlp)[:1])
    train(nlp, examples_of(nlp))
    assert outputs(nlp) == BOTH


def test_initialising_again_keeps_nothing_of_earlier_weights():
    nlp = pipeline()
    train(nlp, examples_of(nlp), steps=1)
    nlp.resume_training()
    pipe = nlp.get_pipe("relation_extractor")
    pipe.state.update(label_offset=2.0, split=[["WORKS_AT"]])
    nlp.initialize(lambda: examples_of(nlp))
    assert nlp.rehearse(examples_of(nlp)) == {"relation_extractor": 0.0}
    assert pipe.state["farthest"] is None
    assert not {"label_offset", "split"} & set(pipe.state)


def test_loading_keeps_nothing_of_earlier_weights():
    nlp = pipeline()
    nlp.initialize(lambda: examples_of(nlp))
    pipe = nlp.get_pipe("relation_extractor")
    data = pipe.to_bytes()
    pipe.state.update(label_offset=2.0, split=[["WORKS_AT"]], upstream={"name": "other"})
    pipe.from_bytes(data)
    assert not {"label_offset", "split", "upstream"} & set(pipe.state)


def test_two_extractors_with_scores_of_the_same_names_are_told():
    nlp = pipeline()
    try:
        other = nlp.add_pipe("relation_extractor", "other", config={**TINY, "attr": "links"})
        for name in nlp.pipe_names:
            with pytest.warns(
                UserWarning, match="relation_extractor and other have .* of other are"
            ):
                nlp.get_pipe(name).score([])
        other.scorer = None
        assert nlp.get_pipe("relation_extractor").score([])["rel_micro_f"] == 0.0
    finally:
        Doc.remove_extension("links")


# Adding labels


def test_add_label_before_initialise():
    nlp = pipeline()
    pipe = nlp.get_pipe("relation_extractor")
    assert (pipe.add_label("OWNS"), pipe.add_label("OWNS")) == (1, 0)
    nlp.initialize(lambda: examples_of(nlp))
    assert pipe.labels == ("FOUNDED_BY", "WORKS_AT", "OWNS")


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({}, id="exclusive"),
        pytest.param(MULTIPLE, marks=pytest.mark.slow, id="multiple"),
    ],
)
def test_a_label_added_after_training_leaves_predictions_as_they_are_and_can_be_learned(config):
    nlp = trained(**config)
    nlp.get_pipe("relation_extractor").add_label("OWNS")
    unrelated = make_doc(nlp.vocab, "Acme met Orbit near Ada", [ACME, (2, 3, "ORG"), (4, 5, "GPE")])
    assert outputs(nlp, [*inputs(nlp), unrelated]) == [[WORKS_AT], [FOUNDED_BY], []]
    owned = make_doc(nlp.vocab, "Zeta owns Eta", [ACME, (2, 3, "ORG")], [(0, "OWNS", 1)])
    train(nlp, [*examples_of(nlp), make_example(owned)], steps=80, initialize=False)
    docs = [*inputs(nlp), make_example(owned).predicted]
    assert outputs(nlp, docs) == [[WORKS_AT], [FOUNDED_BY], [("Zeta", "OWNS", "Eta")]]


def test_a_model_that_cannot_be_resized_keeps_its_labels():
    nlp = pipeline()
    pipe = nlp.get_pipe("relation_extractor")
    del pipe.model.attrs["resize_output"]
    for _ in range(2):
        nlp.initialize(lambda: examples_of(nlp))
    with pytest.raises(ConfigError, match=r"relation_extractor: the model .* has 3 outputs"):
        pipe.add_label("OWNS")
    assert pipe.labels == ("FOUNDED_BY", "WORKS_AT")


def test_a_batch_has_the_labels_of_one_moment(nlp, monkeypatch):
    pipe = pipeline().from_bytes(nlp.to_bytes()).get_pipe("relation_extractor")
    generate = pipe.candidates

    def add_meanwhile(*args):  # as another thread might
        candidates = generate(*args)
        pipe.add_label("OWNS")
        return candidates

    monkeypatch.setattr(pipe, "candidates", add_meanwhile)
    scores = pipe.predict(inputs(nlp))
    assert scores.candidates.schema.labels == pipe.labels
    assert scores.values.shape == (scores.candidates.n_pairs, 4)


# Serialisation


@pytest.mark.parametrize("whole", [True, False], ids=["pipeline", "component"])
@pytest.mark.parametrize("way", ["disk", "bytes"])
def test_round_trip(nlp, whole, way, tmp_path):
    other = pipeline()
    saved, loaded = (
        each if whole else each.get_pipe("relation_extractor") for each in (nlp, other)
    )
    if way == "bytes":
        loaded.from_bytes(saved.to_bytes())
    else:
        saved.to_disk(tmp_path / "saved")
        loaded.from_disk(tmp_path / "saved")
    assert outputs(other) == outputs(nlp)
    assert other.get_pipe("relation_extractor").schema == nlp.get_pipe("relation_extractor").schema


def test_options_are_saved_with_the_pipeline(tmp_path):
    nlp = trained(decoder={"thresholds": {"WORKS_AT": 0.999999}}, sampling={"negative_ratio": 2.0})
    nlp.to_disk(tmp_path)
    pipe = spacy.load(tmp_path).get_pipe("relation_extractor")
    assert pipe.decoder == ThresholdDecoder(thresholds={"WORKS_AT": 0.999999})
    assert pipe.sampling == PairSampling(negative_ratio=2.0)


def test_a_component_with_an_added_label_can_be_loaded():
    nlp = trained()
    nlp.get_pipe("relation_extractor").add_label("OWNS")
    loaded = pipeline().from_bytes(nlp.to_bytes())
    assert loaded.get_pipe("relation_extractor").labels == ("FOUNDED_BY", "WORKS_AT", "OWNS")
    assert outputs(loaded) == outputs(nlp)


# Options


def test_nested_mentions_in_a_span_group():
    nlp = pipeline(spans_key="sc")
    mentions = [(0, 3, "ORG"), (2, 3, "GPE"), (0, 5, "GROUP")]
    relations = [(0, "IN", 1), (2, "PART_OF", 0)]
    text = "Bank of Oslo board members"
    reference = make_doc(nlp.vocab, text, mentions, relations, spans_key="sc")
    example = Example(make_doc(nlp.vocab, text, mentions, spans_key="sc"), reference)
    train(nlp, [example])
    doc = nlp(make_doc(nlp.vocab, text, mentions, spans_key="sc"))
    assert facts(doc) == [
        ("Bank of Oslo", "IN", "Oslo"),
        ("Bank of Oslo board members", "PART_OF", "Bank of Oslo"),
    ]


def test_two_relations_on_one_pair():
    nlp = pipeline(**MULTIPLE)
    relations = [(1, "WORKS_AT", 0), (1, "OWNS", 0)]
    train(nlp, [make_example(make_doc(nlp.vocab, HIRED, [ACME, ADA], relations))])
    assert outputs(nlp)[0] == [("Ada", "OWNS", "Acme"), WORKS_AT]


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_negative_ratio(ratio):
    sampling = {"negative_ratio": ratio}
    nlp = pipeline(sampling=sampling, candidates={**GENERATOR, "use_schema": False})
    losses = train(nlp, examples_of(nlp))
    assert losses["relation_extractor"] < 0.1
    works_at, founded_by = outputs(nlp)
    assert WORKS_AT in works_at
    assert FOUNDED_BY in founded_by


def test_candidates_can_be_configured():
    with pytest.warns(UserWarning, match="2 of 2 relations of the examples have no candidate"):
        nlp = trained(candidates={**GENERATOR, "max_token_distance": 0})
    assert outputs(nlp) == [[], []]


@pytest.mark.parametrize(("farthest", "n_pairs"), [(None, 4), (1, 2), (32, 2), (33, 4)])
def test_pairs_further_apart_than_those_of_training_are_not_asked_about(nlp, farthest, n_pairs):
    extractor = pickle.loads(pickle.dumps(nlp.get_pipe("relation_extractor")))
    assert extractor.state["farthest"] == 1  # token between the mentions of "Acme hired Ada"
    extractor.state["farthest"] = farthest
    words = ["Acme", "hired", "Ada", *["x"] * 31, "Bo"]
    mentions = [(0, 1, "ORG"), (2, 3, "PERSON"), (34, 35, "PERSON")]
    scored = extractor.predict([make_doc(nlp.vocab, words, mentions)])
    assert scored.candidates.n_pairs == n_pairs


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"consistency": -1.0}, "consistency must be 0 or more, got -1"),
        ({"adaptive_threshold": True}, "set exclusive = false"),
    ],
)
def test_errors_for_options_out_of_range(options, message):
    with pytest.raises(ConfigError, match=message):
        pipeline(**options)


ADAPTIVE = {
    "exclusive": False,
    "adaptive_threshold": True,
    "loss": {"@losses": "rel_component.adaptive_threshold.v1"},
}


def test_a_learned_threshold():
    nlp = trained(**ADAPTIVE)
    assert outputs(nlp) == BOTH
    assert outputs(nlp, [make_doc(nlp.vocab, "Ada", [(0, 1, "PERSON")])]) == [[]]
    reloaded = pipeline(**ADAPTIVE).from_bytes(nlp.to_bytes())
    assert outputs(reloaded) == BOTH


def test_the_decoder_of_another_package(nlp):
    def configure(label: str):
        def decode(docs, candidates, probabilities, *, exclusive):
            return [[Relation(doc[0:1], label, doc[1:2])] for doc in docs]

        return decode

    spacy.registry.misc.register("first_words.v1", func=configure)
    other = pipeline(decoder={"@misc": "first_words.v1", "label": "BESIDE"}).from_bytes(
        nlp.to_bytes()
    )
    assert outputs(other) == [[("Acme", "BESIDE", "hired")], [("Bo", "BESIDE", "founded")]]


@pytest.mark.slow
def test_predictions_that_agree():
    """Two passes under dropout come closer to each other where that is trained."""

    def gap(consistency):
        spacy.util.fix_random_seed(0)
        nlp = trained(steps=60, enough=0.0, consistency=consistency)
        model = nlp.get_pipe("relation_extractor").model
        docs = inputs(nlp)
        set_dropout_rate(model, 0.5)
        candidates = make_candidates(docs)
        passes = [model.begin_update((docs, candidates))[0] for _ in range(20)]
        assert outputs(nlp) == BOTH
        return numpy.std(passes, axis=0).mean() / numpy.abs(passes).mean()

    assert gap(5.0) < gap(0.0)


def test_error_for_two_passes_of_a_listener():
    nlp = shared_encoder("relation_extractor", consistency=1.0)
    with pytest.raises(ConfigError, match="consistency needs a model with an encoder of its own"):
        nlp.initialize(lambda: examples_of(nlp))


def test_another_attribute():
    def examples(nlp):
        reference = make_doc(nlp.vocab, HIRED, [ACME, ADA], [(1, "WORKS_AT", 0)], attr="relations")
        return [make_example(reference)]

    try:
        nlp = trained(examples, attr="relations")
        doc = nlp(inputs(nlp)[0])
        assert facts(doc, "relations") == [WORKS_AT]
        assert [rel.label for rel in doc._.relations] == ["WORKS_AT"]
        assert facts(doc) == []
        assert nlp.evaluate(examples(nlp))["rel_micro_f"] == 1.0
    finally:
        Doc.remove_extension("relations")


def test_another_name_for_the_attribute_is_saved(nlp, tmp_path):
    renamed = pipeline().from_bytes(nlp.to_bytes())
    try:
        renamed.get_pipe("relation_extractor").attr = "relations"
        renamed.to_disk(tmp_path)
        loaded = spacy.load(tmp_path)
        doc = loaded(inputs(loaded)[0])
        assert (facts(doc, "relations"), facts(doc)) == ([WORKS_AT], [])
        options = {"components": {"relation_extractor": {"attr": "links"}}}
        assert spacy.load(tmp_path, config=options).get_pipe("relation_extractor").attr == "links"
    finally:
        for name in ("relations", "links"):
            Doc.remove_extension(name)


# Mentions in training


@pytest.mark.parametrize(
    "mentions",
    [[], [ADA], [ADA, (1, 2, "VERB"), ACME], [(0, 2, "ORG"), (2, 3, "X")]],
    ids=["none", "fewer", "more", "wrong ends"],
)
def test_annotated_mentions_are_learned_beside_predicted_ones(mentions):
    nlp = pipeline()
    train(nlp, [make_example(reference, mentions) for reference in references(nlp)])
    assert outputs(nlp) == BOTH


@pytest.mark.parametrize(
    "mentions",
    [[], [ADA], [(1, 2, "VERB"), ADA], [(0, 2, "ORG"), ADA]],
    ids=["none", "fewer", "others", "wrong end"],
)
def test_predicted_mentions_may_match_no_relation(mentions):
    nlp = pipeline(sampling={"mentions": "predicted"})
    examples = [make_example(reference, mentions) for reference in references(nlp)]
    losses = train(nlp, examples, steps=3)
    assert numpy.isfinite(losses["relation_extractor"])


def test_predicted_mentions_are_enough_when_they_match():
    assert outputs(trained(sampling={"mentions": "predicted"})) == BOTH


def test_examples_without_relations_are_negative_examples():
    nlp = pipeline()
    unrelated = make_doc(nlp.vocab, "Ada met Acme", [(0, 1, "PERSON"), (2, 3, "ORG")])
    train(nlp, [*examples_of(nlp), make_example(unrelated)], steps=60)
    assert outputs(nlp, [make_example(unrelated).predicted]) == [[]]


@pytest.mark.parametrize("texts", [[], [""], ["Nobody here"]], ids=["none", "empty", "no mention"])
@pytest.mark.parametrize("negative_ratio", [None, 1.0])
def test_training_on_a_batch_without_pairs(texts, negative_ratio):
    nlp = pipeline(sampling={"negative_ratio": negative_ratio})
    nlp.initialize(lambda: examples_of(nlp))
    batch = [make_example(make_doc(nlp.vocab, text)) for text in texts]
    assert nlp.get_pipe("relation_extractor").update(batch) == {"relation_extractor": 0.0}


def test_training_with_an_empty_document_in_the_batch():
    nlp = pipeline()
    train(nlp, [make_example(make_doc(nlp.vocab, "")), *examples_of(nlp)])
    assert outputs(nlp) == BOTH


# A shared encoder

LISTENER = {
    "model": {
        **TINY["model"],
        "tok2vec": {"@architectures": "spacy.Tok2VecListener.v1", "width": 16, "upstream": "*"},
    }
}


def shared_encoder(*names, **options):
    """A pipeline with a tok2vec and components that listen to it; options: of the relation extractor."""
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": TINY["model"]["tok2vec"]})
    for name in names:
        is_ner = name != "relation_extractor"
        config = LISTENING_NER if is_ner else {**LISTENER, **options}
        nlp.add_pipe(name, config=config)
    return nlp


LISTENING_NER = {
    "model": {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 16,
        "maxout_pieces": 2,
        "use_upper": True,
        "tok2vec": LISTENER["model"]["tok2vec"],
    }
}


def encoder_weights(nlp):
    (node, *_) = (n for n in nlp.get_pipe("tok2vec").model.walk() if n.has_param("W"))
    return node.get_param("W").copy()


@pytest.mark.parametrize("frozen", [{}, {"exclude": ["tok2vec"], "annotates": ["tok2vec"]}])
def test_a_shared_encoder_learns_unless_it_is_frozen(frozen):
    nlp = shared_encoder("relation_extractor")
    nlp.initialize(lambda: examples_of(nlp))
    before = encoder_weights(nlp)
    train(nlp, examples_of(nlp), initialize=False, **frozen)
    assert outputs(nlp) == BOTH
    assert (encoder_weights(nlp) == before).all() == bool(frozen)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("ner", "relation_extractor"), id="relation_extractor"),
        pytest.param(("relation_extractor", "ner"), marks=pytest.mark.slow, id="ner"),
    ],
)
def test_an_encoder_shared_with_ner_trains_both(names):
    nlp = shared_encoder(*names)
    losses = train(nlp, examples_of(nlp), steps=60)
    assert losses["relation_extractor"] < 0.1
    assert losses["ner"] < 0.1


@pytest.mark.parametrize("names", [("ner", "relation_extractor"), ("relation_extractor", "ner")])
def test_a_batch_without_pairs_passes_on_the_gradients_of_ner(names):
    nlp = shared_encoder(*names)
    nlp.initialize(lambda: examples_of(nlp))
    before = encoder_weights(nlp)
    for _ in range(3):  # the first step of ner has no gradient, its upper layer starts at zero
        nlp.update([make_example(make_doc(nlp.vocab, "Ada sleeps", [(0, 1, "PERSON")]))])
    assert numpy.abs(encoder_weights(nlp) - before).max() > 0


def test_entities_predicted_in_training_can_be_learned_on():
    nlp = shared_encoder("ner", "relation_extractor")
    bare = [Example(nlp.make_doc(reference.text), reference) for reference in references(nlp)]
    train(nlp, bare, steps=60, annotates=["ner"])
    assert [facts(nlp(text)) for text in (HIRED, FOUNDED)] == BOTH


# Imports


def counting(nlp):
    """Let the candidate generator of a pipeline count the documents that it is given at a time."""
    pipe = nlp.get_pipe("relation_extractor")
    generate, counts = pipe.candidates, []

    def count(docs, mentions, schema):
        counts.append(len(docs))
        return generate(docs, mentions, schema)

    pipe.candidates = count
    return counts


def test_initialize_pairs_few_documents_at_a_time():
    nlp = pipeline()
    counts = counting(nlp)
    nlp.initialize(lambda: examples_of(nlp) * 100)
    assert max(counts) <= 10


def test_a_step_makes_candidates_and_targets_once(monkeypatch):
    nlp = pipeline(sampling={"negative_ratio": 1.0})
    nlp.initialize(lambda: examples_of(nlp))
    made = []

    def make(*args, **options):
        made.append(make_targets(*args, **options))
        return made[-1]

    monkeypatch.setattr(relation_extractor, "make_targets", make)
    counts = counting(nlp)
    nlp.update(examples_of(nlp))
    assert counts == [2]
    assert len(made) == 1


def test_parts_can_be_pickled():
    pipe = pipeline().get_pipe("relation_extractor")
    for part in (pipe.candidates, pipe.sampling, pipe.loss, pipe.decoder):
        pickle.loads(pickle.dumps(part))


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
@pytest.mark.parametrize("architecture", ["PackedMarkers", "EntityMarkers"])
def test_pipelines_with_an_encoder_of_their_own_can_be_pickled(architecture, kind):
    model = {"@architectures": f"rel_component.{architecture}.v1", "name": tiny_encoder(kind)}
    nlp = pipeline(model=model)
    nlp.initialize(lambda: examples_of(nlp))
    loaded = pickle.loads(pickle.dumps(nlp))
    scores = [
        each.get_pipe("relation_extractor").predict(references(each)).values
        for each in (nlp, loaded)
    ]
    numpy.testing.assert_array_equal(*scores)


# Uncertain mentions


@pytest.mark.parametrize(
    ("options", "relations", "entities"),
    [
        ({}, [WORKS_AT], []),
        ({"rescue_entities": True}, [WORKS_AT], ["Acme", "Ada"]),
        ({"rescue_entities": True, "decoder": {"mention_weight": 1.0}}, [], []),
    ],
)
def test_uncertain_mentions_are_rescued_or_dropped(options, relations, entities):
    nlp = trained(spans_key="mentions", **options)
    doc = make_doc(nlp.vocab, HIRED, [ACME, ADA], spans_key="mentions")
    doc.spans["mentions"].attrs["scores"] = numpy.asarray([0.3, 0.9], dtype="float32")
    doc = nlp(doc)
    assert facts(doc) == relations
    assert [ent.text for ent in doc.ents] == entities
