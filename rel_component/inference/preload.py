"""Imports what all pipelines need, in the process that workers are forks of."""

from contextlib import suppress

import spacy

from . import isolation  # noqa: F401

with suppress(Exception):  # the worker that loads a pipeline tells of it
    spacy.blank("en")  # imports the factories of all components that are installed
