"""Compare gradients with differences."""

from typing import Callable, Iterable, Iterator, List, Optional, Tuple

import numpy


def assert_gradients(
    loss: Callable[[], float],
    values: numpy.ndarray,
    gradient: numpy.ndarray,
    message: str = "",
    *,
    n_cells: Optional[int] = 12,
    eps: float = 5e-4,
    rtol: float = 0.02,
    atol: float = 0.02,
) -> None:
    """Compare a gradient with the slopes on the two sides of a value, cell by cell.

    The slopes differ where a maximum or a rectifier has a kink nearby; a gradient between them is
    right.

    Args:
        loss: reads the values.
        values: an array.
        gradient: of the loss by the values, in the same shape.
        message: shown where the two differ.
        n_cells: compares as many cells, the ones with the largest gradients, and as many at random;
            None: all cells.
        eps: size of the steps.
        rtol: relative tolerance.
        atol: absolute tolerance.
    """
    if n_cells is None:
        cells = list(numpy.ndindex(*gradient.shape))
    else:
        rng = numpy.random.default_rng(4)
        largest = numpy.abs(gradient).reshape(-1).argsort()[-n_cells:]
        flat = {*largest.tolist(), *rng.integers(0, gradient.size, n_cells).tolist()}
        cells = [numpy.unravel_index(i, gradient.shape) for i in sorted(flat)]
    found = numpy.asarray([gradient[cell] for cell in cells])
    slopes = numpy.asarray(list(_one_sided_slopes(loss, values, cells, eps)))
    nearest = numpy.clip(found, slopes.min(axis=1), slopes.max(axis=1))
    numpy.testing.assert_allclose(found, nearest, rtol=rtol, atol=atol, err_msg=message)


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
