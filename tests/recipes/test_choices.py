"""Settings that fit what is annotated."""

from collections import Counter

import pytest
import spacy
from spacy.tokens import Doc, Span

from rel_component.annotations import find_spans_key, set_relations
from rel_component.errors import ConfigError
from rel_component.recipes.choices import choose
from rel_component.recipes.findings import Findings, examine
from rel_component.recipes.language import detect_language
from rel_component.recipes.rendering import render
from rel_component.recipes.settings import (
    ENCODER,
    GENERAL_BASE,
    GENERAL_ENCODER,
    LEARNED_ENCODER,
    MULTILINGUAL,
    MULTILINGUAL_FOLDER,
    RECIPES,
    default_settings,
)


def found(**values):
    typical = {
        "documents": 1000,
        "mentions": Counter(ORG=2000, PERSON=1000),
        "widths": Counter({1: 2000, 3: 1000}),
        "relations": Counter(CEO_OF=600, OWNS=400),
        "related": 1000,
        "distances": Counter({4: 900, 30: 100}),
        "divided": 1000,
        "sentences": 1100,
    }
    return Findings(**{**typical, **values})


@pytest.fixture(scope="module")
def nlp():
    return spacy.blank("en")


def test_entities_with_types_are_found_in_raw_text(nlp):
    settings, reasons = choose(found(), nlp)
    assert settings.recipe == "joint"
    assert reasons["recipe"].startswith("entities are annotated, with 2 types")
    assert settings.options["exclusive"]
    assert not settings.sentences


@pytest.mark.parametrize(
    "values", [{"mentions": Counter({"": 3000})}, {"pairs_given": 980}], ids=["untyped", "pairs"]
)
def test_given_mentions(values, nlp):
    assert choose(found(**values), nlp)[0].recipe == "transformer"


@pytest.mark.parametrize(
    ("values", "one", "reason"),
    [
        ({}, True, "none of 1000 pairs has relations in both directions"),
        ({"both": 5}, True, "only 5 of 1000 pairs have relations in both directions"),
        ({"both": 6}, False, None),
        ({"related": 40}, False, None),
    ],
)
def test_pairs_with_relations_in_one_direction(values, one, reason, nlp):
    settings, reasons = choose(found(**values), nlp)
    assert settings.options["one_direction"] == one
    assert reasons.get("one_direction") == reason


def test_a_few_documents_with_two_entities_are_no_given_pairs(nlp):
    assert choose(found(documents=5, pairs_given=5), nlp)[0].recipe == "joint"


def test_what_the_user_asks_for(nlp):
    assert choose(found(), nlp, gold_entities=True)[0].recipe == "transformer"
    settings, reasons = choose(found(), nlp, recipe="packed", encoder="mine")
    assert (settings.recipe, settings.paths["encoder"]) == ("packed", "mine")
    assert reasons["recipe"] == reasons["encoder"] == "as asked for"


@pytest.mark.parametrize(("several", "exclusive"), [(0, True), (10, True), (30, False)])
def test_pairs_with_several_labels(several, exclusive, nlp):
    settings, reasons = choose(found(several=several), nlp)
    assert settings.options["exclusive"] == exclusive
    assert str(several or "no pair") in reasons["exclusive"]


@pytest.mark.parametrize(
    ("values", "distance"),
    [
        ({"sentences": 5000}, 0),
        ({"sentences": 5000, "across": 1}, None),
        ({"sentences": 5000, "divided": 999}, None),
        ({"sentences": 1000}, None),
    ],
)
def test_relations_within_sentences(values, distance, nlp):
    settings, _ = choose(found(**values), nlp)
    assert settings.options["max_sentence_distance"] == distance
    assert settings.sentences == (distance == 0)
    assert ("sents_f = 0.0" in render(settings)) == settings.sentences  # it would count as half


def test_clusters_count_where_mentions_are_given(nlp):
    settings, reasons = choose(found(clustered=900), nlp)
    assert settings.options["clusters"] is None
    assert "nothing finds them in raw text" in reasons["clusters"]
    settings, reasons = choose(found(clustered=900), nlp, gold_entities=True)
    assert settings.options["clusters"] == "coref_clusters"
    assert "900 of 1000" in reasons["clusters"]


