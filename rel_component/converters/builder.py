"""Makes Docs of annotated documents."""

import re
from bisect import bisect_right
from dataclasses import replace
from itertools import pairwise
from typing import Dict, Iterable, Iterator, List, Literal, Optional, Tuple

from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from ..annotations import get_relations, set_relations
from ..documents import set_sentence_starts, several_labels
from ..errors import DataError, shown
from ..events import Event, EventArgument, get_events, set_events
from ..mentions import set_clusters
from ..statements import statement_of_json
from ..types import POLARITIES, Relation, Statement
from .annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId
from .checks import mention_place, with_mentions
from .details import keep_mention, keep_relation
from .report import Report

AlignmentMode = Literal["strict", "contract", "expand"]
"""What becomes of a mention that does not begin and end with a token: ``strict``, it is left out;
``contract``, it is the tokens inside of it, left out if there is none; ``expand``, all tokens it
touches."""

_LANGUAGES = {
    "ja": re.compile("[\u3040-\u30ff]"),
    "zh": re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"),
    "th": re.compile("[\u0e00-\u0e7f]"),
}
"""Languages without spaces between words, and characters that tell them."""

_RUN = re.compile(r"[^\w\s\-=*.~#+]{300}")
"""Characters of which each is a token. spaCy's tokenizer takes them off one by one, and each time looks
at all that follow."""

_Spans = Dict[MentionId, Span]
_Place = Tuple[int, int, str]
"""Start, end and label of a mention."""


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
        kb_ids = _kb_ids(annotated, report)
        spans = {
            mention.id: Span(
                doc, mention.start, mention.end, label=mention.label, kb_id=kb_ids[_place(mention)]
            )
            for mention in annotated.mentions
        }
        if spans_key is None:
            annotated = _set_entities(doc, spans, annotated, report)
        else:
            distinct = {_key(span): span for span in spans.values() if span.label}
            doc.spans[spans_key] = list(distinct.values())
        for mention in annotated.mentions:
            keep_mention(doc, mention, spans[mention.id])
        if annotated.sentence_starts is None:
            _split_sentences(doc, sentencizer, spans.values())
        else:
            starts = set(annotated.sentence_starts)
            set_sentence_starts(doc, [token.i in starts for token in doc])
        _set_relations(doc, spans, annotated, report)
        _set_events(doc, spans, annotated, report)
        set_clusters(doc, ([spans[key] for key in members] for members in annotated.clusters))
        if annotated.meta:
            doc.user_data["meta"] = annotated.meta
        n_distinct = len({_key(spans[mention.id]) for mention in annotated.mentions})
        if twice := len(annotated.mentions) - n_distinct:
            message = "mentions of the same tokens and label as another one, kept as one"
            report.note(message, place=annotated.place, count=twice)
        report.documents += 1
        report.mentions += n_distinct
        yield doc


def _kb_ids(annotated: Annotated, report: Report) -> Dict[_Place, str]:
    """The knowledge-base id of each place: of several mentions there the first that is not empty."""
    found: Dict[_Place, str] = {}
    for mention in annotated.mentions:
        known = found.get(_place(mention), "")
        found[_place(mention)] = known or mention.kb_id
        if known and mention.kb_id not in ("", known):
            message = "mentions of the same tokens and label with another knowledge-base id, of "
            report.note(f"{message}which the first is kept", place=annotated.place)
    return found


def _split_sentences(doc: Doc, sentencizer: Sentencizer, spans: Iterable[Span]) -> None:
    """Set sentences by punctuation; none starts inside of a mention, as after "No. 5"."""
    sentencizer(doc)
    inside = {i for span in spans for i in range(span.start + 1, span.end)}
    starts = {token.i for token in doc if token.is_sent_start}
    if inside & starts:
        kept = starts - inside
        set_sentence_starts(doc, [token.i in kept for token in doc])


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
            f"{span.text[:60]!r} overlaps with another mention, which doc.ents does not allow; "
            "convert to a span group instead (--spans-key)",
            place=mention_place(annotated, mention),
            skips="mention",
        )
    return with_mentions(annotated, mentions, report)


def _set_relations(doc: Doc, spans: _Spans, annotated: Annotated, report: Report) -> None:
    relations = []
    for item in annotated.relations:
        head, tail = spans[item.head], spans[item.tail]
        polarity = item.attributes.get("polarity")
        if polarity in POLARITIES:  # and no attribute that only has this name
            others = {key: value for key, value in item.attributes.items() if key != "polarity"}
            item = replace(item, attributes=others)
        else:
            polarity = ""
        item, statement = _take_statement(doc, item)
        keep_relation(doc, item, head, tail)
        relations.append(
            Relation(head, item.label, tail, item.score, item.evidence, polarity, statement)
        )
    set_relations(doc, relations)
    n_relations = len(get_relations(doc))
    if several := several_labels(relations):
        report.note(
            "relations of a pair that has another label: only exclusive = false learns both",
            place=annotated.place,
            count=len(several),
        )
    report.relations += n_relations
    report.duplicates += len(relations) - n_relations


def _set_events(doc: Doc, spans: _Spans, annotated: Annotated, report: Report) -> None:
    if not annotated.events:
        return
    events = [
        Event(
            item.label,
            tuple(EventArgument(role, spans[key]) for role, key in item.arguments),
            None if item.trigger is None else spans[item.trigger],
            item.score,
            "" if item.id is None else str(item.id),
            item.attributes,
        )
        for item in annotated.events
    ]
    set_events(doc, events)
    n_events = len(get_events(doc))
    report.events += n_events
    if twice := len(events) - n_events:
        message = "events of the same mentions, roles and label as another one, kept as one"
        report.note(message, place=annotated.place, count=twice)


