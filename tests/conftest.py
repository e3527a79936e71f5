"""Fixtures shared by all tests."""

import os
import sys

# Before PyTorch is imported: two threads wait for each other where another process keeps a core
# busy, a hundred times in a numeric gradient. Commands that tests start inherit it.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest
from hypothesis import settings
from spacy.util import fix_random_seed
from spacy.vocab import Vocab

if "torch" in sys.modules:  # Thinc imports it where it is installed
    sys.modules["torch"].set_num_threads(1)

settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
settings.load_profile("fixed")


@pytest.fixture(autouse=True)
def _fixed_seed():
    fix_random_seed(0)


@pytest.fixture(scope="session")
def vocab():
    return Vocab()
