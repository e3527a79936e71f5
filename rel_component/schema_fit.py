"""How many relations of annotated documents a schema forbids, or does not expect."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable

from spacy.tokens import Doc

from .annotations import DEFAULT_ATTR, get_relations
from .schema import RelationSchema


@dataclass
class SchemaFit:
    """Counts of relations by what a schema says of them.

    Attributes:
        n_relations: number of relations.
        forbidden: number of those that the schema forbids, by label and argument types.
        unexpected: number of those that it allows and does not expect, likewise.
    """

    n_relations: int = 0
    forbidden: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)

    @property
    def forbidden_share(self) -> float:
        """Share of the relations that the schema forbids, 0 if there are none."""
        return self._share(self.forbidden)

    @property
    def unexpected_share(self) -> float:
        """Share of the relations that it allows and does not expect, 0 if there are none."""
        return self._share(self.unexpected)

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON: ``n``, and for both kinds ``n``, ``share`` and ``causes``."""
        result: Dict[str, Any] = {"n": self.n_relations}
        for name, counts in (("forbidden", self.forbidden), ("unexpected", self.unexpected)):
            result[name] = {
                "n": counts.total(),
                "share": self._share(counts),
                "causes": dict(counts.most_common()),
            }
        return result

    def _share(self, counts: Counter[str]) -> float:
        return counts.total() / max(self.n_relations, 1)


def count_fit(
    schema: RelationSchema, docs: Iterable[Doc], *, attr: str = DEFAULT_ATTR
) -> SchemaFit:
    """Count the relations of documents that a schema forbids, or does not expect.

    Args:
        schema: the schema, e.g. one that was inferred from other documents.
        docs: annotated documents.
        attr: name of the extension attribute.
    """
    fit = SchemaFit()
    for doc in docs:
        for rel in get_relations(doc, attr):
            fit.n_relations += 1
            rel_type = schema.get(rel.label)
            head, tail = rel.head.label_, rel.tail.label_
            if rel_type is None:
                fit.forbidden[f"{rel.label}, which the schema lacks"] += 1
            elif not rel_type.expects(head, tail):
                allowed = schema.allows(rel.label, head, tail)
                counts = fit.unexpected if allowed else fit.forbidden
                counts[f"{rel.label} from {head or 'untyped'} to {tail or 'untyped'}"] += 1
    return fit
