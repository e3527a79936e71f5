"""Every code block of the README runs, and sessions give the output that is shown.

The pipeline of the first command takes minutes to train. Where it is not there, a pipeline that was
trained for a moment takes its place, and the lines that show its relations are left out.
"""

import doctest
import json
import re
import shlex
import shutil
import warnings
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.cli._util import app
from spacy.util import registry
from typer.testing import CliRunner

from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf8")
COMPONENTS = (ROOT / "docs" / "components.md").read_text(encoding="utf8")
LLMS = ROOT / "llms"
N_DOCUMENTS = 60  # of each part, so that the commands take seconds
TRAINED = ROOT / "training" / "business" / "model-best"


def blocks(language, text=README):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder in which the commands of the README run, with what they train."""
    folder = tmp_path_factory.mktemp("readme")
    for name in ("assets", "configs"):
        shutil.copytree(ROOT / name, folder / name)
    for part in ("train", "dev", "test"):
        path = folder / "assets" / f"business_{part}.jsonl"
        lines = path.read_text(encoding="utf8").splitlines(keepends=True)
        path.write_text("".join(lines[:N_DOCUMENTS]), encoding="utf8")
    if LLMS.exists():
        (folder / "llms").symlink_to(LLMS)
    (folder / "texts.txt").write_text("Acme was founded by Ann Lee.\n", encoding="utf8")
    for block in blocks("bash"):
        for line in block.splitlines():
            if line.startswith("python -m spacy") and not is_left_out(line):
                run(line, folder)
    trained = TRAINED.parent if TRAINED.exists() else folder / "training" / "own"
    shutil.copytree(trained, folder / "training" / "business")
    return folder


def is_left_out(line):
    """Whether a command needs a trained pipeline, a hosted model, or a model that is not there."""
    return (
        "rel extract" in line
        or "rel compare" in line
        or "rel serve" in line
        or "rel quantize" in line
        or uses_relations(line)
        or ("prompt_local" in line and not LLMS.exists())
    )


def uses_relations(line):
    """Whether a command needs what others have extracted."""
    return "relations.jsonl" in line or "graph_store" in line


def run(line, folder):
    command = shlex.split(line)[3:]  # python -m spacy
    if "train" in command:
        command += ["--training.max_steps", "20", "--initialize.after_init.evaluations", "2"]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.chdir(folder)
        warnings.simplefilter("ignore")  # they are errors in tests, and not for users
        registry.cli.get_all()  # loads the commands of other packages
        done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output


@pytest.mark.slow
def test_commands(workplace):
    assert (workplace / "training" / "own" / "model-best").exists()
    for line in "".join(blocks("bash")).splitlines():
        if uses_relations(line):
            run(line, workplace)
    assert json.loads((workplace / "back.json").read_text(encoding="utf8"))
    row = json.loads((workplace / "relations.jsonl").read_text(encoding="utf8"))
    assert row["text"] == "Acme was founded by Ann Lee."


class ScoresOfAnyMachine(doctest.OutputChecker):
    """Scores may differ by 0.3, since training is not the same to the bit on all machines."""

    def check_output(self, want, got, optionflags):
        number = re.compile(r"\d+\.\d+")
        if number.sub("", want) != number.sub("", got):
            return False
        scores = [[float(score) for score in number.findall(text)] for text in (want, got)]
        return all(abs(one - other) <= 0.3 for one, other in zip(*scores))


def run_session(*sources, left_out=lambda source: False):
    test = doctest.DocTestParser().get_doctest("\n".join(sources), {}, "README", "README.md", 0)
    assert test.examples
    for example in test.examples:
        example.options[doctest.SKIP] = left_out(example.source)
    runner = doctest.DocTestRunner(checker=ScoresOfAnyMachine())
    runner.run(test)
    assert runner.summarize().failed == 0


def depends_on_training(source):
    return bool(re.search(r"\brel in doc|doc\._\.rel\[0\]|\brel\.head\.label_|between", source))


@pytest.mark.slow
def test_the_first_session():
    run_session(blocks("python")[0])


def test_the_session_of_the_components():
    run_session(*blocks("python", COMPONENTS))


@pytest.mark.slow
def test_all_sessions(request, monkeypatch):
    if TRAINED.exists():
        monkeypatch.chdir(ROOT)
        run_session(*blocks("python"))
    else:
        monkeypatch.chdir(request.getfixturevalue("workplace"))
        run_session(*blocks("python"), left_out=depends_on_training)


@pytest.mark.parametrize(
    ("got", "same"),
    [
        ("Apple FOUNDED_BY Steve Jobs 0.91\n", True),
        ("Apple FOUNDED_BY Steve Jobs 0.5\n", False),
        ("Apple FOUNDED_BY Jobs 0.99\n", False),
        ("Apple FOUNDED_BY Steve Jobs 0.99\nApple FOUNDED_BY Jobs 0.99\n", False),
        ("", False),
    ],
)
def test_which_output_is_the_one_that_is_shown(got, same):
    want = "Apple FOUNDED_BY Steve Jobs 0.99\n"
    assert ScoresOfAnyMachine().check_output(want, got, 0) == same


def test_the_sample_document_can_be_read(tmp_path):
    path = tmp_path / "sample.jsonl"
    path.write_text("".join(blocks("json")), encoding="utf8")
    report = Report()
    docs = list(convert_file(path, "jsonl", spacy.blank("en"), report))
    assert [str(rel) for rel in docs[0]._.rel] == ["(Ada Lovelace, WROTE_FOR, Taylor)"]


def test_the_checks_call_the_command_of_the_readme():
    command = next(block.strip() for block in blocks("bash") if "pytest" in block)
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf8")


def test_variables_of_a_project_come_after_its_folder():
    files = [ROOT / "README.md", ROOT / "project.yml", *ROOT.glob("docs/*.md")]
    lines = [line for file in files for line in file.read_text(encoding="utf8").splitlines()]
    assert any(re.search(r"project run \w+ \. --vars", line) for line in lines)
    assert not any(re.search(r"project run \w+ --vars", line) for line in lines)


def test_documents_run_commands_and_workflows_of_the_project():
    project = srsly.read_yaml(ROOT / "project.yml")
    commands = {command["name"] for command in project["commands"]}
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]
    text = "\n".join(file.read_text(encoding="utf8") for file in files)
    found = set(re.findall(r"project run\s+(\w+)", text))
    assert {"all", "pipeline"} <= found <= commands | project["workflows"].keys()
    assert {step for steps in project["workflows"].values() for step in steps} <= commands


def test_commands_of_the_project_can_run_again():
    project = srsly.read_yaml(ROOT / "project.yml")
    made = r"(?:scripts/\w+_encoder\.py|rel apply-adapter) \S+(?: encoders/\S+)? (\S+?)(?: --\w+ \w+)?$"
    n_folders = 0
    for command in project["commands"]:
        text = "\n".join(command["script"])
        for match in re.finditer(made, text, re.MULTILINE):
            n_folders += 1
            removed = re.findall(r"rmtree\('([^']+)'", text[: match.start()])
            assert any(match[1].startswith(folder) for folder in removed), command["name"]
    assert n_folders == 9
