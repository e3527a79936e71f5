"""Comparison of annotators of the same documents: agreement, disagreements, merged documents."""

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

from spacy.tokens import Doc

from ...annotations import find_spans_key
from ...errors import ConfigError
from ...files import name_files
from ...pipelines import blank_pipeline
from ...schema import RelationSchema
from ...spacy_files import read_docs
from .disagreements import Disagreement, find_disagreements
from .documents import match_documents
from .measures import Agreement, measure_agreement
from .merging import Merged, merge_agreed
from .pairs import PairLimits


class AnnotatorComparison(NamedTuple):
    """How far annotators agree, and what they disagree on.

    Attributes:
        agreement: the measures of agreement.
        disagreements: the mentions and relations that annotators do not agree on.
        merged: documents with the agreed annotations; None: they were not asked for.
    """

    agreement: Agreement
    disagreements: List[Disagreement]
    merged: Optional[Merged]

    def to_dict(self) -> Dict[str, Any]:
        """The measures, and the counts of what was merged, as JSON can hold them."""
        measures = self.agreement.to_dict()
        return measures if self.merged is None else {**measures, "merged": self.merged.to_dict()}


def compare_annotators(
    paths: Sequence[Union[str, Path]],
    *,
    names: Optional[Sequence[str]] = None,
    schema: Optional[RelationSchema] = None,
    merge: bool = False,
    min_votes: Optional[int] = None,
    spans_key: Optional[str] = None,
    allowed_pairs: bool = False,
    max_sentence_distance: Optional[int] = None,
    n_resamples: int = 1000,
    seed: int = 0,
    lang: str = "en",
) -> AnnotatorComparison:
    """Measure how far annotators agree, and find what they disagree on.

    Args:
        paths: a ``.spacy`` file, or a folder of them, of each annotator.
        names: a name for each path, where paths of one name are of one annotator; None: the names of
            the files, or their paths if these are equal.
        schema: says which labels are symmetric, and which pairs are allowed.
        merge: whether to make documents with the agreed annotations.
        min_votes: number of annotators who have to agree for `merge`; see :func:`.merging.merge_agreed`.
        spans_key: span group of the mentions; None: by the relations.
        allowed_pairs: whether the coefficients are only over pairs that the schema allows.
        max_sentence_distance: see :class:`.pairs.PairLimits`.
        n_resamples: draws of the bootstrap; 0: no intervals.
        seed: seed of the bootstrap.
        lang: language of the documents.

    Raises:
        ConfigError: if options do not fit together.
        DataError: if documents cannot be read.
    """
    if allowed_pairs and schema is None:
        raise ConfigError("allowed pairs are those of a schema: add --schema")
    if min_votes is not None and not merge:
        raise ConfigError(f"min_votes = {min_votes} is for merging: add --merged")
    if n_resamples < 0:
        raise ConfigError(f"resamples must be 0 or more, got {n_resamples}")
    symmetric = schema.symmetric_labels if schema is not None else ()
    annotators = _read(paths, names, lang)
    if spans_key is None:
        spans_key = find_spans_key(doc for docs in annotators.values() for doc in docs)
    shared = match_documents(annotators, symmetric=symmetric, spans_key=spans_key)
    agreement = measure_agreement(
        shared,
        limits=PairLimits(schema if allowed_pairs else None, max_sentence_distance),
        n_resamples=n_resamples,
        seed=seed,
    )
    merged = merge_agreed(shared, min_votes=min_votes, spans_key=spans_key) if merge else None
    return AnnotatorComparison(agreement, find_disagreements(shared), merged)


def _read(
    paths: Sequence[Union[str, Path]], names: Optional[Sequence[str]], lang: str
) -> Dict[str, List[Doc]]:
    """The documents of each annotator."""
    names = name_files([Path(path) for path in paths]) if names is None else names
    if len(names) != len(paths):
        raise ConfigError(f"{len(names)} names for {len(paths)} paths: {', '.join(names)}")
    nlp = blank_pipeline(lang)
    annotators: Dict[str, List[Doc]] = {}
    for name, path in zip(names, paths):
        annotators.setdefault(name, []).extend(read_docs(Path(path), nlp))
    return annotators
