"""The template of the recipes."""

from dataclasses import replace
from pathlib import Path

import pytest
import spacy
from spacy.util import load_config_from_str

from rel_component.errors import ConfigError
from rel_component.recipes.rendering import fill, render, render_recipe, to_json
from rel_component.recipes.settings import ADAPT, RECIPES, default_settings

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_recipes_are_renderings_of_the_template(recipe):
    text = (CONFIGS / f"{recipe}.cfg").read_text(encoding="utf8")
    assert text == render_recipe(recipe), "run scripts/render_recipes.py"


def test_an_unknown_recipe():
    with pytest.raises(ConfigError, match='did you mean "joint"'):
        render_recipe("joined")


_FIRST = [("joint", None), ("cpu", "mentions"), ("transformer", None)]
_OTHERS = [(name, key) for name in RECIPES if name != ADAPT for key in (None, "mentions")]


@pytest.mark.parametrize(
    ("recipe", "spans_key"),
    [*_FIRST, *(pytest.param(*x, marks=pytest.mark.slow) for x in _OTHERS if x not in _FIRST)],
)
def test_a_filled_config_has_every_setting_and_all_comments(recipe, spans_key):
    if recipe == "spacy_transformers":
        pytest.importorskip("spacy_transformers")
    settings = replace(default_settings(recipe), spans_key=spans_key)
    text = render(settings, {"recipe": "as it is", "passes": "as many as it takes"})
    filled = fill(text)
    assert "# as many as it takes\npasses = " in filled
    comments = [line for line in text.split("\n") if line.startswith("#")]
    assert [line for line in filled.split("\n") if line.startswith("#")] == comments
    config = load_config_from_str(filled)
    assert spacy.util.load_model_from_config(config, auto_fill=True).config == config


@pytest.mark.parametrize(
    "value", ['a "quoted" path', "two\nlines", "$HOME", "ü\x7f", {"a\n]": 0.5}]
)
def test_values_of_any_kind(value):
    config = load_config_from_str(f"[block]\nvalue = {to_json(value)}\n")
    assert config["block"]["value"] == value
