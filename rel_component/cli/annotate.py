"""``spacy rel annotate``."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterable, List, Optional, Tuple

import spacy
import srsly
from spacy.cli._util import Arg, Opt
from spacy.language import Language
from spacy.tokens import Doc

from ..annotations import get_relations
from ..converters.from_doc import to_annotated
from ..converters.report import Report
from ..converters.writing import write_file
from ..llm.types import REPORT_KEY
from ..mentions import add_entities
from ..pipelines import load_pipeline, require_prompted
from ..spacy_files import write_docs
from .extract import Source, read_texts
from .messages import clear_errors, printer, progress


@dataclass
class Triage:
    """Annotated documents, by what is to be done with them.

    Attributes:
        sure: to train on as they are.
        unsure: for a person to look at, the least sure ones first.
        reasons: why, for each of `unsure`.
    """

    sure: List[Doc] = field(default_factory=list)
    unsure: List[Doc] = field(default_factory=list)
    reasons: List[str] = field(default_factory=list)


def annotate_cli(
    model: str = Arg(..., help="A pipeline with llm_relation_extractor, or a config of one"),
    input_path: Path = Arg(..., help="Texts, as for extract; - for stdin"),
    output: Path = Arg(..., help="The .spacy file for documents to train on"),
    review: Optional[Path] = Opt(
        None, "--review", "-r", help="File for the documents that a person should look at"
    ),
    review_format: str = Opt("doccano", "--review-format", help="Format of that file"),
    min_score: Optional[float] = Opt(
        None, "--min-score", "-s", help="The least score of all relations of a document to train on"
    ),
    json: bool = Opt(False, "--json", help="Print the counts as JSON"),
) -> None:
    """Let a language model annotate raw texts, as training data and for review."""
    msg = printer(json=json)
    with clear_errors():
        nlp = load_pipeline(model)
        triage = annotate(nlp, model, read_texts(input_path), min_score=min_score)
        write_docs(triage.sure, output)
        if review is not None:
            write_review(triage, review, review_format, nlp)
    usage = require_prompted(nlp, model).usage.to_dict()
    counts = {
        "sure": len(triage.sure),
        "unsure": len(triage.unsure),
        "reasons": {reason: triage.reasons.count(reason) for reason in sorted({*triage.reasons})},
        "usage": usage,
    }
    if json:
        print(srsly.json_dumps(counts))
        return
    msg.good(f"{output}: {len(triage.sure)} documents to train on")
    for reason, count in counts["reasons"].items():
        msg.info(f"{count} for review: {reason}")
    if review is None and triage.unsure:
        msg.warn("documents for review were left out; --review FILE writes them")
    elif review is not None:
        msg.good(f"{review}: {len(triage.unsure)} documents to look at, the least sure ones first")
    cost = "not known" if usage["cost"] is None else f"{usage['cost']:.4g}"
    msg.info(
        f"requests: {usage['requests']}, from the cache: {usage['cache_hits']}, cost: {cost}, "
        f"tokens: {usage['input_tokens']} in, {usage['output_tokens']} out"
    )


def annotate(
    nlp: Language, source: str, sources: Iterable[Source], *, min_score: Optional[float] = None
) -> Triage:
    """Annotate texts, and tell those that can be trained on from those to review.

    A document is sure if all questions about it were answered as they should be, and if, with a
    `min_score`, all its relations have a score of at least that.

    Args:
        nlp: the pipeline.
        source: its name, for messages.
        sources: texts with their records.
        min_score: the least score; None: none is needed.
    """
    prompted = require_prompted(nlp, source)
    triage = Triage()
    unsure: List[Tuple[float, str, Doc]] = []
    for doc, record in progress(nlp.pipe(sources, as_tuples=True), unit="docs"):
        if prompted.mentions == "found":
            add_entities(doc, doc.spans[prompted.entities_key])
        if "id" in record:
            doc.user_data["meta"] = {"id": record["id"]}
        scores = [rel.score for rel in get_relations(doc, prompted.attr)]
        reason = _doubt(doc.user_data[REPORT_KEY], scores, min_score)
        if reason is None:
            triage.sure.append(doc)
        else:
            lowest = min((score for score in scores if score is not None), default=0.0)
            unsure.append((lowest, reason, doc))
    unsure.sort(key=lambda item: item[0])
    triage.reasons = [reason for _, reason, _ in unsure]
    triage.unsure = [doc for _, _, doc in unsure]
    return triage


def write_review(triage: Triage, path: Path, format: str, nlp: Language) -> None:
    """Write the unsure documents for an annotation tool.

    Args:
        path: the file.
        format: name of an annotation format.
        nlp: the pipeline.

    Raises:
        ConfigError: if the format cannot be written.
    """
    prompted = require_prompted(nlp, "the pipeline")
    documents = (
        to_annotated(doc, place=f"document {i}", attr=prompted.attr)
        for i, doc in enumerate(triage.unsure)
    )
    write_file(documents, path, format, spacy.blank(nlp.lang or "xx"), Report(on_error="skip"))


def _doubt(report: Any, scores: List[Optional[float]], min_score: Optional[float]) -> Optional[str]:
    """Why a document has to be reviewed, or None."""
    if report["failures"]:
        return "not answered"
    if report["dropped"]:
        return "statements were dropped"
    if min_score is not None and any(score is None for score in scores):
        return "relations without a score"
    if min_score is not None and any(score < min_score for score in scores if score is not None):
        return f"relations with a score below {min_score:g}"
    return None
