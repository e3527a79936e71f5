"""Relations in notations other than JSON, which models write where nothing constrains them."""

import re
from typing import Dict, List, Tuple

from .parts import part_of

MAX_CHARACTERS = 100_000
"""Characters of a text that are searched."""

_BULLET = r"^\W{0,9}(?:\d{1,3}[.):]\s{1,3}\W{0,3})?"
_BAR = r"(?:<\|\#?\|?>|\|)"

_NOTATIONS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        # GraphRAG, LightRAG: ("relationship"<|>Ann Lee<|>Acme<|>founded<|>9)
        rf'relation(?:ship)?"?{_BAR}(?P<head>[^<\n]{{1,150}}){_BAR}(?P<tail>[^<\n]{{1,150}}){_BAR}'
        rf"(?P<label>[^<\n]{{1,100}}){_BAR}",
        # Cypher and arrows: (Ann Lee:PERSON)-[:FOUNDED]->(Acme:ORG), Ann Lee -> FOUNDED -> Acme
        _BULLET + r"(?P<head>[^\n\[\]:→>]{1,150}?)(?::\w{1,50})?\)?\s?"
        r"(?:[-=\u2014\u2013]{1,3}\s?\[:?|--|\u2014|\s-\s|[-=]{1,2}>|→)"
        r"(?P<label>[^\n\[\]()→>-]{1,100})(?:\][-=\u2014\u2013]{1,3}>?|[-=\u2014\u2013]{1,3}>|→)\s?\(?"
        r"(?P<tail>[^\n\[\]():→]{1,150})",
        # calls: FOUNDED(Ann Lee, Acme)
        _BULLET
        + r"(?P<label>\w[\w -]{0,60}?)(?::\s)?\((?:\w{1,20}=)?(?P<head>[^()\n,;=]{1,150})[,;]\s?"
        r"(?:\w{1,20}=)?(?P<tail>[^()\n,;=]{1,150})\)\W{0,3}$",
        # a row of a table: | Ann Lee | FOUNDED | Acme |
        _BULLET
        + r"(?P<head>[^|\n]{1,150})\|(?P<label>[^|\n]{1,100})\|(?P<tail>[^|\n]{1,150})\|?\s?$",
        # tuples: (Ann Lee, FOUNDED, Acme)
        r"[(\[<](?P<head>[^()\[\],\n]{1,150}),(?P<label>[^()\[\],\n]{1,100}),"
        r"(?P<tail>[^()\[\],\n]{1,150})[)\]>]",
        r"[(\[<](?P<head>[^()\[\];\n]{1,150});(?P<label>[^()\[\];\n]{1,100});"
        r"(?P<tail>[^()\[\];\n]{1,150})[)\]>]",
        # lines: Ann Lee - FOUNDED - Acme
        *(
            _BULLET + rf"(?P<head>(?:(?!{bar})[^\n]){{1,150}}){bar}(?P<label>[\w :-]{{1,60}}?){bar}"
            rf"(?P<tail>(?:(?!{bar})[^\n]){{1,150}})$"
            for bar in (
                r"\s?\t\s?",
                r"[*\"'` ]{0,3} [-\u2013\u2014/]{1,2} [*\"'` ]{0,3}",
                r"\s?::\s?",
                ";",
            )
        ),
    )
)
_REBEL = re.compile(
    r"<triplet>([^<\n]{1,150})((?:<(?!triplet)\w{1,20}>[^<\n]{1,150}<\w{1,20}>[^<\n]{1,100})+)"
)
_REBEL_TAIL = re.compile(r"<\w{1,20}>([^<\n]{1,150})<\w{1,20}>([^<\n]{1,100})")
# head: Ann Lee; head="Ann Lee"; <head>Ann Lee</head>; **Head:** Ann Lee
_NAMED = re.compile(
    r"<(?P<tag>\w{1,30})>(?P<inner>[^<>\n]{1,150})</"
    r"|\b(?P<name>\w{1,20}(?:[ _]\w{1,20})?)[\"'*]{0,4} ?[:=][\"'* \t]{0,5}"
    r"(?:(?<=\")(?P<quoted>[^\"\n]{1,150})|(?P<value>[^\n,;|<>\"=]{1,150}))"
)
_CYPHER_NODE = re.compile(
    r"\(\s?(?P<variable>\w{0,50})\s?(?::\w{1,50})?\s?\{[^{}]{0,200}?"
    r"""(?:name|id|text)['"]?\s?:\s?['"](?P<name>[^'"\n]{1,150})['"][^{}]{0,500}\}\s?\)"""
    r"|\(\s?(?P<alone>\w{1,50})\s?\)"
)
_CYPHER = re.compile(r"\)\s?<?-\[")
_CYPHER_BACK = re.compile(r"\(([^()\n]{1,200})\)\s?<-\[([^\]\n]{1,100})\]-\s?\(([^()\n]{1,200})\)")
_SEPARATED = (" | ", "|", "\t", ";", ",")
_EDGE = "\"'`*<>()[]{}-.,;:| \t\r"


