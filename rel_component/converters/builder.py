"""Makes documents from what the formats read."""

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import Dict, Iterable, Iterator, List, Optional

from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from ..annotations import DEFAULT_ATTR, get_relations, set_relations
from ..errors import DataError
from ..types import Relation
from .alignment import AlignmentMode, align_span, describe_misalignment
from .annotated import Annotated, AnnotatedMention, MentionId
from .checks import keep_members, relation_place
from .details import keep_mentions, keep_relation
from .report import Report

CLUSTER_PREFIX = "coref_clusters"
"""Clusters are the span groups ``coref_clusters_1``, ``coref_clusters_2``, ... as coreference
components name them."""


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
    """Makes Docs from annotated documents; :func:`build_docs` says what its fields mean."""

    nlp: Language
    report: Report
    alignment: AlignmentMode
    spans_key: Optional[str]
    attr: str
    sentencizer: Sentencizer = field(default_factory=Sentencizer)

    def build(self, documents: Iterable[Annotated]) -> Iterator[Doc]:
        """The documents that can be used."""
        for annotated in documents:
            try:
                doc = self._tokenize(annotated)
            except DataError as err:
                self.report.problem(err.message, place=annotated.place, skips="document")
                continue
            spans = self._align_all(doc, annotated)
            self._set_mentions(doc, spans, annotated)
            sentences = self._set_sentences(doc, annotated)
            relations = self._relations(doc, annotated, spans, sentences)
            set_relations(doc, relations, self.attr)
            self._set_clusters(doc, spans, annotated)
            if annotated.meta:
                doc.user_data["meta"] = annotated.meta
            self.report.documents += 1
            self.report.mentions += len(spans)
            n_relations = len(get_relations(doc, self.attr))
            self.report.relations += n_relations
            self.report.duplicates += len(relations) - n_relations
            yield doc

    def _tokenize(self, annotated: Annotated) -> Doc:
        if annotated.words is not None:
            return Doc(self.nlp.vocab, words=annotated.words, spaces=annotated.spaces)
        text = annotated.text or ""
        if len(text) > self.nlp.max_length:
            raise DataError(
                f"a text of {len(text)} characters; the tokenizer takes {self.nlp.max_length}"
            )
        return self.nlp.make_doc(text)

    def _align_all(self, doc: Doc, annotated: Annotated) -> Dict[MentionId, Span]:
        spans: Dict[MentionId, Span] = {}
        for mention in annotated.mentions:
            try:
                spans[mention.id] = self._align(doc, mention, tokens=annotated.words is not None)
            except DataError as err:
                place = f"{annotated.place}, mention {mention.id!s:.60}"
                self.report.problem(err.message, place=place, skips="mention")
        return spans

    def _align(self, doc: Doc, mention: AnnotatedMention, *, tokens: bool) -> Span:
        if mention.pieces:
            raise DataError(
                f"a discontinuous mention of {len(mention.pieces)} pieces, which a Doc cannot hold"
            )
        if tokens:
            start, end = mention.start, mention.end
        else:
            span = align_span(doc, mention.start, mention.end, mention.label, mode=self.alignment)
            if span is None:
                raise DataError(describe_misalignment(doc, mention.start, mention.end))
            start, end = span.start, span.end
        return Span(doc, start, end, label=mention.label, kb_id=mention.kb_id)

    def _set_mentions(self, doc: Doc, spans: Dict[MentionId, Span], annotated: Annotated) -> None:
        """Set them as entities or as a span group, and drop from `spans` those that do not fit."""
        labelled = {key: span for key, span in spans.items() if span.label}
        if self.spans_key is not None:
            doc.spans[self.spans_key] = list(labelled.values())
        else:
            kept = filter_spans(_unique(labelled.values()))
            covers = {(span.start, span.end, span.label) for span in kept}
            for key, span in labelled.items():
                if (span.start, span.end, span.label) not in covers:
                    self.report.problem(
                        f"{span.text!r} overlaps with another mention, which doc.ents does not "
                        "allow; convert to a span group instead (--spans-key)",
                        place=f"{annotated.place}, mention {key!s:.60}",
                        skips="mention",
                    )
                    del spans[key]
            doc.set_ents(kept)
        keep_mentions(doc, [(m, spans[m.id]) for m in annotated.mentions if m.id in spans])

    def _relations(
        self,
        doc: Doc,
        annotated: Annotated,
        spans: Dict[MentionId, Span],
        sentences: List[int],
    ) -> List[Relation]:
        relations = []
        for item in annotated.relations:
            missing = [key for key in (item.head, item.tail) if key not in spans]
            message: Optional[str] = None
            if missing:
                message = f"its mention {missing[0]!s:.60} was left out"
            else:
                head, tail = spans[item.head], spans[item.tail]
                if (head.start, head.end) == (tail.start, tail.end):
                    message = "head and tail are the same mention"
            if message is not None:
                place = relation_place(annotated, item)
                self.report.problem(message, place=place, skips="relation")
                continue
            relations.append(Relation(head, item.label, tail, item.score))
            evidence = tuple(dict.fromkeys(sentences[i] for i in item.evidence))
            keep_relation(doc, replace(item, evidence=evidence), head, tail)
        return relations

    def _set_clusters(self, doc: Doc, spans: Dict[MentionId, Span], annotated: Annotated) -> None:
        clusters = keep_members(annotated, spans.keys(), self.report)
        for number, members in enumerate(clusters, start=1):
            doc.spans[f"{CLUSTER_PREFIX}_{number}"] = [spans[key] for key in members]

    def _set_sentences(self, doc: Doc, annotated: Annotated) -> List[int]:
        """Set them, and say which sentence of the document each of the annotated ones is."""
        if annotated.sentence_starts is None:
            self.sentencizer(doc)
            return []
        if annotated.words is not None:
            starts = annotated.sentence_starts
        else:
            ends = [token.idx + len(token) for token in doc]
            starts = [bisect_right(ends, start) for start in annotated.sentence_starts]
        # A Doc's first token starts a sentence, and two cannot start with one token.
        numbers = {start: i for i, start in enumerate(sorted({0, *starts}))}
        for token in doc:
            token.is_sent_start = token.i in numbers
        return [numbers[start] for start in starts]


def _unique(spans: Iterable[Span]) -> List[Span]:
    return list({(span.start, span.end, span.label): span for span in spans}.values())
