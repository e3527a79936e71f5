"""The corpus under audit, with everything that several checks read and that is computed once."""

import random
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Callable, Dict, List, Optional, Sequence, Set, Tuple

from spacy.tokens import Doc

from ..annotations import DEFAULT_ATTR
from ..corpora.splitting import connect
from ..errors import ConfigError
from ..event_types import EventType
from ..schema import RelationSchema
from .documents import AuditedDoc, Split
from .features import text_features
from .out_of_fold import OutOfFoldPredictions, predict_out_of_fold
from .pairs import MentionPair, allowed_types, collect_pairs
from .shingles import SimilarPair, find_similar, shingles


@dataclass(frozen=True)
class AuditOptions:
    """Options of an audit.

    Attributes:
        max_findings: the most findings of one kind to report; all are counted.
        similarity: texts with this Jaccard similarity of word pairs, or more, are near-duplicates.
        folds: folds of the cross-validation.
        max_unrelated: the most unrelated pairs that the baseline classifier is asked about.
        max_rows: the most pairs that the baseline classifier learns from.
        max_rewritten: the most documents in which a pipeline is tried with other names.
        seed: seed of everything that is drawn.
        spans_key: span group of the mentions; None: the entities.
        attr: name of the extension attribute of the relations.
    """

    max_findings: int = 100
    similarity: float = 0.6
    folds: int = 10
    max_unrelated: int = 100_000
    max_rows: int = 30_000
    max_rewritten: int = 500
    seed: int = 0
    spans_key: Optional[str] = None
    attr: str = DEFAULT_ATTR

    def __post_init__(self) -> None:
        for name, least in (
            ("max_findings", 1),
            ("folds", 2),
            ("max_rows", 1),
            ("max_rewritten", 1),
        ):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be {least} or more, got {getattr(self, name)}")
        if not 0.0 < self.similarity <= 1.0:
            raise ConfigError(f"similarity must lie in (0, 1], got {self.similarity}")


@dataclass(frozen=True)
class AuditContext:
    """The corpus under audit.

    Attributes:
        splits: its splits; names are different.
        given_schema: the schema, if there is one.
        options: how to audit.
    """

    splits: Sequence[Split]
    given_schema: Optional[RelationSchema] = None
    options: AuditOptions = field(default_factory=AuditOptions)

    @cached_property
    def docs(self) -> List[AuditedDoc]:
        """The documents of all splits, in order."""
        return [
            AuditedDoc(split, i, doc, self.options.spans_key, self.options.attr)
            for split in self.splits
            for i, doc in enumerate(split.docs)
        ]

    def docs_of(self, split: Split) -> List[AuditedDoc]:
        """The documents of a split."""
        return [doc for doc in self.docs if doc.split is split]

    @property
    def train_docs(self) -> List[AuditedDoc]:
        """The documents that are not held out."""
        return [doc for doc in self.docs if not doc.split.held_out]

    @property
    def held_out_splits(self) -> List[Split]:
        """The splits for development and test."""
        return [split for split in self.splits if split.held_out]

    @cached_property
    def schema(self) -> RelationSchema:
        """The given schema, with labels that occur besides, or what can be inferred without one."""
        docs: List[Doc] = [doc.doc for doc in self.docs]
        inferred = RelationSchema.from_docs(docs, attr=self.options.attr)
        if self.given_schema is None or self.checked_schema is None:
            return inferred
        unknown = [
            self.checked_schema.get(label, rel_type)
            for label, rel_type in inferred.items()
            if label not in self.given_schema
        ]
        return self.given_schema.merge(RelationSchema(unknown))

    @cached_property
    def checked_schema(self) -> Optional[RelationSchema]:
        """The given schema, with the pairs of its events, which may be among the relations."""
        return None if self.given_schema is None else self.given_schema.with_event_pairs()

    def event_type(self, label: str) -> Optional[EventType]:
        """What the given schema says of a type of events; None if it does not say anything."""
        return None if self.given_schema is None else self.given_schema.events.get(label)

    @cached_property
    def allowed_types(self) -> Set[Tuple[str, str]]:
        """Entity types of head and tail between which a relation is possible."""
        return allowed_types(self.docs, self.schema)

    @cached_property
    def similar(self) -> List[SimilarPair]:
        """Documents with near-same texts, as positions in `docs`."""
        return find_similar([shingles(doc.words) for doc in self.docs], self.options.similarity)

    @cached_property
    def rewritten_docs(self) -> List[AuditedDoc]:
        """Documents with relations, held-out ones if there are any, to try other names in."""
        docs = [doc for doc in self.docs if doc.relations]
        docs = [doc for doc in docs if doc.split.held_out] or docs
        if len(docs) > self.options.max_rewritten:
            docs = random.Random(self.options.seed).sample(docs, self.options.max_rewritten)
        return docs

    @cached_property
    def pairs(self) -> List[MentionPair]:
        """Related pairs and unrelated ones that could be related."""
        return collect_pairs(
            self.docs,
            self.schema,
            max_unrelated=self.options.max_unrelated,
            seed=self.options.seed,
        )

    @cached_property
    def related(self) -> List[MentionPair]:
        """Pairs with relations."""
        return [pair for pair in self.pairs if pair.labels]

    @property
    def can_cross_validate(self) -> bool:
        """Whether there are related pairs in two documents or more that do not resemble each other."""
        return len({self._groups[id(pair.doc)] for pair in self.related}) > 1

    @cached_property
    def predictions(self) -> OutOfFoldPredictions:
        """Predictions of the baseline classifier for all pairs."""
        return self.cross_validate(self.pairs, text_features, [pair.given for pair in self.pairs])

    @cached_property
    def related_predictions(self) -> OutOfFoldPredictions:
        """Predictions of the baseline classifier for related pairs, learnt from related pairs."""
        labels = [pair.given for pair in self.related]
        return self.cross_validate(self.related, text_features, labels)

    def cross_validate(
        self,
        pairs: Sequence[MentionPair],
        features: Callable[[MentionPair], Sequence[str]],
        labels: Sequence[str],
    ) -> OutOfFoldPredictions:
        """Predictions for pairs by classifiers that have not seen their documents.

        Near-duplicates are in the same fold.
        """
        classes, probabilities = predict_out_of_fold(
            map(features, pairs),
            labels,
            [self._groups[id(pair.doc)] for pair in pairs],
            folds=self.options.folds,
            max_rows=self.options.max_rows,
            seed=self.options.seed,
        )
        return OutOfFoldPredictions(pairs, labels, classes, probabilities)

    @cached_property
    def _groups(self) -> Dict[int, int]:
        """For each document the number of the group of documents that it resembles.

        If so many resemble each other that they do not fit into a fold, each stands alone.
        """
        numbers = connect(len(self.docs), ((i, j) for i, j, _ in self.similar))
        largest = max(Counter(numbers).values(), default=0)
        if largest * self.options.folds > max(len(numbers), self.options.folds):
            numbers = list(range(len(self.docs)))
        return {id(doc): number for doc, number in zip(self.docs, numbers)}
