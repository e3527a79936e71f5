"""How many threads PyTorch computes with."""

import multiprocessing
import os
from pathlib import Path

import pytest
import spacy
import torch
from spacy.util import load_config, registry

from rel_component.threads import limit_worker_threads, set_torch_threads

PARALLELISM = "TOKENIZERS_PARALLELISM"
RECIPES = Path(__file__).parent.parent / "configs"


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_the_environment_takes_precedence(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    set_torch_threads(1)
    assert torch.get_num_threads() == 2
    monkeypatch.delenv("OMP_NUM_THREADS")
    set_torch_threads(1)
    assert torch.get_num_threads() == 1


def in_a_fork():
    return float(torch.ones(1 << 16).sum()), torch.get_num_threads(), os.environ.get(PARALLELISM)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks on this system")
@pytest.mark.parametrize("given", [None, "true"])
def test_a_fork_computes_after_its_parent_has(given, monkeypatch):
    monkeypatch.delenv(PARALLELISM, raising=False)
    if given:
        monkeypatch.setenv(PARALLELISM, given)
    limit_worker_threads()
    torch.ones(1 << 16).sum()  # starts a thread that no fork has
    with multiprocessing.get_context("fork").Pool(1) as pool:
        found = pool.apply_async(in_a_fork).get(timeout=60)
    assert found == (1 << 16, 1, given or "false")
    assert torch.get_num_threads() == 2
    assert os.environ.get(PARALLELISM) == given


def test_a_spawned_worker_computes_with_one_thread(monkeypatch):
    monkeypatch.setattr(
        multiprocessing, "parent_process", lambda: multiprocessing.current_process()
    )
    limit_worker_threads.cache_clear()
    limit_worker_threads()
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize(
    "recipe", ["cpu", "joint", "markers", "packed", "spacy_transformers", "transformer"]
)
def test_recipes_train_with_one_thread(recipe):
    config = load_config(RECIPES / f"{recipe}.cfg", interpolate=False)
    block = {"before_init": config["initialize"]["before_init"]}
    registry.resolve(block)["before_init"](spacy.blank("en"))
    assert torch.get_num_threads() == 1
