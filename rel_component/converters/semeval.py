"""SemEval-2010 Task 8: one marked pair of nominals a sentence.

::

    1\t"The <e1>fire</e1> was caused by a <e2>spark</e2>."
    Cause-Effect(e2,e1)
    Comment:

The relation goes from the first to the second argument in its parentheses; ``Other`` is no relation.
Hendrickx et al. 2010, https://aclanthology.org/S10-1006.
"""

import re
from pathlib import Path
from typing import Iterator, List, Tuple

from ..errors import DataError
from .annotated import Annotated, AnnotatedMention, AnnotatedRelation
from .records import read_lines
from .report import Report

NOMINAL = "NOMINAL"
"""Entity type of the mentions; the data has none."""

OTHER = "Other"

_SENTENCE = re.compile(r'^(\d+)\t"?(.*?)"?$')
_MARKED = re.compile(r"<(e[12])>(.*?)</\1>")
_RELATION = re.compile(r"^([\w-]+)\((e[12]),(e[12])\)$")


def read_semeval(path: Path, report: Report) -> Iterator[Annotated]:
    """Read a file of SemEval-2010 Task 8 (converter ``semeval``).

    path: TRAIN_FILE.TXT or TEST_FILE_FULL.TXT. report: takes note of what cannot be used.
    """
    sentence: List[Tuple[int, str]] = []
    for number, line in read_lines(path):
        if line.startswith("Comment:"):
            continue
        if _SENTENCE.match(line):
            if sentence:
                report.problem(
                    "no relation follows", place=_place(path, *sentence[0]), skips="document"
                )
            sentence = [(number, line)]
        elif sentence:
            place = _place(path, *sentence[0])
            try:
                yield _read(sentence[0][1], line.strip(), place, report)
            except DataError as err:
                report.problem(err.message, place=place, skips="document")
            sentence = []
        else:
            report.problem(
                f'expected a number, a tab and a sentence in quotes, got "{line[:40]}"',
                place=f"{path}, line {number}",
                skips="document",
            )
    if sentence:
        report.problem("no relation follows", place=_place(path, *sentence[0]), skips="document")


def _place(path: Path, number: int, line: str) -> str:
    return f"{path}, line {number}, document {line.partition(chr(9))[0]}"


def _read(line: str, relation: str, place: str, report: Report) -> Annotated:
    match = _SENTENCE.match(line)
    if match is None:
        raise DataError("not a sentence", place=place)
    number, marked = match.groups()
    text, position, mentions = "", 0, []
    for mention in _MARKED.finditer(marked):
        text += marked[position : mention.start()]
        name, words = mention.groups()
        mentions.append(AnnotatedMention(name, len(text), len(text) + len(words), NOMINAL))
        text += words
        position = mention.end()
    text += marked[position:]
    if sorted(str(mention.id) for mention in mentions) != ["e1", "e2"]:
        raise DataError("expected one <e1>...</e1> and one <e2>...</e2>", place=place)
    relations = []
    if relation == OTHER:
        report.negatives += 1
    else:
        parsed = _RELATION.match(relation)
        if parsed is None or parsed[2] == parsed[3]:
            raise DataError(
                f'expected a relation such as Cause-Effect(e1,e2) or Other, got "{relation}"',
                place=place,
            )
        relations.append(AnnotatedRelation(parsed[2], parsed[3], parsed[1]))
    return Annotated(
        place=place,
        text=text,
        mentions=mentions,
        relations=relations,
        one_sentence=True,
        meta={"id": int(number)},
    )
