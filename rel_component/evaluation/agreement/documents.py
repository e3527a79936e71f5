"""Documents that several annotators have, with the annotation of each of them."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import (
    Collection,
    Dict,
    FrozenSet,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from spacy.tokens import Doc

from ...annotations import get_relations
from ...documents import (
    RelationKey,
    document_id,
    mentions_by_key,
    relation_key,
    relation_keys,
    sentence_starts,
)
from ...errors import ConfigError
from ...mentions import TypedKey, probable_mentions
from ...types import Int32Array

PairKey = Tuple[TypedKey, TypedKey]
"""Head and tail of a pair of mentions."""

_SHOWN = 60  # characters of a text that tell a document from others


@dataclass(frozen=True)
class Annotation:
    """The annotation of a document by one annotator.

    Attributes:
        mentions: the mentions, and the arguments of the relations.
        relations: the relations; the head of a symmetric one is the mention that comes first.
        polarities: what is said of relations, see :class:`.types.Relation`; for merging alone.
    """

    mentions: FrozenSet[TypedKey]
    relations: FrozenSet[RelationKey]
    polarities: Mapping[RelationKey, str] = field(default_factory=dict, compare=False)

    @cached_property
    def labels(self) -> Dict[PairKey, Tuple[str, ...]]:
        """The labels of each pair that has any, in alphabetical order."""
        found: Dict[PairKey, List[str]] = {}
        for head, label, tail in sorted(self.relations):
            found.setdefault((head, tail), []).append(label)
        return {pair: tuple(labels) for pair, labels in found.items()}


@dataclass(frozen=True, eq=False)
class SharedDoc:
    """A document that at least two annotators have.

    Attributes:
        docs: the document of each annotator, None if they do not have it.
        annotations: the annotation of each annotator, None if they do not have the document.
    """

    docs: Sequence[Optional[Doc]]
    annotations: Sequence[Optional[Annotation]]

    @property
    def id(self) -> str:
        """The id of the document, empty if it has none."""
        return next(filter(None, (document_id(doc) for doc in self.docs if doc is not None)), "")

    @property
    def doc(self) -> Doc:
        """The document of the first annotator who has it."""
        return next(doc for doc in self.docs if doc is not None)

    @property
    def available(self) -> List[Annotation]:
        """The annotations of the annotators who have this document."""
        return [annotation for annotation in self.annotations if annotation is not None]

    @cached_property
    def agreed(self) -> FrozenSet[TypedKey]:
        """The mentions that all annotators who have the document agree on, spans and types."""
        return frozenset.intersection(*(annotation.mentions for annotation in self.available))

    @cached_property
    def sentence_starts(self) -> Optional[Int32Array]:
        """The characters at which sentences start, of the first annotator who has sentences."""
        found = (sentence_starts(doc) for doc in self.docs if doc is not None)
        return next((starts for starts in found if starts is not None), None)


@dataclass(frozen=True)
class DocumentProblem:
    """A document that not all annotators have, or that one has twice.

    Attributes:
        kind: ``missing``; ``text differs``, if the lacking annotators have another text under the
            same id; or ``repeated``, if an annotator has the document twice and the first counts.
        id: id of the document, empty if it has none.
        text: beginning of the text.
        annotators: annotators who have the document, or have it twice.
        lacking: annotators who do not have it.
    """

    kind: str
    id: str
    text: str
    annotators: List[str]
    lacking: List[str] = field(default_factory=list)

    def __str__(self) -> str:
        name = f"{self.id or 'document'}, {self.text!r}"
        have, lacking = ", ".join(self.annotators), ", ".join(self.lacking)
        if self.kind == "repeated":
            return f"{name}: more than once in the documents of {have}; the first one counts"
        if self.kind == "text differs":
            return f"{name}: text of {have}; the text under this id differs for {lacking}"
        return f"{name}: only {have}, not {lacking}"


@dataclass(frozen=True)
class SharedDocuments:
    """The documents that at least two annotators have.

    Attributes:
        names: the annotators.
        docs: the documents.
        n_docs: how many documents each annotator has.
        n_single: documents that only one annotator has.
        problems: documents that not all have.
        symmetric: labels whose direction does not count.
    """

    names: Sequence[str]
    docs: Sequence[SharedDoc]
    n_docs: Dict[str, int]
    n_single: int
    problems: Sequence[DocumentProblem]
    symmetric: Collection[str] = ()


def match_documents(
    annotators: Mapping[str, Iterable[Doc]],
    *,
    symmetric: Collection[str] = (),
    spans_key: Optional[str] = None,
) -> SharedDocuments:
    """Match the documents of annotators by their texts.

    Where an annotator has a text more than once, ids in ``doc.user_data["meta"]`` tell the documents
    apart. The mentions of a document are its entities, or those of its span group that are at least
    as probable as not, and the arguments of its relations.

    Args:
        annotators: the documents of each annotator, by name; a pipeline may be one of them.
        symmetric: labels whose direction does not count.
        spans_key: span group of the mentions of documents that have it; None: the entities.

    Raises:
        ConfigError: if there are fewer than two annotators.
    """
    names = list(annotators)
    if len(names) < 2:
        raise ConfigError(f"agreement needs two annotators or more, got {len(names)}")
    documents = [list(annotators[name]) for name in names]
    repeated: Set[str] = set()
    for docs in documents:
        repeated.update(text for text, n in Counter(doc.text for doc in docs).items() if n > 1)
    problems: List[DocumentProblem] = []
    rows: Dict[Tuple[str, str], List[Optional[Doc]]] = {}
    for i, docs in enumerate(documents):
        for doc in docs:
            key = (doc.text, document_id(doc) if doc.text in repeated else "")
            row = rows.setdefault(key, [None] * len(names))
            if row[i] is None:
                row[i] = doc
            else:
                problems.append(
                    DocumentProblem("repeated", document_id(doc), doc.text[:_SHOWN], [names[i]])
                )
    problems += _incomplete(names, documents, list(rows.values()))
    shared = [row for row in rows.values() if len(row) - row.count(None) > 1]
    return SharedDocuments(
        names=names,
        docs=[
            SharedDoc(
                row,
                [None if doc is None else _read(doc, symmetric, spans_key) for doc in row],
            )
            for row in shared
        ],
        n_docs={name: len(docs) for name, docs in zip(names, documents)},
        n_single=len(rows) - len(shared),
        problems=problems,
        symmetric=symmetric,
    )


def _incomplete(
    names: Sequence[str], documents: Sequence[Sequence[Doc]], rows: Sequence[List[Optional[Doc]]]
) -> List[DocumentProblem]:
    ids = [{document_id(doc) for doc in docs} - {""} for docs in documents]
    problems: List[DocumentProblem] = []
    for row in rows:
        lacking = [i for i, doc in enumerate(row) if doc is None]
        if lacking:
            known = {document_id(doc) for doc in row if doc is not None}
            kind = "text differs" if any(known & ids[i] for i in lacking) else "missing"
            have = [name for name, doc in zip(names, row) if doc is not None]
            doc = next(doc for doc in row if doc is not None)
            place = (document_id(doc), doc.text[:_SHOWN])
            problems.append(DocumentProblem(kind, *place, have, [names[i] for i in lacking]))
    return problems


def _read(doc: Doc, symmetric: Collection[str], spans_key: Optional[str]) -> Annotation:
    relations = get_relations(doc)
    return Annotation(
        mentions=frozenset(mentions_by_key(probable_mentions(doc, spans_key), relations)),
        relations=frozenset(relation_keys(relations, symmetric)),
        polarities={
            relation_key(rel, symmetric): rel.polarity for rel in relations if rel.polarity
        },
    )
