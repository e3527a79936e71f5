"""From annotated documents to a config that trains on them."""

import json
from collections import Counter

import pytest
import spacy
from spacy.training.initialize import init_nlp
from spacy.util import load_config

from rel_component import RelationSchema, convert
from rel_component.annotations import get_relations
from rel_component.errors import ConfigError, DataError
from rel_component.recipes.init_config import find_schema, init_config
from rel_component.spacy_files import read_docs

from ..pipeline.label_readers import learned
from .corpora import records, write, write_as


def config_of(outcome):
    (path,) = (path for path in outcome.files if path.name == "config.cfg")
    return load_config(path)


def docs(path):
    return list(read_docs(path, spacy.blank("xx")))


def test_documents_become_a_pipeline_that_can_be_trained(tmp_path):
    outcome = init_config(write_as(tmp_path, "dygie"), tmp_path / "a folder", recipe="cpu")
    nlp = init_nlp(config_of(outcome))
    assert nlp.pipe_names == ["tok2vec", "span_recognizer", "relation_extractor"]
    assert nlp.get_pipe("span_recognizer").labels == ("DATE", "ORG", "PERSON", "SURNAME")
    assert nlp.get_pipe("relation_extractor").labels == ("FOUNDED_BY",)
    assert outcome.documents == {"train": 9, "dev": 3}
    assert [path.name for path in outcome.files] == [
        *("config.cfg", "dev.spacy", "schema.yaml", "train.spacy")
    ]


def test_mentions_that_overlap_go_to_a_span_group_in_every_part(tmp_path):
    train = write_as(tmp_path, "dygie")
    dev = write(tmp_path, name="dev.jsonl")  # here none do
    outcome = init_config(train, tmp_path / "out", dev=dev, held_out=dev)
    config = config_of(outcome)
    config = config.interpolate()
    assert config["components"]["span_recognizer"]["spans_key"] == "mentions"
    assert config["corpora"]["dev"]["spans_key"] == "mentions"
    assert config["training"]["score_weights"]["mentions_f"] > 0
    for part in ("train", "dev", "test"):
        assert all(doc.spans["mentions"] for doc in docs(tmp_path / "out" / f"{part}.spacy"))
    assert "overlap in 12 of 12 documents" in outcome.reasons["spans_key"]


@pytest.fixture(scope="module")
def general():
    nlp = learned(steps=0)
    nlp.add_pipe("sentencizer", first=True)
    nlp.add_pipe("entity_ruler", first=True)  # what finds entities is of no use here
    return nlp


@pytest.fixture
def start(general, tmp_path):
    general.to_disk(tmp_path / "general")
    return tmp_path / "general"


def test_a_general_pipeline_goes_on_learning(start, tmp_path):
    out = tmp_path / "out"
    outcome = init_config(write(tmp_path), out, pipeline=start)
    nlp = init_nlp(config_of(outcome))
    assert nlp.pipe_names == ["sentencizer", "shared_encoder", "relation_extractor"]
    assert nlp.get_pipe("relation_extractor").labels == ("FOUNDED_BY",)
    assert outcome.settings.options["passes"] == 10
    assert outcome.reasons["pipeline"] == f"{start}, asked about the schema"
    assert outcome.files[-1] == out / "asked"
    again = init_config(write(tmp_path), out, pipeline=start)  # in the place of the first
    assert again.files == outcome.files


def test_a_general_pipeline_looks_for_what_the_documents_show(start, tmp_path):
    text = "Acme sold Initech."
    mentions = [
        {"id": "T1", "start": 0, "end": 4, "label": "ORG"},
        {"id": "T2", "start": 10, "end": 17, "label": "ORG"},
    ]
    pairs = [("T1", "SOLD", "T2"), ("T1", "OWNED", "T2"), ("T2", "LEFT", "T1")]
    relations = [{"head": head, "label": label, "tail": tail} for head, label, tail in pairs]
    record = {"text": text, "entities": mentions, "relations": relations}
    train = write(tmp_path, [{"id": f"doc{i}", **record} for i in range(6)])
    outcome = init_config(train, tmp_path / "out", pipeline=start, lang="en")
    block = load_config(tmp_path / "out" / "asked" / "config.cfg")["components"]
    decoder = block["relation_extractor"]["decoder"]
    assert (decoder["one_label"], decoder["one_direction"]) == (False, False)
    assert {"one_label", "one_direction"} <= outcome.reasons.keys()
    assert block["relation_extractor"]["candidates"]["max_sentence_distance"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "adapt"}, "goes on from --pipeline"),
        ({"recipe": "cpu", "pipeline": "general"}, "leave out --recipe and --encoder"),
        ({"encoder": "roberta-base", "pipeline": "general"}, "leave out --recipe and --encoder"),
        ({"pipeline": "nowhere"}, "nowhere cannot be loaded"),
        ({"pipeline": "general", "lang": "de"}, "the pipeline reads en, and the documents are de"),
    ],
)
def test_what_does_not_go_with_a_general_pipeline(options, message, start, tmp_path):
    if options.get("pipeline") == "general":
        options = {**options, "pipeline": start}
    with pytest.raises(ConfigError, match=message):
        init_config(write(tmp_path), tmp_path / "out", **options)


