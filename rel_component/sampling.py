"""Which candidate pairs a relation extractor learns from."""

from dataclasses import dataclass
from typing import Literal, Optional, Sequence, Tuple

import numpy
from spacy.training import Example

from .candidates import Candidates
from .errors import ConfigError
from .mentions import Mentions, read_mentions, read_training_mentions
from .targets import Targets
from .types import BoolArray


@dataclass(frozen=True)
class PairSampling:
    """Chooses the pairs to learn from (``rel_component.pair_sampling.v1``).

    Args:
        mentions: ``predicted``: the mentions of the predicted documents are paired; ``both``: the
            annotated mentions as well, which are found again by their characters. Pairs that stand
            for no annotated relation are examples of NO_RELATION.
        negative_ratio: the most pairs without relation per pair with one, drawn at random for each
            batch. None: all.

    Raises:
        ConfigError: if an option is out of range.
    """

    mentions: Literal["both", "predicted"] = "both"
    negative_ratio: Optional[float] = None

    def __post_init__(self) -> None:
        if self.mentions not in ("both", "predicted"):
            raise ConfigError(f'mentions must be "both" or "predicted", got {self.mentions!r}')
        if self.negative_ratio is not None and self.negative_ratio < 0:
            raise ConfigError(f"negative_ratio must be 0 or more, got {self.negative_ratio}")

    def read_mentions(self, examples: Sequence[Example], spans_key: Optional[str]) -> Mentions:
        """The mentions to pair in training, with the tokens of the predicted documents.

        Args:
            examples: the batch.
            spans_key: span group of the mentions; None: the entities.
        """
        predicted = [eg.predicted for eg in examples]
        if self.mentions == "predicted":
            return read_mentions(predicted, spans_key)
        return read_training_mentions(predicted, [eg.reference for eg in examples], spans_key)

    def choose(self, candidates: Candidates, targets: Targets) -> Tuple[Candidates, Targets]:
        """The pairs of a batch to learn from, and their targets.

        Args:
            candidates: all pairs of the batch.
            targets: the targets of all pairs.
        """
        if self.negative_ratio is None:
            return candidates, targets
        rows = sample_negatives(targets.positive, self.negative_ratio)
        return candidates.select(rows), targets.select(rows)


def sample_negatives(positive: BoolArray, ratio: float) -> BoolArray:
    """All pairs with a relation and at most `ratio` times as many without, drawn at random.

    Args:
        positive: whether a pair has a relation. *Shape:* ``(n_pairs,)``
        ratio: number of pairs without relation per pair with one; a batch without relations counts
            as having one.

    Returns:
        mask of the pairs to keep. *Shape:* ``(n_pairs,)``
    """
    negative = numpy.flatnonzero(~positive)
    n_keep = min(round(ratio * max(int(positive.sum()), 1)), len(negative))
    keep = positive.copy()
    keep[numpy.random.choice(negative, n_keep, replace=False)] = True
    return keep
