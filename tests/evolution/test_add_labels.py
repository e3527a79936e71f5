"""New labels for a trained pipeline."""

import pytest
import spacy
from thinc.api import Adam

from rel_component import RelationSchema
from rel_component.cli.add_labels import print_changes
from rel_component.documents import ask_only
from rel_component.errors import ConfigError, DataError, SchemaError
from rel_component.evolution.add_labels import _every_fifth, _lacking, add_labels
from rel_component.evolution.learning import Hyperparameters, LabelChange, choose_memory
from rel_component.relation_types import RelationType
from rel_component.spacy_files import write_docs

from ..cli.helpers import run, run_json
from ..helpers import facts, make_doc, make_example
from ..pipeline.test_rehearsal import TINY

MENTIONS = [(0, 1, "ORG"), (2, 3, "PERSON")]
OLD = [("Acme hired Ada", (1, "WORKS_AT", 0)), ("Orbit hired Bo", (1, "WORKS_AT", 0))]
NEW = [("Acme lost Ada", (0, "LEFT", 1)), ("Orbit lost Bo", (0, "LEFT", 1))]
SCHEMA = {
    "relations": [
        "WORKS_AT",
        {"label": "LEFT", "description": "the tail left", "head": ["ORG"], "tail": ["PERSON"]},
    ]
}
HYPERPARAMETERS = Hyperparameters(epochs=25, learn_rate=0.02, batch_size=4, dropout=0.0)