def test_a_pipeline_that_cannot_go_on_learning(tmp_path):
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(ConfigError, match="no general pipeline, since it has no sentencizer"):
        init_config(write(tmp_path), tmp_path / "out", pipeline=tmp_path / "blank")


def test_a_general_pipeline_takes_entities(start, tmp_path):
    with pytest.raises(ConfigError, match="mentions overlap"):
        init_config(write_as(tmp_path, "dygie"), tmp_path / "out", pipeline=start, lang="en")


@pytest.mark.parametrize("format_name", ["csv", "doccano", "pubtator"])
def test_documents_of_any_format(format_name, tmp_path):
    outcome = init_config(write_as(tmp_path, format_name), tmp_path / "out")
    assert outcome.documents == {"train": 9, "dev": 3}
    assert outcome.schema.labels == ("FOUNDED_BY",)


@pytest.mark.slow
def test_files_of_spacy_stay_where_they_are(tmp_path):
    first = init_config(write(tmp_path), tmp_path / "first")
    train, dev = tmp_path / "first" / "train.spacy", tmp_path / "first" / "dev.spacy"
    again = init_config(train, tmp_path / "again", dev=dev)
    assert [path.name for path in again.files] == ["config.cfg", "schema.yaml"]
    assert again.settings.paths["train"] == str(train)
    assert again.settings.options == first.settings.options
    assert again.schema_source.startswith(f"{tmp_path / 'first' / 'schema.yaml'}")


def test_parts_of_an_earlier_run_are_told(tmp_path):
    source, test = write(tmp_path), tmp_path / "out" / "test.spacy"
    init_config(source, tmp_path / "out", held_out=source)
    message = f"{test} is of an earlier run, and not of these documents: remove it"
    assert message in init_config(source, tmp_path / "out").warnings
    assert message not in init_config(source, tmp_path / "out", held_out=source).warnings


@pytest.mark.slow
def test_a_group_of_a_spacy_file_is_found(tmp_path):
    init_config(write_as(tmp_path, "dygie"), tmp_path / "first", spans_key="sc")
    train = tmp_path / "first" / "train.spacy"
    assert init_config(train, tmp_path / "second", dev=train).settings.spans_key == "sc"


@pytest.mark.slow
def test_parts_of_other_formats_follow_the_documents_to_learn_from(tmp_path):
    init_config(write(tmp_path), tmp_path / "first")
    train = tmp_path / "first" / "train.spacy"
    init_config(train, tmp_path / "again", dev=write(tmp_path, name="dev.jsonl"))
    (first, *_) = docs(tmp_path / "again" / "dev.spacy")
    assert len(first.ents) == 3
    assert not first.spans
    with pytest.raises(DataError, match="mentions of dev overlap"):
        init_config(train, tmp_path / "again", dev=write_as(tmp_path, "dygie"))


@pytest.mark.slow
def test_a_schema_beside_the_documents_is_completed(tmp_path):
    train = write(tmp_path, name="firms_train.jsonl")
    schema = tmp_path / "firms_schema.yaml"
    schema.write_text("# by hand\nrelations:\n- label: SOLD_TO\n", encoding="utf8")
    outcome = init_config(train, tmp_path / "out")
    assert outcome.schema.labels == ("SOLD_TO", "FOUNDED_BY")
    assert "completed with FOUNDED_BY" in outcome.schema_source
    assert RelationSchema.from_file(tmp_path / "out" / "schema.yaml") == outcome.schema
    schema.write_text("# by hand\nrelations:\n- label: FOUNDED_BY\n", encoding="utf8")
    init_config(train, tmp_path / "out")
    assert (tmp_path / "out" / "schema.yaml").read_text(encoding="utf8").startswith("# by hand")


