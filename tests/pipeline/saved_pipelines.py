"""A small saved pipeline, and ways to damage it: as accidents do, and as somebody with intent."""

import hashlib
import json
from pathlib import Path
from typing import Any, Callable, Dict

import spacy
import srsly
from spacy.language import Language

from ..encoders import tiny_encoder
from ..helpers import make_doc, make_example

LISTENER = {"@architectures": "rel_component.EncoderListener.v1"}
COMPONENTS = ("shared_encoder", "span_recognizer", "relation_extractor")
FILES = [f"{name}/{file}" for name in COMPONENTS for file in ("cfg", "model")]


def make_joint(**options: Any) -> Language:
    """An initialised pipeline with a shared encoder, and options of the relation extractor."""
    nlp = spacy.blank("en")
    encoder = {"@architectures": "rel_component.Encoder.v1", "name": tiny_encoder()}
    nlp.add_pipe("shared_encoder", config={"model": encoder})
    spans = {
        "@architectures": "rel_component.SpanScorer.v1",
        "tok2vec": LISTENER,
        "hidden_size": 8,
        "shape_size": 4,
    }
    nlp.add_pipe("span_recognizer", config={"model": spans})
    pairs = {
        "@architectures": "rel_component.SpanPair.v1",
        "tok2vec": LISTENER,
        "hidden_size": 8,
        "type_size": 4,
    }
    config = {"model": pairs, "spans_key": "mentions", **options}
    nlp.add_pipe("relation_extractor", config=config)
    mentions = [(0, 1, "ORG"), (2, 3, "PERSON")]
    facts = [(1, "WORKS_AT", 0), (0, "HIRED", 1)]
    doc = make_doc(nlp.vocab, "Acme hired Ada", mentions, facts)
    nlp.initialize(lambda: [make_example(doc)])
    return nlp


def edit_json(file: Path, edit: Callable[[Any], Any]) -> None:
    """Change the values of a JSON file."""
    values = json.loads(file.read_text(encoding="utf8"))
    edit(values)
    file.write_text(json.dumps(values), encoding="utf8")


def edit_model(file: Path, edit: Callable[[Dict[str, Any]], Any]) -> None:
    """Change what Thinc has saved, and the checksum with it."""
    message = srsly.msgpack_loads(file.read_bytes())
    edit(message)
    file.write_bytes(srsly.msgpack_dumps(message))
    stamp(file.parent)


def edit_encoder(file: Path, edit: Callable[[Dict[str, Any]], Any]) -> None:
    """Change a saved encoder (config, options, tokenizer, weights), and the checksum with it."""

    def edit_shim(message: Dict[str, Any]) -> None:
        shim = srsly.msgpack_loads(message["shims"][0][0])
        state = srsly.msgpack_loads(shim["state"])
        edit(state)
        shim["state"] = srsly.msgpack_dumps(state)
        message["shims"][0][0] = srsly.msgpack_dumps(shim)

    edit_model(file, edit_shim)


def stamp(folder: Path) -> None:
    """Give a component the checksums of its files, as who has intent would."""
    cfg = json.loads((folder / "cfg").read_text(encoding="utf8"))
    cfg.pop("sha256", None)
    parts = {
        "cfg": json.dumps(cfg, sort_keys=True).encode(),
        "model": (folder / "model").read_bytes(),
    }
    cfg["sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
    (folder / "cfg").write_text(json.dumps(cfg), encoding="utf8")
