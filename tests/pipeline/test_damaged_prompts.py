"""Damaged and hostile parts of a saved component that prompts a language model."""

import json

import pytest
import srsly

from rel_component.errors import ConfigError

from ..helpers import make_doc
from ..llm.pipelines import SCHEMA, make_pipeline, replay

EXAMPLE = {
    "text": "Acme in Oslo",
    "mentions": [[0, 4, "ORG"], [8, 12, "GPE"]],
    "relations": [[0, "LOCATED_IN", 1]],
    "vector": None,
}


@pytest.fixture(scope="module")
def extractor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prompts")
    nlp = make_pipeline(replay(folder, {"text": "{}"}), ruler=False)
    extractor = nlp.get_pipe("llm_relation_extractor")
    mentions, relations = [(0, 1, "ORG"), (2, 3, "GPE")], [(0, "LOCATED_IN", 1)]
    extractor.set_examples([make_doc(nlp.vocab, "Acme in Oslo", mentions, relations)])
    return extractor


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("schema", {"relations": SCHEMA["relations"] * 2}),
        ("schema", []),
        ("schema", None),
        ("template", {}),
        ("template", {"name": "x", "source": "{% macro system(task) %}"}),
        ("template", "text"),
        ("examples", {"text": "Acme"}),
        ("examples", [{}]),
        ("examples", ["text"]),
        ("examples", [{**EXAMPLE, "text": 1}]),
        ("examples", [{**EXAMPLE, "mentions": [[0, 4]]}]),
        ("examples", [{**EXAMPLE, "mentions": [[0, 99, "ORG"], [8, 12, "GPE"]]}]),
        ("examples", [{**EXAMPLE, "mentions": [["0", 4, "ORG"], [8, 12, "GPE"]]}]),
        ("examples", [{**EXAMPLE, "relations": [[0, "LOCATED_IN", 2]]}]),
        ("examples", [{**EXAMPLE, "relations": [[0, ["LOCATED_IN"], 1]]}]),
        ("examples", [{**EXAMPLE, "vector": ["x"]}]),
        ("examples", [{**EXAMPLE, "vector": [1e39]}]),
    ],
)
def test_parts_that_are_none(extractor, tmp_path, part, values):
    extractor.to_disk(tmp_path)
    (tmp_path / part).write_text(json.dumps(values))
    with pytest.raises(ConfigError, match=f"{tmp_path / part} cannot be loaded"):
        extractor.from_disk(tmp_path)
    parts = srsly.msgpack_loads(extractor.to_bytes())
    with pytest.raises(ConfigError, match=f"llm_relation_extractor, {part} cannot be loaded"):
        extractor.from_bytes(srsly.msgpack_dumps({**parts, part: json.dumps(values)}))


@pytest.mark.parametrize("part", ["schema", "template", "examples"])
def test_files_that_are_cut(extractor, tmp_path, part):
    extractor.to_disk(tmp_path)
    (tmp_path / part).write_bytes((tmp_path / part).read_bytes()[:-1])
    with pytest.raises(ConfigError, match=f"{tmp_path / part} cannot be loaded"):
        extractor.from_disk(tmp_path)
    (tmp_path / part).unlink()
    with pytest.raises(ConfigError, match=f"{tmp_path / part} cannot be loaded"):
        extractor.from_disk(tmp_path)
    with pytest.raises(ConfigError, match="llm_relation_extractor cannot be loaded"):
        extractor.from_bytes(extractor.to_bytes()[:-1])


def test_a_template_does_not_run_while_it_is_loaded(extractor, tmp_path):
    """It would not come to an end, or to the end of the memory."""
    saved = extractor.to_bytes()
    loops = "".join(f"{{% for x{i} in range(99999) %}}" for i in range(5))
    for source in (loops + "x" + "{% endfor %}" * 5, '{% set x = "a" * 10 ** 12 %}', "{{ 1 / 0 }}"):
        parts = srsly.msgpack_loads(saved)
        parts["template"] = json.dumps({"name": "x", "source": source})
        extractor.from_bytes(srsly.msgpack_dumps(parts))
        assert extractor.template.source == source
    with pytest.raises(ConfigError, match="template x"):
        _ = extractor.template.keys
