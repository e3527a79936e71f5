"""Active learning: which documents to annotate next.

A document is worth it if the pipeline is unsure of its pairs (``margins.py``), if it is unlike those
that were chosen before it (maximal marginal relevance, Carbonell and Goldstein 1998,
https://doi.org/10.1145/290941.291025), and if it is about a label that few of these are about.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union
from zlib import crc32

import numpy
import spacy
from spacy.tokens import Doc

from ..converters.from_doc import to_annotated
from ..converters.report import Report
from ..converters.writing import write_file
from ..errors import ConfigError
from ..evaluation.threshold_choice import DecodedBatch, record_decoding
from ..inference.texts import Text, keep_meta, with_records
from ..margins import pair_margins
from ..pipelines import PipelineSource, load_pipeline
from ..types import FloatArray
from .learning import require_trained

_N_PAIRS = 3  # of each document count
_N_BUCKETS = 256  # of words, where there are no vectors


@dataclass
class Selection:
    """Documents to annotate, the first ones most of all.

    Attributes:
        docs: the documents, with what the pipeline predicts.
        uncertainty: how unsure the pipeline is of each, in [0, 1].
        labels: the label that it is least sure of in each; empty if no pair of it can have any.
        n_read: number of documents that they were chosen from.
        lang: language of the pipeline.
        attr: name of the extension attribute of the relations.
        spans_key: span group of the mentions; None: the entities.
    """

    docs: List[Doc] = field(default_factory=list)
    uncertainty: List[float] = field(default_factory=list)
    labels: List[str] = field(default_factory=list)
    n_read: int = 0
    lang: str = "xx"
    attr: str = "rel"
    spans_key: Optional[str] = None

    def to_dict(self) -> Dict[str, Any]:
        """The counts as JSON can hold them."""
        return {
            "read": self.n_read,
            "selected": len(self.docs),
            "uncertainty": [round(value, 4) for value in self.uncertainty],
            "labels": dict(Counter(self.labels)),
        }

    def write(self, path: Path, format_name: str = "jsonl") -> None:
        """Write the documents, with what the pipeline predicts, for an annotation tool.

        Args:
            path: the file.
            format_name: a format that can be written.

        Raises:
            ConfigError: if there is no such format, or it is only read.
            DataError: if the file cannot be written.
        """
        documents = (
            to_annotated(doc, place=f"document {i}", attr=self.attr, spans_key=self.spans_key)
            for i, doc in enumerate(self.docs)
        )
        write_file(documents, path, format_name, spacy.blank(self.lang), Report(on_error="skip"))


def select(
    pipeline: PipelineSource,
    texts: Iterable[Union[str, Text]],
    n: int = 50,
    *,
    diversity: float = 0.5,
) -> Selection:
    """Choose the texts to annotate next.

    Args:
        pipeline: a trained pipeline, its name or path.
        texts: raw texts, with records or without; see :func:`~rel_component.read_texts`.
        n: the most documents to choose.
        diversity: how much it counts that a document is unlike those that were chosen before, in [0, 1].

    Raises:
        ConfigError: if the pipeline has no trained relation extractor, or an option is out of range.
    """
    if n < 1 or not 0.0 <= diversity <= 1.0:
        raise ConfigError(f"n must be 1 or more, and diversity lie in [0, 1]: {n}, {diversity}")
    nlp = load_pipeline(pipeline)
    extractor = require_trained(nlp)
    docs: List[Doc] = []
    with record_decoding(nlp, {extractor.name: extractor}) as records:
        for doc, record in nlp.pipe(with_records(texts), as_tuples=True):
            keep_meta(doc, record)
            docs.append(doc)
    unsure, labels = [0.0] * len(docs), [""] * len(docs)
    places = {id(doc): i for i, doc in enumerate(docs)}
    for batch in records[extractor.name].batches:
        for i, value, label in _uncertainty(batch, places):
            unsure[i], labels[i] = value, label
    chosen = _choose(numpy.asarray(unsure), labels, _vectors(docs), n, diversity)
    return Selection(
        [docs[i] for i in chosen],
        [unsure[i] for i in chosen],
        [labels[i] for i in chosen],
        len(docs),
        nlp.lang or "xx",
        extractor.attr,
        extractor.spans_key,
    )


def _uncertainty(batch: DecodedBatch, places: Dict[int, int]) -> Iterable[Tuple[int, float, str]]:
    """The place of each document of a batch, how unsure its pairs are, and the label at fault."""
    candidates = batch.candidates
    if not candidates.schema.labels:
        return
    margins = pair_margins(batch.docs, candidates, batch.probabilities, exclusive=batch.exclusive)
    values = 1.0 - margins.values
    bounds = numpy.cumsum([0, *candidates.lengths])
    for doc, start, end in zip(batch.docs, bounds, bounds[1:]):
        if id(doc) in places and end > start:
            order = numpy.argsort(-values[start:end], kind="stable")[:_N_PAIRS] + start
            label = candidates.schema.labels[margins.labels[order[0]]]
            yield places[id(doc)], float(values[order].sum()) / _N_PAIRS, label


def _vectors(docs: Sequence[Doc]) -> FloatArray:
    """What documents are about: the means of their vectors, or else their words. Of length 1.

    Documents without tokens have zeros.
    """
    tensors: List[Any] = [doc.tensor for doc in docs]
    width = max((tensor.shape[-1] for tensor in tensors if tensor.size), default=0)
    found = numpy.zeros((len(docs), width or _N_BUCKETS), dtype="float32")
    for row, doc, tensor in zip(found, docs, tensors):
        if width and tensor.size:
            tensor = tensor.get() if hasattr(tensor, "get") else tensor
            row[:] = numpy.asarray(tensor, dtype="float32").mean(axis=0)
        elif not width:
            for token in doc:
                row[crc32(token.lower_.encode()) % _N_BUCKETS] += 1.0
    unit: FloatArray = found / numpy.linalg.norm(found, axis=1, keepdims=True).clip(1e-8)
    return unit


def _choose(
    unsure: FloatArray, labels: Sequence[str], vectors: FloatArray, n: int, diversity: float
) -> List[int]:
    """The documents, one after the other: of the label with the fewest so far, the one worth most."""
    nearest = numpy.zeros(len(unsure), dtype="float32")
    left = {label: [i for i, own in enumerate(labels) if own == label] for label in set(labels)}
    counts: Counter[str] = Counter()
    chosen: List[int] = []
    while left and len(chosen) < n:
        # documents without pairs come last
        label = min(left, key=lambda name: (not name, counts[name], name))
        worth = [float(unsure[i] * (1.0 - diversity * nearest[i])) for i in left[label]]
        i = left[label].pop(int(numpy.argmax(worth)))
        if not left[label]:
            del left[label]
        chosen.append(i)
        counts[label] += 1
        nearest = numpy.maximum(nearest, (vectors @ vectors[i]).clip(0.0))
    return chosen
