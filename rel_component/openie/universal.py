"""Parses in Universal Dependencies in the form of CLEAR labels: prepositions and copulas govern."""

from typing import Dict, List, Sequence, Tuple

from spacy.tokens import Doc

_UNIVERSAL = frozenset(
    {"obj", "obl", "case", "cop", "flat", "fixed", "iobj", "nsubj:pass", "aux:pass"}
)
_CLEAR = frozenset(
    {"pobj", "dobj", "attr", "acomp", "dative", "nsubjpass", "auxpass", "poss", "prep"}
)

_LABELS: Dict[str, str] = {
    "obj": "dobj",
    "iobj": "dative",
    "nsubj:pass": "nsubjpass",
    "csubj:pass": "csubjpass",
    "aux:pass": "auxpass",
    "acl:relcl": "relcl",
    "compound:prt": "prt",
    "obl:tmod": "npadvmod",
    "nmod:poss": "poss",
    "root": "root",
    "expl:pass": "auxpass",
    "expl:pv": "prt",
}
"""Labels that mean the same; of others, what is before the colon stays."""

_NOMINAL = frozenset(
    {"obl", "nmod", "xcomp", "conj", "root", "advcl", "acl", "appos", "dep", "advmod"}
)
_OF_CLAUSE = frozenset(
    [
        "nsubj",
        "nsubjpass",
        "csubj",
        "csubjpass",
        "aux",
        "auxpass",
        "mark",
        "advcl",
        "ccomp",
        "expl",
        "punct",
        "cc",
        "parataxis",
        "discourse",
        "advmod",
        "dislocated",
        "vocative",
    ]
)
"""What depends on a clause, and not on the noun or adjective that is its predicate."""


def is_universal(deps: Sequence[str]) -> bool:
    """Whether labels are those of Universal Dependencies rather than CLEAR labels."""
    found = {dep for dep in deps if dep in _UNIVERSAL or ":" in dep}
    return bool(found) and not any(dep in _CLEAR for dep in deps)


def governed(
    doc: Doc, heads: Sequence[int], deps: Sequence[str], pos: Sequence[str]
) -> Tuple[List[int], List[str]]:
    """Turn a parse in Universal Dependencies into CLEAR labels.

    Args:
        doc: the document, whose morphology tells negations.
        heads: the governor of each token.
        deps: label of each token, in lower case.
        pos: coarse part of speech.

    Returns:
        governors and labels.
    """
    new_heads = list(heads)
    labels = [_LABELS.get(dep, dep.split(":")[0]) for dep in deps]
    by_head: Dict[int, List[int]] = {}
    for i, head in enumerate(heads):
        if head != i:
            by_head.setdefault(head, []).append(i)
    for i, dep in enumerate(deps):
        if labels[i] == "advmod" and "Polarity=Neg" in str(doc[i].morph):
            labels[i] = "neg"
        if labels[i] == "obl" and dep == "obl:agent":
            labels[i] = "agent"
        if labels[i] in ("flat", "fixed", "goeswith"):
            labels[i] = "compound"
        if labels[i] == "xcomp" and pos[i] in ("ADJ", "NOUN", "PROPN"):
            labels[i] = "oprd"
    for i, children in by_head.items():
        copula = next((c for c in children if labels[c] == "cop"), None)
        case = next((c for c in children if labels[c] == "case"), None)
        if copula is not None:
            _turn(i, copula, new_heads, labels, by_head)
        if case is not None:
            _put_preposition(i, case, new_heads, labels)
    for i, label in enumerate(labels):
        if label == "obl":
            labels[i] = "npadvmod"  # without a preposition
        elif label == "acl" and any(_is_relative(doc, c) for c in by_head.get(i, ())):
            labels[i] = "relcl"
    return new_heads, labels


def _is_relative(doc: Doc, i: int) -> bool:
    return "PronType=Rel" in str(doc[i].morph)


def _turn(
    i: int, copula: int, heads: List[int], labels: List[str], by_head: Dict[int, List[int]]
) -> None:
    """Let a copula govern its predicate and what depends on the clause."""
    label, head = labels[i], heads[i]
    heads[copula] = copula if head == i else head
    labels[copula] = label
    heads[i], labels[i] = copula, "attr"
    for child in by_head[i]:
        clausal = labels[child] in _OF_CLAUSE or labels[child] == "neg"
        if child != copula and clausal and heads[child] == i:
            if labels[child] == "advmod" and child > copula and child < i:
                continue  # an adverb of the adjective
            heads[child] = copula
        elif labels[child] == "conj" and any(labels[c] == "nsubj" for c in by_head.get(child, ())):
            heads[child] = copula  # a clause of its own


def _put_preposition(i: int, case: int, heads: List[int], labels: List[str]) -> None:
    """Let a preposition govern its noun."""
    label = labels[i]
    if label not in _NOMINAL and label not in ("agent", "attr", "oprd"):
        labels[case] = "case"
        return
    if heads[i] == i:
        heads[case], labels[case] = case, "root"
    else:
        heads[case] = heads[i]
        labels[case] = label if label in ("agent", "conj", "appos") else "prep"
    heads[i], labels[i] = case, "pobj"
