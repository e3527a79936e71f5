"""Violations of the schema, and annotations that contradict each other."""

from collections import defaultdict
from itertools import pairwise
from typing import Dict, Iterator, List, Sequence, Tuple

from spacy.tokens import Span

from ..documents import several_labels
from ..mentions import normalize_name
from ..schema import RelationSchema
from ..schema_fit import count_fit
from .context import AuditContext
from .documents import AuditedDoc, position
from .findings import Cell, Finding, Place, Section, Table

_RARE_SHARE = 0.02
_RARE_COUNT = 3


def check_schema(context: AuditContext) -> Section:
    """Find violations of the schema, self-loops, contradictory directions and ambiguous names."""
    section = Section(
        "schema",
        "Schema and consistency",
        "Checked against the given schema."
        if context.given_schema is not None
        else "No schema was given: labels, types and directions are compared with each other, and "
        "those of held-out splits with what the others show.",
        context.options.max_findings,
    )
    _add_fits(section, context)
    section.add("Relations that the schema does not allow", _violations(context))
    section.add("Relations between a mention and itself", _loops(context.docs))
    section.add("Relations in both directions", _both_directions(context))
    section.add("Relations that are stated with their inverse as well", _inverses(context))
    section.add("Pairs with several relations", _several_labels(context))
    section.add("Rare entity types for a relation", _rare_types(context))
    section.add("Names with several entity types", _ambiguous_names(context.docs))
    section.add("Mentions that overlap", _overlaps(context.docs))
    return section


def _add_fits(section: Section, context: AuditContext) -> None:
    """Count what the given schema, or else that of training, forbids and does not expect in splits."""
    schema, splits = context.checked_schema, context.splits
    if schema is None:
        train = [doc.doc for doc in context.train_docs]
        schema = RelationSchema.from_docs(train, attr=context.options.attr)
        splits = context.held_out_splits
    if not len(schema):
        return
    rows: List[List[Cell]] = []
    findings: List[Finding] = []
    for split in splits:
        fit = count_fit(schema, split.docs, attr=context.options.attr)
        forbidden, unexpected = fit.forbidden.total(), fit.unexpected.total()
        shares = fit.forbidden_share, fit.unexpected_share
        rows.append([split.name, fit.n_relations, forbidden, shares[0], unexpected, shares[1]])
        section.figures[f"{split.name}: share of relations that the schema forbids"] = shares[0]
        section.figures[f"{split.name}: share that it allows and does not expect"] = shares[1]
        of = f"of {fit.n_relations} relations of {split.name}"
        if context.given_schema is None:
            findings += [
                Finding(
                    "warning", f"{n} {of} are forbidden by what training shows: {cause}.", (), n
                )
                for cause, n in fit.forbidden.items()
            ]
        findings += [
            Finding("info", f"{n} {of} are not expected: {cause}.", (), n)
            for cause, n in fit.unexpected.items()
        ]
    section.tables.append(
        Table(
            "Relations that the schema forbids, or allows and does not expect",
            ["split", "relations", "forbidden", "share", "not expected", "share"],
            rows,
            shares=[3, 5],
        )
    )
    section.add("Argument types that the schema forbids or does not expect", findings)


def _violations(context: AuditContext) -> Iterator[Finding]:
    if context.checked_schema is None:
        return
    for doc in context.docs:
        for rel in doc.relations:
            message = context.checked_schema.check(rel)
            if message is not None and position(rel.head) != position(rel.tail):
                yield Finding("error", f"{rel}: {message}.", [Place.of(doc, rel)])


def _loops(docs: Sequence[AuditedDoc]) -> Iterator[Finding]:
    for doc in docs:
        for rel in doc.relations:
            if position(rel.head) == position(rel.tail):
                yield Finding(
                    "error", f"{rel}: head and tail are one mention.", [Place.of(doc, rel)]
                )


