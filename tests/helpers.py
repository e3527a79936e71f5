"""Hand-made documents and candidates."""

from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Union

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model
from thinc.types import Floats2d

from rel_component.annotations import get_relations, set_relations
from rel_component.candidates import Candidates, configure_candidate_pairs
from rel_component.event_pairs import event_pairs
from rel_component.event_types import EventSchema, EventType
from rel_component.events import Event, get_events
from rel_component.mentions import char_range, read_mentions
from rel_component.schema import RelationSchema
from rel_component.types import Relation

Mention = Tuple[int, int, str]
"""Start and exclusive end in tokens, entity type."""


def make_doc(
    vocab: Vocab,
    words: Union[str, Sequence[str]],
    mentions: Sequence[Mention] = (),
    relations: Iterable[Tuple[Any, ...]] = (),
    *,
    spans_key: Optional[str] = None,
    sent_starts: Optional[Sequence[int]] = None,
    spaces: Optional[Sequence[bool]] = None,
    attr: str = "rel",
) -> Doc:
    """A document with entities, or spans under `spans_key`, and relations between them.

    words: tokens, or a text to be split at spaces.
    relations: ``(head, label, tail)`` and optionally a score; head and tail are positions in
        mentions.
    sent_starts: tokens with which a sentence starts.
    """
    words = words.split() if isinstance(words, str) else list(words)
    starts = None if sent_starts is None else [i in sent_starts for i in range(len(words))]
    doc = Doc(vocab, words=words, spaces=spaces, sent_starts=starts)
    spans = [Span(doc, start, end, label=label) for start, end, label in mentions]
    if spans_key is None:
        doc.ents = spans
    else:
        doc.spans[spans_key] = spans
    set_relations(doc, [(spans[h], label, spans[t], *s) for h, label, t, *s in relations], attr)
    return doc


def make_example(
    reference: Doc, mentions: Optional[Sequence[Mention]] = None, **options: Any
) -> Example:
    """An example whose predicted document has the given mentions, or those of the reference."""
    if mentions is None:
        mentions = [(ent.start, ent.end, ent.label_) for ent in reference.ents]
    words, spaces = [t.text for t in reference], [bool(t.whitespace_) for t in reference]
    predicted = make_doc(reference.vocab, words, mentions, spaces=spaces, **options)
    return Example(predicted, reference)


def train(nlp: Language, examples: List[Example], steps: int = 60) -> Dict[str, float]:
    """Initialise a pipeline and let it learn from a few examples; the last losses."""
    sgd = nlp.initialize(lambda: examples)
    sgd.learn_rate = 0.01
    for _ in range(steps):
        losses = nlp.update(examples, sgd=sgd)
    return losses


def event_relations(event: Event, kind: EventType) -> List[Relation]:
    """The pairs of an event as relations."""
    pairs = event_pairs(event.arguments, event.trigger, kind, char_range)
    return [Relation(head, label, tail, event.score) for head, label, tail in pairs]


def add_event_pairs(doc: Doc, schema: EventSchema) -> None:
    """Add the pairs of the events of a document to its relations."""
    pairs = [
        rel for event in get_events(doc) for rel in event_relations(event, schema[event.label])
    ]
    set_relations(doc, [*get_relations(doc), *pairs])


def facts(doc: Doc, attr: str = "rel") -> List[Tuple[str, str, str]]:
    """Head text, label and tail text of each relation."""
    return [(rel.head.text, rel.label, rel.tail.text) for rel in get_relations(doc, attr)]


def make_candidates(
    docs: Sequence[Doc],
    schema: Optional[RelationSchema] = None,
    *,
    spans_key: Optional[str] = None,
    **options: Any,
) -> Candidates:
    """The candidate pairs of documents."""
    generate = configure_candidate_pairs(**options)
    return generate(docs, read_mentions(docs, spans_key), schema or RelationSchema())


def fixed_tok2vec(vectors: List[Floats2d]) -> Model[List[Doc], List[Floats2d]]:
    """A tok2vec that returns ``attrs["vectors"]`` and keeps their gradient in ``attrs["grad"]``."""

    def forward(
        model: Model, docs: List[Doc], is_train: bool
    ) -> Tuple[List[Floats2d], Callable[[List[Floats2d]], List[Doc]]]:
        def backprop(d_vectors: List[Floats2d]) -> List[Doc]:
            model.attrs["grad"] = d_vectors
            return docs

        return model.attrs["vectors"], backprop

    return Model("fixed_tok2vec", forward, attrs={"vectors": vectors, "grad": None})
