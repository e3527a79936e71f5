"""The report as one HTML page that needs nothing else: no scripts, no external resources."""

from typing import Optional

from ..html_templates import html_environment
from .findings import SEVERITIES, Cell, Table
from .report import AuditReport


def render_html(report: AuditReport, *, title: str = "Audit") -> str:
    """A page with all figures, tables and findings; everything from the corpus is escaped."""
    template = html_environment(__package__, {"cell": format_cell}).get_template("audit.html.jinja")
    counts = {severity: report.count(severity) for severity in SEVERITIES}
    return template.render(report=report, title=title, counts=counts, width=_width)


def format_cell(value: Cell, share: bool = False) -> str:
    """A cell as people read it: percentages, thousands separated."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{100 * value:.1f}%" if share else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else value


def _width(table: Table, row: int, column: int) -> Optional[float]:
    """Length of the bar of a cell in percent; shares as they are, others against the largest."""
    if column not in table.bars or table.rows[row][column] is None:
        return None
    values = [float(cells[column] or 0.0) for cells in table.rows]
    top = 1.0 if column in table.shares else max(values, default=0.0)
    return round(100 * values[row] / top, 1) if top else 0.0
