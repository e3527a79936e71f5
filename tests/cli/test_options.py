"""All commands call the same things by the same names."""

from typing import get_type_hints

import pytest
from typer.main import get_command

from rel_component.cli import rel_cli

from .helpers import run

COMMANDS = get_command(rel_cli).commands
SHORT_FORMS = {"-o": "--output", "-g": "--gpu-id", "-n": "--limit", "-j": "--json"}


def options(command):
    return [param for param in command.params if param.param_type_name == "option"]


def names(command):
    return {name for option in options(command) for name in option.opts}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_short_forms_mean_the_same_everywhere(command):
    for option in options(command):
        long, *_ = (name for name in option.opts if name.startswith("--"))
        short = [name for name in option.opts if not name.startswith("--")]
        assert short == [name for name, meaning in SHORT_FORMS.items() if meaning == long]


def test_options_of_one_name_take_the_same_values():
    types = {}
    for registered in rel_cli.registered_commands:
        hints = get_type_hints(registered.callback)
        for option in options(COMMANDS[registered.name]):
            if option.name != "help":
                kind = hints[option.name]
                assert types.setdefault(option.opts[0], kind) == kind
    assert {"--json", "--output", "--seed"} <= set(types)


def test_every_command_has_json_and_those_with_a_pipeline_a_gpu():
    assert all("--json" in names(command) for command in COMMANDS.values())
    with_gpu = {name for name, command in COMMANDS.items() if "--gpu-id" in names(command)}
    assert with_gpu == {
        *("add-labels", "annotate", "audit", "calibrate", "compare", "distant", "evaluate"),
        *("explain", "extract", "fit-examples", "init-config", "prompt", "select", "serve", "view"),
    }


def test_pipelines_come_before_data():
    for command in COMMANDS.values():
        arguments = [p.name for p in command.params if p.param_type_name == "argument"]
        if arguments[0] not in ("model", "models"):
            assert not {"model", "models"} & set(arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_a_help(name):
    command = COMMANDS[name]
    assert command.help
    assert all(param.help for param in command.params if param.name != "help")
    assert "Usage" in run(name, "--help")


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        ("schema x.spacy --check x.yaml --output y.yaml", "--check and --output"),
        ("explain model --text x --output x.npz", "--output needs --build-index"),
        ("explain model --text x --layer 2", "--layer needs --attention"),
        (
            "explain model --build-index x.spacy --output x.npz --limit 2",
            "--build-index and --limit",
        ),
        ("extract model --text x --to parquet", "--to needs --output"),
        ("extract model --text x --shard-size 9", "--shard-size needs --output"),
        ("distant model x.csv x.txt x.spacy --min-agreement 0.5", "--min-agreement needs --agree"),
        ("audit x.spacy --names-type ORG", "--names-type needs --names-by-group"),
    ],
)
def test_an_option_that_would_do_nothing_is_an_error(command, needed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("x.spacy", "x.csv", "x.txt", "x.yaml"):
        (tmp_path / name).touch()
    assert needed in run(*command.split(), code=1)
