"""How many threads PyTorch computes with."""

from pathlib import Path

import pytest
import spacy
import torch
from spacy.util import load_config, registry

from rel_component.threads import one_torch_thread, set_torch_threads

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


def test_forks_happen_with_one_thread():
    with one_torch_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(
    "recipe", ["cpu", "joint", "markers", "packed", "spacy_transformers", "transformer"]
)
def test_recipes_train_with_one_thread(recipe):
    config = load_config(RECIPES / f"{recipe}.cfg", interpolate=False)
    block = {"before_init": config["initialize"]["before_init"]}
    registry.resolve(block)["before_init"](spacy.blank("en"))
    assert torch.get_num_threads() == 1
