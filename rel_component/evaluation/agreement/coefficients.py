"""Agreement beyond chance between annotators who put units into categories.

Each coefficient is ``(A - E) / (1 - E)``: A is the agreement that is observed, E the agreement that is
expected of annotators who know nothing of the units. It depends on the units through a few sums, which
add up over documents; so documents can be resampled without counting anew.

Votes are an array of 0 and 1: *Shape:* ``(n_units, n_annotators, ..., n_categories)``. One is 1 for
each annotator of a unit, and none for an annotator who did not see it. Sums have the number of units
or values, the number of those that agree, and twice the number of values of each category: *Shape:*
``(..., 2 + 2 * n_categories)``.
"""

import numpy
import numpy.typing as npt

from ...types import Int32Array
from ..intervals import Floats, ratio

MISSING = -1
"""The rating of a unit that an annotator did not see."""


def cohen_kappa(ratings: Int32Array) -> float:
    """Cohen's kappa of two annotators.

    J. Cohen (1960), A Coefficient of Agreement for Nominal Scales. Educational and Psychological
    Measurement 20(1), 37-46. Chance is that each annotator rates at random, with the distribution of
    their own ratings. Units that one of them did not see are left out.

    Args:
        ratings: categories, counted from 0; -1: not seen. *Shape:* ``(n_units, 2)``

    Returns:
        kappa; nan without units, or if both use the same one category throughout.
    """
    return float(kappa_of(cohen_sums(_votes(ratings))))


def fleiss_kappa(ratings: Int32Array) -> float:
    """Fleiss' kappa of two or more annotators.

    J. L. Fleiss (1971), Measuring Nominal Scale Agreement Among Many Raters. Psychological Bulletin
    76(5), 378-382. Chance is that all rate at random, with the distribution of all ratings. Units
    that not all of them saw are left out.

    Args:
        ratings: categories, counted from 0; -1: not seen. *Shape:* ``(n_units, n_annotators)``

    Returns:
        kappa; nan without units, or if all use the same one category throughout.
    """
    return float(kappa_of(fleiss_sums(_votes(ratings))))


def krippendorff_alpha(ratings: Int32Array) -> float:
    """Krippendorff's alpha for nominal data of two or more annotators.

    K. Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section C; also Content
    Analysis, 2nd edition (2004), chapter 11. Chance is that the values of all units are shuffled,
    without replacement. Units that fewer than two annotators saw have nothing to be compared with and
    are left out.

    Args:
        ratings: categories, counted from 0; -1: not seen. *Shape:* ``(n_units, n_annotators)``

    Returns:
        alpha; nan without units, or if all use the same one category throughout.
    """
    return float(alpha_of(alpha_sums(_votes(ratings))))


def to_votes(ratings: Int32Array, n_categories: int) -> Int32Array:
    """Ratings as votes. *Shapes:* ``(n_units, n_annotators)`` to ``(n_units, n_annotators, n)``."""
    votes: Int32Array = (ratings[..., None] == numpy.arange(n_categories)).astype("int32")
    return votes


def cohen_sums(votes: Int32Array) -> Floats:
    """The sums of Cohen's kappa, of the votes of two annotators."""
    first, second = votes[:, 0], votes[:, 1]  # (n_units, ..., n_categories)
    both = first.sum(axis=-1) * second.sum(axis=-1)
    return _sums(
        both, (first * second).sum(axis=-1), first * both[..., None], second * both[..., None]
    )


def fleiss_sums(votes: Int32Array) -> Floats:
    """The sums of Fleiss' kappa."""
    m = votes.shape[1]
    counts = votes.sum(axis=1)  # (n_units, ..., n_categories)
    complete = (counts.sum(axis=-1) == m).astype("int32")
    agreeing = (counts * (counts - 1)).sum(axis=-1) / max(m * (m - 1), 1)
    counts = counts * complete[..., None]
    return _sums(complete, agreeing * complete, counts, counts)


def alpha_sums(votes: Int32Array) -> Floats:
    """The sums of Krippendorff's alpha."""
    counts = votes.sum(axis=1)  # (n_units, ..., n_categories)
    values = counts.sum(axis=-1)
    pairable = (values > 1).astype("int32")
    agreeing = (counts * (counts - 1)).sum(axis=-1) / numpy.maximum(values - 1, 1)
    counts = counts * pairable[..., None]
    return _sums(values * pairable, agreeing, counts, counts)


def kappa_of(sums: Floats) -> Floats:
    """Cohen's or Fleiss' kappa of their sums. *Shapes:* ``(..., 2 + 2 * n)`` to ``(...)``."""
    first, second = numpy.split(sums[..., 2:], 2, axis=-1)
    expected = ratio((first * second).sum(axis=-1), first.sum(axis=-1) * second.sum(axis=-1))
    return _beyond_chance(ratio(sums[..., 1], sums[..., 0]), expected)


def alpha_of(sums: Floats) -> Floats:
    """Krippendorff's alpha of its sums. *Shapes:* ``(..., 2 + 2 * n)`` to ``(...)``."""
    values, agreeing = sums[..., 0], sums[..., 1]
    counts, _ = numpy.split(sums[..., 2:], 2, axis=-1)
    expected = ratio((counts * (counts - 1)).sum(axis=-1), values * (values - 1))
    return _beyond_chance(ratio(agreeing, values), expected)


def _votes(ratings: Int32Array) -> Int32Array:
    return to_votes(ratings, int(ratings.max(initial=0)) + 1)


def _sums(
    weights: npt.NDArray[numpy.generic],
    agreeing: npt.NDArray[numpy.generic],
    first: Int32Array,
    second: Int32Array,
) -> Floats:
    """Sums over units, the first axis, side by side."""
    parts = [weights[..., None], agreeing[..., None], first, second]
    return numpy.concatenate([part.sum(axis=0, dtype="float64") for part in parts], axis=-1)


def _beyond_chance(observed: Floats, expected: Floats) -> Floats:
    return ratio(observed - expected, 1 - expected)
