"""Leakage: texts, sentences, names, pairs and facts of training in held-out splits."""

from collections import Counter
from typing import Dict, Iterable, Iterator, List, NamedTuple, Sequence, Set, Tuple

from ..evaluation.known_facts import Fact, fact_of
from ..mentions import normalize_name
from .context import AuditContext
from .documents import AuditedDoc, Split
from .duplicates import find_duplicates
from .findings import Cell, Finding, Place, Section, Table

_SENTENCE_WORDS = 5  # shorter sentences recur by chance


class _Seen(NamedTuple):
    sentences: Dict[bytes, AuditedDoc]
    names: Set[str]
    pairs: Set[Tuple[str, str]]
    facts: Dict[Fact, Place]


def check_leakage(context: AuditContext) -> Section:
    """Find leaks from training into held-out splits, and count the facts that are new."""
    section = Section(
        "leakage",
        "Leakage between splits",
        "What held-out documents share with those of training. A fact is a label with the names of "
        "head and tail; scores over new facts alone say what was not learnt by heart "
        "(--model gives them).",
        context.options.max_findings,
    )
    if not context.held_out_splits:
        section.intro = "No held-out split was given (--test), so there is nothing to compare."
        return section
    seen = _read(context)
    copied = _copied_documents(context)
    section.add("Held-out documents that are in training", (f for _, f in copied))
    duplicated = {id(doc) for doc, _ in copied}
    rows: List[List[Cell]] = []
    by_label: List[List[Cell]] = []
    sentences: List[Finding] = []
    for split in context.held_out_splits:
        docs = context.docs_of(split)
        leaked = list(_copied_sentences(docs, seen.sentences, duplicated))
        sentences += leaked
        row, labels = _shares(split, docs, seen, context.schema.symmetric_labels)
        n_copied = sum(id(doc) in duplicated for doc in docs)
        rows.append([split.name, len(docs), n_copied, len(leaked), *row])
        by_label += labels
        section.figures[f"share of new facts in {split.name}"] = 1.0 - float(row[-1] or 0.0)
    section.add("Held-out sentences that are in training", sentences)
    section.add("Held-out facts that are in training", _known(context, seen.facts))
    section.tables.append(
        Table(
            "Shared with training",
            ["split", "documents", "copied", "sentences copied", "names", "pairs", "facts"],
            rows,
            bars=[4, 5, 6],
            shares=[4, 5, 6],
        )
    )
    section.tables.append(
        Table(
            "Facts known from training, by label",
            ["split", "label", "relations", "known"],
            by_label,
            bars=[3],
            shares=[3],
        )
    )
    return section


def _read(context: AuditContext) -> _Seen:
    symmetric = context.schema.symmetric_labels
    seen = _Seen({}, set(), set(), {})
    for doc in context.train_docs:
        for words in doc.sentence_words().values():
            seen.sentences.setdefault(words.tobytes(), doc)
        seen.names.update(normalize_name(span.text) for span in doc.mentions)
        for rel in doc.relations:
            fact = fact_of(rel, symmetric)
            seen.facts.setdefault(fact, Place.of(doc, rel))
            seen.pairs.add(_pair(fact))
    return seen


def _copied_documents(context: AuditContext) -> List[Tuple[AuditedDoc, Finding]]:
    """Held-out documents with the training document they repeat, the most similar one each."""
    found = find_duplicates(context)
    best: Dict[int, Tuple[float, AuditedDoc, AuditedDoc]] = {}
    same = ((a, b, 1.0) for group in found.same for a, b in _across(group))
    for first, second, similarity in [*same, *found.near]:
        if first.split.held_out == second.split.held_out:
            continue
        train, held_out = (second, first) if first.split.held_out else (first, second)
        if similarity > best.get(id(held_out), (0.0,))[0]:
            best[id(held_out)] = (similarity, held_out, train)
    return [
        (
            held_out,
            Finding(
                "error" if similarity == 1.0 else "warning",
                f"{held_out.name} is also {train.name}"
                + ("." if similarity == 1.0 else f", to {similarity:.0%}."),
                [Place.first(held_out), Place.first(train)],
                similarity,
            ),
        )
        for similarity, held_out, train in best.values()
    ]


def _across(group: Sequence[AuditedDoc]) -> Iterator[Tuple[AuditedDoc, AuditedDoc]]:
    train = next((doc for doc in group if not doc.split.held_out), None)
    if train is not None:
        yield from ((doc, train) for doc in group if doc.split.held_out)


def _copied_sentences(
    docs: Iterable[AuditedDoc], known: Dict[bytes, AuditedDoc], duplicated: Set[int]
) -> Iterator[Finding]:
    for doc in docs:
        if id(doc) in duplicated:
            continue
        for number, words in doc.sentence_words().items():
            train = known.get(words.tobytes())
            if train is None or len(words) < _SENTENCE_WORDS:
                continue
            inside = [
                rel
                for rel in doc.relations
                if number in doc.sentences[[rel.head.start, rel.tail.start]]
            ]
            yield Finding(
                "error" if inside else "warning",
                f"A sentence of {doc.name} is also in {train.name}, with {len(inside)} relations.",
                [Place.of(doc, inside[0]) if inside else Place(doc), Place.first(train)],
                len(inside) + 1.0 - 1.0 / len(words),
            )


def _shares(
    split: Split, docs: Sequence[AuditedDoc], seen: _Seen, symmetric: Sequence[str]
) -> Tuple[List[Cell], List[List[Cell]]]:
    """Shares of mentions, related pairs and relations that training knows; relations by label."""
    names = [normalize_name(span.text) for doc in docs for span in doc.mentions]
    facts = [fact_of(rel, symmetric) for doc in docs for rel in doc.relations]
    total: Counter[str] = Counter(fact[1] for fact in facts)
    known: Counter[str] = Counter(fact[1] for fact in facts if fact in seen.facts)
    row: List[Cell] = [
        _mean([name in seen.names for name in names]),
        _mean([_pair(fact) in seen.pairs for fact in facts]),
        _mean([fact in seen.facts for fact in facts]),
    ]
    by_label: List[List[Cell]] = [
        [split.name, label, n, known[label] / n] for label, n in sorted(total.items())
    ]
    return row, by_label


def _known(context: AuditContext, facts: Dict[Fact, Place]) -> Iterator[Finding]:
    symmetric = context.schema.symmetric_labels
    for split in context.held_out_splits:
        for doc in context.docs_of(split):
            for rel in doc.relations:
                place = facts.get(fact_of(rel, symmetric))
                if place is not None:
                    yield Finding(
                        "info", f"{rel} is a fact of training.", [Place.of(doc, rel), place]
                    )


def _pair(fact: Fact) -> Tuple[str, str]:
    return (min(fact[0], fact[2]), max(fact[0], fact[2]))


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 0.0
