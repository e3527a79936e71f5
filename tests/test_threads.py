"""How many threads PyTorch computes with."""

import multiprocessing
import os
from pathlib import Path
from threading import Timer

import pytest
import spacy
import torch
from spacy.util import load_config, registry

from rel_component import threads
from rel_component.errors import ConfigError
from rel_component.pipeline import schema_pipe
from rel_component.threads import (
    configure_fast_threads,
    limit_worker_threads,
    set_torch_threads,
)

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


def test_training_finds_out_every_few_updates_how_many_are_fast(monkeypatch):
    found = iter([1, 2])
    monkeypatch.setattr(threads, "_fast_threads", lambda torch: next(found))
    adapt = configure_fast_threads(every=10)
    used = []
    for step in (0, 1, 9, 10, 19):
        adapt(spacy.blank("en"), {"step": step, "epoch": 0})
        used.append(torch.get_num_threads())
    assert used == [1, 1, 1, 2, 2]
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    adapt(spacy.blank("en"), {"step": 20, "epoch": 0})  # asks nobody
    with pytest.raises(ConfigError, match="every must be 1 or more, got 0"):
        configure_fast_threads(every=0)


@pytest.mark.parametrize(
    ("seconds", "expected"), [((8, 4, 2), 4), ((8, 5, 4), 2), ((8, 8, 2), 1), ((8, 20, 2), 1)]
)
def test_more_threads_have_to_be_worth_their_cores(monkeypatch, seconds, expected):
    ends = iter([time for n in seconds for time in (0, n)])
    monkeypatch.setattr(threads, "perf_counter", lambda: next(ends))
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert threads._fast_threads(torch) == expected


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


def is_free():
    return not schema_pipe._CHANGE.locked()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks on this system")
def test_a_fork_waits_for_a_change_of_labels():
    schema_pipe._CHANGE.acquire()
    Timer(0.2, schema_pipe._CHANGE.release).start()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(is_free).get(timeout=60)


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
