"""Files to read from, compressed or not, with a bound on what a few bytes can become."""

import gzip
import io
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, Iterator, Tuple, Type, cast

from ..errors import ConfigError, DataError
from ..packages import import_package

STANDARD_INPUT = "-"

_MOST_TIMES = 2_000  # as many bytes as the compressed ones, which no text comes near
_FREE = 1 << 28  # bytes that are read in any case
_BUFFER = 1 << 18


class _Zstandard:
    """Decompressed bytes of a file, of which one that was cut short is an error."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        decompressor = import_package("zstandard", "zstd").ZstdDecompressor()
        # several files one after the other are one file, as for gzip
        self._reader = decompressor.stream_reader(raw, read_across_frames=True)

    def read(self, size: int) -> bytes:
        part: bytes = self._reader.read(size)
        if not part and self._raw.seekable() and _is_cut(self._raw):
            raise EOFError("the file ends before its content does")
        return part


def _is_cut(raw: BinaryIO) -> bool:
    """Whether a Zstandard file ends within a frame, of which its reader says nothing (RFC 8878)."""
    zstandard = import_package("zstandard", "zstd")
    at, size = 0, raw.seek(0, io.SEEK_END)
    while at < size:
        raw.seek(at)
        head = raw.read(18)
        if head[0] >> 4 == 5 and head[1:4] == b"\x2a\x4d\x18":  # it is to be skipped
            at += 8 + int.from_bytes(head[4:8], "little")
            continue
        try:
            at += zstandard.frame_header_size(head)
            has_checksum = zstandard.get_frame_parameters(head).has_checksum
        except zstandard.ZstdError:
            return True
        is_last = False
        while not is_last and at < size:
            raw.seek(at)
            block = int.from_bytes(raw.read(3), "little")
            is_last, kind, length = bool(block & 1), block >> 1 & 3, block >> 3
            at += 3 + (1 if kind == 1 else length)  # one byte, many times
        if not is_last:
            return True
        at += 4 if has_checksum else 0
    raw.seek(0, io.SEEK_END)
    return at > size


_COMPRESSED: Dict[str, Callable[[BinaryIO], Any]] = {
    ".gz": lambda raw: gzip.GzipFile(fileobj=raw),
    ".zst": _Zstandard,
}


def plain_name(path: Path) -> str:
    """The name of a file without the ending of its compression, in small letters."""
    name = path.name.lower()
    return name.rpartition(".")[0] if path.suffix.lower() in _COMPRESSED else name


def is_compressed(path: Path) -> bool:
    """Whether the name of a file says that it is compressed."""
    return path.suffix.lower() in _COMPRESSED


class Stream:
    """A file that is read once.

    Args:
        raw: the bytes on disk.
        path: where they come from; its ending says how they are compressed.

    Attributes:
        content: the bytes that they stand for.
    """

    def __init__(self, raw: io.BufferedReader, path: Path) -> None:
        self._raw = raw
        opened = _COMPRESSED.get(path.suffix.lower())
        self.content: io.BufferedReader = raw
        if opened is not None:
            self.content = io.BufferedReader(_Bounded(opened(raw), raw, path), _BUFFER)

    @property
    def position(self) -> int:
        """How many bytes on disk have been read."""
        return self._raw.tell() if self._raw.seekable() else 0


class _Bounded(io.RawIOBase):
    """Decompressed bytes, as long as they are not many more than the compressed ones."""

    def __init__(self, source: Any, raw: BinaryIO, path: Path) -> None:
        self._source, self._raw, self._path = source, raw, path
        self._total = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._source.read(len(buffer))
        self._total += len(part)
        if self._total > _FREE + _MOST_TIMES * self._raw.tell():
            raise DataError(
                f"more than {_MOST_TIMES:,} times as large as its compressed bytes, as no text is",
                place=str(self._path),
            )
        buffer[: len(part)] = part
        return len(part)


@contextmanager
def open_stream(path: Path) -> Iterator[Stream]:
    """Open a file, or standard input for ``-``.

    Raises:
        ConfigError: if standard input is closed, or a package for the compression is missing.
        DataError: if the file cannot be read, or is damaged.
    """
    if str(path) == STANDARD_INPUT:
        if sys.stdin is None:
            raise ConfigError("standard input is closed; give a file of texts or --text")
        yield Stream(cast(io.BufferedReader, sys.stdin.buffer), path)
        return
    try:
        with path.open("rb") as raw:
            yield Stream(raw, path)
    except OSError as err:  # that of gzip has no number
        raise DataError(f"cannot be read: {err.strerror or err}", place=str(path)) from err
    except _damage() as err:
        raise DataError(f"damaged: {err}", place=str(path)) from err


def _damage() -> Tuple[Type[BaseException], ...]:
    """What libraries raise of files that are not as they should be."""
    zstandard = sys.modules.get("zstandard")
    more = () if zstandard is None else (zstandard.ZstdError,)
    return (EOFError, zlib.error, *more)
