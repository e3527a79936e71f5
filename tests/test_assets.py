"""The business corpus and the recipes."""

from pathlib import Path

import pytest
import spacy
import srsly
from spacy.util import load_config

from rel_component.converters.builder import convert_file
from rel_component.converters.report import Report
from rel_component.schema import RelationSchema

ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "assets"
PARTS = ("train", "dev", "test")


def records(name):
    return list(srsly.read_jsonl(ASSETS / name))


@pytest.mark.parametrize("part", PARTS)
def test_every_annotation_aligns_and_satisfies_the_schema(part):
    schema = RelationSchema.from_file(ASSETS / "business_schema.yaml")
    report = Report(on_error="stop")
    path = ASSETS / f"business_{part}.jsonl"
    docs = list(convert_file(path, "jsonl", spacy.blank("en"), report, schema=schema))
    assert len(docs) == len(records(path.name))
    assert report.relations == sum(len(record["relations"]) for record in records(path.name))


def test_the_parts_share_no_document_and_make_up_the_corpus():
    parts = [record for part in PARTS for record in records(f"business_{part}.jsonl")]
    assert len({record["text"] for record in parts}) == len(parts) >= 150
    assert sorted(parts, key=lambda record: record["id"]) == records("business.jsonl")


def test_every_relation_type_is_in_every_part():
    labels = set(RelationSchema.from_file(ASSETS / "business_schema.yaml").labels)
    for part in PARTS:
        found = {
            relation["label"]
            for record in records(f"business_{part}.jsonl")
            for relation in record["relations"]
        }
        assert found == labels


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.cfg")), ids=lambda p: p.stem)
def test_recipes_are_complete(path):
    config = load_config(path, overrides={"paths.encoder": "an-encoder"})
    nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    assert "relation_extractor" in nlp.pipe_names


@pytest.mark.parametrize("recipe", ["packed", "markers"])
def test_recipes_for_given_entities_differ_in_the_model_only(recipe):
    configs = [
        load_config(ROOT / "configs" / f"{name}.cfg", interpolate=False)
        for name in ("transformer", recipe)
    ]
    for config in configs:
        del config["components"]["relation_extractor"]["model"]
    assert configs[0] == configs[1]
