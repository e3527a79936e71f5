"""From the answers about a document to its relations."""

import math
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

from spacy.tokens import Doc, Span

from ...documents import RelationKey, relation_key
from ...errors import LLMError
from ...mentions import typed_key
from ...schema import RelationSchema
from ...types import Relation
from ..prompting.prompts import Question
from ..types import Message, Outcome, Reply, Request, Usage
from .grounding import MIN_SIMILARITY
from .parsing import parse_answer
from .validation import (
    UNKNOWN_LABEL,
    UNKNOWN_MENTION,
    WRONG_TYPE,
    Reading,
    validate_answer,
)

BOTH_DIRECTIONS = "both_directions"
"""Reason of a drop: an asymmetric relation that answers state in both directions."""

DISAGREEMENT = "disagreement"
"""Reason of a drop: too few of the answers to the same question state the relation."""

OF_FORM = {UNKNOWN_LABEL, UNKNOWN_MENTION, WRONG_TYPE}
"""Reasons of drops that the JSON schema of an answer rules out."""

MAX_ERRORS = 10
"""The most errors that are shown to the model for it to mend."""

MEND = "Answer again, with the whole corrected JSON and nothing else."

_LABEL = re.compile(r"[^\"'\n,|;:)\]}>]*")


@dataclass
class Extraction:
    """What a language model found in a document, what it cost, and what was lost on the way.

    Attributes:
        relations: the relations; a score is the probability of the label's tokens, or the share of
            the samples that agree, or None.
        entities: the entities that the model found, where mentions were not given.
        questions: how many were asked.
        valid: answers of the form that was asked for: whole JSON that satisfies its schema. What
            they state may still be dropped.
        usage: what was paid.
        dropped: statements that were left out, by reason.
        repaired: statements that were mended where the schema makes that certain, by reason.
        failures: why questions have no answer, one message each.
    """

    relations: List[Relation] = field(default_factory=list)
    entities: List[Span] = field(default_factory=list)
    questions: int = 0
    valid: int = 0
    usage: Usage = field(default_factory=Usage)
    dropped: Dict[str, int] = field(default_factory=dict)
    repaired: Dict[str, int] = field(default_factory=dict)
    failures: List[str] = field(default_factory=list)

    def report(self) -> Dict[str, Any]:
        """All but relations and entities, as plain data."""
        return {
            "questions": self.questions,
            "valid": self.valid,
            "usage": self.usage.to_dict(),
            "dropped": dict(self.dropped),
            "repaired": dict(self.repaired),
            "failures": tuple(self.failures),  # as it comes back from a DocBin
        }


