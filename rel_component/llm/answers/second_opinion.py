"""Answers about the pairs that a relation extractor is unsure of, in place of its own."""

from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterable, List, Sequence, Set

from ...margins import PairKey, UnsurePairs, pair_key
from ...types import Relation
from ..prompting.prompts import Question


@dataclass(frozen=True)
class SecondOpinion:
    """What a language model was asked about a document that a relation extractor had seen before.

    Attributes:
        asked: the pairs that questions are about.
        answered: those of them all replies about which could be read to their end.
        n_all: number of all pairs of the document.
    """

    asked: FrozenSet[PairKey]
    answered: FrozenSet[PairKey]
    n_all: int

    @classmethod
    def collect(
        cls, unsure: UnsurePairs, questions: Sequence[Question], are_read: Sequence[bool]
    ) -> "SecondOpinion":
        """What was asked, and answered.

        Args:
            unsure: the pairs to ask about.
            questions: the questions about them.
            are_read: for each question, whether there is a reply and all of it could be read.
        """
        asked: Set[PairKey] = set()
        unread: Set[PairKey] = set()
        for question, is_read in zip(questions, are_read):
            shown = pair_key(*question.mentions.values())
            pairs = {pair for pair in unsure.pairs if pair <= shown}
            asked |= pairs
            if not is_read:
                unread |= pairs
        return cls(frozenset(asked), frozenset(asked - unread), unsure.n_all)

    def join(self, first: Iterable[Relation], second: Sequence[Relation]) -> List[Relation]:
        """The relations of the first opinion, and those of the second where it was asked and given.

        Pairs of which a reply could not be read to its end are answered where the second relates them.

        Args:
            first: what the relation extractor found.
            second: what the language model found.
        """
        answered = self.answered | self.asked & {pair_key(rel.head, rel.tail) for rel in second}
        kept = [rel for rel in first if pair_key(rel.head, rel.tail) not in answered]
        return kept + [rel for rel in second if pair_key(rel.head, rel.tail) in answered]

    def counts(self) -> Dict[str, int]:
        """Documents and pairs that were asked about, and those that were not."""
        return {
            "documents": int(bool(self.asked)),
            "documents_not_asked": int(not self.asked),
            "pairs": len(self.asked),
            "pairs_not_asked": self.n_all - len(self.asked),
        }