@pytest.mark.parametrize(
    ("train", "schema"),
    [
        ("firms_train.jsonl", "firms_schema.yml"),
        ("firms.csv", "firms_schema.json"),
        ("train.spacy", "schema.yaml"),
        ("constrain.spacy", None),
    ],
)
def test_the_name_of_a_schema_beside_the_documents(train, schema, tmp_path):
    (tmp_path / "conschema.yaml").touch()
    if schema is not None:
        (tmp_path / schema).touch()
    assert find_schema(tmp_path / train) == (schema and tmp_path / schema)


@pytest.mark.slow
def test_a_single_document_trains_and_evaluates(tmp_path):
    outcome = init_config(write(tmp_path, list(records(2))[1:]), tmp_path / "out", recipe="cpu")
    assert outcome.documents == {"train": 1, "dev": 1}
    assert any("none of 1 documents could be held out" in warning for warning in outcome.warnings)
    assert any("all relations are 'FOUNDED_BY'" in warning for warning in outcome.warnings)
    init_nlp(config_of(outcome))


def test_documents_without_relations(tmp_path):
    items = [{**item, "relations": []} for item in records()]
    items += [{"text": ""}, *({"text": f"Nobody has read note {i}."} for i in range(9))]
    train, schema = write(tmp_path, items), tmp_path / "schema.yaml"
    with pytest.raises(DataError, match="no relations are annotated in train"):
        init_config(train, tmp_path / "out", lang="en")
    schema.write_text("relations:\n- label: SOLD_TO\n", encoding="utf8")
    outcome = init_config(train, tmp_path / "out", lang="en", schema=schema)
    assert "no relations are annotated in train: the pipeline will find none" in outcome.warnings
    assert "1 documents are empty" in outcome.warnings
    assert any("documents of train have no mention" in warning for warning in outcome.warnings)
    given = init_config(train, tmp_path / "out", lang="en", schema=schema, recipe="transformer")
    assert not any("have no mention" in warning for warning in given.warnings)


def test_relations_that_are_all_against_the_schema_are_an_error(tmp_path):
    schema = tmp_path / "schema.yaml"
    schema.write_text("relations:\n- label: FOUNDED_BY\n  head: [FIRM]\n", encoding="utf8")
    message = "all 6 relations of train are against .* FOUNDED_BY does not hold between ORG and"
    with pytest.raises(DataError, match=message):
        init_config(write(tmp_path), tmp_path / "out", schema=schema)
    assert not (tmp_path / "out").exists()


def test_documents_without_mentions_are_an_error(tmp_path):
    items = [{"text": f"Nothing number {i}."} for i in range(5)]
    with pytest.raises(DataError, match="no mentions are annotated"):
        init_config(write(tmp_path, items), tmp_path / "out", format_name="jsonl")
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_used_names_the_ways_out(tmp_path):
    items = list(records())
    items[1]["entities"][0]["end"] -= 1
    items[2]["relations"][0]["tail"] = "T0"
    path = write(tmp_path, items)
    with pytest.raises(DataError, match=r"--alignment expand takes .*; --on-error skip leaves"):
        init_config(path, tmp_path / "out")
    with pytest.raises(DataError, match="the same mention; --on-error skip leaves it out"):
        init_config(path, tmp_path / "out", alignment="expand")
    outcome = init_config(path, tmp_path / "out", on_error="skip")
    assert outcome.reports["train"].skipped["mention"] == 1


def test_labels_that_only_dev_has_are_told(tmp_path):
    items = list(records())
    items[1]["relations"][0]["label"] = "SOLD_TO"
    items[0]["entities"][2]["label"] = "YEAR"
    dev = write(tmp_path, items, "dev.jsonl")
    outcome = init_config(write(tmp_path), tmp_path / "out", dev=dev)
    message = "1 relations of dev have labels that are never learned: SOLD_TO"
    assert message in outcome.warnings
    assert "1 mentions of dev have types that are never learned: YEAR" in outcome.warnings


def test_labels_of_any_characters(tmp_path):
    items = list(records())
    for item in items:
        item["entities"][0]["label"] = 'a "firm"\n[paths]\ntrain = ${system.seed} $1'
        for relation in item["relations"]:
            relation["label"] = '"]\n# ${paths.dev}'
    outcome = init_config(write(tmp_path, items), tmp_path / "out", recipe="cpu")
    nlp = init_nlp(config_of(outcome))
    assert nlp.get_pipe("relation_extractor").labels == ('"]\n# ${paths.dev}',)


def test_what_was_read_is_not_written_over(tmp_path):
    init_config(write(tmp_path), tmp_path)
    before = (tmp_path / "train.spacy").read_bytes()
    with pytest.raises(ConfigError, match="choose another folder with --output"):
        init_config(tmp_path / "train.spacy", tmp_path)
    assert (tmp_path / "train.spacy").read_bytes() == before


