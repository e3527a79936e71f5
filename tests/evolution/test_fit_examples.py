"""A few steps of training on the examples of a schema."""

import pytest
import spacy
from thinc.api import Adam

from rel_component import RelationSchema
from rel_component.errors import ConfigError, SchemaError
from rel_component.evolution.fit_examples import _split, example_docs, fit_examples
from rel_component.evolution.learning import Hyperparameters
from rel_component.spacy_files import write_docs

from ..cli.helpers import run, run_json
from ..helpers import facts, make_doc, make_example
from ..pipeline.label_readers import pipeline as label_pipeline
from ..pipeline.test_rehearsal import TINY

SCHEMA = {
    "relations": [
        {
            "label": "FOUNDED",
            "description": "the head made the tail",
            "head": ["PERSON"],
            "examples": [
                "<head>ada</head> made <tail>acme</tail> .",
                "<head>bo</head> made <tail>orbit</tail> .",
                "it was made : <tail>acme</tail> by <head>cy</head>",
            ],
        },
        {
            "label": "LEFT",
            "examples": [
                "<head>ada</head> left <tail>acme</tail> .",
                "<head>cy</head> left <tail>orbit</tail> .",
            ],
        },
        {"label": "MET"},
    ]
}
pytestmark = pytest.mark.slow

