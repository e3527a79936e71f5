"""The sessions of docs/open.md give the output that is shown, and its command runs."""

import doctest
import re
from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

from rel_component.cli import rel_cli
from rel_component.schema import RelationSchema

from .parsers import NAMES

TEXT = (Path(__file__).parents[2] / "docs" / "open.md").read_text(encoding="utf8")


@pytest.fixture
def parser():
    for name in NAMES["en"]:
        if spacy.util.is_package(name):
            return name
    return pytest.skip("no English parser is installed")


@pytest.mark.slow
def test_the_sessions_of_the_page(parser):
    blocks = re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    source = "\n".join(blocks).replace('"en_core_web_sm"', f'"{parser}"')
    test = doctest.DocTestParser().get_doctest(source, {}, "open.md", "open.md", 0)
    assert len(test.examples) > 5
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.slow
def test_a_schema_is_discovered_in_texts(parser, tmp_path):
    texts = ["Tim Cook met Angela Merkel in Berlin.", "Barack Obama met Angela Merkel in Paris."]
    (tmp_path / "texts.txt").write_text("\n".join(texts), encoding="utf8")
    output = tmp_path / "draft.yaml"
    arguments = ["discover", parser, str(tmp_path / "texts.txt"), "-o", str(output)]
    arguments += ["--min-count", "1"]
    result = CliRunner().invoke(rel_cli, arguments)
    assert result.exit_code == 0, result.output
    schema = RelationSchema.from_file(output)
    assert schema["MEET"].head == schema["MEET"].tail == ("PERSON",)
    assert "<head>Barack Obama</head> met <tail>Angela Merkel</tail>" in schema["MEET"].examples[1]
