"""A run of an extraction: its folder, its shards as they are finished, and what is made of them."""

import json
import re
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Callable, Iterable, Iterator, List, Optional

from ..converters.text_files import read_lines
from ..errors import ConfigError, DataError, RelComponentError
from ..files import complete_file, is_device
from .executor import Executor, Resources
from .manifest import NAME, Manifest
from .shards import FAILURES, Failure, Finished, Shard
from .sinks import append_files, join_shards
from .work import Work

_OURS = re.compile(
    r"(_?\d{6,}(\.failures)?|_manifest|_failures)\.(jsonl|parquet|spacy)(\.gz|\.zst)?"
    r"(?P<unfinished>(\.[0-9a-f]{8}){1,2}(\.part)?)?"
)
_MOST_SHOWN = 100  # failures that a summary holds


@dataclass
class Summary:
    """What an extraction has done until now.

    Attributes:
        documents: documents that have a result, those of a run before included.
        relations: their relations.
        failures: documents without a result, and what could not be read.
        first_failures: some of them, once the run is over.
        failures_path: where they are listed, once the run is over; None: there are none.
        counts: what else is to be told, by name.
        resumed: documents of `documents` that were there from a run before.
        seconds: since the run began.
        cpu: seconds of CPU that pipelines took.
        memory: the most bytes that a worker has held; 0: not known.
        share: how much of the input has been read, from 0 to 1; None: not known.
    """

    documents: int = 0
    relations: int = 0
    failures: int = 0
    first_failures: List[Failure] = field(default_factory=list)
    failures_path: Optional[Path] = None
    counts: "Counter[str]" = field(default_factory=Counter)
    resumed: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    share: Optional[float] = None

    @property
    def failed(self) -> int:
        """How many documents have no result; what could not be read is none."""
        return self.failures - self.counts["skipped"]

    def add(self, finished: Finished) -> None:
        """Add a shard."""
        self.documents += finished.documents
        self.relations += finished.relations
        self.failures += finished.failures
        self.counts.update(finished.counts)
        self.cpu += finished.cpu
        self.memory = max(self.memory, finished.memory)


def make_folder(folder: Path) -> None:
    """Make the folder of a run, or make sure that only what a run has left is in it.

    Raises:
        ConfigError: if it has other files.
        DataError: if it cannot be made.
    """
    if folder.is_dir() and not (folder / NAME).exists():
        # only a manifest says that numbered files are ours: 202401.jsonl may be a user's
        others = [file.name for file in folder.iterdir() if not file.name.startswith(NAME)]
        if others:
            raise ConfigError(f"{folder} has files such as {min(others)}; name a folder of its own")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise DataError(f"cannot be made: {err.strerror}", place=str(folder)) from err


@contextmanager
def kept_if_of_use(work: Work, manifest: Manifest, *, can_go_on: bool) -> Iterator[None]:
    """Remove what a run has left if an error ends it, unless it can go on.

    Args:
        work: names the folder.
        manifest: names what is finished; it is closed.
        can_go_on: whether the source can be read again.
    """
    n_before = len(manifest.finished)  # of which some may be made again
    try:
        yield
    except BaseException as err:
        manifest.close()
        n_finished = max(n_before, len(manifest.finished))
        if not can_go_on or not n_finished:
            clear_folder(work.folder)
        elif isinstance(err, RelComponentError):
            message = f"{err}; {n_finished} finished shards are in {work.folder}"
            if "--resume" not in message:  # which the source says with what else is needed
                message += ", --resume goes on"
            raise type(err)(message) from err
        raise


def clear_folder(folder: Path, *, unfinished: bool = False) -> None:
    """Remove what a run has left, and the folder if nothing else is in it.

    Args:
        folder: the folder.
        unfinished: remove only what a run that was killed had not finished.
    """
    for file in sorted(folder.glob("*"), key=lambda file: file.name == NAME):  # which comes last
        found = _OURS.fullmatch(file.name)
        if found and (found["unfinished"] or not unfinished):
            file.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def run_shards(
    executor: Executor,
    resources: Resources,
    work: Work,
    shards: Iterable[Shard],
    manifest: Manifest,
    progress: Callable[[Summary], None],
    share: Callable[[], Optional[float]],
) -> Summary:
    """Have an executor do the work on shards that are not finished.

    Shards that come before an error of the source are finished first.

    Args:
        executor: does it.
        resources: what it may use.
        work: what is done.
        shards: all shards.
        manifest: says which ones are finished, and is told of others.
        progress: called with the summary after each shard.
        share: how much of the source has been read.

    Raises:
        RelComponentError: of the source or of a worker.
    """
    started = time.perf_counter()
    errors: List[RelComponentError] = []
    summary = Summary()
    for before in manifest.finished.values():
        summary.add(before)
    summary.resumed, summary.cpu = summary.documents, 0.0

    def missing() -> Iterator[Shard]:
        try:
            yield from (shard for shard in shards if shard.number not in manifest.finished)
        except RelComponentError as err:
            errors.append(err)

    for finished in executor.run(work, missing(), resources):
        manifest.add(finished)
        summary.add(finished)
        summary.seconds, summary.share = time.perf_counter() - started, share()
        progress(summary)
    if errors:
        raise errors[0]
    return summary


def collect(work: Work, manifest: Manifest, summary: Summary, output: Path) -> None:
    """Make one file of all shards, and one of all failures, if there are any.

    Args:
        work: what was done.
        manifest: names the shards.
        summary: is told of the failures.
        output: the file; the folder of the shards if they stay.

    Raises:
        DataError: if a shard is missing, or the files cannot be written.
    """
    numbers = sorted(manifest.finished)
    if numbers != list(range(len(numbers))):
        raise DataError("a shard is missing that should be there", place=str(work.folder))
    single = output != work.folder
    failures = work.folder / "_failures.jsonl"
    if single:
        # those of a device lie where its shards were; with the whole name, as a.parquet may lie beside
        beside = work.folder.with_suffix("") if is_device(output) else output
        failures = beside.with_name(beside.name + FAILURES)
        join_shards((work.path_of(number) for number in numbers), work.sink, output)
    listed = [work.failures_of(number) for number in numbers if manifest.finished[number].failures]
    failures.unlink(missing_ok=True)
    if listed:
        with complete_file(failures) as part:
            append_files(listed, part)
        lines = chain.from_iterable(read_lines(file) for file in listed)
        shown = (Failure.from_dict(json.loads(line)) for _, line in lines)
        summary.first_failures = list(islice(shown, _MOST_SHOWN))
        summary.failures_path = failures
