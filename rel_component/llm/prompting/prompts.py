"""From documents to questions for a language model."""

from dataclasses import dataclass, field
from itertools import chain, permutations
from typing import Any, Collection, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from spacy.tokens import Doc, Span

from ...errors import ConfigError, listed
from ...margins import PairKey
from ...relation_types import partners
from ...schema import RelationSchema
from ...types import NO_RELATION, POLARITIES, FloatArray
from ..types import JsonSchema, Message, Request
from .answer_schema import (
    entities_and_relations_schema,
    label_answer,
    label_schema,
    relations_answer,
    relations_schema,
)
from .claims import NO_CLAIMS, Claims, example_quote
from .examples import ExampleSelector, PromptExample
from .marking import mark_mentions, neutral
from .possible import PossibleRelations
from .template import PromptItem, PromptMention, PromptTask, PromptTemplate
from .windows import PromptLimits, Window, split_windows

EXAMPLES_SHARE = 0.5
"""The largest share of the context window, without the instructions, that examples may take."""


@dataclass(frozen=True)
class Question(Request):
    """A request about a part of a document.

    Attributes:
        doc: the document.
        window: start and exclusive end of the part, in tokens.
        mentions: the given mentions by the ids that the prompt uses.
        pair: ids of the head and tail that are asked about; None: all.
    """

    doc: Optional[Doc] = field(default=None, compare=False, repr=False)
    window: Window = (0, 0)
    mentions: Mapping[str, Span] = field(default_factory=dict, compare=False)
    pair: Optional[Tuple[str, str]] = None


