"""The manifest of a run: what it is made from, and a line for each shard that is finished."""

import hashlib
import json
import os
import secrets
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping

from spacy import about, util
from spacy.language import Language

from ..converters.json_stream import parse_json
from ..errors import ConfigError, DataError, RelComponentError, shown
from ..files import complete_file
from ..pipelines import PipelineSource
from .shards import Finished
from .work import Work, file_digest

NAME = "_manifest.jsonl"  # readers of folders of tables pass over such names
_VERSION = 1
_MAY_CHANGE = "options.on_error "  # of earlier versions: no finished shard depends on it
_LONGEST = 1 << 20  # bytes of a line
_LONGEST_HEADER = 1 << 28  # it names the files of the source

Header = Dict[str, Dict[str, Any]]
"""What a run is made from: ``versions``, ``pipeline``, ``source`` and ``options``, by name."""


class Manifest:
    """The manifest in the folder of a run. It is locked as long as it is open.

    A line is there only after the files of its shard, and one that a crash cut short does not count.

    Args:
        work: what is done.
        header: what the run is made from.
        resume: whether a run that is there goes on.

    Raises:
        ConfigError: if there is a run that shall not go on, was made from something else, or is
            written by another process now.
        DataError: if the manifest is damaged or cannot be written.
    """

    def __init__(self, work: Work, header: Header, *, resume: bool) -> None:
        self.path = work.folder / NAME
        self.finished: Dict[int, Finished] = {}
        if self.path.exists() or not self._begin(header):
            self._check(header, resume)
        self._file = self.path.open("rb+")
        try:
            _lock(self._file.fileno(), self.path)
            self._read(work)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, and let others write to the folder."""
        with suppress(OSError):  # what it could not write is not needed
            self._file.close()

    def add(self, finished: Finished) -> None:
        """Note that a shard has been written.

        Raises:
            DataError: if the disk is full.
        """
        try:
            self._file.write(_line(finished.to_dict()).encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as err:
            raise DataError(f"cannot be written: {err.strerror}", place=str(self.path)) from err
        self.finished[finished.shard] = finished

    def drop_failed(self) -> None:
        """Let shards be made again of which documents have failed."""
        self.finished = {
            number: finished for number, finished in self.finished.items() if not finished.failed
        }

    def _begin(self, header: Header) -> bool:
        """Write the header; whether no other run was there first."""
        own = self.path.with_name(f"{NAME}.{secrets.token_hex(4)}")
        try:
            with complete_file(own) as part:
                part.write_text(_line({"version": _VERSION, **header}), encoding="utf8")
            os.link(own, self.path)  # whole, and never in the place of another one
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            os.replace(own, self.path)
        finally:
            own.unlink(missing_ok=True)
        return True

    def _check(self, header: Header, resume: bool) -> None:
        folder = self.path.parent
        if not resume:
            raise ConfigError(
                f"{folder} has an extraction that is not finished, or one in its place; --resume goes "
                "on with it, or delete the folder"
            )
        with self.path.open("rb") as file:
            before = _parse(file.readline(_LONGEST_HEADER), f"{self.path}, line 1")
        if before.pop("version", None) != _VERSION:
            raise ConfigError(f"{self.path} is of another version; delete {folder} to begin anew")
        changes = [text for text in differences(before, header) if not text.startswith(_MAY_CHANGE)]
        if changes:
            raise ConfigError(
                f"{folder} was made from something else, and cannot go on: {'; '.join(changes[:5])}; "
                "change that back, or delete the folder to begin anew"
            )

    def _read(self, work: Work) -> None:
        """Read what is finished, and go on after the last whole line."""
        self._file.readline()
        end = self._file.tell()
        for number, line in enumerate(iter(lambda: self._file.readline(_LONGEST), b""), start=2):
            if not line.endswith(b"\n"):
                break
            place = f"{self.path}, line {number}"
            found = Finished.from_dict(_parse(line, place), place)
            end = self._file.tell()
            self.finished.pop(found.shard, None)
            if _is_whole(work, found):
                self.finished[found.shard] = found
        self._file.seek(end)
        self._file.truncate()


def is_left_over(path: Path) -> bool:
    """Whether a run has left a manifest that no process writes to, and that nothing can go on from."""
    with suppress(OSError, RelComponentError), path.open("rb+") as file:
        _lock(file.fileno(), path)
        return "source" not in _parse(file.readline(_LONGEST_HEADER), f"{path}, line 1")
    return False


def differences(before: Mapping[str, Any], now: Mapping[str, Any], name: str = "") -> Iterator[str]:
    """What differs between two headers, in words."""
    for key in dict.fromkeys([*before, *now]):
        old, new = before.get(key), now.get(key)
        place = f"{name}.{key}" if name else str(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from differences(old, new, place)
        elif old != new:
            digests = all(isinstance(value, str) and len(value) == 64 for value in (old, new))
            yield (
                f"{place} has changed" if digests else f"{place} was {shown(old)}, is {shown(new)}"
            )


def pipeline_fingerprint(pipeline: PipelineSource) -> Dict[str, str]:
    """What tells a pipeline from others: hashes of its files, or of its content if it is loaded.

    Args:
        pipeline: a pipeline, its name or path, or the path of a config, with the files it names.
    """
    if isinstance(pipeline, Language):
        content = pipeline.config.to_str().encode() + pipeline.to_bytes()
        return {"content": hashlib.sha256(content).hexdigest()}
    path = Path(pipeline)
    if not path.exists() and util.is_package(str(pipeline)):
        path = util.get_package_path(str(pipeline))
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return {
            str(file.relative_to(path)): file_digest(file)
            for file in files
            if file.suffix != ".pyc"
        }
    found = {path.name: file_digest(path)} if path.is_file() else {}
    config = util.load_config(path, interpolate=True) if found else {}
    for value in _strings(config):
        for file in (Path(value), path.parent / value):
            with suppress(OSError, ValueError):  # no name of a file
                if file.is_file():
                    found[value] = file_digest(file)
                    break
    return found


def versions() -> Dict[str, Any]:
    """The versions of what makes the results."""
    return {"rel_component": metadata.version("rel-component"), "spacy": about.__version__}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, str) and value:
        yield value


def _parse(line: bytes, place: str) -> Dict[str, Any]:
    try:
        value = parse_json(line.decode())
    except (DataError, UnicodeDecodeError) as err:
        raise DataError(f"damaged: {err}; delete the folder to begin anew", place=place) from err
    if not isinstance(value, dict):
        raise DataError(f"expected an object, got {shown(value)}", place=place)
    return value


def _is_whole(work: Work, finished: Finished) -> bool:
    path, failures = work.path_of(finished.shard), work.failures_of(finished.shard)
    with suppress(OSError):
        if path.stat().st_size != finished.bytes or file_digest(path) != finished.sha256:
            return False
        return not finished.failures or failures.read_bytes().count(b"\n") == finished.failures
    return False


def _lock(descriptor: int, path: Path) -> None:
    """Keep other processes away from the folder; the lock ends with this process."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(f"{path.parent}: another process writes there now") from None
    except OSError:  # some network file systems have no locks
        return


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value) + "\n"
