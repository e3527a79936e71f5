"""The settings of the benchmarks fit the recipes they are meant for; nothing is trained."""

import sys
from pathlib import Path

import pytest
from spacy.cli._util import parse_config_overrides
from spacy.util import load_config, load_model_from_config

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def benchmarks():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import ablation
        import accuracy
        import multilingual
        import redocred
    finally:
        sys.path.pop(0)
    return accuracy, ablation, redocred, multilingual


def load(recipe, settings):
    flags = [text for key, value in settings.items() for text in (f"--{key}", value)]
    overrides = {"paths.encoder": "some/encoder", **parse_config_overrides(flags)}
    config = load_config(ROOT / "configs" / f"{recipe}.cfg", overrides=overrides)
    return load_model_from_config(config, auto_fill=True, validate=True)


@pytest.mark.slow
def test_every_variant_of_the_ablation_is_a_valid_config(benchmarks):
    accuracy, ablation, *_ = benchmarks
    for variant, settings in ablation.VARIANTS.items():
        recipe = accuracy.MODELS[ablation.model_of(variant)]
        assert load(recipe, settings).pipe_names == ["relation_extractor"]


@pytest.mark.parametrize("recipe", ["joint", "markers", "packed", "transformer"])
def test_a_recipe_becomes_multi_label_by_two_settings(recipe):
    settings = {
        "components.relation_extractor.exclusive": "false",
        "components.relation_extractor.loss.@losses": "rel_component.binary_cross_entropy.v1",
    }
    assert not load(recipe, settings).get_pipe("relation_extractor").exclusive


@pytest.mark.slow
def test_the_recipe_of_documents_takes_given_mentions_and_clusters(benchmarks):
    nlp = load("document", benchmarks[2].GIVEN)
    assert nlp.pipe_names == ["shared_encoder", "relation_extractor"]
    assert nlp.get_pipe("relation_extractor").evidence.weight > 0


def test_sentences_that_were_translated_are_read_in_the_test_and_never_learned(benchmarks):
    multilingual = benchmarks[3]
    sentences = [f"name{i} was founded in city{i} ." for i in range(70)]
    english = {"P740": [{"tokens": text.split()} for text in sentences], "OTHER": []}
    german = {
        "P740": [{"tokens": ["name69", "wurde", "in", "city69", "gegründet", "."]}],
        "OTHER": [{"tokens": ["nichts"]}],
    }
    parts = multilingual.split(english, german)
    assert parts["english_originals"]["P740"] == english["P740"][69:]
    assert parts["german_originals"] == {"P740": german["P740"], "OTHER": []}
    learned = [eg for part in ("train", "dev") for eg in parts[part]["P740"]]
    assert len(learned) == 20
    assert english["P740"][69] in parts["english"]["P740"]
    assert not [eg for eg in parts["english"]["P740"] if eg in learned]