class Prompter:
    """Makes questions of documents.

    Args:
        schema: the relation types.
        template: the template of the prompts.
        selector: chooses the examples of a prompt.
        limits: limits of the language model; longer documents are asked about in several windows.
        mentions_given: whether the mentions of documents are given to the model, or it finds them.
        entity_types: types of entities that the model may find; empty: those of the schema.
        n_samples: number of answers to draw for each question.
        max_entities: the most entities in an answer.
        max_relations: the most relations in an answer.
        overlap: number of sentences that neighbouring windows share.
        claims: what is asked for of each relation beside head, label and tail.

    Raises:
        ConfigError: if the options do not fit together.
    """

    def __init__(
        self,
        schema: RelationSchema,
        template: PromptTemplate,
        selector: ExampleSelector,
        limits: PromptLimits,
        *,
        mentions_given: bool = True,
        entity_types: Sequence[str] = (),
        n_samples: int = 1,
        max_entities: int = 32,
        max_relations: int = 32,
        overlap: int = 1,
        claims: Claims = NO_CLAIMS,
    ) -> None:
        if not schema and not template.open_labels:
            raise ConfigError(
                f'no relation types: give a relation_schema, or take the template "open.v1" '
                f"(template {template.name} needs them)"
            )
        if template.question == "pair" and not mentions_given:
            raise ConfigError(
                f'template {template.name} asks about pairs of mentions: set mentions = "given"'
            )
        if taken := {*claims.names} & {*template.keys}:
            raise ConfigError(
                f"template {template.name} has a key {listed(sorted(taken))}, which is asked for "
                "besides: give it another name"
            )
        self.schema = schema
        self.possible = PossibleRelations(schema, open_labels=template.open_labels)
        self.template = template
        self.selector = selector
        self.limits = limits
        self.mentions_given = mentions_given
        types = (kind for rel in schema.values() for kind in (*rel.head, *rel.tail))
        self.entity_types = tuple(entity_types or dict.fromkeys(types))
        self.n_samples = n_samples
        self.max_entities = max_entities
        self.max_relations = max_relations
        self.overlap = overlap
        self.claims = claims
        self.task = PromptTask(list(schema.values()), self.entity_types, mentions_given)

    @property
    def labels(self) -> Tuple[str, ...]:
        """Labels that answers may use; empty: any."""
        return self.possible.labels

    def questions(
        self,
        doc: Doc,
        mentions: Sequence[Span] = (),
        vector: Optional[FloatArray] = None,
        pairs: Optional[Collection[PairKey]] = None,
    ) -> List[Question]:
        """Return the questions about a document, none if no relation is possible.

        Args:
            doc: the document.
            mentions: its mentions, if they are given.
            vector: vector of the document, to choose the nearest examples. *Shape:* ``(width,)``
            pairs: the pairs of these mentions to ask about, so that others are not shown; None: all.

        Raises:
            PromptTooLong: if the context window is too small for any part of the document.
        """
        ids = _numbered(sorted(mentions))
        if pairs is not None:
            ids = _numbered(self.possible.concerned(ids, pairs).values())
        if not len(doc) or doc.text.isspace():
            return []
        if self.mentions_given and not self.possible.n_pairs(ids):
            return []
        prefix, windows = self._fit(doc, ids, vector)
        questions: List[Question] = []
        for window in windows:
            inside = _inside(ids, window)
            if pairs is not None:
                inside = self.possible.concerned(inside, pairs)
            if self.template.question == "pair":
                for pair in self.possible.pairs(inside, pairs):
                    known = {key: inside[key] for key in pair}
                    questions += self._ask(prefix, doc, window, known, pair)
            elif not self.mentions_given or self.possible.n_pairs(inside):
                questions += self._ask(prefix, doc, window, inside, None)
        return _without_repeated_pairs(questions)

    def _ask(
        self,
        prefix: List[Message],
        doc: Doc,
        window: Window,
        mentions: Dict[str, Span],
        pair: Optional[Tuple[str, str]],
    ) -> List[Question]:
        messages = (*prefix, self._user(doc, window, mentions, pair))
        schema = self._answer_schema(mentions, pair)
        return [
            Question(messages, schema, sample, doc, window, mentions, pair)
            for sample in range(self.n_samples)
        ]

    def _fit(
        self, doc: Doc, ids: Dict[str, Span], vector: Optional[FloatArray]
    ) -> Tuple[List[Message], List[Window]]:
        """Return instructions with examples, and windows, that fit into the context window."""
        system = self._system()
        start = [Message("system", system)] if system else []
        turns = [self._turns(example) for example in self.selector(doc.text, vector)]
        prefix = [*start, *chain.from_iterable(turns)]
        whole = (0, len(doc))
        if self.limits.context_window is None:
            return prefix, [whole]
        room = self.limits.context_window - self.limits.max_tokens
        if self._fits(prefix, doc, whole, ids, room):
            return prefix, [whole]
        used = self.limits.tokens(start)
        limit = used + EXAMPLES_SHARE * (room - used)
        while turns and self.limits.tokens(prefix) > limit:
            del turns[0]  # the most useful ones stand last
            prefix = [*start, *chain.from_iterable(turns)]

        def fits(window: Window) -> bool:
            return self._fits(prefix, doc, window, ids, room)

        windows = split_windows(doc, fits, overlap=self.overlap, mentions=ids.values())
        return prefix, windows

    def _fits(
        self, prefix: List[Message], doc: Doc, window: Window, ids: Dict[str, Span], room: int
    ) -> bool:
        inside = _inside(ids, window)
        pair = None
        if self.template.question == "pair":
            # every question about the window has about this length
            pairs = self.possible.pairs(inside)
            if not pairs:
                return True
            pair = max(pairs, key=lambda keys: sum(len(inside[key]) for key in keys))
            inside = {key: inside[key] for key in pair}
        return self.limits.tokens([*prefix, self._user(doc, window, inside, pair)]) <= room

    def _user(
        self,
        doc: Doc,
        window: Window,
        mentions: Dict[str, Span],
        pair: Optional[Tuple[str, str]],
    ) -> Message:
        span = doc[window[0] : window[1]]
        offset = span.start_char
        return self._question(
            span.text,
            {
                key: (mention.start_char - offset, mention.end_char - offset, mention.label_)
                for key, mention in mentions.items()
            },
            pair,
        )

    def _question(
        self,
        text: str,
        mentions: Mapping[str, Tuple[int, int, str]],
        pair: Optional[Tuple[str, str]],
    ) -> Message:
        marks = [(start, end, key) for key, (start, end, _) in mentions.items()]
        shown = {
            key: PromptMention(key, neutral(" ".join(text[start:end].split())), label)
            for key, (start, end, label) in mentions.items()
        }
        head, tail = (shown[key] for key in pair) if pair else (None, None)
        item = PromptItem(
            text=neutral(text),
            marked_text=mark_mentions(text, marks),
            mentions=list(shown.values()),
            head=head,
            tail=tail,
            labels=self.possible.labels_between(head.type, tail.type)
            if head and tail
            else self.labels,
        )
        text = self.template.user(self.task, item)
        if self.claims.rules and not self._system():
            text = f"{text}\n\n{self.claims.rules}"
        return Message("user", text)

    def _system(self) -> str:
        """Return the instructions, empty if the template has none and asks in the question."""
        text = self.template.system(self.task)
        return f"{text}\n\n{self.claims.rules}" if text and self.claims.rules else text

    def _turns(self, example: PromptExample) -> List[Message]:
        """Return an example as questions and answers."""
        mentions = {f"M{i}": mention for i, mention in enumerate(example.mentions, start=1)}
        ids = list(mentions)
        keys = self.template.keys
        stated, said = self._stated(example)
        if self.template.question == "pair":
            related = {(ids[head], ids[tail]): label for head, label, tail in stated}
            said_of = {(ids[head], ids[tail]): each for (head, _, tail), each in zip(stated, said)}
            known = {*related, *(p[::-1] for p, label in related.items() if self._both_ways(label))}
            unrelated = next((p for p in permutations(ids, 2) if p not in known), None)
            pairs = {**related, **({unrelated: NO_RELATION} if unrelated else {})}
            turns = []
            for pair, label in pairs.items():
                shown = {key: mentions[key] for key in pair}
                turns += [
                    self._question(example.text, shown, pair),
                    Message(
                        "assistant",
                        label_answer(
                            keys[1], label, said_of.get(pair) or self.claims.values("", "")
                        ),
                    ),
                ]
            return turns
        if self.mentions_given:
            relations = [(ids[head], label, ids[tail]) for head, label, tail in stated]
            answer = relations_answer(keys, relations, said=said)
        else:
            names = [example.text[start:end] for start, end, _ in example.mentions]
            relations = [(names[head], label, names[tail]) for head, label, tail in stated]
            labels = (label for _, _, label in example.mentions)
            answer = relations_answer(keys, relations, [*dict.fromkeys(zip(names, labels))], said)
        given = mentions if self.mentions_given else {}
        return [self._question(example.text, given, None), Message("assistant", answer)]

    def _both_ways(self, label: str) -> bool:
        """Whether a relation says that one holds from its tail to its head, too."""
        symmetric = label in self.schema.symmetric_labels
        return symmetric or bool(partners(label, self.schema))

    def _stated(
        self, example: PromptExample
    ) -> Tuple[List[Tuple[int, str, int]], List[Dict[str, str]]]:
        """Return the relations of an example that an answer states, and what it says of each."""
        polarities = example.polarities or ("",) * len(example.relations)
        rows = [
            (rel, polarity)
            for rel, polarity in zip(example.relations, polarities)
            if self.claims.polarity or polarity in ("", POLARITIES[0])
        ]
        said = []
        for (head, _, tail), polarity in rows:
            places = [example.mentions[i][:2] for i in (head, tail)]
            said.append(self.claims.values(example_quote(example.text, places), polarity))
        return [rel for rel, _ in rows], said

    def _answer_schema(
        self, mentions: Dict[str, Span], pair: Optional[Tuple[str, str]]
    ) -> JsonSchema:
        keys = self.template.keys
        if pair is not None:
            head, tail = (mentions[key] for key in pair)
            labels = self.possible.labels_between(head.label_, tail.label_)
            return label_schema(keys[1], labels, self.claims)
        if self.mentions_given:
            limit = min(self.max_relations, 2 * self.possible.n_pairs(mentions))
            allowed = self.possible.groups(mentions)
            return relations_schema(keys, allowed, max_relations=limit, claims=self.claims)
        return entities_and_relations_schema(
            keys,
            self.labels,
            self.entity_types,
            max_entities=self.max_entities,
            max_relations=self.max_relations,
            claims=self.claims,
        )


def _numbered(mentions: Iterable[Span]) -> Dict[str, Span]:
    return {f"M{i}": span for i, span in enumerate(mentions, start=1)}


def _inside(mentions: Mapping[str, Span], window: Window) -> Dict[str, Span]:
    return {
        key: span
        for key, span in mentions.items()
        if window[0] <= span.start and span.end <= window[1]
    }


def _without_repeated_pairs(questions: Sequence[Question]) -> List[Question]:
    """Leave out questions about pairs that an earlier window asks about too."""
    first: Dict[Any, Question] = {}
    for question in questions:
        place = question.window if question.pair is None else question.pair
        first.setdefault((place, question.sample), question)
    return [*first.values()]
