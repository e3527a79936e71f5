"""Hand-made corpora for audits."""

from typing import Any, Sequence

from spacy.tokens import Doc

from rel_component.audit.context import AuditContext, AuditOptions
from rel_component.audit.documents import Split
from rel_component.audit.findings import Finding, Section
from rel_component.schema import RelationSchema

SCHEMA = RelationSchema.from_dict(
    {
        "relations": [
            {"label": "FOUNDED", "head": ["PERSON"], "tail": ["ORG"], "inverse": "FOUNDED_BY"},
            {"label": "LEADS", "head": ["PERSON"], "tail": ["ORG"]},
            {"label": "OWNS", "head": ["ORG"], "tail": ["ORG"], "asymmetric": True},
            {"label": "PARTNER", "head": ["ORG"], "tail": ["ORG"], "symmetric": True},
        ]
    }
)


def make_context(
    train: Sequence[Doc], test: Sequence[Doc] = (), schema: Any = SCHEMA, **options: Any
) -> AuditContext:
    """A corpus of one split, or of two."""
    splits = [Split("train", train)]
    if test:
        splits.append(Split("test", test, held_out=True))
    return AuditContext(splits, schema, AuditOptions(**options))


def group(section: Section, title: str) -> Sequence[Finding]:
    """The findings of one kind, none if there are none."""
    return next((found.findings for found in section.groups if found.title == title), ())
