"""The business corpus and the recipes."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.util import load_config

from rel_component.annotations import get_relations
from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report
from rel_component.schema import RelationSchema

ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "assets"
SPLITS = ("train", "dev", "test")
MIN_ARGUMENTS = 3  # of events but mergers
NAMESAKES = {
    "business-384": "Daniel Strand",
    "business-475": "Peter Amsel",
    "business-597": "Portland",
    "business-1200": "Meridian Surveys",
}
"""Documents of which the text says that two people, cities or firms have one name."""


@cache
def records(name):
    return list(srsly.read_jsonl(ASSETS / name))


def mentions(record):
    return {mention["id"]: mention for mention in record["entities"]}


def events():
    """Each event of the corpus after its document."""
    for record in records("business.jsonl"):
        for event in record.get("events", []):
            yield record, event


@pytest.mark.parametrize("split", [pytest.param("train", marks=pytest.mark.slow), "dev", "test"])
def test_every_annotation_aligns_and_satisfies_the_schema(split):
    schema = RelationSchema.from_file(ASSETS / "business_events.yaml")
    relations = RelationSchema.from_file(ASSETS / "business_schema.yaml")
    assert {**relations} == {**schema}
    report = Report(on_error="stop")
    path = ASSETS / f"business_{split}.jsonl"
    docs = list(convert_file(path, "jsonl", spacy.blank("en"), report, schema=schema))
    assert len(docs) == len(records(path.name))
    assert report.relations == sum(len(record["relations"]) for record in records(path.name))


@pytest.mark.parametrize("lang", ["de", "es", pytest.param("fr", marks=pytest.mark.slow), "pt"])
def test_documents_of_other_languages_align_and_satisfy_the_schema(lang):
    schema = RelationSchema.from_file(ASSETS / "business_schema.yaml")
    report = Report(on_error="stop")
    path = ASSETS / f"business_{lang}.jsonl"
    docs = list(convert_file(path, "jsonl", spacy.blank(lang), report, schema=schema))
    assert len(docs) == 50
    assert {rel.label for doc in docs for rel in doc._.rel} == set(schema.labels)


def test_the_splits_share_no_document_and_make_up_the_corpus():
    splits = [record for split in SPLITS for record in records(f"business_{split}.jsonl")]
    assert len({record["text"] for record in splits}) == len(splits) >= 150
    assert sorted(splits, key=lambda record: record["id"]) == records("business.jsonl")


def test_every_relation_type_is_in_every_split():
    labels = set(RelationSchema.from_file(ASSETS / "business_schema.yaml").labels)
    for split in SPLITS:
        found = {
            relation["label"]
            for record in records(f"business_{split}.jsonl")
            for relation in record["relations"]
        }
        assert found == labels


def test_clusters_are_disjoint_and_of_one_type():
    for record in records("business.jsonl"):
        labels = {key: mention["label"] for key, mention in mentions(record).items()}
        clusters = record.get("clusters", [])
        members = [key for cluster in clusters for key in cluster]
        assert len(members) == len(set(members))
        assert all(len(cluster) > 1 for cluster in clusters)
        assert all(len({labels[key] for key in cluster}) == 1 for cluster in clusters)
        assert all(labels[key] != "DATE" for key in members)


def test_mentions_of_one_name_and_type_are_in_one_cluster():
    for record in records("business.jsonl"):
        cluster_of = {key: i for i, c in enumerate(record.get("clusters", [])) for key in c}
        names = {}
        for key, mention in mentions(record).items():
            name = record["text"][mention["start"] : mention["end"]]
            if mention["label"] != "DATE":
                names.setdefault((name, mention["label"]), []).append(key)
        for (name, _), keys in names.items():
            found = {cluster_of.get(key, key) for key in keys}
            apart = NAMESAKES.get(record["id"]) == name
            assert len(found) == (len(keys) if apart else 1), (record["id"], name)


def test_members_of_a_cluster_have_one_id_in_the_knowledge_base():
    for record in records("business.jsonl"):
        by_key = mentions(record)
        for cluster in record.get("clusters", []):
            assert len({by_key[key].get("kb_id") for key in cluster}) == 1


def test_an_id_in_the_knowledge_base_is_of_one_type():
    labels = {}
    for record in records("business.jsonl"):
        for mention in record["entities"]:
            if "kb_id" in mention:
                assert re.fullmatch("Q[1-9][0-9]*", mention["kb_id"])
                labels.setdefault(mention["kb_id"], set()).add(mention["label"])
    assert all(len(types) == 1 and "DATE" not in types for types in labels.values())


def test_triggers_lie_at_word_borders_outside_of_mentions():
    for record in records("business.jsonl"):
        triggers = record["meta"].get("triggers", [])
        assert len(triggers) == len(record.get("events", []))
        text = record["text"]
        borders = {match.start() for match in re.finditer(r"\b", text)}
        for trigger in triggers:
            start, end = trigger["start"], trigger["end"]
            assert {start, end} <= borders
            assert text[start:end] == text[start:end].strip()
            assert not any(start < m["end"] and m["start"] < end for m in record["entities"])


def test_an_event_has_three_mentions_or_is_a_merger():
    for _, event in events():
        arguments = [argument["mention"] for argument in event["arguments"]]
        least = 2 if event["label"] == "MERGER" else MIN_ARGUMENTS
        assert len(arguments) == len(set(arguments)) >= least


def test_no_event_is_annotated_twice():
    seen = [
        (record["id"], event["label"], frozenset(a["mention"] for a in event["arguments"]))
        for record, event in events()
    ]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("layer", ["clusters", "kb_ids", "events"])
def test_the_guideline_counts_what_is_annotated(layer):
    found = Counter()
    for split in SPLITS:
        for record in records(f"business_{split}.jsonl"):
            found[split, "clusters"] += len(record.get("clusters", []))
            found[split, "kb_ids"] += sum("kb_id" in mention for mention in record["entities"])
            found[split, "events"] += len(record.get("events", []))
    guideline = (ASSETS / "business_guideline.md").read_text(encoding="utf8")
    counts = re.search(rf"^\| `{layer}` \| (\d+) \| (\d+) \| (\d+) \|$", guideline, re.M)
    assert counts is not None
    assert [int(count) for count in counts.groups()] == [found[split, layer] for split in SPLITS]


def test_clusters_and_ids_are_converted():
    report = Report(on_error="stop")
    docs = list(convert_file(ASSETS / "business_test.jsonl", "jsonl", spacy.blank("en"), report))
    for doc, record in zip(docs, records("business_test.jsonl")):
        converted = [[(s.start_char, s.end_char) for s in group] for group in doc.spans.values()]
        by_key = mentions(record)
        assert converted == [
            [(by_key[key]["start"], by_key[key]["end"]) for key in cluster]
            for cluster in record.get("clusters", [])
        ]
        assert [ent.kb_id_ for ent in doc.ents] == [m.get("kb_id", "") for m in record["entities"]]


CONFIGS = sorted((ROOT / "configs").glob("*.cfg"))


@pytest.mark.parametrize("path", [p for p in CONFIGS if p.stem != "adapt"], ids=lambda p: p.stem)
def test_recipes_are_complete(path, tmp_path):
    model = tmp_path / "model.gguf"
    model.touch()
    overrides = {"prompt_local": {"paths.model": str(model)}, "prompt": {}}
    config = load_config(path, overrides=overrides.get(path.stem, {"paths.encoder": "an-encoder"}))
    if path.stem in overrides:
        config["components"]["llm_relation_extractor"]["client"]["cache"] = None
    nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    names = {"relation_extractor", "llm_relation_extractor", "coref_resolver", "span_recognizer"}
    assert names & {*nlp.pipe_names}


def test_the_multilingual_recipe_differs_in_the_encoder_only():
    configs = [
        load_config(ROOT / "configs" / f"{name}.cfg", interpolate=False)
        for name in ("joint", "multilingual")
    ]
    for config in configs:
        config["paths"].pop("encoder")
        config["components"]["shared_encoder"].pop("model")
    assert configs[0] == configs[1]


@pytest.mark.parametrize("recipe", ["packed", "markers"])
def test_recipes_for_given_entities_differ_in_the_model_only(recipe):
    configs = [
        load_config(ROOT / "configs" / f"{name}.cfg", interpolate=False)
        for name in ("transformer", recipe)
    ]
    for config in configs:
        del config["components"]["relation_extractor"]["model"]
    assert configs[0] == configs[1]


@pytest.mark.parametrize("path", sorted((ASSETS / "domains").glob("*.yaml")), ids=lambda x: x.stem)
def test_sentences_of_domains_satisfy_their_schema(path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    from general_corpus import read_marked

    schema = RelationSchema.from_file(path)
    names = {label: label for label in schema}
    docs = list(read_marked(path.with_suffix(".txt"), spacy.blank("en"), names))
    relations = [rel for doc in docs for rel in get_relations(doc)]
    assert [
        str(rel)
        for rel in relations
        if not schema[rel.label].allows(rel.head.label_, rel.tail.label_)
    ] == []
    assert min(Counter(rel.label for rel in relations).values()) > 4
    assert sum(not get_relations(doc) for doc in docs) > 7
