"""A trained pipeline that is given texts with their mentions."""

from typing import Dict, Iterable, List, Optional, Sequence, Set, Tuple

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from ..annotations import DEFAULT_ATTR, get_relations
from ..evaluation.scoring import PRF
from ..mentions import typed_key
from ..pipelines import entity_finders
from .documents import AuditedDoc, position
from .rewriting import GivenText

Link = Tuple[int, str, int]
"""Mention of the head, label, mention of the tail; mentions by their position in the document."""

Links = Dict[Link, Optional[float]]
"""Relations with their scores."""


class Predictor:
    """The relations that a pipeline finds between given mentions.

    Args:
        nlp: the pipeline; components that find mentions are left out.
        name: for the report.
        spans_key: span group that it takes mentions from; None: the entities.
        attr: name of the extension attribute that it writes relations to.
        batch_size: documents per batch.
    """

    def __init__(
        self,
        nlp: Language,
        *,
        name: str = "the pipeline",
        spans_key: Optional[str] = None,
        attr: str = DEFAULT_ATTR,
        batch_size: int = 64,
    ) -> None:
        self.nlp, self.name, self.spans_key, self.attr = nlp, name, spans_key, attr
        self.batch_size = batch_size
        self._finders = entity_finders(nlp, spans_key)

    def predict(self, texts: Sequence[GivenText]) -> List[Links]:
        """The relations of each text, between its mentions."""
        docs = [self._make_doc(text) for text in texts]
        with self.nlp.select_pipes(disable=self._finders):
            found = list(self.nlp.pipe(docs, batch_size=self.batch_size))
        return [self._links(doc, text) for doc, text in zip(found, texts)]

    def _make_doc(self, text: GivenText) -> Doc:
        doc = Doc(self.nlp.vocab, words=text.words, spaces=text.spaces)
        spans = [Span(doc, start, end, label=label) for start, end, label in text.spans]
        if self.spans_key is not None:
            doc.spans[self.spans_key] = spans
        else:
            doc.set_ents(filter_spans([span for span in spans if span.label_]))
        return doc

    def _links(self, doc: Doc, text: GivenText) -> Links:
        typed = {span: i for i, span in enumerate(text.spans)}
        untyped = {(start, end): i for i, (start, end, _) in enumerate(text.spans)}
        links: Links = {}
        for rel in get_relations(doc, self.attr):
            ends = [
                typed.get((span.start, span.end, span.label_), untyped.get(position(span)))
                for span in (rel.head, rel.tail)
            ]
            if ends[0] is not None and ends[1] is not None:
                links[ends[0], rel.label, ends[1]] = rel.score
        return links


def annotated_links(doc: AuditedDoc) -> List[Link]:
    """The annotated relations of a document."""
    number = {typed_key(span): i for i, span in enumerate(doc.mentions)}
    return [
        (number[typed_key(rel.head)], rel.label, number[typed_key(rel.tail)])
        for rel in doc.relations
    ]


def in_order(links: Iterable[Link], symmetric: Sequence[str]) -> Set[Link]:
    """Relations as a set, symmetric ones from the mention that comes first."""
    return {
        (min(head, tail), label, max(head, tail)) if label in symmetric else (head, label, tail)
        for head, label, tail in links
    }


def compare(gold: Set[Link], found: Set[Link]) -> PRF:
    """Counts of right, spurious and missed relations."""
    return PRF(len(gold & found), len(found - gold), len(gold - found))
