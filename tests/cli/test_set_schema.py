"""``spacy rel set-schema``."""

import pytest
import spacy

from ..pipeline.label_readers import learned
from ..pipeline.saved_pipelines import make_joint
from .helpers import run

SCHEMA = "relations:\n  - label: LEFT\n    description: the head left the tail\n"


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "schema.yaml"
    path.write_text(SCHEMA, encoding="utf8")
    return path


@pytest.mark.slow
def test_other_labels(schema, tmp_path):
    nlp = learned(steps=0)
    ruler = nlp.add_pipe("entity_ruler", before="relation_extractor")
    ruler.add_patterns([{"label": "PERSON", "pattern": "Ada"}])
    nlp.to_disk(tmp_path / "trained")
    schema.write_text(f"{SCHEMA}    head: [PERSON, COMPANY]\n", encoding="utf8")
    with pytest.warns(UserWarning, match="finds no entities of the types COMPANY, so"):
        output = run(
            "set-schema", tmp_path / "trained", schema, tmp_path / "own", "--offset", "2.5"
        )
    assert output.split()[-3:-1] == ["asks", "about"]
    extractor = spacy.load(tmp_path / "own").get_pipe("relation_extractor")
    assert extractor.labels == ("LEFT",)
    assert extractor.state["label_offset"] == 2.5


def test_bad_examples_are_reported_with_their_file(schema, tmp_path):
    learned(steps=0).to_disk(tmp_path / "trained")
    schema.write_text(f"{SCHEMA}    examples: [Ada left]\n", encoding="utf8")
    output = run("set-schema", tmp_path / "trained", schema, tmp_path / "own", code=1)
    assert "schema.yaml: examples of 'LEFT'" in " ".join(output.split())


@pytest.mark.parametrize("has_relations", [True, False])
def test_pipelines_that_read_no_labels(has_relations, schema, tmp_path):
    nlp = make_joint() if has_relations else spacy.blank("en")
    nlp.to_disk(tmp_path / "trained")
    run("set-schema", tmp_path / "trained", schema, tmp_path / "own", code=1)
    assert not (tmp_path / "own").exists()