@pytest.mark.parametrize("values", [{"across": 7}, {"divided": 0}], ids=["across", "unknown"])
def test_relations_of_whole_documents(values, nlp):
    settings, reasons = choose(found(clustered=500, **values), nlp)
    assert settings.recipe == "document"
    assert reasons["recipe"].endswith("clusters of them, and relations that may cross sentences")
    assert (settings.options["clusters"], settings.sentences) == ("coref_clusters", True)
    assert "swap_level" not in reasons
    assert "exclusive" not in reasons
    assert choose(found(clustered=499, **values), nlp)[0].recipe == "joint"


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_fewer_documents_the_more_passes(recipe, nlp, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where no encoder is
    passes = [
        choose(found(documents=n), nlp, recipe=recipe)[0].options["passes"]
        for n in (10, 60, 100, 400, 2000)
    ]
    assert passes == sorted(passes, reverse=True)
    assert passes[-1] == default_settings(recipe).options["passes"] < passes[0]


def test_what_few_documents_change(nlp):
    settings, reasons = choose(found(documents=50, divided=50), nlp, gold_entities=True)
    assert (settings.options["batch_size"], settings.options["threshold"]) == (4, 0.1)
    assert {"passes", "batch_size", "threshold"} <= reasons.keys()
    single, _ = choose(found(documents=50, pairs_given=50), nlp)
    assert single.options["batch_size"] == 8
    assert single.options["passes"] > settings.options["passes"]


@pytest.mark.parametrize(
    ("n", "names", "level", "labels", "reason"),
    [
        (1000, ["PERSON", "ORG"], 0.5, None, "mentions are names"),
        (400, ["PERSON"], 0.5, None, "few documents are not learned by heart; those of ORG look"),
        (401, ["PERSON"], 0.5, ["PERSON"], "those of ORG look like common nouns"),
        (401, [], 0.0, None, "no mentions take each other's places: those of ORG, PERSON look"),
    ],
)
def test_common_nouns_are_swapped_in_few_documents_only(n, names, level, labels, reason, nlp):
    settings, reasons = choose(found(documents=n), nlp, names=names)
    assert (settings.options["swap_level"], settings.options["swap_labels"]) == (level, labels)
    assert reason in reasons["swap_level"]
    assert ('\nlabels = ["PERSON"]\n' in render(settings, reasons)) == (labels is not None)


def test_the_recogniser_is_told_all_entity_types(nlp):
    """In place of those among the first documents."""
    told = "[initialize.components.span_recognizer]\n# those of all documents"
    assert (
        f'{told}: spaCy initialises with the first 100 that are read\nlabels = ["ORG", "PERSON"]\n'
        in (render(*choose(found(), nlp)))
    )
    for recipe in ("transformer", "spacy_transformers"):  # spaCy's ner adds them as it reads
        assert told not in render(*choose(found(), nlp, recipe=recipe))


def test_long_mentions(nlp):
    assert choose(found(), nlp)[0].options["max_width"] == 12
    settings, _ = choose(found(widths=Counter({2: 2900, 17: 100})), nlp)
    assert settings.options["max_width"] == 17


def test_the_tokenizer_of_the_language(nlp):
    chinese, _ = choose(found(), spacy.blank("zh"))
    assert chinese.tokenizer["@tokenizers"] == "spacy.zh.ChineseTokenizer"


def test_without_relations_a_group_holds_the_mentions_where_there_are_no_entities(nlp):
    doc = Doc(nlp.vocab, words=["Ann", "runs", "Acme"])
    ann, acme = Span(doc, 0, 1, label="PERSON"), Span(doc, 2, 3, label="ORG")
    doc.spans["all"] = [ann]
    doc.spans["coref_head_clusters_1"] = [ann, acme]
    assert find_spans_key([doc]) == "all"
    doc.ents = [acme]
    assert find_spans_key([doc]) is None
    set_relations(doc, [(ann, "RUNS", ann)], "links")
    assert find_spans_key([doc], "links") == "all"


def test_what_is_annotated_is_counted(nlp):
    words = ["Ann", "Lee", "runs", "Acme", ".", "Acme", "owns", "Orbit"]
    doc = Doc(nlp.vocab, words=words, sent_starts=[i in (0, 5) for i in range(8)])
    ann, acme, again, orbit, lee = (
        Span(doc, start, end, label=label)
        for start, end, label in [
            *((0, 2, "PERSON"), (3, 4, "ORG"), (5, 6, "ORG"), (7, 8, "ORG"), (1, 2, "NAME"))
        ]
    )
    doc.spans["all"] = [ann, acme, again, orbit, lee]
    doc.spans["coref_clusters_1"] = [acme, again]
    doc._.rel = [
        *((ann, "RUNS", acme), (ann, "OWNS", acme), (again, "OWNS", orbit), (orbit, "OF", ann))
    ]
    assert find_spans_key([doc]) == "all"
    counts = examine([doc, Doc(nlp.vocab)], "all")
    assert (counts.documents, counts.empty, counts.clustered) == (2, 1, 1)
    assert counts.mentions == {"PERSON": 1, "ORG": 3, "NAME": 1}
    assert counts.widths == {2: 1, 1: 4}
    assert (counts.related, counts.several, counts.across) == (3, 1, 1)
    assert counts.distances == {1: 3, 5: 1}
    assert (counts.nested, counts.nested_arguments) == (1, 0)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Nordwind Energy was founded by Ilse Brandt in Hamburg.", "en"),
        ("Die Firma wurde von Ada Bell in Hamburg gegründet und ist heute groß.", "de"),
        ("La société a été fondée par Ada Bell à Paris et elle emploie cent personnes.", "fr"),
        ("Het bedrijf werd opgericht door Ada Bell in Amsterdam en is nu heel groot.", "nl"),
        ("Компания была основана Адой Белл в Москве", "ru"),
        ("Компанія була заснована Адою Белл у Києві, де вона й досі працює", "uk"),
        ("会社は東京で設立された", "ja"),
        ("公司成立于北京", "zh"),
        ("कंपनी की स्थापना दिल्ली में हुई थी", "hi"),
        ("한국어 문장", "ko"),
        ("ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", "xx"),
        ("Acme Orbit Initech", "en"),
        ("Ilse Brandt founded Nordwind in Bonn. Hans Wirt founded Sudwind in Ulm.", "en"),
        ("Bo met Ann", "en"),  # a third are stop words of Afrikaans
        ("123 .", "en"),
        ("", "en"),
    ],
)
def test_the_language_of_texts(text, code):
    assert detect_language([text]).code == code


