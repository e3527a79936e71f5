"""The forms in which results are written: a file for each shard, and one file of all of them.

A worker makes bytes of each document, which go from process to process as they are.
"""

import gzip
import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import (
    Any,
    BinaryIO,
    Callable,
    ContextManager,
    Dict,
    Iterable,
    Iterator,
    List,
    Sequence,
    cast,
)

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ..annotations import get_relations
from ..converters.records import to_json
from ..documents import document_id
from ..errors import ConfigError, listed
from ..files import complete_file, is_device
from ..packages import import_package
from ..spacy_files import write_docs
from .extract import find_evidence, to_record

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Sink:
    """A form of results.

    Attributes:
        ending: of its files.
        encode: makes bytes of a document, given the name of the extension attribute of its relations.
        write: writes the bytes of several documents to a new file, the same for the same documents.
        join: makes one file of several ones, in their order.
    """

    ending: str
    encode: Callable[[Doc, str], bytes]
    write: Callable[[Iterable[bytes], Path], None]
    join: Callable[[Sequence[Path], Path], None]


def get_sink(name: str) -> Sink:
    """Find a form of results by its name.

    Raises:
        ConfigError: if there is none.
    """
    if name not in SINKS:
        raise ConfigError(f"--to {name:.60}: expected one of {listed(SINKS)}")
    return SINKS[name]


def sink_of(output: Path) -> str:
    """The name of the form that the name of a file asks for; JSONL if it says nothing."""
    return next((n for n, sink in SINKS.items() if output.name.endswith(sink.ending)), "jsonl")


def check_sink(name: str, output: Path) -> None:
    """Raise unless a file has the ending of a form of results; devices and names without one may.

    Args:
        name: name of the form.
        output: the file to write.

    Raises:
        ConfigError: if there is no such form, or the file would hold something else than its name says.
    """
    ending = get_sink(name).ending
    if output.suffix and not output.name.endswith(ending) and not is_device(output):
        raise ConfigError(
            f"{output}: results go as {name} to a file that ends with {ending}; other endings have "
            "other forms, see --to"
        )


def _line(doc: Doc, attr: str) -> bytes:
    return f"{to_json(to_record(doc, attr))}\n".encode()


def append_files(files: Sequence[Path], path: Path) -> None:
    """Files one after the other; compressed ones are one compressed file then."""
    with path.open("wb") as output:
        for file in files:
            with file.open("rb") as source:
                shutil.copyfileobj(source, output, _BLOCK)


@contextmanager
def _gzip(path: Path) -> Iterator[BinaryIO]:
    # no time and no name, so that equal documents are equal files
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as output:
        yield cast(BinaryIO, output)


def _zstandard(path: Path) -> ContextManager[BinaryIO]:
    return cast(ContextManager[BinaryIO], import_package("zstandard", "zstd").open(path, "wb"))


def _lines(opened: Callable[[Path], ContextManager[BinaryIO]], ending: str) -> Sink:
    def write(lines: Iterable[bytes], path: Path) -> None:
        with opened(path) as output:
            for line in lines:
                output.write(line)

    return Sink(ending, _line, write, append_files)


_RELATION = (
    *(("document", "string"), ("head", "string"), ("head_label", "string")),
    *(("head_start", "int64"), ("head_end", "int64"), ("label", "string"), ("tail", "string")),
    *(("tail_label", "string"), ("tail_start", "int64"), ("tail_end", "int64")),
    *(("score", "float64"), ("polarity", "string"), ("evidence", "string")),
)
"""Columns of a row for each relation; offsets are characters of the text, ends exclusive."""


def _relation_rows(doc: Doc, attr: str) -> bytes:
    relations = list(get_relations(doc, attr))
    name = document_id(doc)
    rows = []
    for rel, evidence in zip(relations, find_evidence(doc, relations)):
        ends = [
            (span.text, span.label_, span.start_char, span.end_char)
            for span in (rel.head, rel.tail)
        ]
        place = None if name is None else str(name)
        rows.append([place, *ends[0], rel.label, *ends[1], rel.score, rel.polarity, evidence])
    return to_json(rows).encode()


