"""What counts as a run of a line."""

import pytest

from .lines import most_runs_of_a_line


def statements(n):
    total = 0
    for i in range(n):
        total += i
    return total


@pytest.mark.parametrize(
    "loop",
    [
        statements,
        lambda n: [i + 1 for i in range(n)],
        lambda n: sum(i + 1 for i in range(n)),
        lambda n: {i: i for i in range(n)},
        lambda n: list(map(lambda i: i + 1, range(n))),  # noqa: C417  # a call for each
    ],
)
def test_a_loop_of_any_form_counts_its_rounds(loop):
    assert most_runs_of_a_line(lambda: loop(500)) >= 500


def test_what_runs_in_c_counts_once():
    assert most_runs_of_a_line(lambda: sorted(range(500))) < 5
