"""Makes Docs of annotated documents."""

from bisect import bisect_right
from dataclasses import replace
from typing import Dict, Iterable, Iterator, Literal, Optional, Tuple

from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from ..annotations import get_relations, set_relations
from ..errors import DataError
from ..mentions import set_clusters
from ..types import Relation
from .annotated import Annotated, AnnotatedMention, MentionId
from .checks import mention_place, with_mentions
from .details import keep_mention, keep_relation
from .report import Report

AlignmentMode = Literal["strict", "contract", "expand"]
"""What becomes of a mention that does not begin and end with a token: ``strict``, it is left out;
``contract``, it is the tokens inside of it, left out if there is none; ``expand``, all tokens it
touches."""

_Spans = Dict[MentionId, Span]


def build_docs(
    documents: Iterable[Annotated],
    nlp: Language,
    report: Report,
    *,
    alignment: AlignmentMode = "strict",
    spans_key: Optional[str] = None,
) -> Iterator[Doc]:
    """Make Docs of annotated documents.

    Args:
        documents: valid ones, see :func:`.checks.check_documents`.
        nlp: its tokenizer makes the tokens where the documents have none.
        report: counts the documents, and takes note of what cannot be used.
        alignment: what to do with mentions that do not begin and end with a token.
        spans_key: span group to put the mentions in; None: ``doc.ents``, where they may not
            overlap.

    Raises:
        DataError: at the first problem, if the report stops at problems.
    """
    sentencizer = Sentencizer()
    for given in documents:
        try:
            doc, annotated = tokenize(given, nlp, report, alignment=alignment)
        except DataError as err:
            report.problem(err.message, place=err.place, skips="document")
            continue
        spans = {
            mention.id: Span(
                doc, mention.start, mention.end, label=mention.label, kb_id=mention.kb_id
            )
            for mention in annotated.mentions
        }
        if spans_key is None:
            annotated = _set_entities(doc, spans, annotated, report)
        else:
            doc.spans[spans_key] = [span for span in spans.values() if span.label]
        for mention in annotated.mentions:
            keep_mention(doc, mention, spans[mention.id])
        if annotated.sentence_starts is None:
            sentencizer(doc)
        else:
            starts = set(annotated.sentence_starts)
            for token in doc:
                token.is_sent_start = token.i in starts
        _set_relations(doc, spans, annotated, report)
        set_clusters(doc, ([spans[key] for key in members] for members in annotated.clusters))
        if annotated.meta:
            doc.user_data["meta"] = annotated.meta
        report.documents += 1
        report.mentions += len(annotated.mentions)
        yield doc


def _set_entities(doc: Doc, spans: _Spans, annotated: Annotated, report: Report) -> Annotated:
    """Set the entities; the document without mentions that overlap with others."""
    kept = filter_spans({_key(span): span for span in spans.values() if span.label}.values())
    doc.set_ents(kept)
    fitting = {_key(span) for span in kept}
    mentions = []
    for mention in annotated.mentions:
        span = spans[mention.id]
        if not span.label or _key(span) in fitting:
            mentions.append(mention)
            continue
        report.problem(
            f"{span.text!r} overlaps with another mention, which doc.ents does not allow; "
            "convert to a span group instead (--spans-key)",
            place=mention_place(annotated, mention),
            skips="mention",
        )
    return with_mentions(annotated, mentions, report)


def _set_relations(doc: Doc, spans: _Spans, annotated: Annotated, report: Report) -> None:
    for item in annotated.relations:
        keep_relation(doc, item, spans[item.head], spans[item.tail])
    relations = [
        Relation(spans[item.head], item.label, spans[item.tail], item.score)
        for item in annotated.relations
    ]
    set_relations(doc, relations)
    n_relations = len(get_relations(doc))
    report.relations += n_relations
    report.duplicates += len(relations) - n_relations


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
    text = annotated.text or ""
    if annotated.words is not None:
        doc = Doc(nlp.vocab, words=annotated.words, spaces=annotated.spaces)
    elif len(text) > nlp.max_length:
        raise DataError(
            f"a text of {len(text)} characters; the tokenizer takes {nlp.max_length}",
            place=annotated.place,
        )
    else:
        doc = nlp.make_doc(text)
    mentions = []
    for mention in annotated.mentions:
        try:
            if mention.fragments:
                n_fragments = len(mention.fragments)
                raise DataError(
                    f"a discontinuous mention of {n_fragments} fragments, which a Doc cannot hold"
                )
            mentions.append(
                _aligned(mention, doc, alignment) if annotated.words is None else mention
            )
        except DataError as err:
            report.problem(err.message, place=mention_place(annotated, mention), skips="mention")
    reduced = _with_sentences(with_mentions(annotated, mentions, report), doc)
    words, spaces = [token.text for token in doc], [bool(token.whitespace_) for token in doc]
    return doc, replace(reduced, text=None, words=words, spaces=spaces)


def _aligned(mention: AnnotatedMention, doc: Doc, alignment: AlignmentMode) -> AnnotatedMention:
    """The mention in tokens, without leading and trailing white space."""
    inside = doc.text[mention.start : mention.end]
    start = mention.start + len(inside) - len(inside.lstrip())
    end = mention.end - (len(inside) - len(inside.rstrip()))
    span = doc.char_span(start, end, alignment_mode=alignment)
    if span is None:
        cut = doc.char_span(mention.start, mention.end, alignment_mode="expand") or ()
        raise DataError(
            f"characters {mention.start}:{mention.end}, {inside!r}, do not begin and end with a "
            f"token; the tokens there are {[token.text for token in cut]}"
        )
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
