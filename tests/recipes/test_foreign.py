"""Configs and documents of Explosion's tutorial, and configs of spacy-llm."""

import pytest
import spacy
from spacy.tokens import DocBin, Span
from spacy.util import load_config, load_model_from_config

from rel_component.errors import ConfigError, DataError
from rel_component.recipes.foreign import convert_config
from rel_component.schema import RelationSchema
from rel_component.spacy_files import read_docs

from ..cli.helpers import run, run_json

TUTORIAL = """
[paths]
train = "data/train.spacy"
dev = null

[nlp]
lang = "en"
pipeline = ["transformer", "ner", "relation_extractor"]

[components]

[components.ner]
factory = "ner"

[components.transformer]
factory = "transformer"

[components.transformer.model]
@architectures = "spacy-transformers.TransformerModel.v3"
name = "roberta-base"

[components.relation_extractor]
factory = "relation_extractor"
threshold = 0.4

[components.relation_extractor.model]
@architectures = "rel_model.v1"

[components.relation_extractor.model.create_instance_tensor]
@architectures = "rel_instance_tensor.v1"

[components.relation_extractor.model.create_instance_tensor.get_instances]
@misc = "rel_instance_generator.v1"
max_length = 100
"""

SPACY_LLM = """
[nlp]
lang = "en"
pipeline = ["sentencizer", "llm"]

[components]

[components.sentencizer]
factory = "sentencizer"

[components.llm]
factory = "llm"

[components.llm.task]
@llm_tasks = "spacy.REL.v1"
labels = "LivesIn, Visits"
label_definitions = {"LivesIn": "the head lives in the tail"}
template = "mine"

[components.llm.model]
@llm_models = "MODEL"
name = "NAME"
config = {"temperature": 0.5, "top_p": 1.0}
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        (tmp_path / "old.cfg").write_text(text, encoding="utf8")
        return tmp_path / "old.cfg"

    return write


def test_config_of_the_tutorial(write, tmp_path):
    converted = convert_config(write(TUTORIAL), tmp_path / "new")
    config = load_config(tmp_path / "new" / "config.cfg")
    assert config["paths"]["encoder"] == "roberta-base"
    assert config["paths"]["train"] == "data/train.spacy"
    nlp = load_model_from_config(config, auto_fill=True)
    assert nlp.pipe_names == ["relation_extractor"]
    extractor = nlp.get_pipe("relation_extractor")
    assert extractor.decoder.threshold == 0.4
    assert not extractor.exclusive
    was = {difference.setting: difference.was for difference in converted.differences}
    assert was["get_instances.max_length"] == "100"
    assert "components.ner" in was
    assert "components.transformer" not in was


def test_what_is_not_taken_over_is_listed(write, tmp_path):
    """All but what spaCy's default config says as well."""
    more = "max_batch_items = 64\n\n[components.transformer.model]"
    text = TUTORIAL.replace("[components.transformer.model]", more, 1).replace(
        "[nlp]", '[nlp]\nbatch_size = 1000\ndisabled = ["ner"]', 1
    )
    text += "\n[initialize]\n\n[initialize.components]\n\n[system]\nseed = 342\n"
    converted = convert_config(write(text.replace('"en"', '"de"')), tmp_path / "new")
    left = {item.setting: item.was for item in converted.differences if item.now == "left out"}
    assert left == {
        "components.transformer.max_batch_items": "64",
        "nlp.disabled": '["ner"]',
        "system.seed": "342",
    }
    assert load_config(tmp_path / "new" / "config.cfg")["nlp"]["lang"] == "de"


def test_config_of_spacy_llm(write, tmp_path):
    text = SPACY_LLM.replace("MODEL", "spacy.GPT-4.v3").replace("NAME", "gpt-4o-mini")
    found = run_json("convert-config", write(text), "--output", tmp_path / "new")
    assert {item["setting"] for item in found["differences"]} == {
        *("task.labels", "task.label_definitions", "task.template", "model", "entities"),
        "components.llm.model.config.top_p",
    }
    schema = RelationSchema.from_file(tmp_path / "new" / "schema.yaml")
    assert schema.labels == ("LivesIn", "Visits")
    assert schema["LivesIn"].description == "the head lives in the tail"
    nlp = load_model_from_config(load_config(tmp_path / "new" / "config.cfg"), auto_fill=True)
    assert nlp.pipe_names == ["sentencizer", "llm_relation_extractor"]
    block = nlp.config["components"]["llm_relation_extractor"]["backend"]
    assert (block["model"], block["temperature"]) == ("gpt-4o-mini", 0.5)
    assert "gpt-4o-mini, by rel_component.openai.v1" in run(
        "convert-config", write(text), "--output", tmp_path / "again"
    )


