"""Fixtures shared by all tests."""

import gc
import logging
import os
import sys

# Before PyTorch is imported: two threads wait for each other where another process keeps a core
# busy, a hundred times in a numeric gradient. Commands that tests start inherit it.
os.environ["OMP_NUM_THREADS"] = "1"

# What was compiled once serves the next process, and commands that tests start.
os.environ["PYTHONDONTWRITEBYTECODE"] = ""

from functools import cache

import pytest
import xdist
from hypothesis import Phase, settings

sys.dont_write_bytecode = False
gc.disable()  # while modules and tests come to stay, there is no garbage

settings.register_profile("fixed", derandomize=True, database=None, deadline=None, max_examples=30)
# for tests that are to fail: what they fail on is not made smaller, which takes many runs
settings.register_profile(
    "found", settings.get_profile("fixed"), phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("fixed")

ABBREVIATIONS = ["Co.", "Corp.", "Dr.", "Inc.", "Jr.", "Ltd.", "Mr.", "Mrs.", "Ms.", "St."]
ABBREVIATIONS += ["a.m.", "e.g.", "i.e.", "p.m.", "vs."]


def pytest_sessionstart(session):
    """Import spaCy in the processes that run tests, not in the one that starts them."""
    if not xdist.is_xdist_controller(session):
        make_pipelines_fast()
        use_one_device()


def make_pipelines_fast():
    """Leave out what takes most of the time of the thousands of pipelines that tests make.

    These are special cases for contractions, emoticons and names of states, such as "can't" and
    ":-)", looking for the same entry points again, which do not change in a process, and reading
    through all that is registered for what begins with a name, once for each array that is loaded.
    """
    from catalogue import REGISTRY, Registry
    from spacy.lang.en import English
    from spacy.lang.tokenizer_exceptions import BASE_EXCEPTIONS

    for text, tokens in list(BASE_EXCEPTIONS.items()):
        if len(tokens) > 1 or not (text.isspace() or text.endswith((".", "+"))):
            del BASE_EXCEPTIONS[text]
    English.Defaults.tokenizer_exceptions = {
        text: tokens
        for text, tokens in English.Defaults.tokenizer_exceptions.items()
        if text in BASE_EXCEPTIONS or text in ABBREVIATIONS
    }
    Registry._get_entry_points = cache(Registry._get_entry_points)

    def get_all(self):
        found = self.get_entry_points() if self.entry_points else {}
        place = tuple(self.namespace)
        for name, made in REGISTRY.copy().items():
            if name[-2] == place[-1] and name[:-1] == place:
                found[name[-1]] = made
        return found

    Registry.get_all = get_all


def use_one_device():
    """Let PyTorch, which Thinc imports where it is installed, use one thread, and seed what there is."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
        if not torch.cuda.is_available():
            # Otherwise each seed is noted for three kinds of devices, with where it was set, which
            # takes longer than most tests.
            torch.manual_seed = torch.default_generator.manual_seed


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Afterwards collections look at what the tests make, and not at half a million old objects.

    They also do it less often. And pytest's handlers, of which each test adds and removes six, go to
    the root logger alone, and not to each of the forty that PyTorch keeps apart from it.
    """
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        gc.enable()
        for logger in logging.root.manager.loggerDict.values():
            if isinstance(logger, logging.Logger):
                logger.propagate = True


def pytest_collection_modifyitems(items):
    """Files with slow tests come first, so that the processes end at about the same time."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def _fixed_seed():
    from spacy.util import fix_random_seed

    fix_random_seed(0)


@pytest.fixture(scope="session")
def vocab():
    from spacy.vocab import Vocab

    return Vocab()
