"""Makes documents from what the converters read."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional, Union

from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from .. import registry
from ..alignment import AlignmentMode, align_span, describe_misalignment
from ..annotations import DEFAULT_ATTR, get_relations, set_relations
from ..errors import ConfigError, DataError
from ..schema import RelationSchema
from ..types import Relation
from .annotated import Annotated, AnnotatedMention
from .report import Report

_Id = Union[int, str]


def convert_file(
    path: Path,
    format: str,
    nlp: Language,
    report: Report,
    *,
    schema: Optional[RelationSchema] = None,
    alignment: AlignmentMode = "strict",
    spans_key: Optional[str] = None,
    attr: str = DEFAULT_ATTR,
) -> Iterator[Doc]:
    """Read annotated documents.

    path: the file.
    format: name of a converter.
    nlp: its tokenizer makes the tokens where the format gives none.
    report: counts, and takes note of what cannot be used.
    schema: if given, relations it does not allow are problems.
    alignment: what to do with mentions that do not begin and end with a token.
    spans_key: span group to put the mentions in; None: ``doc.ents``, where they may not overlap.
    attr: name of the extension attribute of the relations.

    :raises ConfigError: if there is no such converter.
    :raises DataError: at the first problem, if the report stops at problems.
    """
    available = registry.converters.get_all()
    if format not in available:
        raise ConfigError(f"Unknown format {format!r}; available: {', '.join(sorted(available))}")
    builder = _DocBuilder(nlp, report, schema, alignment, spans_key, attr)
    return builder.build(available[format](Path(path), report))


@dataclass(frozen=True)
class _DocBuilder:
    """Makes Docs from annotated documents; :func:`convert_file` says what its fields mean."""

    nlp: Language
    report: Report
    schema: Optional[RelationSchema]
    alignment: AlignmentMode
    spans_key: Optional[str]
    attr: str
    sentencizer: Sentencizer = field(default_factory=Sentencizer)

    def build(self, documents: Iterable[Annotated]) -> Iterator[Doc]:
        """The documents that can be used."""
        for annotated in documents:
            doc = self._tokenize(annotated)
            spans = self._align_all(doc, annotated)
            spans = self._set_mentions(doc, spans, annotated)
            relations = self._relations(annotated, spans)
            set_relations(doc, relations, self.attr)
            if annotated.meta:
                doc.user_data["meta"] = annotated.meta
            self._set_sentences(doc, annotated)
            self.report.documents += 1
            self.report.mentions += len(spans)
            n_relations = len(get_relations(doc, self.attr))
            self.report.relations += n_relations
            self.report.duplicates += len(relations) - n_relations
            yield doc

    def _tokenize(self, annotated: Annotated) -> Doc:
        if annotated.words is not None:
            return Doc(self.nlp.vocab, words=annotated.words, spaces=annotated.spaces)
        return self.nlp.make_doc(annotated.text or "")

    def _align_all(self, doc: Doc, annotated: Annotated) -> Dict[_Id, Span]:
        spans: Dict[_Id, Span] = {}
        for mention in annotated.mentions:
            place = f"{annotated.place}, mention {mention.id}"
            try:
                span = self._align(doc, mention, tokens=annotated.words is not None)
                if mention.id in spans:
                    raise DataError("two mentions have this id")
            except DataError as err:
                self.report.problem(err.message, place=place, skips="mention")
                continue
            spans[mention.id] = span
        return spans

    def _align(self, doc: Doc, mention: AnnotatedMention, *, tokens: bool) -> Span:
        if not mention.label:
            raise DataError("a mention needs a label")
        if tokens:
            if not 0 <= mention.start < mention.end <= len(doc):
                raise DataError(
                    f"tokens {mention.start}:{mention.end} are not a range of {len(doc)} tokens"
                )
            return Span(doc, mention.start, mention.end, label=mention.label)
        span = align_span(doc, mention.start, mention.end, mention.label, mode=self.alignment)
        if span is None:
            raise DataError(describe_misalignment(doc, mention.start, mention.end))
        return span

    def _set_mentions(
        self, doc: Doc, spans: Dict[_Id, Span], annotated: Annotated
    ) -> Dict[_Id, Span]:
        if self.spans_key is not None:
            doc.spans[self.spans_key] = list(spans.values())
            return spans
        kept = filter_spans(_unique(spans.values()))
        covers = {(span.start, span.end, span.label) for span in kept}
        for key, span in list(spans.items()):
            if (span.start, span.end, span.label) not in covers:
                self.report.problem(
                    f"{span.text!r} overlaps with another mention, which doc.ents does not allow; "
                    "convert to a span group instead (--spans-key)",
                    place=f"{annotated.place}, mention {key}",
                    skips="mention",
                )
                del spans[key]
        doc.set_ents(kept)
        return spans

    def _relations(self, annotated: Annotated, spans: Dict[_Id, Span]) -> List[Relation]:
        known = {mention.id for mention in annotated.mentions}
        relations = []
        for item in annotated.relations:
            missing = [key for key in (item.head, item.tail) if key not in spans]
            if missing:
                reason = "was left out" if missing[0] in known else "does not exist"
                message: Optional[str] = f"its mention {missing[0]} {reason}"
            else:
                relation = Relation(spans[item.head], item.label, spans[item.tail])
                message = self._check(relation)
            if message is not None:
                self.report.problem(
                    message,
                    place=f"{annotated.place}, relation {item.label} of {item.head} to {item.tail}",
                    skips="relation",
                )
                continue
            relations.append(relation)
        return relations

    def _check(self, relation: Relation) -> Optional[str]:
        if not relation.label:
            return "a relation needs a label"
        if self.schema is not None:
            return self.schema.check(relation)
        if (relation.head.start, relation.head.end) == (relation.tail.start, relation.tail.end):
            return "head and tail are the same mention"
        return None

    def _set_sentences(self, doc: Doc, annotated: Annotated) -> None:
        if annotated.one_sentence:
            for token in doc:
                token.is_sent_start = token.i == 0
        else:
            self.sentencizer(doc)


def _unique(spans: Iterable[Span]) -> List[Span]:
    return list({(span.start, span.end, span.label): span for span in spans}.values())
