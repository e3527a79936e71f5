"""SemEval-2010 Task 8: one marked pair of nominals a sentence.

The relation goes from the first to the second argument in its parentheses; ``Other`` is no relation.
Each sentence has one pair: documents are written as one sentence for each relation.
Hendrickx et al. 2010, https://aclanthology.org/S10-1006.
"""

import re
from pathlib import Path
from typing import Iterable, Iterator, List, Match, Tuple

from ...errors import DataError, shown
from ...files import open_output
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation
from ..checks import mention_place, relation_place
from ..format import AnnotationFormat
from ..records import read_each
from ..report import Report
from ..text_files import read_lines

NOMINAL = "NOMINAL"
"""Entity type of the mentions; the data has none."""

OTHER = "Other"

_SENTENCE = re.compile(r'^(\d{1,18})\t"?(.*?)"?$')
_MARKED = re.compile(r"<(e[12])>(.*?)</\1>")
_RELATION = re.compile(r"^([\w-]+)\((e[12]),(e[12])\)$")
_LABEL = re.compile(r"[\w-]+")
_TAG = re.compile(r"</?e[12]>")


def _read_file(path: Path, report: Report) -> Iterator[Annotated]:
    return read_each(_sentences(path, report), _read, report)


def _sentences(path: Path, report: Report) -> Iterator[Tuple[str, Tuple[Match[str], str]]]:
    """Each sentence with the line of its relation, and their place."""
    place, sentence = "", None
    for number, line in read_lines(path):
        if line.startswith("Comment:"):
            continue
        match = _SENTENCE.match(line)
        if match and sentence:
            report.problem("no relation follows", place=place, skips="document")
        if match:
            place = f"{path}, line {number}, document {match[1]}"
            sentence = match
        elif sentence:
            yield place, (sentence, line.strip())
            sentence = None
        else:
            report.problem(
                f'expected a number, a tab and a sentence in quotes, got "{line[:40]}"',
                place=f"{path}, line {number}",
                skips="document",
            )
    if sentence:
        report.problem("no relation follows", place=place, skips="document")


def _write_file(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    number = 0
    with open_output(path) as output:
        for annotated in documents:
            for sentence in _to_sentences(annotated, report):
                number += 1
                document_id = annotated.meta.get("id")
                is_number = isinstance(document_id, int) and document_id >= 0
                name = document_id if is_number else number
                output.write(f"{name}\t{sentence}\nComment:\n\n")


def _read(lines: Tuple[Match[str], str], place: str, report: Report) -> Annotated:
    sentence, relation = lines
    number, marked = sentence.groups()
    text, mentions = read_marked(marked)
    relations = []
    if relation == OTHER:
        report.negatives += 1
    else:
        parsed = _RELATION.match(relation)
        if parsed is None or parsed[2] == parsed[3]:
            raise DataError(
                f"expected a relation such as Cause-Effect(e1,e2) or Other, got {shown(relation)}"
            )
        relations.append(AnnotatedRelation(parsed[2], parsed[3], parsed[1]))
    return Annotated(
        place=place,
        text=text,
        mentions=mentions,
        relations=relations,
        sentence_starts=[0],
        meta={"id": int(number)},
    )


def read_marked(marked: str) -> Tuple[str, List[AnnotatedMention]]:
    """Read a sentence with ``<e1>`` and ``<e2>``; a DataError if it has not one of each."""
    text, position, mentions = "", 0, []
    for mention in _MARKED.finditer(marked) if _has_pair(marked) else ():
        text += marked[position : mention.start()]
        name, words = mention.groups()
        mentions.append(AnnotatedMention(name, len(text), len(text) + len(words), NOMINAL))
        text += words
        position = mention.end()
    text += marked[position:]
    if sorted(str(mention.id) for mention in mentions) != ["e1", "e2"]:
        raise DataError("expected one <e1>...</e1> and one <e2>...</e2>")
    return text, mentions


def _has_pair(marked: str) -> bool:
    """Whether there is one tag of each kind; many without an end would take quadratic time."""
    return [marked.count(tag) for tag in ("<e1>", "<e2>")] == [1, 1]


def _to_sentences(annotated: Annotated, report: Report) -> Iterator[str]:
    """The text with the pair of each relation marked, and on the next line their relation."""
    place = annotated.place
    if any(mention.label != NOMINAL for mention in annotated.mentions):
        report.note("documents whose entity types semeval does not hold", place=place)
    if not isinstance(annotated.meta.get("id", 0), int):
        report.note("documents whose ids are no numbers, as semeval needs them", place=place)
    if len(annotated.relations) > 1:
        report.note("documents written as one sentence for each relation", place=place)
    if "\n" in (annotated.text or ""):
        report.note("documents whose line breaks became spaces", place=place)
    mentions = {mention.id: mention for mention in annotated.mentions}
    if not annotated.relations and len(mentions) != 2:
        message = f"semeval needs one pair of mentions, got {len(mentions)} without relation"
        report.problem(message, place=place, skips="document")
        return
    pairs = [
        (rel.label, mentions[rel.head], mentions[rel.tail], relation_place(annotated, rel))
        for rel in annotated.relations
    ]
    if not pairs:
        pairs = [("", annotated.mentions[0], annotated.mentions[1], place)]
    for label, head, tail, pair_place in pairs:
        with report.skipping("relation" if label else "document", pair_place):
            yield _mark(annotated.text or "", label, head, tail)
    related = annotated.related
    for mention in annotated.mentions if related else ():
        if mention.id not in related:
            message = "semeval does not hold mentions without relation"
            report.problem(message, place=mention_place(annotated, mention), skips="mention")


def _mark(text: str, label: str, head: AnnotatedMention, tail: AnnotatedMention) -> str:
    """The text with two mentions marked, and their relation; a DataError if it cannot hold them."""
    first, second = sorted((head, tail), key=lambda mention: mention.start)
    if first.end > second.start:
        raise DataError("semeval does not hold mentions that overlap")
    if _TAG.search(text):
        raise DataError("semeval does not hold texts with tags such as <e1>")
    if label and (label == OTHER or not _LABEL.fullmatch(label)):
        raise DataError(f"semeval labels are letters, digits and hyphens, not {shown(label)}")
    marked = (
        f"{text[: first.start]}<e1>{text[first.start : first.end]}</e1>"
        f"{text[first.end : second.start]}<e2>{text[second.start : second.end]}</e2>"
        f"{text[second.end :]}"
    ).replace("\n", " ")
    ends = "e1,e2" if head is first else "e2,e1"
    return f'"{marked}"\n' + (f"{label}({ends})" if label else OTHER)


def _looks_like(head: str) -> bool:
    lines = [line for line in head.lstrip("\ufeff").splitlines() if line.strip()]
    return (
        bool(lines)
        and _SENTENCE.match(lines[0]) is not None
        and _has_pair(lines[0])
        and len(_MARKED.findall(lines[0])) == 2
    )


FORMAT = AnnotationFormat(
    name="semeval",
    description="SemEval-2010 Task 8",
    read=_read_file,
    write=_write_file,
    looks_like=_looks_like,
    holds=frozenset({"sentences", "id"}),
    sample="""\
1\t"The <e1>fire</e1> was caused by a <e2>spark</e2>."
Cause-Effect(e2,e1)
Comment:
""",
)
