"""``spacy rel extract``."""

import os
import sys
from collections import Counter
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    Literal,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from tqdm import tqdm
from typer import Argument, Exit, Option

from ..errors import ConfigError
from .messages import (
    SOME_FAILED,
    check_outputs,
    first_problems,
    is_terminal,
    notice,
    print_failures,
    print_json,
    printable,
    progress,
    use_device,
)
from .options import Format, GpuId, Json, Limit, MaxLength, Model, OneText, OnTextError, TextLang

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from ..events import Event
    from ..inference.run import Summary
    from ..types import Relation

SOURCES = (
    "Text file, one document a line, .jsonl, .csv, .tsv, .parquet or .spacy, also .gz and .zst; a "
    "folder of these, where a .txt file is a document; a pattern in quotes; - for standard input"
)
_ONLY_WRITING = {
    **{"to": "auto", "executor": "auto", "address": None, "gpus": 0.0},
    **{"resume": False, "retry_failed": False, "shards": False, "shard_size": 500, "timeout": 0.0},
}
"""Options that do nothing without a file to write, with their defaults."""


def extract_cli(
    model: Model,
    input_path: Annotated[Optional[Path], Argument(help=SOURCES)] = None,
    text: OneText = None,
    output: Annotated[
        Optional[Path], Option("--output", "-o", help="File, in place of standard output")
    ] = None,
    to: Annotated[
        str,
        Option(help="jsonl, jsonl.gz, jsonl.zst, parquet, parquet_documents, spacy; auto: by name"),
    ] = "auto",
    labels: Annotated[
        Optional[List[str]],
        Option("--label", help="Only relations or events of this type; may be repeated"),
    ] = None,
    min_score: Annotated[
        Optional[float], Option(min=0, max=1, help="Only relations with at least this score")
    ] = None,
    lang: TextLang = "auto",
    limit: Limit = 0,
    format_name: Format = "auto",
    text_column: Annotated[str, Option(help="Column or key of the texts")] = "text",
    id_column: Annotated[str, Option(help="Column or key of their ids")] = "id",
    meta_columns: Annotated[
        Optional[List[str]], Option("--meta-column", help="What else is kept; all if not given")
    ] = None,
    on_error: OnTextError = "stop",
    max_length: MaxLength = None,
    batch_size: Annotated[int, Option(min=1, help="Documents per batch")] = 64,
    n_process: Annotated[int, Option(help="Processes; -1 for all cores")] = 1,
    executor: Annotated[
        str, Option(help="Who does it: local, process ...; auto: by the number of processes")
    ] = "auto",
    address: Annotated[Optional[str], Option(help="Address of a cluster, for executors")] = None,
    gpus: Annotated[float, Option(min=0, help="GPUs of each worker of a cluster")] = 0.0,
    resume: Annotated[bool, Option("--resume", help="Go on with an interrupted run")] = False,
    retry_failed: Annotated[
        bool, Option("--retry-failed", help="With --resume: shards with failed documents anew")
    ] = False,
    shards: Annotated[
        bool, Option("--shards", help="Leave a folder of shards in place of a file")
    ] = False,
    shard_size: Annotated[int, Option(min=1, help="Documents of a shard")] = 500,
    timeout: Annotated[
        float, Option(min=0, help="Seconds for a document, with processes; 0 for ten minutes")
    ] = 0.0,
    code: Annotated[
        Optional[Path], Option(exists=True, help="Python file with components of the pipeline")
    ] = None,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Extract relations from raw text, a row for each: id, head, label, tail, score, evidence.

    The label of what a text negates or plans says so, as in "FOUNDED_BY (negated)". The row of an event
    has its trigger in place of the head, or "-", and its roles in place of the tail; the pairs that
    events are made of are printed only if --label names them. With --output or
    --json they are lines of JSON that "rel convert" reads. Documents that fail do not stop a run with
    --output, but are listed beside it, and the exit code is 3; an interrupted run goes on with --resume.
    """
    from ..inference.sources import Source

    if (text is None) == (input_path is None):
        raise ConfigError("give a file of texts or --text, one of them")
    source: Any = [str(text)]
    if input_path is not None:
        source = Source(input_path, format_name, text_column, id_column, meta_columns)
        source.max_length = max_length or source.max_length
    use_device(gpu_id)
    common: Dict[str, Any] = {
        **{"lang": lang, "limit": limit, "on_error": on_error, "batch_size": batch_size},
        **{"code": code, "labels": labels or [], "min_score": min_score, "n_process": n_process},
    }
    writing: Dict[str, Any] = {
        **{"to": to, "executor": executor, "address": address, "gpus": gpus},
        **{"resume": resume, "retry_failed": retry_failed, "shards": shards},
        **{"shard_size": shard_size, "timeout": timeout},
    }
    if output is None:
        for option, value in writing.items():
            if value != _ONLY_WRITING[option]:
                name = option.replace("_", "-")
                raise ConfigError(f"--{name} needs --output, a file to write")
        _print(model, source, max_length=max_length, as_json=json, **common)
        return
    check_outputs(output / "_manifest.jsonl" if shards else output)
    how = {**common, **writing, "timeout": timeout or None, "gpu_id": gpu_id}
    _write(model, source, output, **how)


def _write(
    model: str,
    source: Any,
    output: Path,
    *,
    n_process: int,
    gpus: float,
    address: Optional[str],
    **options: Any,
) -> None:
    """Write the relations to a file, and tell how it goes."""
    from ..inference.executor import Resources
    from ..inference.extract_files import extract_files

    n_workers = n_process if n_process > 0 else os.cpu_count() or 1
    resources = Resources(n_workers, gpus, address)
    with (
        _told_how_to_go_on(),
        tqdm(unit="docs", file=sys.stderr, disable=not is_terminal()) as bar,
    ):
        show = partial(_show, bar)
        summary = extract_files(
            model, source, output, resources=resources, progress=show, **options
        )
    counts = summary.counts + Counter(documents=summary.documents, relations=summary.relations)
    n_skipped = counts.pop("skipped", 0)
    shown = [f"{failure.place}: {failure.reason}" for failure in summary.first_failures]
    for problem in first_problems(shown, more=f" in {summary.failures_path}"):
        notice(problem, "yellow")
    notice(_summary(counts, n_skipped))
    if summary.failed:
        notice(f"{summary.failed} documents failed: {summary.failures_path} lists them", "red")
        raise Exit(SOME_FAILED)


@contextmanager
def _told_how_to_go_on() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        notice("The same command with --resume goes on with what is finished", "yellow")
        raise


def _show(bar: "tqdm[Any]", summary: "Summary") -> None:
    """Show how far an extraction is, and how long it will take where the size of the input is known."""
    bar.initial = summary.resumed
    bar.update(summary.documents - bar.n)
    left = ""
    if summary.share:
        seconds = summary.seconds / summary.share * (1 - summary.share)
        left = f", {bar.format_interval(seconds)} left"
    bar.set_postfix_str(f"{summary.relations} relations, {summary.failures} failures{left}")


def _print(
    model: str,
    source: Any,
    *,
    lang: str,
    limit: int,
    on_error: Literal["stop", "skip"],
    code: Optional[Path],
    max_length: Optional[int],
    batch_size: int,
    n_process: int,
    labels: List[str],
    min_score: Optional[float],
    as_json: bool,
) -> None:
    """Print relations and events, a row for each, or a line of JSON for each document."""
    from ..annotations import get_relations
    from ..converters.report import SKIP_HINT, Report
    from ..documents import document_id
    from ..events import get_events
    from ..inference.extract import extract_docs, to_record
    from ..inference.work import import_code
    from ..pipelines import event_types, load_pipeline, relation_attr

    import_code(code)
    nlp = load_pipeline(model, lang)
    nlp.max_length = max_length or nlp.max_length
    report = Report(on_error=on_error, hint=SKIP_HINT)
    texts = source if isinstance(source, list) else source.texts(report)
    counts: Counter[str] = Counter()
    failures: List[str] = []
    texts = islice(texts, limit or None)
    docs = progress(extract_docs(nlp, texts, batch_size=batch_size, n_process=n_process))
    docs = _chosen(docs, nlp, labels, min_score, counts, failures)
    attr = relation_attr(nlp)
    pairs = {pair.label for pair in event_types(nlp).pair_types()}
    hidden = set() if as_json else pairs.difference(labels)
    for number, doc in enumerate(docs, start=1):
        relations = [rel for rel in get_relations(doc, attr) if rel.label not in hidden]
        events = get_events(doc)
        counts.update({"relations": len(relations), "events": len(events)})
        if as_json:
            print_json(to_record(doc, attr))
            continue
        for row in _rows(doc, relations, events):
            print("\t".join(map(printable, (document_id(doc) or number, *row))))
    for problem in first_problems(report.problems, more=""):
        notice(problem, "yellow")
    notice(_summary(counts, len(report.problems)))
    if failures:
        print_failures(failures)
        raise Exit(SOME_FAILED)


def _rows(
    doc: "Doc", relations: "Sequence[Relation]", events: "Sequence[Event]"
) -> Iterator[Tuple[str, ...]]:
    """What is printed of each relation and event, but for the document."""
    from ..inference.extract import find_evidence
    from ..types import shown_polarity

    def score(item: "Union[Relation, Event]") -> str:
        return "-" if item.score is None else f"{item.score:.2f}"

    evidence = find_evidence(doc, [*relations, *events])
    for rel, sentences in zip(relations, evidence):
        polarity = shown_polarity(rel.polarity)
        label = f"{rel.label} ({polarity})" if polarity else rel.label
        yield rel.head.text, label, rel.tail.text, score(rel), sentences
    for event, sentences in zip(events, evidence[len(relations) :]):
        trigger = "-" if event.trigger is None else event.trigger.text
        roles = "; ".join(f"{role}: {span.text}" for role, span in event.arguments)
        yield trigger, event.label, roles, score(event), sentences


def _chosen(
    docs: "Iterable[Doc]",
    nlp: "Language",
    labels: List[str],
    min_score: Optional[float],
    counts: "Counter[str]",
    failures: List[str],
) -> "Iterator[Doc]":
    """The documents with what is asked for; counts what a language model has lost."""
    from ..inference.extract import choose_relations
    from ..llm.types import REPORT_KEY
    from ..pipelines import known_labels, relation_attr

    attr, known = relation_attr(nlp), known_labels(nlp) or labels
    for label in labels:
        if label not in known:
            raise ConfigError(f"--label {label}: the pipeline knows {', '.join(known)}")
    for doc in docs:
        n_left_out = choose_relations(doc, attr, labels=labels, min_score=min_score)
        if n_left_out:
            counts["left out"] += n_left_out
        counts["documents"] += 1
        answers = doc.user_data.get(REPORT_KEY, {})
        failures += answers.get("failures", ())
        counts.update(answers.get("dropped", {}))
        yield doc


def _summary(counts: "Counter[str]", n_skipped: int) -> str:
    parts = [f"{counts.pop(kind, 0)} {kind}" for kind in ("documents", "relations")]
    if n_events := counts.pop("events", 0):
        parts[1] += f", {n_events} events"
    if n_skipped:
        parts.append(f"{n_skipped} texts skipped")
    if "left out" in counts:
        parts.append(f"{counts.pop('left out')} left out by --label or --min-score")
    statements = ", ".join(f"{n} {why}" for why, n in counts.items())
    if statements:
        parts.append(f"statements of the language model dropped: {statements}")
    return "; ".join([", ".join(parts[:2]), *parts[2:]])
