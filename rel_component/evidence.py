"""The sentences that a relation is read from: learned from those that are annotated, and chosen.

A pair model that finds evidence says how much of its attention to a pair lies in each sentence. In
training, the attention is drawn to the annotated sentences; in use, those that have enough of it are the
evidence of the relations of the pair. See DREEAM, Ma et al. 2023 (https://arxiv.org/abs/2302.08675).
"""

from dataclasses import dataclass, replace
from typing import Any, Callable, List, Sequence, Tuple

import numpy
from spacy.tokens import Doc
from thinc.api import get_array_module
from thinc.types import Floats2d

from .candidates import Candidates
from .errors import ConfigError
from .targets import PairRows
from .types import FloatArray, Int32Array, Relation

_LEAST = 1e-30  # a share, whose logarithm is finite


@dataclass(frozen=True)
class EvidenceOptions:
    """How evidence is learned and chosen (``rel_component.evidence.v1``).

    Args:
        weight: factor of the loss of the evidence; 0: it is not learned, and sentences are chosen by
            an attention that has learned nothing but relations.
        threshold: the share of a pair's attention above which a sentence is evidence, in [0, 1].
        mentions: whether the sentences of the annotated head and tail are the evidence of relations
            that have none annotated; for documents whose relations are annotated between mentions.

    Raises:
        ConfigError: if a number is out of range.
    """

    weight: float = 0.1
    threshold: float = 0.2
    mentions: bool = False

    def __post_init__(self) -> None:
        if not self.weight >= 0:
            raise ConfigError(f"evidence.weight must be 0 or more, got {self.weight}")
        if not 0.0 <= self.threshold <= 1.0:
            raise ConfigError(f"evidence.threshold must lie in [0, 1], got {self.threshold}")

    def loss(
        self, shares: Floats2d, annotated: Tuple[Int32Array, Int32Array]
    ) -> Tuple[float, Floats2d]:
        """The divergence of the attention from the annotated evidence, a mean over pairs that have some.

        It is the Kullback-Leibler divergence of the shares from the uniform distribution over the
        annotated sentences, times `weight`.

        Args:
            shares: of the attention in each sentence. *Shape:* ``(n_pairs, n_sentences)``
            annotated: pair and sentence of each piece of evidence. *Shape:* ``(n,)`` each

        Returns:
            the loss, and the gradient of the shares.
        """
        xp = get_array_module(shares)
        gradient = xp.zeros_like(shares)
        rows, sentences = annotated
        if not len(rows):
            return 0.0, gradient
        counts = numpy.bincount(rows)
        n_pairs = int((counts > 0).sum())
        gold = xp.asarray((1.0 / counts[rows]).astype("float32"))
        rows, sentences = xp.asarray(rows), xp.asarray(sentences)
        found = xp.maximum(shares[rows, sentences], _LEAST)
        gradient[rows, sentences] = -gold / found * (self.weight / n_pairs)
        loss = (gold * (xp.log(gold) - xp.log(found))).sum()
        return float(loss) * self.weight / n_pairs, gradient

    def choose(
        self,
        docs: Sequence[Doc],
        relations: Sequence[Sequence[Relation]],
        rows: Sequence[Sequence[int]],
        shares: FloatArray,
    ) -> List[List[Relation]]:
        """The relations with their evidence.

        Args:
            docs: the documents.
            relations: the relations of each document.
            rows: for each relation the row of its pair in `shares`, -1 if it has none.
            shares: of the attention in each sentence. *Shape:* ``(n_pairs, n_sentences)``
        """
        result = []
        for doc, group, places in zip(docs, relations, rows):
            known = doc.has_annotation("SENT_START")
            found: List[Relation] = []
            for rel, row in zip(group, places):
                numbers: Any = ()
                if known and row >= 0:
                    numbers = numpy.flatnonzero(shares[row] > self.threshold).tolist()
                found.append(Relation(rel.head, rel.label, rel.tail, rel.score, numbers))
            result.append(found)
        return result


def with_evidence(
    options: EvidenceOptions,
    docs: Sequence[Doc],
    candidates: Candidates,
    relations: Sequence[Sequence[Relation]],
    find_shares: Callable[[Candidates], FloatArray],
) -> List[List[Relation]]:
    """Find the sentences of relations by another pass of a model, over their pairs only.

    Args:
        options: say which sentences are chosen.
        docs: the documents.
        candidates: the pairs that were scored.
        relations: the relations of each document that were decoded.
        find_shares: gives the shares of the attention in each sentence, for some of the pairs. *Shape:*
            ``(n_pairs, n_sentences)``
    """
    rows = rows_of_relations(candidates, relations)
    related = numpy.zeros(candidates.n_pairs, dtype="bool")
    related[[row for group in rows for row in group if row >= 0]] = True
    places = numpy.cumsum(related) - 1
    within = [[int(places[row]) if row >= 0 else -1 for row in group] for group in rows]
    shares = find_shares(replace(candidates.select(related), asks_evidence=True))
    return options.choose(docs, relations, within, shares)


def rows_of_relations(
    candidates: Candidates, relations: Sequence[Sequence[Relation]]
) -> List[List[int]]:
    """The candidate pair of each decoded relation, in either direction; -1 if there is none.

    Args:
        candidates: the pairs.
        relations: the relations of each document.
    """
    lookup = PairRows(candidates)
    first = numpy.cumsum(candidates.mentions.lengths) - candidates.mentions.lengths
    represented = set(candidates.representatives.tolist())
    result = []
    for begin, spans, group in zip(first.tolist(), candidates.mentions.spans_by_doc, relations):
        entities = {}
        for i, (start, end) in enumerate(spans.tolist(), start=begin):
            if i in represented:
                key = (start, end, int(candidates.mentions.types[i]))
                entities[key] = int(candidates.entities[i])
        rows = []
        for rel in group:
            head, tail = (
                entities.get((span.start, span.end, span.label), -1)
                for span in (rel.head, rel.tail)
            )
            rows.append([*lookup(head, tail), *lookup(tail, head), -1][0])
        result.append(rows)
    return result
