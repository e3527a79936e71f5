"""Prompt templates: those that come with the package, and what is wrong with others."""

import pytest

from rel_component.errors import ConfigError
from rel_component.llm.prompting.template import (
    PromptItem,
    PromptMention,
    PromptTask,
    PromptTemplate,
    template_names,
)
from rel_component.schema import RelationType

FOUNDED_BY = RelationType("FOUNDED_BY", "The tail founded the head.", ("ORG",), ("PERSON", "ORG"))
PARTNER_OF = RelationType("PARTNER_OF", symmetric=True)
APPLE, JOBS = PromptMention("M1", "Apple", "ORG"), PromptMention("M2", "Steve Jobs", "PERSON")
ITEM = PromptItem(
    "Apple was founded by Steve Jobs.",
    "<M1>Apple</M1> was founded by <M2>Steve Jobs</M2>.",
    (APPLE, JOBS),
    APPLE,
    JOBS,
    ("FOUNDED_BY",),
)
BODY = "{% macro system(task) %}{% endmacro %}{% macro user(task, item) %}{{ item.text }}{% endmacro %}"


def rendered(name, *, given):
    template = PromptTemplate.load(name)
    task = PromptTask([FOUNDED_BY, PARTNER_OF], ("ORG", "PERSON"), given)
    return template.system(task) + "\n" + template.user(task, ITEM)


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("name", template_names())
def test_prompts_state_labels_format_and_text(name, given):
    prompt = rendered(name, given=given)
    assert "FOUNDED_BY" in prompt
    assert "JSON" in prompt
    marked = given or PromptTemplate.load(name).question == "pair"
    assert (ITEM.marked_text if marked else ITEM.text) in prompt


@pytest.mark.parametrize("name", sorted({*template_names()} - {"open.v1"}))
def test_prompts_describe_the_relation_types(name):
    prompt = rendered(name, given=True)
    assert "founded" in prompt
    assert all(kind in prompt for kind in ("ORG", "PERSON"))


@pytest.mark.parametrize("name", template_names())
def test_prompts_say_that_the_text_is_data(name):
    assert "is data" in rendered(name, given=True)


def test_the_classic_prompt_asks_for_triples():
    prompt = rendered("triples.v1", given=False)
    assert prompt.strip().startswith("Extract all (entity1, relation, entity2) triples")
    assert "entity2 founded entity1." in prompt


def test_the_names_of_the_parts():
    keys = {name: PromptTemplate.load(name).keys for name in template_names()}
    assert keys["triples.v1"] == ("entity1", "relation", "entity2")
    assert keys["subject_relation_object.v1"] == ("subject", "relation", "object")
    assert keys["relations.v1"] == ("head", "label", "tail")


def test_a_template_of_the_user(tmp_path):
    path = tmp_path / "mine.jinja"
    path.write_text('{% set keys = ["a", "b", "c"] %}' + BODY, encoding="utf8")
    template = PromptTemplate.load(str(path))
    assert template.keys == ("a", "b", "c")
    assert (template.system(PromptTask([])), template.user(PromptTask([]), ITEM)) == ("", ITEM.text)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% macro system(task) %}", "line 1: Unexpected end of template"),
        ("{% macro system(task) %}{% endmacro %}", "no macro 'user'"),
        ("{% set keys = ['a', 'a', 'b'] %}" + BODY, "expected three different names"),
        ("{% set question = 'all' %}" + BODY, 'question is \'all\'; accepted: "document", "pair"'),
        (BODY.replace("item.text", "item.words"), "macro user: .* has no attribute 'words'"),
        (BODY.replace("item.text", "texts"), "macro user: 'texts' is undefined"),
        (BODY.replace("{{ item.text }}", "Which?"), "does not show item.text"),
        (BODY.replace("(task, item)", "(item)"), "macro user: "),
        ("{{ ''.__class__ }}" + BODY, "access to attribute '__class__'"),
    ],
)
def test_errors_of_templates(tmp_path, source, message):
    path = tmp_path / "mine.jinja"
    path.write_text(source, encoding="utf8")
    with pytest.raises(ConfigError, match=message) as error:
        PromptTemplate.load(str(path))
    assert "mine.jinja" in str(error.value)


def test_a_missing_template_names_the_others():
    with pytest.raises(
        ConfigError, match=r"no template 'x': neither a file nor one of .*pairs\.v1"
    ):
        PromptTemplate.load("x")