def test_other_languages_take_the_multilingual_encoder_that_is_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chosen = [choose(found(), spacy.blank("de"))[0].paths["encoder"]]
    (tmp_path / MULTILINGUAL_FOLDER).mkdir(parents=True)
    settings, reasons = choose(found(), spacy.blank("de"))
    assert [*chosen, settings.paths["encoder"]] == [MULTILINGUAL, MULTILINGUAL_FOLDER]
    assert "\nfrozen_embeddings = true\n" in render(settings, reasons)


def test_the_multilingual_recipe_takes_that_encoder_for_english(nlp, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings, reasons = choose(found(), nlp, recipe="multilingual")
    assert settings.paths["encoder"] == MULTILINGUAL
    assert "\nattention_probs_dropout_prob = 0.0\n" in render(settings, reasons)


@pytest.mark.parametrize(
    ("n", "general", "passes"), [(400, True, 22), (4000, True, 8.0), (4001, False, 10.5)]
)
def test_up_to_4000_documents_start_from_the_general_encoder(
    n, general, passes, nlp, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for folder in (ENCODER, GENERAL_ENCODER):
        (tmp_path / folder).mkdir(parents=True)
    settings, reasons = choose(found(documents=n), nlp, recipe="joint")
    assert settings.paths["encoder"] == (GENERAL_ENCODER if general else ENCODER)
    assert settings.options["passes"] == passes
    config = render(settings, reasons)
    assert f"reset_layers = {int(not general)}\n" in config
    assert ("its last layer knows of relations already" in config) == general


def test_raw_text_starts_from_the_encoder_that_has_learned_it(nlp, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in (ENCODER, GENERAL_ENCODER, LEARNED_ENCODER):
        (tmp_path / folder).mkdir(parents=True)
    joint, given = (choose(found(), nlp, recipe=name)[0] for name in ("joint", "transformer"))
    (tmp_path / LEARNED_ENCODER / "labels.json").write_text('["CEO_OF", "OWNS", "FOUNDED_BY"]')
    known, reasons = choose(found(), nlp, recipe="joint")
    assert joint.paths["encoder"] == LEARNED_ENCODER
    assert known.options["passes"] < joint.options["passes"] < 8.0
    assert known.options["threshold"] > joint.options["threshold"]
    assert reasons["passes"].endswith("updates: the encoder has learned these relations before")
    assert joint.options["reset_layers"] == 0
    assert joint.options["frozen_embeddings"]
    assert "\nencoder_scale = 0.1\n" in render(joint, reasons)
    assert given.paths["encoder"] == ENCODER


def test_the_wide_encoder_that_knows_of_relations(nlp):
    settings, reasons = choose(found(documents=1153), nlp, recipe="joint", encoder=GENERAL_BASE)
    assert settings.options["passes"] == 5.55
    assert settings.options["reset_layers"] == 0
    config = render(settings, reasons)
    assert "\nencoder_scale = 0.1\n" in config
    assert "# 1,153 documents, some 1,600 updates: the encoder knows of relations\n" in config
    few = choose(found(documents=100), nlp, recipe="joint", encoder=f"{GENERAL_BASE}/")[0]
    assert few.options["reset_layers"] == 0
    assert few.options["passes"] == 88


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ('{"hidden_size": 384}', 0.2),
        ('{"hidden_size": 768}', 0.1),
        ('{"model_type": "distilbert", "dim": 512}', 0.2),
        ('{"hidden_size": "wide"}', 0.1),
        ("[", 0.1),
        (None, 0.1),  # on a hub
    ],
)
def test_wide_encoders_learn_more_slowly(config, scale, nlp, tmp_path):
    if config is not None:
        (tmp_path / "config.json").write_text(config, encoding="utf8")
    name = "roberta-base" if config is None else str(tmp_path)
    for recipe in ("joint", "markers"):
        text = render(*choose(found(), nlp, recipe=recipe, encoder=name))
        assert f"\nencoder_scale = {scale}\n" in text
        assert ("# half of what smaller encoders learn at\n" in text) == (scale == 0.1)


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_a_damaged_list_of_learned_labels_is_named(text, nlp, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / LEARNED_ENCODER).mkdir(parents=True)
    (tmp_path / LEARNED_ENCODER / "labels.json").write_text(text)
    with pytest.raises(ConfigError, match=r"labels\.json is no list of relation types"):
        choose(found(), nlp, recipe="joint")
