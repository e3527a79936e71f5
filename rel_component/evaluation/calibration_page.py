"""The report of a calibration as one HTML page that needs nothing else: no scripts, no resources."""

from typing import Any, Dict, List, Tuple

from ..html_templates import html_environment
from .calibrate import CalibrationReport
from .calibration import Calibration

_SIZE = 200  # of a diagram, without its margins


def render_calibration(report: CalibrationReport, *, title: str = "Calibration") -> str:
    """A page with reliability diagrams and risk-coverage curves before and after calibration.

    Args:
        report: the report.
        title: title of the page.
    """
    template = html_environment(__package__).get_template("calibration.html.jinja")
    trusts = (("before", report.before), ("after", report.after))
    kinds: List[Dict[str, Any]] = [
        {
            "title": heading,
            "measured": [(when, getattr(trust, name)) for when, trust in trusts],
        }
        for name, heading in (
            ("relations", "Scores of the reported relations"),
            ("possible", "Scores of all relations from 0.05 up"),
            ("pairs", "Most probable labels of pairs, NO_RELATION included"),
        )
    ]
    return template.render(
        report=report,
        title=title,
        kinds=kinds,
        size=_SIZE,
        points=reliability_points,
        curve=risk_curve,
    )


def reliability_points(found: Calibration) -> List[Tuple[float, float, int]]:
    """Place of each bin in the reliability diagram, and the number of probabilities in it."""
    return [
        (round(_SIZE * b.confidence, 1), round(_SIZE * (1 - b.share), 1), b.n) for b in found.bins
    ]


def risk_curve(found: Calibration) -> str:
    """The risk-coverage curve as points of an SVG line."""
    points = [f"{_SIZE * risk.coverage:.1f},{_SIZE * (1 - risk.risk):.1f}" for risk in found.risks]
    return " ".join(points)