def _docs(vocab, rows, labels=None):
    docs = [make_doc(vocab, text, MENTIONS, [relation]) for text, relation in rows]
    for doc in docs:
        if labels is not None:
            ask_only(doc, labels)
    return docs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A pipeline that knows one label, and documents that show another one."""
    path = tmp_path_factory.mktemp("evolution")
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    nlp.add_pipe("relation_extractor", config={"model": TINY})
    examples = [make_example(doc) for doc in _docs(nlp.vocab, OLD)]
    lost = [make_doc(nlp.vocab, text, MENTIONS) for text, _ in NEW]
    examples += [make_example(doc) for doc in lost]
    nlp.initialize(lambda: examples)
    names = {"ORG": ["Acme", "Orbit"], "PERSON": ["Ada", "Bo"]}
    ruler.add_patterns(
        [{"label": label, "pattern": name} for label in names for name in names[label]]
    )
    sgd = Adam(0.02)
    for _ in range(25):
        nlp.update(examples, sgd=sgd)
    nlp.to_disk(path / "before")
    write_docs(_docs(nlp.vocab, OLD), path / "old.spacy")
    write_docs(_docs(nlp.vocab, NEW), path / "new.spacy")
    write_docs(_docs(nlp.vocab, [*OLD, *NEW]), path / "dev.spacy")
    RelationSchema.from_dict(SCHEMA).to_file(path / "schema.yaml")
    (path / "texts.txt").write_text("Orbit hired Ada\nAcme met Bo\n", encoding="utf8")
    return path


def _add(folder, output, **options):
    return add_labels(
        folder / "before",
        folder / "schema.yaml",
        folder / "new.spacy",
        output,
        dev=folder / "dev.spacy",
        **{"hyperparameters": HYPERPARAMETERS, **options},
    )


@pytest.mark.slow
def test_new_labels_are_learned_and_old_ones_kept(folder, tmp_path):
    found = _add(
        folder, tmp_path / "after", memory=folder / "old.spacy", rehearse=folder / "texts.txt"
    )
    assert found.labels == found.started == ["LEFT"]
    assert found.n_docs == {"new": 2, "remembered": 2, "texts": 2, "measured": 4}
    changes = {change.label: change for change in found.changes}
    assert changes["WORKS_AT"].before.f1 == changes["WORKS_AT"].after.f1 == 1.0
    assert changes["LEFT"].before.f1 == 0
    assert changes["LEFT"].after.recall == 1.0
    nlp = spacy.load(tmp_path / "after")
    assert facts(nlp("Orbit lost Ada")) == [("Orbit", "LEFT", "Ada")]
    assert ("Bo", "WORKS_AT", "Acme") in facts(nlp("Acme hired Bo"))
    assert nlp.get_pipe("relation_extractor").schema["LEFT"].description == "the tail left"


@pytest.mark.slow
def test_an_output_starts_at_its_examples(folder, tmp_path):
    found = _add(folder, tmp_path / "after", hyperparameters=Hyperparameters(epochs=0))
    changes = {change.label: change for change in found.changes}
    assert changes["LEFT"].after.recall == 1.0
    assert found.losses == []
    assert found.not_shown == []


@pytest.mark.slow
def test_without_other_documents_a_fifth_is_measured_on(folder, tmp_path, vocab):
    docs = _docs(vocab, NEW * 5)
    write_docs(docs, tmp_path / "new.spacy")
    result = run_json(
        "add-labels",
        folder / "before",
        folder / "schema.yaml",
        tmp_path / "new.spacy",
        tmp_path / "after",
        "--epochs",
        "1",
    )
    assert result["documents"] == {"new": 8, "remembered": 0, "texts": 0, "measured": 2}
    assert result["labels"] == ["LEFT"]
    assert (tmp_path / "after/config.cfg").is_file()


def test_what_alone_shows_a_label_is_learned_from(vocab):
    docs = _docs(vocab, [NEW[0], *OLD * 3])
    held_out, kept = _every_fifth(docs, "rel")
    assert held_out == [docs[5]]
    assert kept == [*docs[:5], docs[6]]
    assert _every_fifth(_docs(vocab, OLD[:1]), "rel")[0] == []


@pytest.mark.slow
def test_the_command_says_what_changed(folder, tmp_path):
    schema = tmp_path / "schema.yaml"
    RelationSchema.from_dict({"relations": [*SCHEMA["relations"], "MET"]}).to_file(schema)
    output = run(
        "add-labels",
        folder / "before",
        schema,
        folder / "new.spacy",
        tmp_path / "after",
        "--memory",
        folder / "old.spacy",
        "--dev",
        folder / "dev.spacy",
        "--epochs",
        "0",
    )
    assert "new labels" in output
    assert "no document shows MET" in output
    assert "2 remembered documents" in " ".join(output.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"hyperparameters": Hyperparameters(train=("encoder",))},
            ConfigError,
            "no component 'encoder'",
        ),
        (
            {"hyperparameters": Hyperparameters(train=("entity_ruler",))},
            ConfigError,
            "'entity_ruler' learns nothing",
        ),
        ({"per_label": -1}, ConfigError, "0 or more"),
        ({"memory": "new.spacy"}, DataError, "no document shows one of the labels WORKS_AT"),
        ({"schema": RelationSchema([RelationType("WORKS_AT")])}, ConfigError, "has all labels"),
        ({"schema": "missing.yaml"}, SchemaError, "cannot be read"),
    ],
)
def test_after_an_error_nothing_is_written(folder, tmp_path, options, error, message):
    if "memory" in options:
        options = {**options, "memory": folder / options["memory"]}
    schema = options.get("schema", folder / "schema.yaml")
    options = {key: value for key, value in options.items() if key != "schema"}
    with pytest.raises(error, match=message):
        add_labels(folder / "before", schema, folder / "new.spacy", tmp_path / "after", **options)
    assert list(tmp_path.iterdir()) == []


def test_only_events_that_are_known_may_stand_in_the_schema():
    events = [{"label": "MERGER", "roles": {"party": {"types": ["ORG"], "min": 2}}}]
    schema = RelationSchema.from_dict({**SCHEMA, "events": events})
    with pytest.raises(ConfigError, match="model lacks pairs of the events MERGER"):
        _lacking(schema, ["WORKS_AT"], "model")
    added = _lacking(schema, ["WORKS_AT", "MERGER:party>party"], "model")
    assert [kind.label for kind in added] == ["LEFT"]


@pytest.mark.slow
def test_texts_are_of_no_use_to_who_finds_no_mentions(folder, tmp_path):
    nlp = spacy.load(folder / "before", exclude=["entity_ruler"])
    names = ("schema.yaml", "new.spacy")
    with pytest.raises(ConfigError, match="finds no mentions"):
        add_labels(
            nlp,
            *(folder / name for name in names),
            tmp_path / "after",
            rehearse=folder / "texts.txt",
        )
    assert nlp.get_pipe("relation_extractor").labels == ("WORKS_AT",)


@pytest.mark.parametrize(
    "values", [{"epochs": -1}, {"batch_size": 0}, {"learn_rate": 0.0}, {"dropout": 1.0}]
)
def test_options_out_of_range(values):
    with pytest.raises(ConfigError):
        Hyperparameters(**values)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_weight_is_a_number(tmp_path, value):
    with pytest.raises(ConfigError, match="distillation must be numbers of 0 or more, got 10, "):
        add_labels("none", "none", "none", tmp_path / "new", distillation=value)


def test_nothing_is_printed_where_nothing_was_measured(capsys):
    print_changes([LabelChange("FOUNDED")], "Examples that were left out")
    assert capsys.readouterr().out == ""


def test_the_memory_has_all_labels(vocab):
    rows = [("Acme hired Ada", (1, "A", 0))] * 20 + [("Acme lost Ada", (0, "B", 1))] * 2
    docs = _docs(vocab, rows)
    chosen = choose_memory(docs, ["A", "B", "C"], 3, 0, "rel")
    labels = sorted(label for doc in chosen for _, label, _ in facts(doc))
    assert labels == ["A", "A", "A", "B", "B"]
    assert chosen == choose_memory(docs, ["A", "B", "C"], 3, 0, "rel")
