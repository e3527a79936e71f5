"""Plants faults at random places of a corpus, to see which of them an audit finds."""

import random
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Set, Tuple

from spacy.tokens import Doc

from rel_component.annotations import get_relations
from rel_component.schema import RelationSchema

from ..helpers import make_doc

Row = Tuple[int, str, int]
"""Position of the head in the mentions, label, position of the tail."""


COPIES = {
    "duplicate": ("exact", "exact", "one word", "one name"),
    "leak": ("exact", "exact", "one word", "sentence"),
}
VIOLATIONS = ("wrong mention", "wrong mention", "misspelt", "both directions")

_LONG_ENOUGH = 12  # words of a document that is copied
_LONG_SENTENCE = 6


@dataclass
class Draft:
    """A document in the making. source: the clean document that it was made from."""

    words: List[str]
    spaces: List[bool]
    starts: List[int]
    mentions: List[Tuple[int, int, str]]
    rows: List[Row]
    source: Doc

    @classmethod
    def of(cls, doc: Doc) -> "Draft":
        mentions = [(ent.start, ent.end, ent.label_) for ent in doc.ents]
        at = {mention[:2]: i for i, mention in enumerate(mentions)}
        rows = [
            (at[rel.head.start, rel.head.end], rel.label, at[rel.tail.start, rel.tail.end])
            for rel in get_relations(doc)
        ]
        return cls(
            words=[token.text for token in doc],
            spaces=[bool(token.whitespace_) for token in doc],
            starts=[token.i for token in doc if token.is_sent_start],
            mentions=mentions,
            rows=rows,
            source=doc,
        )

    def build(self) -> Doc:
        return make_doc(
            self.source.vocab,
            self.words,
            self.mentions,
            self.rows,
            sent_starts=self.starts,
            spaces=self.spaces,
        )


@dataclass
class Fault:
    """What was planted.

    kind: ``duplicate``, ``leak``, ``label``, ``direction`` or ``violation``. how: which form of it.
    doc: the document with the fault. clean: the document in the clean corpus. pair: start of the
    two arguments, if it is about a relation.
    """

    kind: str
    how: str
    doc: Doc
    clean: Doc
    pair: Optional[Set[int]] = None


_Planted = Tuple[str, str, Draft, Optional[Set[int]]]


def plant(
    train: Sequence[Doc],
    test: Sequence[Doc],
    schema: RelationSchema,
    seed: int,
    *,
    allowed: bool = False,
) -> Tuple[List[Doc], List[Doc], List[Fault]]:
    """Copies of the parts with four faults of each kind, each in a document of its own.

    allowed: whether wrong labels and directions are ones that the schema allows, if there are any.
    """
    rng = random.Random(seed)
    drafts = {id(doc): Draft.of(doc) for doc in [*train, *test]}
    free = [drafts[id(doc)] for doc in train if len(get_relations(doc))]
    rng.shuffle(free)
    planted: List[_Planted] = []
    for kind, forms in COPIES.items():
        for how in forms:
            i = next(i for i, draft in enumerate(free) if len(draft.words) >= _LONG_ENOUGH)
            copy = _copy(free.pop(i), how, rng, [drafts[id(doc)] for doc in test])
            planted.append((kind, how, copy, None))
    planted += _corrupt(free, schema, rng, allowed)
    parts = []
    built: Dict[int, Doc] = {}
    for docs, kind in ((train, "duplicate"), (test, "leak")):
        mixed = [drafts[id(doc)] for doc in docs]
        for other, how, draft, _ in planted:
            if other == kind and how != "sentence":
                mixed.insert(rng.randrange(len(mixed) + 1), draft)
        built.update((id(draft), draft.build()) for draft in mixed)
        parts.append([built[id(draft)] for draft in mixed])
    faults = [
        Fault(kind, how, built[id(draft)], draft.source, pair) for kind, how, draft, pair in planted
    ]
    return parts[0], parts[1], faults


def _corrupt(
    free: List[Draft], schema: RelationSchema, rng: random.Random, allowed: bool
) -> List[_Planted]:
    """Change a relation each in some of the free documents, and take those away."""
    planted: List[_Planted] = []
    kinds = [("label", "")] * 4 + [("direction", "")] * 4 + [("violation", h) for h in VIOLATIONS]
    for kind, how in kinds:
        for i, draft in enumerate(free):
            pair = _change(draft, how or kind, schema, rng, allowed)
            if pair is not None:
                planted.append((kind, how, free.pop(i), pair))
                break
    return planted


