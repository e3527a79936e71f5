"""Relations in notations other than JSON, which models write where nothing constrains them."""

import re
from typing import List, Tuple

MAX_CHARACTERS = 100_000
"""Characters of a text that are searched."""

_HEAD = r"(?:head|subject|source|entity[ _]?1)"
_LABEL = r"(?:label|relation(?:ship)?(?:[ _]type)?|predicate)"
_TAIL = r"(?:tail|object|target|entity[ _]?2)"
_BULLET = r"^\W{0,9}(?:\d{1,3}[.):]\s{1,3}\W{0,3})?"
_NEXT = r"[\n,;|<](?:/\w{1,20}>)?\W{0,12}"  # between two parts that have names
_BAR = r"<\|\#?\|?>"

_NOTATIONS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        # GraphRAG, LightRAG: ("relationship"<|>Ann Lee<|>Acme<|>founded<|>9)
        rf'relation(?:ship)?"?{_BAR}(?P<head>[^<\n]{{1,150}}){_BAR}(?P<tail>[^<\n]{{1,150}}){_BAR}'
        rf"(?P<label>[^<\n]{{1,100}}){_BAR}",
        # REBEL: <triplet> Ann Lee <subj> Acme <obj> FOUNDED
        r"<triplet>(?P<head>[^<\n]{1,150})<subj>(?P<tail>[^<\n]{1,150})<obj>(?P<label>[^<\n]{1,100})",
        # YAML, XML and lines: head: Ann Lee, relation: FOUNDED, tail: Acme
        rf"\b{_HEAD}\b\W{{1,6}}(?P<head>[^\n,;|<>]{{1,150}}){_NEXT}"
        rf"{_LABEL}\b\W{{1,6}}(?P<label>[^\n,;|<>]{{1,100}}){_NEXT}"
        rf"{_TAIL}\b\W{{1,6}}(?P<tail>[^\n,;|<>]{{1,150}})",
        # Cypher and arrows: (Ann Lee:PERSON)-[:FOUNDED]->(Acme:ORG), Ann Lee -> FOUNDED -> Acme
        _BULLET
        + r"(?P<head>[^\n\[\]:→>]{1,150}?)(?::\w{1,50})?\)?\s?(?:-{1,2}\[:?|--|[-=]{1,2}>|→)"
        r"(?P<label>[^\n\[\]()→>-]{1,100})(?:\]-{1,2}>?|[-=]{1,2}>|→)\s?\(?"
        r"(?P<tail>[^\n\[\]():→]{1,150})",
        # a row of a table: | Ann Lee | FOUNDED | Acme |
        _BULLET
        + r"(?P<head>[^|\n]{1,150})\|(?P<label>[^|\n]{1,100})\|(?P<tail>[^|\n]{1,150})\|?\s?$",
        # tuples: (Ann Lee, FOUNDED, Acme)
        r"[(\[<](?P<head>[^()\[\],\n]{1,150}),(?P<label>[^()\[\],\n]{1,100}),"
        r"(?P<tail>[^()\[\],\n]{1,150})[)\]>]",
    )
)
_CSV_HEADER = re.compile(
    rf"^\W{{0,9}}{_HEAD}\W?([,;\t])\W?{_LABEL}\W?\1\W?{_TAIL}\W{{0,9}}$",
    re.IGNORECASE | re.MULTILINE,
)
_PART = re.compile(rf"{_HEAD}|{_LABEL}|{_TAIL}", re.IGNORECASE)
_EDGE = "\"'`*<>()[]-.,;| \t\r"


def find_triples(text: str) -> List[Tuple[str, str, str]]:
    """Return head, label and tail of the relations in a text, in the first notation that has any."""
    text = text[:MAX_CHARACTERS]
    header = _CSV_HEADER.search(text)
    if header is not None:
        text = text[header.end() :].replace(header[1], "|")
    for notation in _NOTATIONS:
        found = [tuple(m[part].strip(_EDGE) for part in _PARTS) for m in notation.finditer(text)]
        triples = [(head, label, tail) for head, label, tail in found if _is_row(head, label, tail)]
        if triples:
            return triples
    return []


_PARTS = ("head", "label", "tail")


def _is_row(*cells: str) -> bool:
    """Tell cells with names from the heading of a table and the rule below it."""
    return all(any(map(str.isalnum, cell)) for cell in cells) and not _PART.fullmatch(cells[1])