class AnswerReader:
    """Reads the answers to the questions about documents.

    Args:
        schema: the relation types.
        keys: names of head, label and tail in answers, beside the usual ones.
        mentions_given: whether answers refer to mentions by id, or name entities.
        entity_types: types that entities may have; empty: any.
        open_labels: whether labels outside the schema are accepted.
        min_similarity: of a name in an answer to words of the document, from 0 to 100.
        min_agreement: the least share of the samples of a question that has to state a relation.
    """

    def __init__(
        self,
        schema: RelationSchema,
        *,
        keys: Sequence[str] = (),
        mentions_given: bool,
        entity_types: Sequence[str] = (),
        open_labels: bool = False,
        min_similarity: float = MIN_SIMILARITY,
        min_agreement: float = 0.5,
    ) -> None:
        self.schema = schema
        self.keys = tuple(keys)
        self.mentions_given = mentions_given
        self.entity_types = entity_types
        self.open_labels = open_labels
        self.min_similarity = min_similarity
        self.min_agreement = min_agreement

    def read(self, doc: Doc, question: Question, reply: Reply) -> Tuple[Reading, bool]:
        """The relations that one answer about a document states, and whether its form is right."""
        answer = parse_answer(reply.text, finish_reason=reply.finish_reason, keys=self.keys)
        reading = validate_answer(
            answer,
            doc,
            self.schema,
            mentions=question.mentions if self.mentions_given else None,
            window=doc[question.window[0] : question.window[1]],
            pair=question.pair,
            entity_types=self.entity_types,
            open_labels=self.open_labels,
            min_similarity=self.min_similarity,
        )
        return reading, answer.clean and not (OF_FORM & reading.dropped.keys())

    def correction(self, request: Request, reply: Reply) -> Optional[Request]:
        """A request to mend an answer that names what is wrong with it; None if nothing is."""
        if not isinstance(request, Question) or request.doc is None:
            return None
        reading, _ = self.read(request.doc, request, reply)
        if reading.valid or not reading.errors:
            return None
        complaint = "\n".join(["Your answer is not right:", *reading.errors[:MAX_ERRORS], MEND])
        said = reply.text.encode("utf8", "replace").decode("utf8")  # lone surrogates cannot be sent
        turns = (Message("assistant", said), Message("user", complaint))
        return replace(request, messages=(*request.messages, *turns))

    def extract(
        self, doc: Doc, questions: Sequence[Question], outcomes: Sequence[Outcome]
    ) -> Extraction:
        """The relations that all answers about a document state together.

        Args:
            questions: all questions about the document.
            outcomes: what came of each.
        """
        result = Extraction(questions=len(questions))
        dropped: Counter[str] = Counter()
        repaired: Counter[str] = Counter()
        entities: Dict[Any, Span] = {}
        groups: Dict[Any, List[Tuple[Reply, Reading]]] = {}
        for question, outcome in zip(questions, outcomes):
            result.usage += outcome.usage
            if outcome.reply is None:
                result.failures.append(_describe(outcome.error))
                continue
            reading, of_form = self.read(doc, question, outcome.reply)
            result.valid += of_form
            dropped.update(reading.dropped)
            repaired.update(reading.repaired)
            entities.update({typed_key(span): span for span in reading.entities})
            group = groups.setdefault((question.window, question.pair), [])
            group.append((outcome.reply, reading))
        found: Dict[RelationKey, Relation] = {}
        for group in groups.values():
            relations, n_dropped = self._agreed(group)
            if n_dropped:
                dropped[DISAGREEMENT] += n_dropped
            for rel in relations:
                key = relation_key(rel)
                if key not in found or _score(rel) > _score(found[key]):
                    found[key] = rel
        result.relations = self._in_one_direction(list(found.values()))
        if len(result.relations) < len(found):
            dropped[BOTH_DIRECTIONS] += len(found) - len(result.relations)
        result.entities = list(entities.values())
        result.dropped, result.repaired = dict(dropped), dict(repaired)
        return result

    def _agreed(self, group: Sequence[Tuple[Reply, Reading]]) -> Tuple[List[Relation], int]:
        """The relations of the samples of one question with their scores, and how many fail."""
        if len(group) == 1:
            reply, reading = group[0]
            return [
                Relation(rel.head, rel.label, rel.tail, _probability(reply, position))
                for rel, position in zip(reading.relations, reading.positions)
            ], 0
        votes: Dict[RelationKey, List[Relation]] = {}
        for _, reading in group:
            for rel in reading.relations:
                votes.setdefault(relation_key(rel), []).append(rel)
        agreed = [
            Relation(rels[0].head, rels[0].label, rels[0].tail, len(rels) / len(group))
            for rels in votes.values()
            if len(rels) >= self.min_agreement * len(group)
        ]
        return agreed, len(votes) - len(agreed)

    def _in_one_direction(self, relations: List[Relation]) -> List[Relation]:
        asymmetric = set(self.schema.asymmetric_labels)
        best: Dict[Any, Relation] = {}
        for rel in relations:
            pair = frozenset((typed_key(rel.head), typed_key(rel.tail)))
            key = (rel.label, pair) if rel.label in asymmetric else relation_key(rel)
            if key not in best or _score(rel) > _score(best[key]):
                best[key] = rel
        return list(best.values())


def _describe(error: Optional[LLMError]) -> str:
    return f"{type(error).__name__}: {error}"


def _score(rel: Relation) -> float:
    return -1.0 if rel.score is None else rel.score


def _probability(reply: Reply, position: Optional[int]) -> Optional[float]:
    """Probability of the tokens that state a label, or None if the endpoint did not tell.

    Args:
        position: character of the answer at which the label starts.
    """
    if position is None or not reply.tokens:
        return None
    label = _LABEL.match(reply.text, position)
    end = label.end() if label else position
    total, start = 0.0, 0
    for token in reply.tokens:
        if start < end and start + len(token.text) > position:
            total += token.logprob
        start += len(token.text)
    return min(1.0, math.exp(total))