def _copy(draft: Draft, how: str, rng: random.Random, test: List[Draft]) -> Draft:
    copy = Draft.of(draft.source)
    inside = {i for start, end, _ in copy.mentions for i in range(start, end)}
    if how == "one word":
        plain = [i for i, word in enumerate(copy.words) if word.isalpha() and i not in inside]
        copy.words[rng.choice(plain)] = rng.choice(rng.choice(test).words)
    elif how == "one name":
        start, end, _ = rng.choice(copy.mentions)
        for i in range(start, end):
            copy.words[i] = rng.choice(("Aldermoor", "Brixel", "Corvane", "Dunmere"))
    elif how == "sentence":
        return _append_sentence(copy, rng.choice(test), rng)
    return copy


def _append_sentence(train: Draft, target: Draft, rng: random.Random) -> Draft:
    """Append a sentence of a training document that has a relation to a test document."""
    ends = [*train.starts[1:], len(train.words)]
    ranges = []
    for start, end in zip(train.starts, ends):
        rows = [
            row
            for row in train.rows
            if all(start <= train.mentions[i][0] < end for i in (row[0], row[2]))
        ]
        if end - start >= _LONG_SENTENCE:
            ranges.append((bool(rows), start, end, rows))
    _, start, end, rows = max(ranges, key=lambda item: (item[0], rng.random()))
    shift = len(target.words) - start
    kept = [i for i, mention in enumerate(train.mentions) if start <= mention[0] < end]
    number = {old: len(target.mentions) + new for new, old in enumerate(kept)}
    target.starts.append(len(target.words))
    target.spaces[-1] = True
    target.words += train.words[start:end]
    target.spaces += train.spaces[start:end]
    target.mentions += [
        (train.mentions[i][0] + shift, train.mentions[i][1] + shift, train.mentions[i][2])
        for i in kept
    ]
    target.rows += [(number[head], label, number[tail]) for head, label, tail in rows]
    return target


def _change(
    draft: Draft, how: str, schema: RelationSchema, rng: random.Random, allowed: bool
) -> Optional[Set[int]]:
    """Change a relation that is the only one between its mentions; the start of its arguments."""
    pairs = [frozenset((head, tail)) for head, _, tail in draft.rows]
    rows = [row for row, pair in zip(draft.rows, pairs) if pairs.count(pair) == 1]
    rng.shuffle(rows)
    for row in rows:
        new = _changed(draft, row, how, schema, rng, allowed)
        if new is not None:
            if how == "both directions":
                draft.rows.append(new)
            else:
                draft.rows[draft.rows.index(row)] = new
            return {draft.mentions[new[0]][0], draft.mentions[new[2]][0]}
    return None


def _changed(
    draft: Draft, row: Row, how: str, schema: RelationSchema, rng: random.Random, allowed: bool
) -> Optional[Row]:
    """A wrong relation in place of a right one, or beside it; None if there is none of that kind."""
    head, label, tail = row
    types = [mention[2] for mention in draft.mentions]
    fits_turned = schema[label].allows(types[tail], types[head])
    if how == "label":
        strict = allowed and _is_ambiguous(schema)
        others = [
            other
            for other in schema
            if other != label and (not strict or schema[other].allows(types[head], types[tail]))
        ]
        return (head, rng.choice(others), tail) if others else None
    if how == "direction":
        turns = not schema[label].symmetric and (not allowed or fits_turned)
        return (tail, label, head) if turns else None
    if how == "misspelt":
        return (head, label.lower(), tail)
    if how == "both directions":
        return (tail, label, head) if schema[label].asymmetric or not fits_turned else None
    wrong = [
        i
        for i, name in enumerate(types)
        if i != head and not schema[label].allows(types[head], name)
    ]
    return (head, label, rng.choice(wrong)) if wrong else None


def _is_ambiguous(schema: RelationSchema) -> bool:
    """Whether several labels are possible between some entity types."""
    types = {name for rel_type in schema.values() for name in (*rel_type.head, *rel_type.tail)}
    return any(
        sum(rel_type.allows(head, tail) for rel_type in schema.values()) > 1
        for head in types
        for tail in types
    )
