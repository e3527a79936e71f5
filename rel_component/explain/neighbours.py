"""Training pairs like a pair: the nearest by cosine of the vectors that the last layer reads.

The vectors are kept in a file beside the pipeline, of the format of safetensors: numbers, and JSON.
"""

import json
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple, Union

import numpy
import numpy.typing as npt
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch
from thinc.api import Model

from ..annotations import get_relations
from ..converters.documents import read_references
from ..converters.report import Report
from ..corpora.corpus import examples_before_extractor
from ..documents import document_id
from ..errors import ConfigError, DataError
from ..files import complete_file
from ..pipelines import PipelineSource, load_pipeline
from ..types import Relation
from .probe import DocumentProbe, Probe, require_extractor

MAX_PAIRS = 100_000
_MAX_BYTES = 1 << 30  # of an index
_BATCH = 64  # documents
_KEYS = ("text", "head", "label", "tail", "document")


class Neighbour(NamedTuple):
    """A training pair.

    Attributes:
        similarity: cosine of the vectors.
        label: how it is annotated.
        head: text of the head.
        tail: text of the tail.
        text: the sentences of both.
        document: id of the document, or its number.
    """

    similarity: float
    label: str
    head: str
    tail: str
    text: str
    document: str


@dataclass(frozen=True)
class PairIndex:
    """Vectors of annotated pairs.

    Attributes:
        vectors: of length 1. *Shape:* ``(n_pairs, width)``
        records: texts of each pair.
        checksum: of the model that the vectors are of.
        place: the file, for messages.
    """

    vectors: npt.NDArray[numpy.float32]
    records: List[Dict[str, str]]
    checksum: str
    place: str

    @classmethod
    def load(cls, path: Union[str, Path]) -> "PairIndex":
        """Read what :func:`build_index` has written.

        Raises:
            DataError: if the file is something else, or damaged.
        """
        from safetensors import safe_open

        try:
            if Path(path).stat().st_size > _MAX_BYTES:
                raise ValueError(f"it has more than {_MAX_BYTES} bytes")
            with safe_open(path, framework="numpy") as file:
                vectors = numpy.asarray(file.get_tensor("vectors"), dtype="float32")
                metadata = file.metadata() or {}
            records = json.loads(metadata["records"])
            if vectors.ndim != 2 or len(records) != len(vectors) or len(records) > MAX_PAIRS:
                raise ValueError("the numbers of vectors and texts differ")
            if not numpy.isfinite(vectors).all():
                raise ValueError("a vector is no number")
            texts = [{key: str(record[key]) for key in _KEYS} for record in records]
        except Exception as err:
            raise DataError(
                f"no index of training pairs: {str(err)[:200]}; make one with spacy rel explain "
                "--build-index",
                place=str(path),
            ) from err
        return cls(_normal(vectors), texts, str(metadata.get("checksum", "")), str(path))

    def nearest(self, probe: Probe, n: int = 5) -> List[Neighbour]:
        """The training pairs that are most like a pair.

        Args:
            probe: the pair.
            n: the most of them.

        Raises:
            ConfigError: if the vectors are those of another model.
        """
        checksum = probe.extractor.checksum or ""
        (vector,) = _normal(pair_vectors(probe))
        if vector.shape[0] != self.vectors.shape[1] or checksum != self.checksum:
            raise ConfigError(
                f"{self.place}: vectors of another pipeline than the one in use; make them again "
                "with spacy rel explain --build-index"
            )
        similarities = self.vectors @ vector
        order = numpy.argsort(-similarities, kind="stable")[:n]
        return [Neighbour(round(float(similarities[i]), 4), **self.records[i]) for i in order]