def find_triples(text: str) -> List[Tuple[str, str, str]]:
    """Return head, label and tail of the relations in a text, in the first notation that has any."""
    text = text[:MAX_CHARACTERS]
    triples = _of_rebel(text) or _of_table(text) or _of_named_parts(text)
    if triples:
        return triples
    text = plain_cypher(text)
    for notation in _NOTATIONS:
        found = [tuple(m[part].strip(_EDGE) for part in _PARTS) for m in notation.finditer(text)]
        triples = [(head, label, tail) for head, label, tail in found if _is_row(head, label, tail)]
        if triples:
            return triples
    return []


def is_cypher(text: str) -> bool:
    """Tell whether a text has relationships of Cypher, whose braces are no JSON."""
    return bool(_CYPHER.search(text[:MAX_CHARACTERS]))


def plain_cypher(text: str) -> str:
    """Return Cypher with names in the place of nodes, and all relationships from left to right."""
    names: Dict[str, str] = {}

    def named(match: "re.Match[str]") -> str:
        variable = match["variable"] or match["alone"]
        if match["name"]:
            names[variable] = match["name"]
        name = match["name"] or names.get(variable)
        return f"({name})" if name else match[0]

    text = _CYPHER_NODE.sub(named, text)
    text = _CYPHER_BACK.sub(r"(\3)-[\2]->(\1)", text)
    return re.sub(r"^\s*(?:CREATE|MERGE)\s", "", text, flags=re.MULTILINE)


def _of_rebel(text: str) -> List[Tuple[str, str, str]]:
    """REBEL: <triplet> Ann Lee <subj> Acme <obj> FOUNDED <subj> Paris <obj> LIVES_IN."""
    return [
        (match[1].strip(_EDGE), label.strip(_EDGE), tail.strip(_EDGE))
        for match in _REBEL.finditer(text)
        for tail, label in _REBEL_TAIL.findall(match[2])
    ]


def _of_table(text: str) -> List[Tuple[str, str, str]]:
    """Rows below a heading that names the columns, in any order."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        for bar in _SEPARATED:
            columns = [
                _column(cell) for cell in line.strip().strip("|").split(bar.strip(" ") or bar)
            ]
            if len(columns) < 3 or not {*_PARTS} <= {*columns}:
                continue
            rows = (
                row.strip().strip("|").split(bar.strip(" ") or bar) for row in lines[number + 1 :]
            )
            cells = [dict(zip(columns, row)) for row in rows if len(row) == len(columns)]
            found = [tuple(row[part].strip(_EDGE) for part in _PARTS) for row in cells]
            return [(h, label, t) for h, label, t in found if _is_row(h, label, t)]
    return []


def _of_named_parts(text: str) -> List[Tuple[str, str, str]]:
    """Parts with their names, in any order, of which none comes twice in a relation."""
    triples: List[Tuple[str, str, str]] = []
    parts: Dict[str, str] = {}
    for match in _NAMED.finditer(text):
        part = _column(match["tag"] or match["name"])
        value = match["inner"] or match["quoted"] or match["value"]
        if part in parts:
            parts = {}
        if part in _PARTS:
            parts[part] = value.strip(_EDGE)
        if parts.keys() == {*_PARTS} and all(parts.values()):
            triples.append((parts["head"], parts["label"], parts["tail"]))
            parts = {}
    return triples


def _column(name: str) -> str:
    part = part_of(name.strip(_EDGE))
    return "label" if part in ("relation", "type") else part


_PARTS = ("head", "label", "tail")


def _is_row(*cells: str) -> bool:
    """Tell cells with names from the heading of a table and the rule below it."""
    return all(any(map(str.isalnum, cell)) for cell in cells) and not all(map(part_of, cells))
