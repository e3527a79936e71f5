"""Documents to process, cut into shards, and what becomes of a shard."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple

from ..errors import DataError

LONGEST_TEXT = 1_000_000
"""Characters of a text, as in spaCy."""

PARTS = ".parts"
"""End of the name of a folder of shards that become one file."""

FAILURES = ".failures.jsonl"
"""End of the name of a list of failures."""

_MOST_CHARACTERS = 4_000_000
"""Of a shard, which is in memory as a whole, and of which a few wait for a worker."""


class Document(NamedTuple):
    """A text to process.

    Attributes:
        text: the text.
        record: what is known of it, see :data:`~.texts.Text`.
        place: file and line, for messages.
    """

    text: str
    record: Dict[str, Any]
    place: str = ""

    def failed(self, reason: str) -> "Failure":
        """Why there is no result of this document."""
        return Failure(self.place, reason, self.record.get("id"))


class Failure(NamedTuple):
    """A document, or what should be one, of which there is no result.

    Attributes:
        place: file and line.
        reason: why.
        id: of the document, if it has one.
    """

    place: str
    reason: str
    id: Any = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Failure":
        """The failure that :meth:`to_dict` was called on."""
        return cls(data["place"], data["reason"], data.get("id"))

    def to_dict(self) -> Dict[str, Any]:
        """The failure as JSON data, as the list of failures has it."""
        plain = self.id if isinstance(self.id, (str, int, float)) else str(self.id)
        named = {} if self.id is None else {"id": plain}
        return {**named, "place": self.place, "reason": self.reason}


@dataclass(frozen=True)
class Shard:
    """Documents that are processed by one worker, and written to one file.

    Attributes:
        number: of the shard, from 0.
        first: number of its first document in the source, from 0.
        documents: the documents, in the order of the source.
        unread: what could not be read before, between and, in the last shard, after them.
    """

    number: int
    first: int
    documents: List[Document]
    unread: List[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class Finished:
    """What is known of a shard that has been written.

    Attributes:
        shard: its number.
        first: number of its first document.
        documents: documents in its file.
        relations: relations in its file.
        failures: documents that are not in it, and what could not be read.
        counts: what else is to be told, such as relations left out, by name.
        bytes: size of the file.
        sha256: of the file.
        seconds: from its first to its last document, and until it was written.
        cpu: seconds of CPU that the pipeline took.
        memory: the most bytes that its worker has held until now; 0: not known.
    """

    shard: int
    first: int
    documents: int
    relations: int
    failures: int
    counts: Dict[str, int]
    bytes: int
    sha256: str
    seconds: float
    cpu: float = 0.0
    memory: int = 0

    @property
    def failed(self) -> int:
        """How many documents are not in its file; what could not be read is none."""
        return self.failures - self.counts.get("skipped", 0)

    def to_dict(self) -> Dict[str, Any]:
        """All attributes by name, as JSON can hold them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], place: str) -> "Finished":
        """The shard that :meth:`to_dict` was called on.

        Raises:
            DataError: if `data` has other keys or values of other types.
        """
        kinds = {name: type(value) for name, value in asdict(_EXAMPLE).items()}
        if {name: type(value) for name, value in data.items()} != kinds or not all(
            isinstance(count, int) for count in data["counts"].values()
        ):
            raise DataError("no line of a manifest: another version wrote it", place=place)
        return cls(**data)


_EXAMPLE = Finished(0, 0, 0, 0, 0, {}, 0, "", 0.0, 0.0, 0)


def cut_shards(
    documents: Iterable[Document], size: int, take_unread: Callable[[], List[Failure]]
) -> Iterator[Shard]:
    """Cut documents into shards, always at the same places.

    Args:
        documents: the documents.
        size: the most documents of a shard; long ones are fewer.
        take_unread: what could not be read since the last call.

    Returns:
        The shards; one without documents if there are none.
    """
    number = first = room = 0
    taken: List[Document] = []
    unread: List[Failure] = []
    for document in documents:
        weight = _weight(document)
        if taken and (len(taken) == size or weight > room):
            yield Shard(number, first, taken, unread)
            number, first, taken, unread = number + 1, first + len(taken), [], []
        room = (room if taken else _MOST_CHARACTERS) - weight
        taken.append(document)
        unread += take_unread()
    unread += take_unread()
    if taken or unread or number == 0:
        yield Shard(number, first, taken, unread)


def _weight(document: Document) -> int:
    """Characters of a document and of its meta data."""
    more = {k: v for k, v in document.record.items() if k not in ("id", "text")}
    return len(document.text) + (len(json.dumps(more, default=str)) if more else 0)