@pytest.mark.parametrize(
    ("model", "name", "backend", "expected"),
    [
        ("spacy.Llama2.v1", "Llama-2-7b-hf", "transformers", "meta-llama/Llama-2-7b-hf"),
        ("spacy.Claude-2.v2", "claude-2", "openai", "claude-2"),
    ],
)
def test_models_of_spacy_llm(model, name, backend, expected, write, tmp_path):
    text = SPACY_LLM.replace("MODEL", model).replace("NAME", name)
    converted = convert_config(write(text), tmp_path / "new")
    block = load_config(tmp_path / "new" / "config.cfg")["components"]["llm_relation_extractor"]
    assert block["backend"]["@rel_llm_backends"] == f"rel_component.{backend}.v1"
    assert block["backend"]["model"] == expected
    (difference,) = (item for item in converted.differences if item.setting == "model")
    assert ("base_url" in difference.now) == (backend == "openai")


@pytest.mark.parametrize("registered", ["spacy.GPT-3-5.v3", "spacy.gpt-3.5.OpenAI.v1"])
def test_the_default_of_a_model_that_spacy_llm_has_a_name_for(registered, write, tmp_path):
    text = SPACY_LLM.replace("MODEL", registered).replace('name = "NAME"\n', "")
    convert_config(write(text), tmp_path / "new")
    block = load_config(tmp_path / "new" / "config.cfg")["components"]["llm_relation_extractor"]
    assert block["backend"]["model"] == "gpt-3.5-turbo"


def test_what_other_components_are_initialised_with_stays(write, tmp_path):
    more = '[initialize]\nvectors = "en_vectors"\n\n[initialize.components]\n'
    more += "".join(f"\n[initialize.components.{x}]\nlabels = 1\n" for x in ("sentencizer", "llm"))
    convert_config(write(SPACY_LLM + more), tmp_path / "new")
    block = load_config(tmp_path / "new" / "config.cfg")["initialize"]
    assert block["vectors"] == "en_vectors"
    assert set(block["components"]) == {"sentencizer", "llm_relation_extractor"}


def test_entities_that_spacy_llm_asks_for_apart(write, tmp_path):
    text = SPACY_LLM.replace('factory = "sentencizer"', 'factory = "llm_ner"')
    text = text.replace(
        "[components.llm]", '[components.sentencizer.task]\nlabels = "A,B"\n\n[components.llm]'
    )
    convert_config(write(text), tmp_path / "new")
    config = load_config(tmp_path / "new" / "config.cfg")
    assert config["nlp"]["pipeline"] == ["llm_relation_extractor"]
    block = config["components"]["llm_relation_extractor"]
    assert (block["mentions"], block["entity_types"]) == ("found", ["A", "B"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[nlp", "is no config"),
        ("", "has neither the model rel_model.v1"),
        (TUTORIAL.replace("rel_model.v1", "other.v1"), "its components: ner, relation_extractor"),
        (SPACY_LLM.replace('"LivesIn, Visits"', "[]"), "names no labels"),
        ("#" * (1 << 21), "more than 1,048,576 bytes"),
        ("".join(f"[a{i}]\n" for i in range(501)), "more than 500 sections"),
    ],
)
def test_what_is_no_such_config(text, message, write, tmp_path):
    with pytest.raises(ConfigError, match=message):
        convert_config(write(text), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_config_that_is_read_is_not_replaced(write, tmp_path):
    old = write(TUTORIAL).rename(tmp_path / "config.cfg")
    with pytest.raises(ConfigError, match="would be replaced"):
        convert_config(old, tmp_path)
    assert old.read_text(encoding="utf8") == TUTORIAL


def _tutorial_docs(path, relations):
    nlp = spacy.blank("en")
    doc = nlp("Ada met Bob")
    doc.ents = [Span(doc, 0, 1, "PERSON"), Span(doc, 2, 3, "PERSON")]
    doc.user_data["._.", "rel", None, None] = relations
    DocBin(docs=[doc], store_user_data=True).to_disk(path)
    return nlp


def test_documents_of_the_tutorial(tmp_path):
    relations = {(0, 2): {"MET": 1.0, "SAW": 0.0}, (2, 0): {"MET": 0.0}}
    nlp = _tutorial_docs(tmp_path / "a.spacy", relations)
    (doc,) = read_docs(tmp_path / "a.spacy", nlp)
    assert [str(rel) for rel in doc._.rel] == ["(Ada, MET, Bob)"]


def test_documents_of_the_tutorial_that_are_damaged(tmp_path):
    nlp = _tutorial_docs(tmp_path / "a.spacy", {(0, 1): {"MET": 1.0}})
    with pytest.raises(DataError, match=r"a\.spacy, document 1"):
        list(read_docs(tmp_path / "a.spacy", nlp))
