"""A trained pipeline that is given texts with their mentions."""

from typing import Dict, List, Optional, Sequence

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from ..annotations import DEFAULT_ATTR, get_relations
from ..documents import RelationKey, relation_key
from ..pipelines import entity_finders
from ..types import Relation
from .documents import position
from .rewriting import GivenText


class Predictor:
    """The relations that a pipeline finds between given mentions.

    Args:
        nlp: the pipeline; components that find mentions are left out.
        name: name of the pipeline in the report.
        spans_key: span group that it takes mentions from; None: the entities.
        attr: name of the extension attribute that it writes relations to.
    """

    def __init__(
        self,
        nlp: Language,
        *,
        name: str = "the pipeline",
        spans_key: Optional[str] = None,
        attr: str = DEFAULT_ATTR,
    ) -> None:
        self.nlp, self.name, self.spans_key, self.attr = nlp, name, spans_key, attr
        self._finders = entity_finders(nlp, spans_key)

    def predict(self, texts: Sequence[GivenText]) -> List[List[Relation]]:
        """The relations that are found in each text.

        Returns:
            for each text, relations between the mentions of the document that it was made from.
        """
        docs = [self._make_doc(text) for text in texts]
        with self.nlp.select_pipes(disable=self._finders):
            predicted = list(self.nlp.pipe(docs, batch_size=64))
        return [self._read(doc, text) for doc, text in zip(predicted, texts)]

    def _make_doc(self, text: GivenText) -> Doc:
        doc = Doc(self.nlp.vocab, words=text.words, spaces=text.spaces)
        spans = [Span(doc, start, end, label=label) for start, end, label in text.spans]
        if self.spans_key is not None:
            doc.spans[self.spans_key] = spans
        else:
            doc.set_ents(filter_spans([span for span in spans if span.label_]))
        return doc

    def _read(self, predicted: Doc, text: GivenText) -> List[Relation]:
        typed = dict(zip(text.spans, text.doc.mentions))
        untyped = {(start, end): typed[start, end, label] for start, end, label in text.spans}
        relations: Dict[RelationKey, Relation] = {}
        for rel in get_relations(predicted, self.attr):
            head, tail = (
                typed.get((span.start, span.end, span.label_), untyped.get(position(span)))
                for span in (rel.head, rel.tail)
            )
            if head is not None and tail is not None:
                moved = Relation(head, rel.label, tail, rel.score)
                relations[relation_key(moved)] = moved
        return list(relations.values())