def _take_statement(
    doc: Doc, item: AnnotatedRelation
) -> Tuple[AnnotatedRelation, Optional[Statement]]:
    """A relation without its statement, and that; what does not fit the text stays an attribute."""
    try:
        statement = statement_of_json(doc, item.attributes["statement"])
    except (KeyError, ValueError):
        return item, None
    others = {key: value for key, value in item.attributes.items() if key != "statement"}
    return replace(item, attributes=others), statement


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
        doc = _make_doc(text, nlp)
    annotated = _without_fragments(annotated, report)
    if annotated.words is None:
        mentions, hint = _align(annotated, doc, report, alignment)
        annotated = with_mentions(annotated, mentions, report, hint=hint)
    reduced = _with_sentences(annotated, doc)
    words, spaces = [token.text for token in doc], [bool(token.whitespace_) for token in doc]
    return doc, replace(reduced, text=None, words=words, spaces=spaces)


def _make_doc(text: str, nlp: Language) -> Doc:
    """The tokens of a text, in a time that is linear in the length of runs of brackets too."""
    cuts = [run.end() for run in _RUN.finditer(text)]
    pieces = [text[start:end] for start, end in pairwise([0, *cuts, len(text)]) if start < end]
    if len(pieces) < 2:
        return nlp.make_doc(text)
    docs = [nlp.make_doc(piece) for piece in pieces]
    return Doc.from_docs(docs, ensure_whitespace=False) or nlp.make_doc(text)


def _without_fragments(annotated: Annotated, report: Report) -> Annotated:
    """The document without discontinuous mentions."""
    mentions = []
    for mention in annotated.mentions:
        if not mention.fragments:
            mentions.append(mention)
            continue
        message = f"a discontinuous mention of {len(mention.fragments)} fragments, which a Doc "
        place = mention_place(annotated, mention)
        report.problem(f"{message}cannot hold", place=place, skips="mention")
    return with_mentions(annotated, mentions, report)


def _align(
    annotated: Annotated, doc: Doc, report: Report, alignment: AlignmentMode
) -> Tuple[List[AnnotatedMention], str]:
    """The mentions in tokens, without white space at their ends, and a hint where tokens seem odd.

    Other mentions go to the report.
    """
    trimmed = [_trimmed(mention, annotated.text or "") for mention in annotated.mentions]
    fitting = [doc.char_span(mention.start, mention.end) for mention in trimmed]
    hint = _language_hint([m for m, span in zip(trimmed, fitting) if span is None], annotated, doc)
    mentions = []
    for given, mention, span in zip(annotated.mentions, trimmed, fitting):
        place = mention_place(annotated, mention)
        aligned = span or doc.char_span(mention.start, mention.end, alignment_mode=alignment)
        if aligned is None:
            report.problem(_cut(mention, annotated, doc) + hint, place=place, skips="mention")
            continue
        if span is None:
            change = "widened" if alignment == "expand" else "narrowed"
            report.note(f"mentions were {change} to whole tokens", place=place)
        elif (mention.start, mention.end) != (given.start, given.end):
            report.note("mentions had white space at their ends, which was left out", place=place)
        mentions.append(replace(mention, start=aligned.start, end=aligned.end))
    if hint and mentions:
        report.note(f"documents with odd tokens{hint}", place=annotated.place)
    if alignment == "expand" and None in fitting:
        hint = f", since mentions were widened to whole tokens{hint}"
    return mentions, hint


def _trimmed(mention: AnnotatedMention, text: str) -> AnnotatedMention:
    """The mention without white space at its ends."""
    inside = text[mention.start : mention.end]
    start = mention.start + len(inside) - len(inside.lstrip())
    return replace(mention, start=start, end=mention.end - len(inside) + len(inside.rstrip()))


def _cut(mention: AnnotatedMention, annotated: Annotated, doc: Doc) -> str:
    """What is wrong with a mention that does not begin and end with a token, and what would help."""
    inside = (annotated.text or "")[mention.start : mention.end]
    span = doc.char_span(mention.start, mention.end, alignment_mode="expand")
    return (
        f"characters {mention.start}:{mention.end}, {inside[:60]!r}, do not begin and end with a "
        f"token; the tokens there are {shown([token.text for token in span or ()])} "
        f"(--alignment expand takes {span.text[:60] if span else ''!r})"
    )


def _language_hint(cut: List[AnnotatedMention], annotated: Annotated, doc: Doc) -> str:
    """What to say of ``--lang``, given the mentions that cut tokens; empty if it seems right."""
    text = annotated.text or ""
    inside = "".join(text[mention.start : mention.end] for mention in cut)
    if any(characters.search(inside) for characters in _LANGUAGES.values()):
        lang = next(lang for lang, characters in _LANGUAGES.items() if characters.search(text))
        return "" if doc.lang_ == lang else f"; the script has no spaces: try --lang {lang}"
    if len(cut) > 1 and 2 * len(cut) > len(annotated.mentions):
        return f"; most mentions there cut tokens: is --lang {doc.lang_} right?"
    return ""


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


def _place(mention: AnnotatedMention) -> _Place:
    return mention.start, mention.end, mention.label


def _key(span: Span) -> Tuple[int, int, int]:
    return span.start, span.end, span.label
