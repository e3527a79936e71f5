"""Checks with a trained pipeline: disagreement with the annotation, dependence on names."""

import random
from typing import Dict, FrozenSet, Iterator, List, Optional, Sequence, Set

from ..documents import RelationKey, relation_key, relation_keys
from ..evaluation.counts import LabelScores
from ..evaluation.known_facts import fact_of, read_facts
from ..mentions import TypedKey, normalize_name, typed_key
from ..types import Relation
from .context import AuditContext
from .documents import AuditedDoc
from .findings import Cell, Finding, Place, Section, Table
from .predictor import Predictor
from .rewriting import GivenText, Name, assign_names, rewrite


def check_disagreement(context: AuditContext, predictor: Predictor) -> Section:
    """List where the pipeline disagrees with the annotation, the surest first."""
    section = Section(
        "model",
        f"Where {predictor.name} disagrees",
        "The pipeline is given the annotated mentions. In documents that it was trained on it may "
        "repeat the annotation, mistakes included; held-out documents say more. F1 of new facts leaves "
        "out relations that are annotated in training too, as the Ign F1 of DocRED does.",
        context.options.max_findings,
    )
    symmetric = context.schema.symmetric_labels
    predictions = predictor.predict([rewrite(doc, {}) for doc in context.docs])
    found = list(zip(context.docs, predictions))
    known_facts = read_facts(
        (doc.doc for doc in context.train_docs), symmetric=symmetric, attr=context.options.attr
    )
    rows: List[List[Cell]] = []
    for split in context.splits:
        scores, new = LabelScores(), LabelScores()
        for doc, relations in found:
            if doc.split is split:
                gold = relation_keys(doc.relations, symmetric)
                predicted = relation_keys(relations, symmetric)
                repeated = [rel for rel in doc.relations if fact_of(rel, symmetric) in known_facts]
                known = relation_keys(repeated, symmetric)
                scores.add(gold, predicted)
                new.add(gold - known, predicted - known)
        prf = scores.micro
        new_f1 = new.micro.f1 if split.held_out else None
        rows.append([split.name, prf.precision, prf.recall, prf.f1, new_f1])
    header = ["split", "P", "R", "F1", "F1 of new facts"]
    section.tables.append(Table("Scores", header, rows, bars=[3, 4], shares=[1, 2, 3, 4]))
    section.add(
        "It predicts something else or more",
        (f for doc, relations in found for f in _added(doc, relations, symmetric)),
    )
    section.add(
        "It does not find what is annotated",
        (f for doc, relations in found for f in _missed(doc, relations, symmetric)),
    )
    return section


def check_rewritten(context: AuditContext, predictor: Predictor) -> Section:
    """Compare predictions before and after names are exchanged or masked."""
    docs = context.rewritten_docs
    section = Section(
        "swaps",
        f"What {predictor.name} finds under other names",
        f"{len(docs)} documents with relations, mentions given. Exchanged: every name is replaced by "
        "another of its entity type in the corpus; masked: by the word of its type. Kept is the share "
        "of the relations found before that are found again; the text still states them all.",
        context.options.max_findings,
    )
    if not docs:
        return section
    symmetric = context.schema.symmetric_labels
    variants = {
        "as they are": [rewrite(doc, {}) for doc in docs],
        "names exchanged": _exchanged(docs, context),
        "names masked": [
            rewrite(doc, {(s.start, s.end): (s.label_ or "NAME",) for s in doc.mentions})
            for doc in docs
        ],
    }
    gold = [relation_keys(doc.relations, symmetric) for doc in docs]
    before: Optional[List[Set[RelationKey]]] = None
    rows: List[List[Cell]] = []
    for name, texts in variants.items():
        found = [relation_keys(found, symmetric) for found in predictor.predict(texts)]
        before = found if before is None else before
        scores = LabelScores()
        for annotated, predicted in zip(gold, found):
            scores.add(annotated, predicted)
        prf = scores.micro
        n_before = sum(map(len, before))
        kept = sum(len(b & f) for b, f in zip(before, found)) / max(n_before, 1)
        rows.append([name, prf.precision, prf.recall, prf.f1, kept])
        section.figures[f"F1, {name}"] = prf.f1
        section.figures[f"kept, {name}"] = kept
    header = ["names", "P", "R", "F1", "kept"]
    section.tables.append(Table("Scores", header, rows, bars=[3, 4], shares=[1, 2, 3, 4]))
    section.add("Scores depend on names", _drops(rows))
    return section


def _added(
    doc: AuditedDoc, predicted: Sequence[Relation], symmetric: Sequence[str]
) -> Iterator[Finding]:
    annotated = relation_keys(doc.relations, symmetric)
    for rel in predicted:
        if relation_key(rel, symmetric) in annotated:
            continue
        others = [other for other in doc.relations if _arguments(other) == _arguments(rel)]
        instead = " and ".join(map(str, others)) or "no relation"
        sure = "" if rel.score is None else f" with probability {rel.score:.2f}"
        yield Finding(
            "warning",
            f"{rel}{sure}; annotated: {instead}.",
            [Place(doc, rel.head, rel.tail, others[0].label if others else "")],
            (1.0 if others else 0.0) + (rel.score or 0.0),
        )


def _missed(
    doc: AuditedDoc, predicted: Sequence[Relation], symmetric: Sequence[str]
) -> Iterator[Finding]:
    found = relation_keys(predicted, symmetric)
    related = {_arguments(rel) for rel in predicted}
    for rel in doc.relations:
        if relation_key(rel, symmetric) not in found and _arguments(rel) not in related:
            yield Finding(
                "info",
                f"{rel} is annotated and not found.",
                [Place.of(doc, rel)],
                float(doc.split.held_out),
            )


def _arguments(rel: Relation) -> FrozenSet[TypedKey]:
    return frozenset((typed_key(rel.head), typed_key(rel.tail)))


def _exchanged(docs: Sequence[AuditedDoc], context: AuditContext) -> List[GivenText]:
    names: Dict[str, Dict[str, Name]] = {}
    for doc in context.docs:
        for span in doc.mentions:
            words = tuple(token.text for token in span)
            names.setdefault(span.label_, {}).setdefault(normalize_name(span.text), words)
    texts = []
    for doc in docs:
        own = {normalize_name(span.text) for span in doc.mentions}
        rng = random.Random(f"{context.options.seed} {doc.split.name} {doc.index}")
        draw = {}
        for label in sorted({span.label_ for span in doc.mentions}):
            others = [name for key, name in names[label].items() if key not in own]
            draw[label] = rng.sample(others, min(len(others), len(doc.mentions)))
        texts.append(rewrite(doc, assign_names(doc, draw)))
    return texts


def _drops(rows: Sequence[Sequence[Cell]]) -> Iterator[Finding]:
    before = float(rows[0][3] or 0.0)
    for name, _, _, f1, kept in rows[1:]:
        if before and float(f1 or 0.0) < 0.9 * before:
            yield Finding(
                "warning",
                f"With {name}, F1 falls from {100 * before:.1f} to {100 * float(f1 or 0.0):.1f}, and "
                f"{100 * float(kept or 0.0):.0f}% of the relations found are found again.",
                rank=-float(f1 or 0.0),
            )
