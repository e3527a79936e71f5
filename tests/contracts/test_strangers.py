"""Parts of other packages are held to the contracts, with no list to edit.

Each part of ``strangers/`` becomes a package with one entry point, and so does a copy with a fault. The
contracts run over them as they run over ours: all tests pass on a part, and one finds the fault; of
a copy, this one runs alone.
"""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

CONTRACTS = Path(__file__).parent
ROOT = CONTRACTS.parent.parent

pytestmark = pytest.mark.slow


class Stranger(NamedTuple):
    """A module of ``strangers/`` and its contract.

    Attributes:
        group: of its entry point.
        target: what the entry point leads to.
        contract: the module of tests.
        right: a piece of its source.
        wrong: what makes a fault of it.
        caught_by: the test that fails.
    """

    group: str
    target: str
    contract: str
    right: str
    wrong: str
    caught_by: str


STRANGERS = {
    "pair_model": Stranger(
        "spacy_architectures",
        "build",
        "test_pair_models",
        "d_pairs[:, width:]",
        "d_pairs[:, :width]",
        "test_numeric_gradient_of_the_token_vectors",
    ),
    "loss": Stranger(
        "thinc_losses", "build", "test_losses", "p * (1 - p)", "(1 - p)", "test_numeric_gradient"
    ),
    "candidate_generator": Stranger(
        "spacy_misc",
        "build",
        "test_candidate_generators",
        "pair_docs[near]",
        "pair_docs",
        "test_pairs_are_grouped_by_the_document_of_head_and_tail",
    ),
    "backend": Stranger(
        "spacy_rel_llm_backends",
        "build",
        "test_llm_backends",
        "requests=1",
        "requests=0",
        "test_usage",
    ),
    "annotation_format": Stranger(
        "rel_component_converters",
        "FORMAT",
        "test_converters",
        "[numbers[r.head], r.label, numbers[r.tail]]",
        "[numbers[r.tail], r.label, numbers[r.head]]",
        "test_what_is_written_comes_back",
    ),
    "executor": Stranger(
        "rel_component_executors",
        "EXECUTOR",
        "test_executors",
        "reversed(pair)",
        "pair[:1]",
        "test_every_document_comes_out_once_or_is_a_failure",
    ),
}
each_stranger = pytest.mark.parametrize("stranger", STRANGERS)


def install(folder, name, stranger, source):
    """What pip makes of a package with one module and one entry point."""
    (folder / f"{name}.py").write_text(source, encoding="utf8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{stranger.group}]\n{name} = {name}:{stranger.target}\n"
    )


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Outcomes of the tests that ran, by package and by name of the test."""
    folder = tmp_path_factory.mktemp("packages")
    for part, stranger in STRANGERS.items():
        source = (CONTRACTS / "strangers" / f"{part}.py").read_text(encoding="utf8")
        install(folder, f"sound_{part}", stranger, source)
        broken = source.replace(stranger.right, stranger.wrong)
        assert broken != source
        install(folder, f"faulty_{part}", stranger, broken)
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", "--tb=short"]
    caught_by = " or ".join(sorted({stranger.caught_by for stranger in STRANGERS.values()}))
    command += ["--hypothesis-profile", "found", "-k", f"sound_ or faulty_ and ({caught_by})"]
    modules = {f"{CONTRACTS / stranger.contract}.py" for stranger in STRANGERS.values()}
    done = subprocess.run(
        [*command, f"--junitxml={report}", *sorted(modules)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert report.exists(), done.stdout + done.stderr
    return outcomes_of(report)


def outcomes_of(report):
    found = defaultdict(lambda: defaultdict(set))
    for case in ElementTree.parse(report).iter("testcase"):
        test, _, parameters = case.get("name").partition("[")
        (package,) = (
            f"{kind}_{part}"
            for kind in ("sound", "faulty")
            for part in STRANGERS
            if f"{kind}_{part}" in parameters
        )
        kinds = {child.tag for child in case if child.tag in ("failure", "error", "skipped")}
        found[package][test] |= kinds or {"passed"}
    return found


@each_stranger
def test_the_whole_contract_runs_over_a_part_of_another_package(stranger, outcomes):
    module = import_module(f".{STRANGERS[stranger].contract}", __package__)
    assert set(outcomes[f"sound_{stranger}"]) == {n for n in vars(module) if n.startswith("test_")}


@each_stranger
def test_a_part_of_another_package_passes(stranger, outcomes):
    found = outcomes[f"sound_{stranger}"]
    assert not {test: kinds for test, kinds in found.items() if kinds & {"failure", "error"}}
    n_passed = sum("passed" in kinds for kinds in found.values())
    assert n_passed > len(found) / 2  # others may need what it does not have, such as an encoder


@each_stranger
def test_a_faulty_part_of_another_package_is_found(stranger, outcomes):
    caught_by = STRANGERS[stranger].caught_by
    assert "failure" in outcomes[f"faulty_{stranger}"][caught_by]