@pytest.mark.slow
def test_other_files_of_the_folder_stay(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf8")
    for _ in range(2):
        init_config(write(tmp_path), tmp_path / "out")
    assert (tmp_path / "out" / "notes.txt").read_text(encoding="utf8") == "mine"


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ("encoders/none/model", '"python -m spacy project run encoder" fetches'),
        ("someone/encoder", "fetched from the Hugging Face hub"),
    ],
)
def test_an_encoder_that_is_not_here(encoder, message, tmp_path):
    outcome = init_config(write(tmp_path), tmp_path / "out", encoder=encoder)
    assert any(message in warning for warning in outcome.warnings)


def test_a_path_that_a_config_cannot_hold(tmp_path):
    for name in ("${out}", "\udcff"):  # the second is how a name that is not UTF-8 is read
        with pytest.raises(ConfigError, match="a config cannot hold a path"):
            init_config(write(tmp_path), tmp_path / name)


def test_the_outcome_is_json(tmp_path):
    outcome = init_config(write(tmp_path), tmp_path / "out dir", gpu_id=0)
    assert json.loads(json.dumps(outcome.to_dict()))["recipe"] == "joint"
    assert config_of(outcome)["system"]["gpu_allocator"] == "pytorch"
    train, evaluate = outcome.commands
    assert train.endswith(f"--output '{tmp_path}/out dir/training' --gpu-id 0")
    assert evaluate.endswith(f"'{tmp_path}/out dir/dev.spacy' --gpu-id 0")


@pytest.fixture
def mergers(tmp_path):
    """A document with an event, and beside it the schema, which has no other types."""
    text = "The merger of Acme and Orbit made Zeta."
    mentions = [("T1", "Acme"), ("T2", "Orbit"), ("T3", "Zeta")]
    entities = [
        {"id": i, "start": text.index(name), "end": text.index(name) + len(name), "label": "ORG"}
        for i, name in mentions
    ]
    roles = ("party", "party", "result")
    arguments = [{"role": role, "mention": i} for role, (i, _) in zip(roles, mentions)]
    event = {"label": "MERGER", "arguments": arguments}
    schema = {"events": [{"label": "MERGER", "roles": {"party": {"min": 2}, "result": {"max": 1}}}]}
    (tmp_path / "mergers_schema.json").write_text(json.dumps(schema), encoding="utf8")
    line = {"text": text, "entities": entities, "relations": [], "events": [event]}
    return write(tmp_path, [line], "mergers_train.jsonl")


@pytest.mark.parametrize("converted", [False, True])
def test_events_become_pairs_to_learn_from(converted, mergers, tmp_path):
    train = mergers
    if converted:
        train = mergers.with_suffix(".spacy")
        convert(mergers, train)
    outcome = init_config(train, tmp_path / "out", dev=train, recipe="cpu")
    pairs = {"MERGER:party>party": 1, "MERGER:party>result": 2}
    assert outcome.found.relations == pairs
    for part in ("train", "dev"):
        (doc,) = docs(tmp_path / "out" / f"{part}.spacy")
        assert Counter(rel.label for rel in get_relations(doc)) == pairs
    nlp = init_nlp(config_of(outcome))
    assert nlp.pipe_names[-2:] == ["relation_extractor", "event_extractor"]
    assert list(nlp.get_pipe("event_extractor").events) == ["MERGER"]
    assert nlp.get_pipe("relation_extractor").labels == tuple(pairs)


def test_files_that_have_the_pairs_of_their_events_stay_where_they_are(mergers, tmp_path):
    train, schema = mergers.with_suffix(".spacy"), tmp_path / "mergers_schema.json"
    convert(mergers, train, schema=RelationSchema.from_file(schema), event_pairs=True)
    outcome = init_config(train, tmp_path / "out", dev=train, recipe="cpu")
    assert outcome.settings.paths["train"] == str(train)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"relations": ["FOUNDED_BY"]}, "1 events are annotated in train, and not learned"),
        (
            {"events": [{"label": "MERGER", "roles": {"party": {"max": 1}, "result": {}}}]},
            "1 events of train are against the schema and never learned; the first: MERGER has 2",
        ),
    ],
)
def test_events_that_are_never_learned_are_told(schema, message, mergers, tmp_path):
    (tmp_path / "mergers_schema.json").write_text(json.dumps(schema), encoding="utf8")
    outcome = init_config(mergers, tmp_path / "out", recipe="cpu")
    assert any(warning.startswith(message) for warning in outcome.warnings)
