"""Writing of WebAnno TSV 3.3; see :mod:`.tsv`."""

import re
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional

from ....errors import shown
from ....files import open_output
from ...annotated import (
    Annotated,
    AnnotatedMention,
    AnnotatedRelation,
    MentionId,
    in_characters,
    word_offsets,
)
from ...checks import keep_fitting, mention_place
from ...report import Report
from .._document_files import write_document_files
from .._sentences import sentence_ranges
from .._utf16 import to_utf16
from .layers import IDENTIFIER, NAMED_ENTITY, RELATION, VALUE
from .tsv_escapes import escape_text, escape_value
from .tsv_table import BASE, EMPTY, FORMAT_LINE, NO_VALUE, TEXT

ENDING = ".tsv"

_HEADER = (
    f"{FORMAT_LINE}\n"
    f"#T_SP={NAMED_ENTITY}|{IDENTIFIER}|{VALUE}\n"
    f"#T_RL={RELATION}|{VALUE}|{BASE}{NAMED_ENTITY}\n\n"
)
_BREAKS = re.compile(r"[\t\n\r]")


def write_webanno(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    """Write files of WebAnno TSV 3.3: named entities, and relations in ``webanno.custom.Relation``."""

    def write(annotated: Annotated, file: Path) -> None:
        for word in annotated.words or []:
            if _BREAKS.search(word) and not word.isspace():
                message = f"the token {shown(word)} has a tab or line break in it"
                report.problem(message, place=annotated.place, skips="document")
                return
        with open_output(file) as output:
            output.write(_HEADER)
            output.writelines(_Table(annotated, report).lines())

    write_document_files(documents, path, ENDING, write, report)


class _Table:
    """The sentences of a document as lines, in which white space is no token."""

    def __init__(self, annotated: Annotated, report: Report) -> None:
        self._annotated = annotated
        self._report = report
        self._words = annotated.words or []
        self._offsets = word_offsets(self._words, annotated.spaces)
        self._text = in_characters(annotated).text or ""
        self._units = {
            token: f"{number}-{i}"
            for number, tokens in enumerate(self._sentences(), start=1)
            for i, token in enumerate(tokens, start=1)
        }
        fitting = keep_fitting(
            annotated,
            report,
            self._mention_problem,
            lambda relation, head, tail: (
                "a carriage return in its label" if "\r" in relation.label else None
            ),
        )
        self._mentions = {m.id: (m, self._tokens(m)) for m in fitting.mentions}
        self._on_token: Dict[int, List[MentionId]] = {}
        for key, (_, tokens) in self._mentions.items():
            for token in tokens:
                self._on_token.setdefault(token, []).append(key)
        # Mentions that have several tokens, or share one with another, are numbered.
        numbered = [
            key
            for key, (_, tokens) in self._mentions.items()
            if len(tokens) > 1 or len(self._on_token[tokens[0]]) > 1
        ]
        self._numbers = {key: number for number, key in enumerate(numbered, start=1)}
        self._relations: Dict[int, List[AnnotatedRelation]] = {}
        for relation in fitting.relations:
            token = self._mentions[relation.tail][1][0]
            self._relations.setdefault(token, []).append(relation)

    def lines(self) -> Iterator[str]:
        """The lines after the header."""
        utf16 = to_utf16(self._text)
        last_end = 0
        for tokens in self._sentences():
            begin, end = self._offsets[tokens[0]][0], self._offsets[tokens[-1]][1]
            if self._text[last_end:begin].strip(" "):
                message = "white space between sentences, written as spaces"
                self._report.note(message, place=self._annotated.place)
            last_end = end
            yield "\n"
            for line in self._text[begin:end].split("\n"):
                yield f"{TEXT}{escape_text(line)}\n"
            for token in tokens:
                start, end = map(utf16, self._offsets[token])
                cells = [self._units[token], f"{start}-{end}", self._words[token]]
                yield "\t".join([*cells, *self._cells(token), "\n"])

    def _sentences(self) -> Iterator[List[int]]:
        """The tokens of each sentence that has any."""
        for start, end in sentence_ranges(self._annotated):
            tokens = [i for i in range(start, end) if not self._words[i].isspace()]
            if tokens:
                yield tokens

    def _tokens(self, mention: AnnotatedMention) -> List[int]:
        return [i for i in range(mention.start, mention.end) if i in self._units]

    def _mention_problem(self, mention: AnnotatedMention) -> Optional[str]:
        tokens = self._tokens(mention)
        if not tokens or "\r" in mention.label + mention.kb_id:
            return "only white space, or a carriage return in its label"
        if (tokens[0], tokens[-1] + 1) != (mention.start, mention.end):
            place = mention_place(self._annotated, mention)
            self._report.note("white space at the ends of mentions", place=place)
        return None

    def _cells(self, token: int) -> List[str]:
        mentions = [self._mentions[key][0] for key in self._on_token.get(token, [])]
        relations = self._relations.get(token, [])
        columns = [
            [self._cell(mention.kb_id, mention) for mention in mentions],
            [self._cell(mention.label, mention) for mention in mentions],
            [escape_value(relation.label) for relation in relations],
            [self._reference(relation) for relation in relations],
        ]
        return ["|".join(column) or EMPTY for column in columns]

    def _cell(self, value: str, mention: AnnotatedMention) -> str:
        number = self._numbers.get(mention.id)
        cell = escape_value(value) if value else NO_VALUE
        return cell if number is None else f"{cell}[{number}]"

    def _reference(self, relation: AnnotatedRelation) -> str:
        unit = self._units[self._mentions[relation.head][1][0]]
        head, tail = self._numbers.get(relation.head, 0), self._numbers.get(relation.tail, 0)
        return f"{unit}[{head}_{tail}]" if head or tail else unit
