"""Runs the checks of an audit."""

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence

from .context import AuditContext
from .counts import count_corpus
from .duplicates import check_duplicates
from .event_checks import check_events
from .findings import SEVERITIES, Finding, Section, Severity
from .label_noise import check_label_noise
from .leakage import check_leakage
from .model_checks import check_disagreement, check_rewritten
from .name_bias import check_name_bias
from .name_groups import check_name_groups
from .name_lists import NameGroups
from .predictor import Predictor
from .schema_checks import check_schema

CHECKS: Sequence[Callable[[AuditContext], Section]] = (
    count_corpus,
    check_schema,
    check_duplicates,
    check_leakage,
    check_label_noise,
    check_name_bias,
)


_FEW = 100


@dataclass(frozen=True)
class AuditReport:
    """The results of an audit.

    Attributes:
        sections: the results of each check.
        n_docs: number of documents.
    """

    sections: List[Section]
    n_docs: int

    @property
    def caution(self) -> str:
        """What to know before the figures are read, empty if nothing."""
        if self.n_docs >= _FEW:
            return ""
        return (
            f"{self.n_docs} documents are too few for shares, F1 of baselines and suspicions of wrong "
            f"labels: with fewer than {_FEW}, read the errors and duplicates, and little else."
        )

    def first(self, n: int = 10) -> List[Finding]:
        """The findings to look at first: errors before warnings, and the worst of each kind."""
        ranked = [
            (SEVERITIES.index(finding.severity), place, i, finding)
            for i, group in enumerate(group for sec in self.sections for group in sec.groups)
            for place, finding in enumerate(group.findings)
            if finding.severity != "info"
        ]
        return [finding for *_, finding in sorted(ranked, key=lambda item: item[:3])[:n]]

    def count(self, severity: Severity) -> int:
        """Number of findings of a severity, those not shown included."""
        return sum(section.count(severity) for section in self.sections)

    def to_json(self) -> Dict[str, Any]:
        """A dict for JSON."""
        return {
            "caution": self.caution,
            "first": [finding.to_json() for finding in self.first()],
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "sections": {section.name: section.to_json() for section in self.sections},
        }


def run_audit(
    context: AuditContext,
    predictor: Optional[Predictor] = None,
    name_groups: Optional[NameGroups] = None,
) -> AuditReport:
    """Run all checks; those that need events, a pipeline or names are left out without them.

    Raises:
        ConfigError: if a library of the extra ``audit`` is not installed.
    """
    sections = [check(context) for check in CHECKS]
    if any(doc.events for doc in context.docs):
        sections.insert(CHECKS.index(check_schema) + 1, check_events(context))
    if predictor is not None:
        sections += [check_disagreement(context, predictor), check_rewritten(context, predictor)]
        if name_groups is not None:
            sections.append(check_name_groups(context, predictor, name_groups))
    return AuditReport(sections, len(context.docs))
