"""Fixtures shared by all tests."""

import pytest
from hypothesis import settings
from spacy.util import fix_random_seed
from spacy.vocab import Vocab

settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
settings.load_profile("fixed")


@pytest.fixture(autouse=True)
def _fixed_seed():
    fix_random_seed(0)


@pytest.fixture(scope="session")
def vocab():
    return Vocab()
