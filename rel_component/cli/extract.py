"""``spacy rel extract``."""

import os
import signal
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Iterable, Iterator, List, Optional

from typer import Exit, Option

from ..errors import ConfigError
from .messages import (
    INTERRUPTED,
    check_outputs,
    first_problems,
    notice,
    print_failures,
    print_json,
    printable,
    progress,
    use_device,
)
from .options import (
    GpuId,
    Json,
    Limit,
    MaxLength,
    Model,
    OneText,
    OnTextError,
    Records,
    TextsPath,
    given_texts,
)

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc


def extract_cli(
    model: Model,
    input_path: TextsPath = None,
    text: OneText = None,
    output: Records = None,
    labels: Annotated[
        Optional[List[str]], Option("--label", help="Only relations of this type; may be repeated")
    ] = None,
    min_score: Annotated[
        Optional[float], Option(min=0, max=1, help="Only relations with at least this score")
    ] = None,
    limit: Limit = 0,
    on_error: OnTextError = "stop",
    max_length: MaxLength = None,
    batch_size: Annotated[int, Option(min=1, help="Documents per batch")] = 64,
    n_process: Annotated[int, Option(help="Processes")] = 1,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Extract relations from raw text, a row for each: id, head, label, tail, score, evidence.

    The label of what a text negates or plans says so, as in "FOUNDED_BY (negated)". With --output or
    --json they are lines of JSON that "rel convert" reads.
    """
    from ..converters.records import write_records
    from ..converters.report import SKIP_HINT, Report
    from ..documents import document_id
    from ..inference.extract import extract_docs, find_evidence, to_record
    from ..pipelines import load_pipeline, relation_attr
    from ..types import shown_polarity

    check_outputs(output)
    use_device(gpu_id)
    nlp = load_pipeline(model)
    nlp.max_length = max_length or nlp.max_length
    report = Report(on_error=on_error, hint=SKIP_HINT)
    texts = given_texts(input_path, text, limit, report=report, max_length=nlp.max_length)
    if n_process > 1 and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_end_quietly)
    counts: Counter[str] = Counter()
    failures: List[str] = []
    docs = progress(extract_docs(nlp, texts, batch_size=batch_size, n_process=n_process))
    docs = _chosen(docs, nlp, labels or [], min_score, counts, failures)
    attr = relation_attr(nlp)
    if output is not None:
        write_records((to_record(doc, attr) for doc in docs), output)
    for number, doc in enumerate(docs if output is None else (), start=1):
        if json:
            print_json(to_record(doc, attr))
            continue
        relations = list(doc._.get(attr))
        for rel, evidence in zip(relations, find_evidence(doc, relations)):
            score = "-" if rel.score is None else f"{rel.score:.2f}"
            place = document_id(doc) or number
            polarity = shown_polarity(rel.polarity)
            label = f"{rel.label} ({polarity})" if polarity else rel.label
            row = (place, rel.head.text, label, rel.tail.text, score, evidence)
            print("\t".join(map(printable, row)))
    for problem in first_problems(report.problems, more=""):
        notice(problem, "yellow")
    notice(_summary(counts, len(report.problems)))
    if failures:
        print_failures(failures)
        raise Exit(1)


def _end_quietly() -> None:
    """Let a worker end without a traceback after an interrupt, of which the first process tells."""
    signal.signal(signal.SIGINT, lambda *args: os._exit(INTERRUPTED))


def _chosen(
    docs: "Iterable[Doc]",
    nlp: "Language",
    labels: List[str],
    min_score: Optional[float],
    counts: "Counter[str]",
    failures: List[str],
) -> "Iterator[Doc]":
    """The documents with the relations that are asked for; counts what a language model has lost."""
    from ..annotations import get_relations
    from ..inference.extract import choose_relations
    from ..llm.types import REPORT_KEY
    from ..pipelines import find_extractor, relation_attr

    attr, extractor = relation_attr(nlp), find_extractor(nlp)
    known = labels if extractor is None else extractor.schema.labels
    for label in labels:
        if label not in known:
            raise ConfigError(f"--label {label}: the pipeline knows {', '.join(known)}")
    for doc in docs:
        n_left_out = choose_relations(doc, attr, labels=labels, min_score=min_score)
        if n_left_out:
            counts["left out"] += n_left_out
        counts["relations"] += len(get_relations(doc, attr))
        counts["documents"] += 1
        answers = doc.user_data.get(REPORT_KEY, {})
        failures += answers.get("failures", ())
        counts.update(answers.get("dropped", {}))
        yield doc


def _summary(counts: "Counter[str]", n_skipped: int) -> str:
    parts = [f"{counts.pop(kind, 0)} {kind}" for kind in ("documents", "relations")]
    if n_skipped:
        parts.append(f"{n_skipped} texts skipped")
    if "left out" in counts:
        parts.append(f"{counts.pop('left out')} left out by --label or --min-score")
    statements = ", ".join(f"{n} {why}" for why, n in counts.items())
    if statements:
        parts.append(f"statements of the language model dropped: {statements}")
    return "; ".join([", ".join(parts[:2]), *parts[2:]])
