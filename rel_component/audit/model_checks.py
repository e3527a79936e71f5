"""What a trained pipeline says: where it disagrees, and whether it reads or knows names."""

import random
from typing import Dict, Iterator, List, Optional, Sequence, Set

from ..evaluation.scoring import PRF
from ..mentions import normalize_name
from ..types import Relation
from .context import AuditContext
from .documents import AuditedDoc
from .findings import Cell, Finding, Place, Section, Table
from .known_facts import Fact, fact_of
from .predictor import Link, Links, Predictor, annotated_links, compare, in_order
from .rewriting import GivenText, Name, assign_names, rewrite


def check_disagreement(context: AuditContext) -> Section:
    """Where the pipeline disagrees with the annotation, the surest first."""
    predictor = _predictor(context)
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
    annotated = [annotated_links(doc) for doc in context.docs]
    train_facts = {
        _fact(doc, link, symmetric)
        for doc, gold_links in zip(context.docs, annotated)
        if not doc.part.held_out
        for link in gold_links
    }
    rows: List[List[Cell]] = []
    for part in context.parts:
        prf, new = PRF(), PRF()
        for doc, links, gold_links in zip(context.docs, predictions, annotated):
            if doc.part is part:
                gold = in_order(gold_links, symmetric)
                predicted = in_order(links, symmetric)
                known = {link for link in gold if _fact(doc, link, symmetric) in train_facts}
                prf += compare(gold, predicted)
                new += compare(gold - known, predicted - known)
        new_f1 = new.f1 if part.held_out else None
        rows.append([part.name, prf.precision, prf.recall, prf.f1, new_f1])
    header = ["part", "P", "R", "F1", "F1 of new facts"]
    section.tables.append(Table("Scores", header, rows, bars=[3, 4], shares=[1, 2, 3, 4]))
    found = list(zip(context.docs, predictions, annotated))
    section.add(
        "It reads something else or more",
        (f for doc, links, gold in found for f in _added(doc, links, gold, symmetric)),
    )
    section.add(
        "It does not find what is annotated",
        (f for doc, links, gold in found for f in _missed(doc, links, gold, symmetric)),
    )
    return section


def check_rewritten(context: AuditContext) -> Section:
    """What the pipeline still finds when names are exchanged or masked."""
    predictor = _predictor(context)
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
    gold = [in_order(annotated_links(doc), symmetric) for doc in docs]
    before: Optional[List[Set[Link]]] = None
    rows: List[List[Cell]] = []
    for name, texts in variants.items():
        found = [in_order(links, symmetric) for links in predictor.predict(texts)]
        before = found if before is None else before
        prf = sum((compare(g, f) for g, f in zip(gold, found)), PRF())
        n_before = sum(map(len, before))
        kept = sum(len(b & f) for b, f in zip(before, found)) / max(n_before, 1)
        rows.append([name, prf.precision, prf.recall, prf.f1, kept])
        section.figures[f"F1, {name}"] = prf.f1
        section.figures[f"kept, {name}"] = kept
    header = ["names", "P", "R", "F1", "kept"]
    section.tables.append(Table("Scores", header, rows, bars=[3, 4], shares=[1, 2, 3, 4]))
    section.add("Scores depend on names", _drops(rows))
    return section


def _predictor(context: AuditContext) -> Predictor:
    if context.predictor is None:
        raise ValueError("this check needs a pipeline; set AuditContext.predictor")
    return context.predictor


def _fact(doc: AuditedDoc, link: Link, symmetric: Sequence[str]) -> Fact:
    head, label, tail = link
    return fact_of(Relation(doc.mentions[head], label, doc.mentions[tail]), symmetric)


def _added(
    doc: AuditedDoc, links: Links, gold: Sequence[Link], symmetric: Sequence[str]
) -> Iterator[Finding]:
    known = in_order(gold, symmetric)
    for link, score in links.items():
        if in_order([link], symmetric) <= known:
            continue
        head, _, tail = link
        others = [other for other in gold if {other[0], other[2]} == {head, tail}]
        instead = " and ".join(_describe(doc, other) for other in others) or "no relation"
        sure = "" if score is None else f" with probability {score:.2f}"
        spans = doc.mentions
        annotated = others[0][1] if others else ""
        yield Finding(
            "warning",
            f"{_describe(doc, link)}{sure}; annotated: {instead}.",
            [Place(doc, spans[head], spans[tail], annotated)],
            (1.0 if others else 0.0) + (score or 0.0),
        )


def _missed(
    doc: AuditedDoc, links: Links, gold: Sequence[Link], symmetric: Sequence[str]
) -> Iterator[Finding]:
    found = in_order(links, symmetric)
    read_pairs = {frozenset((head, tail)) for head, _, tail in links}
    for link in gold:
        head, label, tail = link
        if in_order([link], symmetric) <= found or frozenset((head, tail)) in read_pairs:
            continue
        yield Finding(
            "info",
            f"{_describe(doc, link)} is annotated and not found.",
            [Place(doc, doc.mentions[head], doc.mentions[tail], label)],
            float(doc.part.held_out),
        )


def _describe(doc: AuditedDoc, link: Link) -> str:
    head, label, tail = link
    return f"({doc.mentions[head].text}, {label}, {doc.mentions[tail].text})"


def _exchanged(docs: Sequence[AuditedDoc], context: AuditContext) -> List[GivenText]:
    names: Dict[str, Dict[str, Name]] = {}
    for doc in context.docs:
        for span in doc.mentions:
            words = tuple(token.text for token in span)
            names.setdefault(span.label_, {}).setdefault(normalize_name(span.text), words)
    texts = []
    for doc in docs:
        own = {normalize_name(span.text) for span in doc.mentions}
        rng = random.Random(f"{context.options.seed} {doc.part.name} {doc.index}")
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
