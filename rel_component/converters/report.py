"""The report of a conversion: counts, and everything that could not be used."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Literal, Tuple

from ..errors import DataError

SKIP_HINT = "--on-error skip leaves it out and goes on"
"""The way out of a problem, for commands and functions that let their user choose `on_error`."""


@dataclass
class Report:
    """Counts of a conversion.

    Attributes:
        on_error: ``stop`` raises at the first problem; ``skip`` notes it, leaves out what it is
            about and goes on.
        hint: the way out, for the message of the problem that stops the conversion.
        documents: number of documents that were converted.
        mentions: number of their mentions.
        relations: number of their relations.
        events: number of their events.
        duplicates: relations that were annotated more than once; one of each is kept.
        negatives: annotations that say there is no relation, e.g. arcs labelled ``No-rel``.
        rejected: documents that their annotator rejected or ignored.
        skipped: by kind (``document``, ``mention``, ``relation``, and ``event`` where there are any),
            how much was left out.
        problems: a message for each of them, with its place.
        notes: what else was changed or left behind, by message: how often, and the first place.
    """

    on_error: Literal["stop", "skip"] = "stop"
    hint: str = ""
    documents: int = 0
    mentions: int = 0
    relations: int = 0
    events: int = 0
    duplicates: int = 0
    negatives: int = 0
    rejected: int = 0
    skipped: Dict[str, int] = field(
        default_factory=lambda: {"document": 0, "mention": 0, "relation": 0}
    )
    problems: List[str] = field(default_factory=list)
    notes: Dict[str, Tuple[int, str]] = field(default_factory=dict)

    def problem(self, message: str, *, place: str, skips: str) -> None:
        """Take note of a document, mention or relation that cannot be used.

        Args:
            message: what is wrong.
            place: file, line and document.
            skips: kind of what is left out, a key of `skipped`.

        Raises:
            DataError: if the conversion stops at problems.
        """
        if self.on_error == "stop":
            if not message.endswith(self.hint):  # a document passes on the problem of its relation
                message = f"{message}; {self.hint}"
            raise DataError(message, place=place)
        self.skipped[skips] = self.skipped.get(skips, 0) + 1
        self.problems.append(str(DataError(message, place=place)))

    @contextmanager
    def skipping(self, kind: str, place: str) -> Iterator[None]:
        """Leave out a document, mention or relation where the block raises a DataError.

        Args:
            kind: kind of what is left out, a key of `skipped`.
            place: file, line and document, for errors that do not say theirs.

        Raises:
            DataError: if the conversion stops at problems.
        """
        try:
            yield
        except DataError as err:
            self.problem(err.message, place=err.place or place, skips=kind)

    def note(self, message: str, *, place: str, count: int = 1) -> None:
        """Take note of a change, or of a loss that is no document, mention or relation.

        Args:
            message: what was changed; the same words each time, so that they can be counted.
            place: file, line and document.
            count: how often this happened there.
        """
        before, first = self.notes.get(message, (0, place))
        self.notes[message] = (before + count, first)

    def to_dict(self) -> Dict[str, Any]:
        """The report as JSON data."""
        return {
            "documents": self.documents,
            "mentions": self.mentions,
            "relations": self.relations,
            "events": self.events,
            "duplicates": self.duplicates,
            "negatives": self.negatives,
            "rejected": self.rejected,
            "skipped": dict(self.skipped),
            "problems": list(self.problems),
            "notes": [
                {"message": message, "count": count, "first": first}
                for message, (count, first) in self.notes.items()
            ],
        }
