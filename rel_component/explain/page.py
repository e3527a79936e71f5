"""Explanations as one HTML page that needs nothing else: no scripts, no external resources."""

from typing import List, Sequence, Tuple

from ..html_templates import html_environment
from .explanation import Explanation
from .probe import Floats


def render_explanations(explanations: Sequence[Explanation], *, title: str = "Explanations") -> str:
    """A page with the words of each relation coloured by their weights; everything is escaped.

    Args:
        explanations: the explanations.
        title: title of the page.
    """
    template = html_environment(__package__).get_template("explanations.html.jinja")
    return template.render(explanations=explanations, title=title, shades=shades, role=_role)


def shades(weights: Floats) -> List[Tuple[str, int]]:
    """For each token whether it speaks ``for`` the relation or ``against`` it, and how much."""
    top = max(float(abs(weights).max(initial=0.0)), 1e-9)
    return [("for" if w > 0 else "against", round(100 * abs(float(w)) / top)) for w in weights]


def _role(explanation: Explanation, i: int) -> str:
    for name in ("head", "tail"):
        span = getattr(explanation.relation, name)
        if span.start <= i < span.end:
            return name
    return ""