def _both_directions(context: AuditContext) -> Iterator[Finding]:
    schema = context.schema
    for doc in context.docs:
        found = {(position(rel.head), rel.label, position(rel.tail)) for rel in doc.relations}
        for rel in doc.relations:
            head, tail = position(rel.head), position(rel.tail)
            if head >= tail or (tail, rel.label, head) not in found:
                continue
            rel_type = schema[rel.label]
            if rel_type.symmetric:
                yield Finding(
                    "info",
                    f"{rel}: symmetric, and annotated both ways; once is enough.",
                    [Place.of(doc, rel)],
                )
            else:
                yield Finding(
                    "error" if rel_type.asymmetric else "warning",
                    f"{rel}: the same from tail to head"
                    + (f", though {rel.label} is asymmetric." if rel_type.asymmetric else "."),
                    [Place.of(doc, rel)],
                )


def _inverses(context: AuditContext) -> Iterator[Finding]:
    for doc in context.docs:
        found = {(position(rel.head), rel.label, position(rel.tail)) for rel in doc.relations}
        for rel in doc.relations:
            inverse = context.schema[rel.label].inverse
            if inverse and (position(rel.tail), inverse, position(rel.head)) in found:
                yield Finding(
                    "info",
                    f"{rel}: {inverse} from tail to head says the same.",
                    [Place.of(doc, rel)],
                )


def _several_labels(context: AuditContext) -> Iterator[Finding]:
    for doc in context.docs:
        for rel, other in several_labels(doc.relations, context.schema.symmetric_labels):
            yield Finding(
                "info",
                f"{rel}: {other.label} holds between the same mentions; labels that are exclusive "
                "share the probability of the pair.",
                [Place.of(doc, other)],
            )


def _rare_types(context: AuditContext) -> Iterator[Finding]:
    places: Dict[str, Dict[Tuple[str, str], List[Place]]] = defaultdict(lambda: defaultdict(list))
    for doc in context.docs:
        for rel in doc.relations:
            places[rel.label][rel.head.label_, rel.tail.label_].append(Place.of(doc, rel))
    for label, by_types in places.items():
        total = sum(map(len, by_types.values()))
        for (head, tail), found in by_types.items():
            if len(found) <= min(_RARE_COUNT, _RARE_SHARE * total):
                for place in found:
                    yield Finding(
                        "warning",
                        f"{label} from {head or 'untyped'} to {tail or 'untyped'}: {len(found)} of "
                        f"{total} have these types.",
                        [place],
                        1 / len(found),
                    )


def _ambiguous_names(docs: Sequence[AuditedDoc]) -> Iterator[Finding]:
    places: Dict[str, Dict[str, List[Tuple[AuditedDoc, Span]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for doc in docs:
        for span in doc.mentions:
            places[normalize_name(span.text)][span.label_].append((doc, span))
    for by_type in places.values():
        if len(by_type) < 2:
            continue
        ordered = sorted(by_type.items(), key=lambda item: (-len(item[1]), item[0]))
        counts = ", ".join(f"{label or 'untyped'} {len(found)} times" for label, found in ordered)
        shown = [Place(*found[0]) for _, found in ordered]
        ids = [key for _, found in ordered for key in {id(doc) for doc, _ in found}]
        one_doc = len(ids) > len(set(ids))
        common, rare = len(ordered[0][1]), len(ordered[-1][1])
        yield Finding(
            "warning" if one_doc or common >= 5 * rare else "info",
            f"{ordered[0][1][0][1].text!r} is {counts}"
            + (", in one document." if one_doc else "."),
            shown,
            common / rare,
        )


def _overlaps(docs: Sequence[AuditedDoc]) -> Iterator[Finding]:
    for doc in docs:
        for first, second in pairwise(doc.mentions):
            if second.start < first.end:
                same = position(first) == position(second)
                yield Finding(
                    "warning" if same else "info",
                    f"{first.text!r} ({first.label_}) and {second.text!r} ({second.label_}) "
                    + ("are the same tokens." if same else "overlap."),
                    [Place(doc, first, second)],
                )
