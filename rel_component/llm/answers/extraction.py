"""From the replies to all questions about a document to its relations."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Collection, Dict, Iterable, List, Optional, Sequence, Tuple, TypeVar

from spacy.tokens import Doc, Span

from ...documents import RelationKey, relation_key
from ...mentions import typed_key
from ...relation_forms import score_rank
from ...types import POLARITIES, Relation, shown_polarity
from ..prompting.prompts import Prompter, Question
from ..types import Message, Outcome, Reply, Request, Usage
from .arguments import UNKNOWN_MENTION, WRONG_TYPE
from .claims import UNKNOWN_POLARITY
from .grounding import MIN_SIMILARITY
from .parsing import read_statements
from .relations import UNKNOWN_LABEL, ValidatedReply, validate_statements
from .statements import MALFORMED_ITEM, NOT_JSON, TRUNCATED

BOTH_DIRECTIONS = "both_directions"
"""Reason of a drop: replies state an asymmetric relation in both directions; one is dropped."""

DISAGREEMENT = "disagreement"
"""Reason of a drop: too few replies to the same question state the relation."""

LIMIT_REACHED = "limit_reached"
"""Reason of a drop: a reply has all relations or entities that it may have; others may be missing."""

RULED_OUT = {UNKNOWN_LABEL, UNKNOWN_MENTION, WRONG_TYPE, UNKNOWN_POLARITY}
"""Reasons of drops that the JSON schema of the answer rules out."""

UNREAD = {*RULED_OUT, NOT_JSON, MALFORMED_ITEM, TRUNCATED, LIMIT_REACHED}
"""Reasons of drops after which a reply may have meant more than what was read."""

_Key = TypeVar("_Key")

CORRECTION = "Answer again, with the whole corrected JSON and nothing else."


@dataclass
class Extraction:
    """The relations that a language model found in a document, their cost, and what was lost.

    Attributes:
        relations: the relations; a score is the probability of the label's tokens, or the share of
            the samples that agree, or None.
        entities: the entities that the model found, where mentions were not given.
        questions: number of questions that were asked.
        valid: number of replies of the form that was asked for: whole JSON that satisfies its
            schema. What they state may still be dropped.
        are_read: for each question, whether there is a reply and all of it could be read.
        usage: what was paid.
        dropped: number of statements that were left out, by reason.
        repaired: number of statements that were mended where the schema makes that certain, by
            kind.
        failures: why questions have no reply, one message each.
    """

    relations: List[Relation] = field(default_factory=list)
    entities: List[Span] = field(default_factory=list)
    questions: int = 0
    valid: int = 0
    are_read: List[bool] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    dropped: "Counter[str]" = field(default_factory=Counter)
    repaired: "Counter[str]" = field(default_factory=Counter)
    failures: List[str] = field(default_factory=list)

    def report(self) -> Dict[str, Any]:
        """Return what is told of a document, as JSON values."""
        return {
            "questions": self.questions,
            "valid": self.valid,
            "usage": self.usage.to_dict(),
            "dropped": dict(self.dropped),
            "repaired": dict(self.repaired),
            "failures": tuple(self.failures),  # as it comes back from a DocBin
        }


class AnswerReader:
    """Reads the replies to the questions about documents.

    Args:
        prompter: made the questions; it knows their schema and template.
        min_similarity: of a name in a reply to words of the document, from 0 to 100.
        min_agreement: the least share of the samples of a question that has to state a relation.
        keep: polarities of the relations that are kept, where the prompts ask for it; others are
            counted under theirs.
    """

    def __init__(
        self,
        prompter: Prompter,
        *,
        min_similarity: float = MIN_SIMILARITY,
        min_agreement: float = 0.5,
        keep: Collection[str] = POLARITIES[:1],
    ) -> None:
        self.prompter = prompter
        self.min_similarity = min_similarity
        self.min_agreement = min_agreement
        self.keep = ("", *keep)

    def read(self, doc: Doc, question: Question, reply: Reply) -> Tuple[ValidatedReply, bool]:
        """Read one reply about a document.

        Returns:
            What the reply states, and whether it has the form that was asked for.
        """
        prompter = self.prompter
        claims = prompter.claims
        statements = read_statements(reply, keys=prompter.template.keys, claims=claims)
        validated = validate_statements(
            statements,
            doc,
            prompter.schema,
            mentions=question.mentions if prompter.mentions_given else None,
            window=doc[question.window[0] : question.window[1]],
            pair=question.pair,
            entity_types=prompter.entity_types,
            open_labels=prompter.template.open_labels,
            min_similarity=self.min_similarity,
            claims=claims,
        )
        if question.pair is None:
            full = (
                len(statements.relations) == prompter.max_relations,
                len(statements.entities) == prompter.max_entities,
            )
            validated.dropped += Counter({LIMIT_REACHED: sum(full)})
        return validated, statements.as_asked and not (RULED_OUT & validated.dropped.keys())

    def correction(self, request: Request, reply: Reply) -> Optional[Request]:
        """Return a request to correct a reply that names its mistakes, or None if it has none."""
        if not isinstance(request, Question) or request.doc is None:
            return None
        validated, _ = self.read(request.doc, request, reply)
        if validated.valid or not validated.errors:
            return None
        errors = "\n".join(["Your answer is not right:", *validated.errors, CORRECTION])
        said = reply.text.encode("utf8", "replace").decode("utf8")  # lone surrogates cannot be sent
        turns = (Message("assistant", said), Message("user", errors))
        return replace(request, messages=(*request.messages, *turns))

    def extract(
        self, doc: Doc, questions: Sequence[Question], outcomes: Sequence[Outcome]
    ) -> Extraction:
        """Return the relations that all replies about a document state together.

        Args:
            doc: the document.
            questions: all questions about the document.
            outcomes: the reply to each question, or the reason why there is none.
        """
        result = Extraction(questions=len(questions))
        entities: Dict[Any, Span] = {}
        samples: Dict[Any, List[List[Relation]]] = {}
        for question, outcome in zip(questions, outcomes):
            result.usage += outcome.usage
            if outcome.reply is None:
                result.failures.append(f"{type(outcome.error).__name__}: {outcome.error}")
                result.are_read.append(False)
                continue
            validated, is_of_form = self.read(doc, question, outcome.reply)
            result.valid += is_of_form
            result.are_read.append(not UNREAD & validated.dropped.keys())
            result.dropped.update(validated.dropped)
            result.repaired.update(validated.repaired)
            entities.update({typed_key(span): span for span in validated.entities})
            kept = [rel for rel in validated.relations if rel.polarity in self.keep]
            left = (rel.polarity for rel in validated.relations if rel.polarity not in self.keep)
            result.dropped.update(left)
            samples.setdefault((question.window, question.pair), []).append(kept)
        agreed: List[Relation] = []
        for relations_of_samples in samples.values():
            relations, n_dropped = self._agreed(relations_of_samples)
            agreed += relations
            if n_dropped:
                result.dropped[DISAGREEMENT] += n_dropped
        found: Dict[RelationKey, Relation] = {}
        for rel in agreed:
            _keep_better(found, self._key(rel), rel)
        result.relations = self._in_one_direction(found.values())
        if len(result.relations) < len(found):
            result.dropped[BOTH_DIRECTIONS] += len(found) - len(result.relations)
        result.entities = list(entities.values())
        return result

    def _agreed(self, samples: Sequence[Sequence[Relation]]) -> Tuple[List[Relation], int]:
        """Return the relations of enough samples of one question, and how many are in too few.

        Samples without a reply count as those that do not state a relation.
        """
        n_samples = self.prompter.n_samples
        if n_samples == 1:
            return list(samples[0]), 0
        votes: Dict[Tuple[RelationKey, str], List[Relation]] = {}
        for relations in samples:
            for rel in relations:
                votes.setdefault((self._key(rel), rel.polarity), []).append(rel)
        agreed: Dict[RelationKey, Relation] = {}
        n_dropped = 0
        for (key, _), rels in votes.items():
            if len(rels) < self.min_agreement * n_samples:
                n_dropped += 1
                continue
            rel, share = rels[0], len(rels) / n_samples
            evidence = [number for each in rels for number in each.evidence]
            rel = Relation(rel.head, rel.label, rel.tail, share, evidence, rel.polarity)
            # samples of one question vote on the polarity too
            if key not in agreed or (share, _rank(rel)) > (agreed[key].score, _rank(agreed[key])):
                agreed[key] = rel
        return list(agreed.values()), n_dropped

    def _key(self, rel: Relation) -> RelationKey:
        return relation_key(rel, self.prompter.schema.symmetric_labels)

    def _in_one_direction(self, relations: Iterable[Relation]) -> List[Relation]:
        best: Dict[Tuple[RelationKey, bool], Relation] = {}
        for rel in relations:
            # asymmetric relations between the same mentions share a key, whatever their direction;
            # what does not hold contradicts none of the other direction
            holds = not shown_polarity(rel.polarity)
            labels = self.prompter.schema.asymmetric_labels if holds else ()
            _keep_better(best, (relation_key(rel, labels), holds), rel)
        return list(best.values())


def _keep_better(relations: Dict[_Key, Relation], key: _Key, rel: Relation) -> None:
    """Note a relation under a key, unless one that is as good or better is there."""
    if key not in relations or _rank(rel) > _rank(relations[key]):
        relations[key] = rel


def _rank(rel: Relation) -> Tuple[int, float]:
    """What holds is best, whatever the scores, where a document says different things of a relation."""
    return -("", *POLARITIES).index(rel.polarity), score_rank(rel.score)
