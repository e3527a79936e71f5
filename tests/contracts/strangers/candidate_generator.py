"""Candidate pairs: each mention with the next one."""

from dataclasses import replace
from typing import Sequence

import numpy
from spacy.tokens import Doc

from rel_component.candidates import CandidateGenerator, Candidates, configure_candidate_pairs
from rel_component.mentions import Mentions
from rel_component.schema import RelationSchema


def build() -> CandidateGenerator:
    return neighbours


def neighbours(docs: Sequence[Doc], mentions: Mentions, schema: RelationSchema) -> Candidates:
    everything = configure_candidate_pairs(use_schema=False)(docs, mentions, schema)
    near = numpy.abs(everything.pairs[:, 0] - everything.pairs[:, 1]) == 1
    lengths = numpy.bincount(everything.pair_docs[near], minlength=len(docs)).astype("int32")
    return replace(everything, pairs=everything.pairs[near], lengths=lengths)
