"""Makes Docs of annotated documents."""

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import Dict, Iterable, Iterator, Optional, Tuple

from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from ..annotations import DEFAULT_ATTR, get_relations, set_relations
from ..errors import DataError
from ..mentions import CLUSTER_PREFIX
from ..types import Relation
from .alignment import AlignmentMode, align_span, describe_misalignment
from .annotated import Annotated, AnnotatedMention, MentionId
from .checks import mention_place, with_mentions
from .details import keep_mentions, keep_relation
from .report import Report


def build_docs(
    documents: Iterable[Annotated],
    nlp: Language,
    report: Report,
    *,
    alignment: AlignmentMode = "strict",
    spans_key: Optional[str] = None,
    attr: str = DEFAULT_ATTR,
) -> Iterator[Doc]:
    """Make Docs of annotated documents.

    Args:
        documents: valid ones, see :func:`.checks.check_documents`.
        nlp: its tokenizer makes the tokens where the documents have none.
        report: counts the documents, and takes note of what cannot be used.
        alignment: what to do with mentions that do not begin and end with a token.
        spans_key: span group to put the mentions in; None: ``doc.ents``, where they may not
            overlap.
        attr: name of the extension attribute of the relations.

    Raises:
        DataError: at the first problem, if the report stops at problems.
    """
    builder = _DocBuilder(nlp, report, alignment, spans_key, attr)
    return builder.build(documents)


@dataclass(frozen=True)
class _DocBuilder:
    """Makes Docs of annotated documents; :func:`build_docs` says what its fields mean."""

    nlp: Language
    report: Report
    alignment: AlignmentMode
    spans_key: Optional[str]
    attr: str
    sentencizer: Sentencizer = field(default_factory=Sentencizer)

    def build(self, documents: Iterable[Annotated]) -> Iterator[Doc]:
        """The documents that can be used."""
        for given in documents:
            try:
                doc, annotated = tokenize(given, self.nlp, self.report, alignment=self.alignment)
            except DataError as err:
                self.report.problem(err.message, place=given.place, skips="document")
                continue
            spans = {
                mention.id: Span(
                    doc, mention.start, mention.end, label=mention.label, kb_id=mention.kb_id
                )
                for mention in annotated.mentions
            }
            annotated = self._set_mentions(doc, spans, annotated)
            self._set_sentences(doc, annotated)
            self._set_relations(doc, spans, annotated)
            for number, members in enumerate(annotated.clusters, start=1):
                doc.spans[f"{CLUSTER_PREFIX}_{number}"] = [spans[key] for key in members]
            if annotated.meta:
                doc.user_data["meta"] = annotated.meta
            self.report.documents += 1
            self.report.mentions += len(annotated.mentions)
            yield doc

    def _set_mentions(
        self, doc: Doc, spans: Dict[MentionId, Span], annotated: Annotated
    ) -> Annotated:
        """Set them as entities or as a span group; the document without those that do not fit."""
        labelled = {key: span for key, span in spans.items() if span.label}
        if self.spans_key is not None:
            doc.spans[self.spans_key] = list(labelled.values())
        else:
            kept = filter_spans({_key(span): span for span in labelled.values()}.values())
            doc.set_ents(kept)
            fitting = {_key(span) for span in kept}
            mentions = []
            for mention in annotated.mentions:
                span = spans[mention.id]
                if not span.label or _key(span) in fitting:
                    mentions.append(mention)
                    continue
                self.report.problem(
                    f"{span.text!r} overlaps with another mention, which doc.ents does not allow; "
                    "convert to a span group instead (--spans-key)",
                    place=mention_place(annotated, mention),
                    skips="mention",
                )
            if len(mentions) < len(spans):
                annotated = with_mentions(annotated, mentions, self.report)
        keep_mentions(doc, [(mention, spans[mention.id]) for mention in annotated.mentions])
        return annotated

    def _set_sentences(self, doc: Doc, annotated: Annotated) -> None:
        if annotated.sentence_starts is None:
            self.sentencizer(doc)
            return
        starts = set(annotated.sentence_starts)
        for token in doc:
            token.is_sent_start = token.i in starts

    def _set_relations(self, doc: Doc, spans: Dict[MentionId, Span], annotated: Annotated) -> None:
        for item in annotated.relations:
            keep_relation(doc, item, spans[item.head], spans[item.tail])
        relations = [
            Relation(spans[item.head], item.label, spans[item.tail], item.score)
            for item in annotated.relations
        ]
        set_relations(doc, relations, self.attr)
        n_relations = len(get_relations(doc, self.attr))
        self.report.relations += n_relations
        self.report.duplicates += len(relations) - n_relations


def tokenize(
    annotated: Annotated, nlp: Language, report: Report, *, alignment: AlignmentMode = "strict"
) -> Tuple[Doc, Annotated]:
    """Make the tokens of a document.

    Args:
        annotated: a valid document.
        nlp: its tokenizer makes the tokens if the document has none.
        report: takes note of mentions that a Doc cannot hold, and of what goes with them.
        alignment: what to do with mentions that do not begin and end with a token.

    Returns:
        A Doc with the tokens, and the document with its annotations in these tokens.

    Raises:
        DataError: if the text is too long for the tokenizer; at the first problem, if the report
            stops at problems.
    """
    if annotated.words is not None:
        doc = Doc(nlp.vocab, words=annotated.words, spaces=annotated.spaces)
    elif len(annotated.text or "") > nlp.max_length:
        raise DataError(
            f"a text of {len(annotated.text or '')} characters; the tokenizer takes {nlp.max_length}"
        )
    else:
        doc = nlp.make_doc(annotated.text or "")
    mentions = []
    for mention in annotated.mentions:
        try:
            if mention.fragments:
                n_fragments = len(mention.fragments)
                raise DataError(
                    f"a discontinuous mention of {n_fragments} fragments, which a Doc cannot hold"
                )
            if annotated.words is None:
                mention = _aligned(mention, doc, alignment)
        except DataError as err:
            report.problem(err.message, place=mention_place(annotated, mention), skips="mention")
            continue
        mentions.append(mention)
    reduced = _with_sentences(with_mentions(annotated, mentions, report), doc)
    words, spaces = [token.text for token in doc], [bool(token.whitespace_) for token in doc]
    return doc, replace(reduced, text=None, words=words, spaces=spaces)


def _aligned(mention: AnnotatedMention, doc: Doc, alignment: AlignmentMode) -> AnnotatedMention:
    span = align_span(doc, mention.start, mention.end, mention.label, mode=alignment)
    if span is None:
        raise DataError(describe_misalignment(doc, mention.start, mention.end))
    return replace(mention, start=span.start, end=span.end)


def _with_sentences(annotated: Annotated, doc: Doc) -> Annotated:
    """The document with sentences that start where tokens do; evidence stays with its sentence."""
    starts = annotated.sentence_starts
    if starts is None or not len(doc):
        return annotated
    if annotated.words is None:
        ends = [token.idx + len(token) for token in doc]
        starts = [min(bisect_right(ends, start), len(doc) - 1) for start in starts]
    # A Doc's first token starts a sentence, and two cannot start with one token.
    numbers = {start: i for i, start in enumerate(sorted({0, *starts}))}
    relations = [
        replace(rel, evidence=tuple(dict.fromkeys(numbers[starts[i]] for i in rel.evidence)))
        for rel in annotated.relations
    ]
    return replace(annotated, sentence_starts=list(numbers), relations=relations)


def _key(span: Span) -> Tuple[int, int, int]:
    return span.start, span.end, span.label
