"""A pipeline with a ruler for the entities, and a language model that relates them."""

import json
from pathlib import Path
from typing import Any, Dict

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from rel_component.llm.types import REPORT_KEY

SCHEMA = {
    "relations": [
        {"label": "FOUNDED_BY", "head": ["ORG"], "tail": ["PERSON"]},
        {"label": "LOCATED_IN", "head": ["ORG", "GPE"], "tail": ["GPE"], "asymmetric": True},
    ]
}
TEXT = "Apple was founded by Steve Jobs in Cupertino, California."
ENTITIES = [("Apple", "ORG"), ("Steve Jobs", "PERSON"), ("Cupertino", "GPE"), ("California", "GPE")]


def make_pipeline(backend: Dict[str, Any], *, ruler: bool = True, **options: Any) -> Language:
    """A pipeline with a backend and options of the component."""
    nlp = spacy.blank("en")
    if ruler:
        patterns = [{"label": label, "pattern": text} for text, label in ENTITIES]
        nlp.add_pipe("entity_ruler").add_patterns(patterns)
    config = {"backend": backend, "relation_schema": SCHEMA, **options}
    nlp.add_pipe("llm_relation_extractor", config=config)
    return nlp


def answer(*relations: Dict[str, Any], **rest: Any) -> Dict[str, Any]:
    """A recorded answer that states some relations."""
    return {"text": json.dumps({"relations": list(relations)}), **rest}


def report(doc: Doc) -> Dict[str, Any]:
    """What is told of the answers about a document."""
    return doc.user_data[REPORT_KEY]


def replay(folder: Path, *records: Dict[str, Any]) -> Dict[str, Any]:
    """A backend with recorded answers."""
    path = folder / f"replies{len(list(folder.iterdir()))}.jsonl"
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf8")
    return {"@rel_llm_backends": "rel_component.replay.v1", "path": str(path)}