HYPERPARAMETERS = Hyperparameters(
    epochs=15, learn_rate=0.02, batch_size=4, dropout=0.0, encoder=False
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A pipeline that has learned its labels, and one that reads them, and documents."""
    path = tmp_path_factory.mktemp("few")
    mentions = [(0, 1, "PERSON"), (2, 3, "ORG")]
    learned = spacy.blank("en")
    learned.add_pipe("relation_extractor", config={"model": TINY})
    reader = label_pipeline(adaptive_threshold=False, exclusive=True)
    for name, nlp in (("learned", learned), ("reader", reader)):
        doc = make_doc(nlp.vocab, "ada met bo .", mentions, [(0, "MET", 1)])
        example = make_example(doc)
        nlp.initialize(lambda example=example: [example])
        sgd = Adam(0.02)
        for _ in range(25 if name == "learned" else 0):
            nlp.update([example], sgd=sgd)
        nlp.to_disk(path / name)
    docs = [make_doc(learned.vocab, "dan left acme .", mentions, [(0, "LEFT", 1)])]
    docs.append(make_doc(learned.vocab, "eve made orbit .", mentions, [(0, "FOUNDED", 1)]))
    write_docs(docs, path / "dev.spacy")
    RelationSchema.from_dict(SCHEMA).to_file(path / "schema.yaml")
    return path


def test_events_cannot_be_added(folder, tmp_path):
    events = [{"label": "MERGER", "roles": {"party": {"types": ["ORG"], "min": 2}}}]
    schema = RelationSchema.from_dict({**SCHEMA, "events": events})
    with pytest.raises(ConfigError, match="lacks pairs of the events MERGER"):
        fit_examples(folder / "learned", schema, tmp_path / "fitted")


def test_events_of_the_schema_are_kept(folder, tmp_path):
    events = [{"label": "MERGER", "roles": {"party": {"types": ["ORG"], "min": 2}}}]
    schema = RelationSchema.from_dict({**SCHEMA, "events": events})
    none = Hyperparameters(epochs=0)
    found = fit_examples(folder / "reader", schema, tmp_path / "after", hyperparameters=none)
    assert {change.label for change in found.left_out} == {"FOUNDED", "LEFT", "all labels"}
    extractor = spacy.load(tmp_path / "after").get_pipe("relation_extractor")
    assert extractor.labels == schema.with_event_pairs().labels
    assert "MERGER" in extractor.schema.events


@pytest.mark.parametrize("name", ["learned", "reader"])
def test_examples_are_learned(folder, tmp_path, name):
    nlp = spacy.load(folder / name)
    encoders = [
        node.shims[0] for node in nlp.get_pipe(nlp.pipe_names[0]).model.walk() if node.shims
    ]
    weights = [shim.to_bytes() for shim in encoders]
    found = fit_examples(
        nlp,
        folder / "schema.yaml",
        tmp_path / "after",
        dev=folder / "dev.spacy",
        folds=2,
        hyperparameters=HYPERPARAMETERS,
    )
    assert [shim.to_bytes() for shim in encoders] == weights
    assert found.n_examples == {"FOUNDED": 3, "LEFT": 2}
    left_out = {change.label: change for change in found.left_out}
    assert (left_out["FOUNDED"].n, left_out["LEFT"].n) == (3, 2)
    dev = {change.label: change for change in found.dev}
    assert dev["all labels"].n == 2
    assert "new labels" not in dev  # they are all
    after = spacy.load(tmp_path / "after")
    assert set(after.get_pipe("relation_extractor").labels) == {"FOUNDED", "LEFT", "MET"}
    if name == "learned":
        doc = make_doc(after.vocab, "ada left acme .", [(0, 1, "PERSON"), (2, 3, "ORG")])
        assert ("ada", "LEFT", "acme") in facts(after.get_pipe("relation_extractor")(doc))


def test_mentions_of_examples_have_the_types_of_the_schema(folder):
    nlp = spacy.load(folder / "learned")
    docs = example_docs(nlp, RelationSchema.from_dict(SCHEMA))
    assert facts(docs[2]) == [("cy", "FOUNDED", "acme")]
    assert [(ent.text, ent.label_) for ent in docs[2].ents] == [
        ("acme", "ENTITY"),
        ("cy", "PERSON"),
    ]
    nested = {"relations": [{"label": "A", "examples": ["<head>ada</head><tail>b</tail>"]}]}
    with pytest.raises(SchemaError, match="same token"):
        example_docs(nlp, RelationSchema.from_dict(nested))


def test_an_example_that_is_given_twice_is_not_left_out_and_learned_from():
    twice = ["<head>A</head> of <tail>B</tail>"] * 2
    schema = RelationSchema.from_dict({"relations": [{"label": "OF", "examples": twice}]})
    kept, left_out = _split(schema, 2, 0)
    assert kept["OF"].examples == (twice[0],)
    assert left_out["OF"].examples == ()


def test_it_is_said_once_which_types_are_not_found(folder, tmp_path):
    nlp = spacy.load(folder / "reader")
    ruler = nlp.add_pipe("entity_ruler", before="relation_extractor")
    ruler.add_patterns([{"label": "ORG", "pattern": "acme"}])
    none = Hyperparameters(epochs=0)
    with pytest.warns(UserWarning, match="entities of the types PERSON") as warned:
        fit_examples(nlp, folder / "schema.yaml", tmp_path / "after", hyperparameters=none)
    assert len(warned) == 1


def test_the_command(folder, tmp_path):
    arguments = ["fit-examples", folder / "learned", folder / "schema.yaml"]
    result = run_json(*arguments, tmp_path / "a", "--epochs", 0, "--folds", 0)
    assert result == {"examples": {"FOUNDED": 3, "LEFT": 2}, "left_out": [], "dev": []}
    dev = ["--dev", folder / "dev.spacy"]
    output = run(*arguments, tmp_path / "b", "--epochs", 0, "--folds", 2, *dev)
    assert "5 examples of 2 labels" in " ".join(output.split())
    assert "left out" in output


def test_what_cannot_be_fitted(folder, tmp_path):
    nlp = spacy.load(folder / "learned")
    schema = RelationSchema.from_dict({"relations": ["MET"]})
    with pytest.raises(SchemaError, match="no label of the schema has examples"):
        fit_examples(nlp, schema, tmp_path / "after")
    path = tmp_path.with_suffix(".json")
    path.write_text('{"relations": [{"label": "A", "examples": ["<head>ada</head> left"]}]}')
    for name in ("learned", "reader"):
        with pytest.raises(SchemaError, match=rf"{path}: examples of 'A': .* expected one <head>"):
            fit_examples(folder / name, path, tmp_path / "after")
    with pytest.raises(ConfigError, match="folds must be 0, or 2"):
        fit_examples(nlp, folder / "schema.yaml", tmp_path / "after", folds=1)
    assert list(tmp_path.iterdir()) == []
