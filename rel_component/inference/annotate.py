"""Annotation of texts by a language model, as training data and for review."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Tuple, Union

import spacy
from spacy.tokens import Doc

from ..annotations import DEFAULT_ATTR, get_relations
from ..converters.from_doc import to_annotated
from ..converters.report import Report
from ..converters.writing import write_file
from ..llm.types import REPORT_KEY
from ..mentions import add_entities
from ..pipelines import PipelineSource, load_pipeline, require_prompted
from ..types import POLARITIES
from .texts import Text, keep_meta, with_records


@dataclass
class Triage:
    """Annotated documents, sorted by what is to be done with them.

    Attributes:
        sure: documents to train on as they are.
        unsure: documents for a person to review, the least sure ones first.
        reasons: why each document of `unsure` has to be reviewed.
        failures: why questions have no answer, a message for each.
        usage: requests, tokens and cost of the language model.
        lang: language of the pipeline.
        attr: name of the extension attribute of the relations.
        spans_key: span group of the mentions; None: the entities.
    """

    sure: List[Doc] = field(default_factory=list)
    unsure: List[Doc] = field(default_factory=list)
    reasons: List[str] = field(default_factory=list)
    failures: List[str] = field(default_factory=list)
    usage: Dict[str, Any] = field(default_factory=dict)
    lang: str = "xx"
    attr: str = DEFAULT_ATTR
    spans_key: Optional[str] = None

    @property
    def n_docs(self) -> int:
        """Number of documents."""
        return len(self.sure) + len(self.unsure)

    def to_dict(self) -> Dict[str, Any]:
        """The counts and the usage as JSON can hold them."""
        reasons = {reason: self.reasons.count(reason) for reason in sorted({*self.reasons})}
        return {
            "sure": len(self.sure),
            "unsure": len(self.unsure),
            "reasons": reasons,
            "usage": self.usage,
        }

    def write_review(self, path: Path, format_name: str = "doccano") -> None:
        """Write the unsure documents for an annotation tool.

        Raises:
            ConfigError: if there is no such format, or it is only read.
        """
        documents = (
            to_annotated(doc, place=f"document {i}", spans_key=self.spans_key, attr=self.attr)
            for i, doc in enumerate(self.unsure)
        )
        nlp = spacy.blank(self.lang)
        write_file(documents, path, format_name, nlp, Report(on_error="skip"))


def annotate(
    nlp: PipelineSource,
    texts: Iterable[Union[str, Text]],
    *,
    min_score: Optional[float] = None,
    replies: Union[str, Path, None] = None,
) -> Triage:
    """Annotate texts with a language model, and separate training data from documents to review.

    A document is sure if all questions about it were answered as they should be, and if, with a
    `min_score`, all its relations have at least that score. That there are no relations is only sure
    if the answers have the form that was asked for.

    Args:
        nlp: a pipeline with a component that prompts a language model, its name or path, or the path of
            its config.
        texts: texts, or pairs of a text and a record, whose id and meta data are kept.
        min_score: the least score of relations to train on; None: they need no score.
        replies: file that keeps the answers, if the pipeline has no cache of its own: an interrupted run
            goes on where it was when it is given the same file again.

    Raises:
        ConfigError: if no component prompts a language model.
    """
    nlp = load_pipeline(nlp)
    prompted = require_prompted(nlp)
    spans_key = prompted.spans_key if prompted.mentions == "given" else None
    triage = Triage(lang=nlp.lang or "xx", attr=prompted.attr, spans_key=spans_key)
    unsure: List[Tuple[float, str, Doc]] = []
    cache = None if replies is None else prompted.client.keep_replies(replies)
    try:
        for doc, record in nlp.pipe(with_records(texts), as_tuples=True):
            if prompted.mentions == "found":
                add_entities(doc, doc.spans[prompted.entities_key])
            keep_meta(doc, record)
            scores = [rel.score for rel in get_relations(doc, prompted.attr)]
            triage.failures += doc.user_data[REPORT_KEY]["failures"]
            reason = _doubt(doc.user_data[REPORT_KEY], scores, min_score)
            if reason is None:
                triage.sure.append(doc)
            else:
                lowest = min((score for score in scores if score is not None), default=0.0)
                unsure.append((lowest, reason, doc))
    finally:
        if cache is not None:
            cache.close()
    unsure.sort(key=lambda item: item[0])
    triage.reasons = [reason for _, reason, _ in unsure]
    triage.unsure = [doc for _, _, doc in unsure]
    triage.usage = prompted.usage.to_dict()
    return triage


def _doubt(report: Any, scores: List[Optional[float]], min_score: Optional[float]) -> Optional[str]:
    """The reason to review a document, or None."""
    if report["failures"]:
        return "not answered"
    if report["dropped"].keys() - {*POLARITIES}:  # that a relation is negated is a right answer
        return "statements were dropped"
    if not scores and report["valid"] < report["questions"]:
        return "no relations, in an answer of another form"
    if min_score is not None and any(score is None for score in scores):
        return "relations without a score"
    if min_score is not None and any(score < min_score for score in scores if score is not None):
        return f"relations with a score below {min_score:g}"
    return None
