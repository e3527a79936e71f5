"""Compare gradients with differences."""

from typing import Callable, Iterable, Iterator, List, Tuple

import numpy


def assert_gradients(
    loss: Callable[[], float],
    values: numpy.ndarray,
    gradient: numpy.ndarray,
    message: str = "",
    n_cells: int = 12,
    atol: float = 0.02,
) -> None:
    """Compare some cells of a gradient, the largest ones and some at random.

    loss: reads the values. values: an array, and gradient: of the loss by it, in the same shape.
    """
    rng = numpy.random.default_rng(4)
    largest = numpy.abs(gradient).reshape(-1).argsort()[-n_cells:]
    flat = [*largest, *rng.integers(0, gradient.size, n_cells)]
    cells = [numpy.unravel_index(int(i), gradient.shape) for i in flat]
    found = numpy.asarray([gradient[cell] for cell in cells])
    # the slopes on the two sides; they differ where a maximum or a rectifier has a kink nearby
    slopes = numpy.asarray(list(_one_sided_slopes(loss, values, cells, eps=5e-4)))
    nearest = numpy.clip(found, slopes.min(axis=1), slopes.max(axis=1))
    numpy.testing.assert_allclose(found, nearest, rtol=0.02, atol=atol, err_msg=message)


def _one_sided_slopes(
    function: Callable[[], float],
    X: numpy.ndarray,
    cells: Iterable[Tuple[numpy.intp, ...]],
    eps: float,
) -> Iterator[List[float]]:
    """Below and above, for some cells of X, which the function reads."""
    here = function()
    for cell in cells:
        value = X[cell]
        slopes = []
        for step in (-eps, eps):
            X[cell] = value + step
            slopes.append((function() - here) / step)
        X[cell] = value
        yield slopes