def build_index(nlp: PipelineSource, data_path: Union[str, Path], output: Union[str, Path]) -> int:
    """Write the vectors of the annotated relations of documents.

    Args:
        nlp: the pipeline, as it was loaded or saved.
        data_path: annotated documents, e.g. those of training.
        output: the file.

    Returns:
        The number of pairs, at most 100,000.

    Raises:
        ConfigError: if there is no such pipeline, it has no trained relation extractor, or a relation
            has a label that it does not know.
        DataError: if the documents cannot be read, if no relation is a candidate pair, or if the file
            cannot be written.
    """
    from safetensors.numpy import save

    nlp = load_pipeline(nlp)
    extractor = require_extractor(nlp)
    references = read_references(data_path, nlp, Report(), spans_key=extractor.spans_key)
    vectors: List[Any] = []
    records: List[Dict[str, str]] = []
    for probe, place in islice(_annotated_pairs(nlp, extractor.attr, references), MAX_PAIRS):
        vectors.append(pair_vectors(probe)[0])
        rel = probe.relation
        texts = (rel.context.text, rel.head.text, rel.label, rel.tail.text, place)
        records.append(dict(zip(_KEYS, texts)))
    if not records:
        raise DataError("no relation is a candidate pair of this pipeline", place=str(data_path))
    metadata = {"records": json.dumps(records), "checksum": extractor.checksum or ""}
    data = save({"vectors": numpy.stack(vectors).astype("float32")}, metadata=metadata)
    with complete_file(output) as part:
        part.write_bytes(data)
    return len(records)


def _annotated_pairs(
    nlp: Language, attr: str, references: Sequence[Doc]
) -> Iterator[Tuple[Probe, str]]:
    """The annotated relations that are candidate pairs, each with the id or number of its document."""
    number = 0
    for batch in minibatch(references, _BATCH):
        for eg in examples_before_extractor(nlp, batch, given=True):
            number += 1
            relations = list(_carried(eg.predicted, get_relations(eg.reference, attr)))
            document = DocumentProbe(nlp, eg.predicted)
            _, (rows,) = document.pairs([document.base], relations)
            for rel in (rel for rel, row in zip(relations, rows) if row >= 0):
                place = document_id(eg.reference) or str(number)
                yield Probe(nlp, eg.predicted, rel, document), place


def pair_vectors(probe: Probe) -> npt.NDArray[numpy.float32]:
    """What the last layer of the model reads of a pair. *Shape:* ``(1, width)``."""
    with inputs_of_output_layer(probe.extractor.model) as kept:
        probe.score([probe.base])
    return numpy.asarray(probe.extractor.model.ops.to_numpy(kept[-1])[-1:], dtype="float32")


@contextmanager
def inputs_of_output_layer(model: Model[Any, Any]) -> Iterator[List[Any]]:
    """Keep what the last layer of a pair model reads, while no other thread uses it."""
    scorer = model.get_ref("scorer") if model.has_ref("scorer") else model
    if not scorer.has_ref("output_layer"):
        raise ConfigError(
            f"the model {model.name!r:.60} has no output layer that reads pair vectors"
        )
    layer: Any = scorer.get_ref("output_layer")
    kept: List[Any] = []
    forward = layer._func

    def keep(node: Any, X: Any, is_train: bool) -> Any:
        kept.append(X)
        return forward(node, X, is_train)

    layer._func = keep
    try:
        yield kept
    finally:
        layer._func = forward


def _carried(doc: Doc, relations: Sequence[Relation]) -> Iterator[Relation]:
    """Annotated relations between the mentions of a document of the same text."""
    for rel in relations:
        head, tail = (
            doc.char_span(span.start_char, span.end_char, label=span.label)
            for span in (rel.head, rel.tail)
        )
        if head is not None and tail is not None:
            yield Relation(head, rel.label, tail)


def _normal(vectors: npt.NDArray[numpy.float32]) -> npt.NDArray[numpy.float32]:
    lengths = numpy.linalg.norm(vectors, axis=1, keepdims=True)
    normal: npt.NDArray[numpy.float32] = vectors / numpy.maximum(lengths, 1e-12)
    return normal