def _write_relation_rows(documents: Iterable[bytes], path: Path) -> None:
    rows = [row for document in documents for row in json.loads(document)]
    columns = list(zip(*rows)) or [()] * len(_RELATION)
    arrow = import_package("pyarrow", "parquet")
    schema = arrow.schema([(name, getattr(arrow, kind)()) for name, kind in _RELATION])
    _write_table(arrow.table([list(column) for column in columns], schema=schema), path)


def _write_document_rows(lines: Iterable[bytes], path: Path) -> None:
    """One row for each document, with lists of entities and relations; meta data are JSON."""
    arrow = import_package("pyarrow", "parquet")
    text, number = arrow.string(), arrow.int64()
    entity = {
        "id": text,
        "start": number,
        "end": number,
        "label": text,
        "text": text,
        "kb_id": text,
    }
    relation = {"head": text, "tail": text, "label": text, "score": arrow.float64()}
    relation["polarity"] = text
    schema = arrow.schema(
        {
            **{"id": text, "text": text},
            "entities": arrow.list_(arrow.struct(entity)),
            "relations": arrow.list_(arrow.struct(relation)),
            "meta": text,
        }
    )
    names = {"id", "head", "tail"}

    def cells(items: Sequence[Dict[str, Any]]) -> List[Dict[str, Any]]:
        return [{k: str(v) if k in names else v for k, v in item.items()} for item in items]

    rows = [
        {
            "id": None if record.get("id") is None else str(record["id"]),
            "text": record["text"],
            "entities": cells(record["entities"]),
            "relations": cells(record["relations"]),
            "meta": to_json(record["meta"]) if "meta" in record else None,
        }
        for record in map(json.loads, lines)
    ]
    _write_table(arrow.Table.from_pylist(rows, schema=schema), path)


def _write_table(table: Any, path: Path) -> None:
    import_package("pyarrow.parquet", "parquet").write_table(table, path)


def _join_tables(files: Sequence[Path], path: Path) -> None:
    parquet = import_package("pyarrow.parquet", "parquet")
    with parquet.ParquetWriter(path, parquet.read_schema(files[0])) as writer:
        for file in files:  # a shard is a row group, and alone in memory
            writer.write_table(parquet.read_table(file))


def _doc_bytes(doc: Doc, attr: str) -> bytes:
    return bytes(doc.to_bytes(exclude=["tensor"]))


def _write_docs(documents: Iterable[bytes], path: Path) -> None:
    vocab = Vocab()
    write_docs((Doc(vocab).from_bytes(document) for document in documents), path)


def _join_docs(files: Sequence[Path], path: Path) -> None:
    joined = DocBin(store_user_data=True).from_disk(files[0])
    for file in files[1:]:
        joined.merge(DocBin(store_user_data=True).from_disk(file))
    joined.to_disk(path)


def join_shards(files: Iterator[Path], sink: str, output: Path) -> None:
    """Make one file of the files of all shards; it is whole or absent.

    Raises:
        DataError: if it cannot be written.
    """
    with complete_file(output) as part:
        get_sink(sink).join(list(files), part)


SINKS: Dict[str, Sink] = {
    "jsonl": _lines(lambda path: path.open("wb"), ".jsonl"),
    "jsonl.gz": _lines(_gzip, ".jsonl.gz"),
    "jsonl.zst": _lines(_zstandard, ".jsonl.zst"),
    "parquet": Sink(".parquet", _relation_rows, _write_relation_rows, _join_tables),
    "parquet_documents": Sink(".parquet", _line, _write_document_rows, _join_tables),
    "spacy": Sink(".spacy", _doc_bytes, _write_docs, _join_docs),
}
"""The forms by name. Of those with one ending, the first is that which the name of a file asks for."""
