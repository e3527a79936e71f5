"""Writes brat's standoff; see :mod:`.brat`."""

import re
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Pattern, Set, Tuple

from ...errors import ConfigError
from ...files import open_output
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId
from ..checks import relation_place
from ..format import folder_files
from ..report import Report

ARGUMENTS = "argument names"
"""Attribute of relations whose arguments are not called Arg1 and Arg2. No brat attribute has a space."""

NO_DATABASE = "KB"
"""Name of the knowledge base of ids that do not tell theirs, which brat needs."""

_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*")
_MAX_NAME = 200
_WORD, _ROLE, _LINE = re.compile(r"\S+"), re.compile(r"[^\s:]+"), re.compile(r"[^\n]+")
_DATABASE_ID = re.compile(r"[^\s:]+:\S+")


def write_brat(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    """Write brat's files.

    note of labels and attributes that brat does not allow.

    Args:
        documents: with offsets in characters.
        path: the folder; it is made if necessary.
        report: takes

    Raises:
        ConfigError: if the path is a file, or a folder with annotations.
    """
    if path.exists() and (not path.is_dir() or folder_files(path, ".ann")):
        raise ConfigError(
            f"{path} is a file or has .ann files in it; brat needs a folder of its own"
        )
    used: Set[str] = set()
    written: List[Path] = []
    try:
        for number, annotated in enumerate(documents, start=1):
            name = _file_name(annotated, number, used, report)
            lines = [f"{line}\n" for line in _Lines(annotated, report).all()]
            written += [path / f"{name}.txt", path / f"{name}.ann"]
            with open_output(written[-2]) as output:
                output.write(annotated.text or "")
            with open_output(written[-1]) as output:
                output.writelines(lines)
    except BaseException:
        for file in written:
            file.unlink(missing_ok=True)
        raise


def _file_name(annotated: Annotated, number: int, used: Set[str], report: Report) -> str:
    """The id of the document, if that can be the name of a file and none has it already."""
    name = str(annotated.meta.get("id", ""))
    too_long = any(len(part.encode("utf8")) > _MAX_NAME for part in name.split("/"))
    if not _NAME.fullmatch(name) or too_long or name.lower() in used:
        if "id" in annotated.meta:
            report.note("documents whose ids are no names of files", place=annotated.place)
        name = f"document{number:06}"
        while name in used:
            name += "_"
    used.add(name.lower())
    return name


class _Lines:
    """The annotations of one document as lines."""

    def __init__(self, annotated: Annotated, report: Report) -> None:
        self._annotated = annotated
        self._report = report
        self._counts: Dict[str, int] = {}
        self._mentions = [m for m in annotated.mentions if self._fits(m)]
        ids: List[Optional[MentionId]] = [mention.id for mention in self._mentions]
        self._names = dict(zip(ids, _names("T", ids)))
        self._relations = [r for r in annotated.relations if self._relation_fits(r)]

    def all(self) -> Iterator[str]:
        """All lines."""
        for mention in self._mentions:
            yield self._mention(mention)
        relation_names = _names("R", [relation.id for relation in self._relations])
        for name, relation in zip(relation_names, self._relations):
            first, second = self._arguments(relation)
            head, tail = self._names[relation.head], self._names[relation.tail]
            yield f"{name}\t{relation.label} {first}:{head} {second}:{tail}"
        for cluster in self._annotated.clusters:
            members = [self._names[id] for id in cluster if id in self._names]
            if members:
                yield f"*\tEquiv {' '.join(members)}"
        for mention in self._mentions:
            yield from self._attributes(self._names[mention.id], mention.attributes)
            yield from self._reference(mention)
        for name, relation in zip(relation_names, self._relations):
            yield from self._attributes(name, relation.attributes)

    def _fits(self, mention: AnnotatedMention) -> bool:
        if _WORD.fullmatch(mention.label):
            return True
        message = f"brat does not allow white space in labels: {mention.label!r:.60}"
        place = f"{self._annotated.place}, mention {mention.id!s:.60}"
        self._report.problem(message, place=place, skips="mention")
        return False

    def _relation_fits(self, relation: AnnotatedRelation) -> bool:
        missing = [id for id in (relation.head, relation.tail) if id not in self._names]
        if missing:
            message = f"its mention {missing[0]!s:.60} was left out"
        elif not _WORD.fullmatch(relation.label):
            message = f"brat does not allow white space in labels: {relation.label!r:.60}"
        else:
            return True
        place = relation_place(self._annotated, relation)
        self._report.problem(message, place=place, skips="relation")
        return False

    def _mention(self, mention: AnnotatedMention) -> str:
        """A mention; brat wants one piece for each line of the text."""
        text = self._annotated.text or ""
        pieces = [
            (start + match.start(), start + match.end())
            for start, end in mention.pieces or [(mention.start, mention.end)]
            for match in _LINE.finditer(text[start:end])
        ]
        ranges = ";".join(f"{start} {end}" for start, end in pieces)
        shown = " ".join(text[start:end] for start, end in pieces)
        return f"{self._names[mention.id]}\t{mention.label} {ranges}\t{shown}"

    def _arguments(self, relation: AnnotatedRelation) -> Tuple[str, str]:
        names = relation.attributes.get(ARGUMENTS)
        if names is None:
            return "Arg1", "Arg2"
        if isinstance(names, list) and len(names) == 2:
            first, second = map(str, names)
            if _ROLE.fullmatch(first) and _ROLE.fullmatch(second):
                return first, second
        self._lost("names of arguments")
        return "Arg1", "Arg2"

    def _attributes(self, target: str, attributes: Dict[str, Any]) -> Iterator[str]:
        for name, value in attributes.items():
            if name == ARGUMENTS:
                continue
            for item in value if isinstance(value, list) else [value]:
                if not _WORD.fullmatch(name) or name == "#":
                    self._lost("attributes")
                elif name.startswith("#") and isinstance(item, str):
                    if "\n" in item or item.endswith("\r"):
                        self._lost("line breaks of notes")
                    note = item.replace("\n", " ").rstrip("\r")
                    yield f"{self._next('#')}\t{name[1:]} {target}\t{note}"
                elif item is True:
                    yield f"{self._next('A')}\t{name} {target}"
                elif isinstance(item, str) and _WORD.fullmatch(item):
                    yield f"{self._next('A')}\t{name} {target} {item}"
                else:
                    self._lost("attributes")

    def _reference(self, mention: AnnotatedMention) -> Iterator[str]:
        id = mention.kb_id
        if not id:
            return
        if not _DATABASE_ID.fullmatch(id) or id.startswith(f"{NO_DATABASE}:"):
            id = f"{NO_DATABASE}:{id}"
        if not _DATABASE_ID.fullmatch(id):
            self._lost("knowledge-base ids")
            return
        yield f"{self._next('N')}\tReference {self._names[mention.id]} {id}\t"

    def _next(self, kind: str) -> str:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind}{self._counts[kind]}"

    def _lost(self, what: str) -> None:
        self._report.note(f"{what} that brat does not allow", place=self._annotated.place)


def _names(kind: str, ids: List[Optional[MentionId]]) -> List[str]:
    """A name for each id, itself if it is one of brat's: T1, R1."""
    pattern: Pattern[str] = re.compile(rf"{kind}[0-9]+")
    kept = [id if isinstance(id, str) and pattern.fullmatch(id) else None for id in ids]
    used: Set[Optional[str]] = set()
    names: List[str] = []
    number = 0
    taken = set(kept)
    for id in kept:
        name = id if id not in used else None
        while name is None:
            number += 1
            if f"{kind}{number}" not in taken:
                name = f"{kind}{number}"
        used.add(name)
        names.append(name)
    return names
