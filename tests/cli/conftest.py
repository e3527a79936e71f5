"""Documents and pipelines for the commands."""

import json

import pytest
import spacy

from rel_component import convert
from rel_component.corpora.corpus import make_relation_corpus

TEXT = "Nordwind Energy was founded by Ilse Brandt in Hamburg."
ENTITIES = [("ORG", "Nordwind Energy"), ("PERSON", "Ilse Brandt"), ("GPE", "Hamburg")]

TEXTS = ["Acme was founded by Ada Bell.", "Orbit was founded by Bo Lee.", "Nobody founded Acme."]
FOUNDED = {"head": "M1", "label": "FOUNDED_BY", "tail": "M2"}
CONFIG = """
[nlp]
lang = "en"
pipeline = ["entity_ruler","llm_relation_extractor"]

[components]

[components.entity_ruler]
source = "{rules}"

[components.llm_relation_extractor]
factory = "llm_relation_extractor"

[components.llm_relation_extractor.backend]
@rel_llm_backends = "rel_component.replay.v1"
path = "{replies}"

[initialize]

[initialize.components]

[initialize.components.llm_relation_extractor]

[initialize.components.llm_relation_extractor.relation_schema]
@misc = "rel_component.read_schema.v1"
path = "{schema}"

[initialize.components.llm_relation_extractor.examples]
@misc = "rel_component.read_prompt_examples.v1"
path = "{examples}"
"""
PATTERNS = [
    ("Acme", "ORG"),
    ("Orbit", "ORG"),
    ("Ada Bell", "PERSON"),
    ("Bo Lee", "PERSON"),
    ("Nobody", "PERSON"),
]
EXAMPLE = {
    "text": "Initech, founded by Ann Ray",
    "entities": [
        {"id": 0, "start": 0, "end": 7, "label": "ORG"},
        {"id": 1, "start": 20, "end": 27, "label": "PERSON"},
    ],
    "relations": [{"head": 0, "tail": 1, "label": "FOUNDED_BY"}],
}


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A .spacy file of one document."""
    path = tmp_path_factory.mktemp("corpus") / "one.spacy"
    starts = [(TEXT.index(name), label, name) for label, name in ENTITIES]
    record = {
        "text": TEXT,
        "entities": [
            {"id": i, "start": start, "end": start + len(name), "label": label}
            for i, (start, label, name) in enumerate(starts)
        ],
        "relations": [
            {"head": 0, "tail": 1, "label": "FOUNDED_BY"},
            {"head": 0, "tail": 2, "label": "LOCATED_IN"},
        ],
    }
    path.with_suffix(".jsonl").write_text(json.dumps(record), encoding="utf8")
    convert(path.with_suffix(".jsonl"), path)
    return path


@pytest.fixture(scope="session")
def model(tmp_path_factory, data):
    """A pipeline that knows this document: an entity ruler and a relation extractor."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    nlp.add_pipe("relation_extractor")
    examples = list(make_relation_corpus(data)(nlp))
    sgd = nlp.initialize(lambda: examples)
    ruler.add_patterns([{"label": label, "pattern": name} for label, name in ENTITIES])
    for _ in range(30):
        nlp.update(examples, sgd=sgd)
    path = tmp_path_factory.mktemp("model")
    nlp.to_disk(path)
    return path


def reply(*relations, **rest):
    return {"text": json.dumps({"relations": list(relations)}), **rest}


def lines(path, records):
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf8")
    return path


@pytest.fixture(scope="session")
def rules(tmp_path_factory):
    """A pipeline that finds the mentions."""
    nlp = spacy.blank("en")
    patterns = [{"pattern": pattern, "label": label} for pattern, label in PATTERNS]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    path = tmp_path_factory.mktemp("rules")
    nlp.to_disk(path)
    return path


@pytest.fixture
def config(tmp_path, rules):
    """A config of a prompted pipeline; its answers: one that is right, one with a slip, none."""
    slip = {"head": "M1", "label": "OWNS", "tail": "M2"}
    schema = {"relations": [{"label": "FOUNDED_BY", "head": ["ORG"], "tail": ["PERSON"]}]}
    (tmp_path / "schema.json").write_text(json.dumps(schema), encoding="utf8")
    path = tmp_path / "prompted.cfg"
    path.write_text(
        CONFIG.format(
            replies=lines(
                tmp_path / "replies.jsonl", [reply(FOUNDED), reply(FOUNDED, slip), reply()]
            ),
            rules=rules,
            schema=tmp_path / "schema.json",
            examples=lines(tmp_path / "examples.jsonl", [EXAMPLE]),
        ),
        encoding="utf8",
    )
    return path


@pytest.fixture
def texts(tmp_path):
    return lines(
        tmp_path / "texts.jsonl", [{"id": f"t{i}", "text": t} for i, t in enumerate(TEXTS)]
    )
