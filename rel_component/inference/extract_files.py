"""Relations of the texts of files, written to files: any number of documents, one way or another."""

import json
import os
import tempfile
from itertools import islice
from pathlib import Path
from typing import (
    Any,
    Callable,
    Iterable,
    Iterator,
    List,
    Literal,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from spacy.language import Language

from ..converters.report import SKIP_HINT
from ..errors import ConfigError, shown
from ..files import check_output, is_device
from ..pipelines import OWN, PipelineSource
from .executor import Executor, Resources, get_executor
from .manifest import NAME, Header, Manifest, is_left_over, pipeline_fingerprint, versions
from .run import Summary, clear_folder, collect, kept_if_of_use, make_folder, run_shards
from .shards import LONGEST_TEXT, PARTS, Document, cut_shards
from .sinks import check_sink, get_sink, sink_of
from .sources import Source, SourceReport, given_documents
from .texts import Text
from .work import Work, file_digest

Texts = Union[str, Path, Source, Iterable[Union[str, Text]]]
"""Where texts come from: a path or pattern, a :class:`.sources.Source`, or texts in memory."""

_TIMEOUT = 600.0


def extract_files(
    pipeline: PipelineSource,
    source: Texts,
    output: Union[str, Path],
    *,
    to: str = "auto",
    shards: bool = False,
    executor: Union[str, Executor] = "auto",
    resources: Optional[Resources] = None,
    resume: bool = False,
    retry_failed: bool = False,
    shard_size: int = 500,
    limit: int = 0,
    on_error: Literal["stop", "skip"] = "stop",
    labels: Sequence[str] = (),
    min_score: Optional[float] = None,
    batch_size: int = 64,
    timeout: Optional[float] = None,
    gpu_id: int = -1,
    code: Union[str, Path, None] = None,
    lang: str = OWN,
    progress: Callable[[Summary], None] = lambda summary: None,
) -> Summary:
    """Extract relations from files of texts into files.

    Documents are cut into shards, which workers process and write one by one. What is finished stands
    in a manifest, so that an interrupted run can go on. A document that makes the pipeline fail, takes
    too long or ends its worker does not stop the run; it stands in the list of failures.

    Args:
        pipeline: a pipeline, or the name or path of one, which several processes need.
        source: the texts.
        output: a file, which is whole or absent. Failures are listed beside it.
        to: form of the results: jsonl, jsonl.gz, jsonl.zst, parquet (a row for each relation),
            parquet_documents (a row for each document) or spacy; auto: by the name of the output.
        shards: leave a file for each shard, and one of the failures, in the folder `output`.
        executor: local, process, or another one that is registered; or one itself; auto: process if
            there are several workers, and local otherwise.
        resources: what it may use.
        resume: go on with a run that was interrupted, if there is one.
        retry_failed: make shards with documents that failed again; without `shards`, their folder stays
            beside the file as long as there are such documents.
        shard_size: the most documents of a shard.
        limit: the most documents; 0: all.
        on_error: whether to stop or go on where the source has something that is no text.
        labels: only relations and events of these types; all if there are none.
        min_score: only relations and events with at least this score; None: also those without one.
        batch_size: documents in a batch, which are of similar length.
        timeout: seconds that a document may take, where the executor can stop it; None: ten minutes.
        gpu_id: number of the GPU; -1: the CPU.
        code: a file of Python to import first, with components that the pipeline needs.
        lang: language of the texts, for its tokens; auto: that of the pipeline.
        progress: called after each shard.

    Returns:
        What was done.

    Raises:
        ConfigError: if options do not fit together, the pipeline cannot be used, or the run that shall
            go on was made from something else, which the message names.
        DataError: if the source cannot be read or the output not be written.
    """
    output = Path(output)
    resources = resources or Resources()
    if executor == "auto":
        executor = "process" if resources.n_workers > 1 else "local"
    executor = get_executor(executor) if isinstance(executor, str) else executor
    _check(executor, pipeline, resources, shard_size, batch_size, limit, timeout)
    labels = _labels(labels)
    if on_error not in ("stop", "skip"):
        raise ConfigError(f"on_error {shown(on_error)}: expected stop or skip")
    if retry_failed and not resume:
        raise ConfigError("--retry-failed is for a run that goes on; give --resume, too")
    if min_score is not None and not (isinstance(min_score, (int, float)) and 0 <= min_score <= 1):
        raise ConfigError(f"min_score {shown(min_score)}: expected a number from 0 to 1")
    texts = Source(source) if isinstance(source, (str, Path)) else source
    to = sink_of(output) if to == "auto" else to
    get_sink(to)
    if not shards and output.is_dir():
        check_output(output)
    if isinstance(texts, Source) and texts.has(*_written(output, to, shards)):
        raise ConfigError(f"{output} belongs to the texts of {texts.name}; name another output")
    if not shards:
        output = _file(output, to)
    work = Work(
        pipeline,
        _folder(output, shards),
        to,
        labels=labels,
        min_score=min_score,
        batch_size=batch_size,
        max_length=texts.max_length if isinstance(texts, Source) else LONGEST_TEXT,
        timeout=timeout or _TIMEOUT,
        gpu_id=gpu_id,
        code=None if code is None else Path(code),
        lang=lang,
    )
    options = {"shard_size": shard_size, "limit": limit}
    header = None if is_device(output) else _header(work, texts, options)
    if header is None and resume:
        raise ConfigError("--resume needs files to read again, and a file or folder to write")
    if header is None and not shards and is_left_over(work.folder / NAME):
        clear_folder(work.folder)
    report = SourceReport(on_error, SKIP_HINT if header is None else f"--resume {SKIP_HINT}")
    documents = islice(_documents(texts, report), limit or None)
    make_folder(work.folder)
    with (
        Manifest(work, header or {}, resume=resume) as manifest,
        kept_if_of_use(work, manifest, can_go_on=header is not None),
    ):
        if retry_failed:
            manifest.drop_failed()
        summary = run_shards(
            executor,
            resources,
            work,
            cut_shards(documents, shard_size, report.take),
            manifest,
            progress,
            lambda: texts.share if isinstance(texts, Source) else None,
        )
        collect(work, manifest, summary, output if not shards else work.folder)
        clear_folder(work.folder, unfinished=True)
    if not shards and not (retry_failed and summary.failed):
        clear_folder(work.folder)
    return summary


def _check(
    executor: Executor,
    pipeline: PipelineSource,
    resources: Resources,
    shard_size: int,
    batch_size: int,
    limit: int,
    timeout: Optional[float],
) -> None:
    name, n_workers = executor.name, resources.n_workers
    if shard_size < 1:
        raise ConfigError(f"shard size {shard_size}: expected 1 or more documents")
    if batch_size < 1:
        raise ConfigError(f"batch size {batch_size}: expected 1 or more documents")
    if limit < 0:
        raise ConfigError(f"limit {limit}: expected 0 or more documents")
    if n_workers < 1:
        raise ConfigError(f"{n_workers} workers: expected 1 or more")
    if timeout is not None and not timeout > 0:
        raise ConfigError(f"timeout {timeout:g}: expected more than 0 seconds")
    if timeout is not None and not executor.isolates:
        raise ConfigError(f"the executor {name} cannot stop a document; use process")
    if n_workers > 1 and not executor.isolates:
        raise ConfigError(f"the executor {name} has one worker; use process for {n_workers}")
    if executor.isolates and isinstance(pipeline, Language):
        raise ConfigError(
            f"the executor {name} loads the pipeline in each worker: give its name or path"
        )


def _labels(labels: Sequence[str]) -> Tuple[str, ...]:
    is_list = isinstance(labels, Sequence) and not isinstance(labels, str)
    if not is_list or not all(isinstance(label, str) for label in labels):
        raise ConfigError(f"labels {shown(labels)}: expected a list of types of relations")
    return tuple(labels)


def _written(output: Path, to: str, shards: bool) -> List[Path]:
    """The first shard of a run, and the file that the shards become."""
    first = f"{0:06}{get_sink(to).ending}"
    return [output / first] if shards else [output, output.with_name(output.name + PARTS) / first]


def _file(output: Path, to: str) -> Path:
    """The file to write, which a link may lead to."""
    check_sink(to, output)
    check_output(output)
    if output.is_symlink() and not is_device(output):  # such as /dev/stdout that is a file
        return Path(os.path.realpath(output))
    return output


def _folder(output: Path, shards: bool) -> Path:
    """The folder for the shards, beside a file."""
    if is_device(output):
        return Path(tempfile.mkdtemp(suffix=PARTS))
    return output if shards else output.with_name(output.name + PARTS)


def _header(work: Work, texts: Any, options: Any) -> Optional[Header]:
    """What the run is made from; None: the source cannot be read again."""
    source = texts.fingerprint() if isinstance(texts, Source) else None
    if source is None:
        return None
    given = {
        **{**options, "to": work.sink, "labels": work.labels, "min_score": work.min_score},
        **{
            "batch_size": work.batch_size,
            "gpu": work.gpu_id >= 0,
            "lang": work.lang,
            "code": None if work.code is None else _code_digest(work.code),
            **texts.options(),
        },
    }
    header = {
        "versions": versions(),
        "pipeline": pipeline_fingerprint(work.pipeline),
        "source": source,
        "options": given,
    }
    return dict(json.loads(json.dumps(header)))  # as it comes back from the manifest


def _code_digest(code: Path) -> str:
    try:
        return file_digest(code)
    except OSError as err:
        raise ConfigError(f"{code} cannot be imported: {err.strerror}") from err


def _documents(texts: Any, report: SourceReport) -> Iterator[Document]:
    if isinstance(texts, Source):
        return texts.documents(report)
    return given_documents(texts, report)
