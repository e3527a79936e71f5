"""The context of a mention beside the description of an entity, by the vectors of the encoder."""

from typing import Any, List, Optional, Sequence

import numpy
import numpy.typing as npt
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import minibatch
from thinc.api import Ops

from ..errors import ConfigError
from ..types import FloatArray, Int32Array
from .knowledge_base import KnowledgeBase

_WINDOW = 20  # tokens on each side, where sentences are not known
_MAX_TOKENS = 64  # of a name with its description
_BATCH = 128


def encode_descriptions(
    nlp: Language, before: str, kb: KnowledgeBase
) -> Optional[npt.NDArray[Any]]:
    """The mean token vector of the name and description of each entity, as the pipeline computes it.

    Args:
        nlp: the pipeline.
        before: name of the component before which its components count.
        kb: the knowledge base.

    Returns:
        vectors of unit length, or None if none of the components writes ``doc.tensor``. *Shape:*
        ``(n_entities, width)``
    """
    earlier = []
    for name, component in nlp.pipeline:
        if name == before:
            break
        earlier.append((name, component))
    encoders: List[Any] = [c for n, c in earlier if "doc.tensor" in nlp.get_pipe_meta(n).assigns]
    if not encoders or not len(kb):
        return None
    rows: List[FloatArray] = []
    for entities in minibatch(range(len(kb)), _BATCH):
        docs = [nlp.make_doc(_text(kb, entity))[:_MAX_TOKENS].as_doc() for entity in entities]
        for encoder in encoders:
            encoder.set_annotations(docs, encoder.predict(docs))
        rows += [_unit(numpy.asarray(_to_numpy(doc).mean(axis=0)[None])) for doc in docs]
    return numpy.concatenate(rows).astype("float16")


def context_cosines(
    vectors: npt.NDArray[Any],
    ops: Ops,
    name: str,
    doc: Doc,
    mentions: Sequence[Span],
    rows: Int32Array,
    entities: Int32Array,
) -> FloatArray:
    """The cosine of the sentence of a mention, or of the tokens around it, and the vector of an entity.

    Args:
        vectors: those of the entities. *Shape:* ``(n_entities, width)``
        ops: where the arrays are.
        name: name of the component, for errors.
        doc: a document with vectors of its tokens.
        mentions: its mentions.
        rows: the mention of each candidate. *Shape:* ``(n_candidates,)``
        entities: the entity of each candidate. *Shape:* ``(n_candidates,)``

    Returns:
        *Shape:* ``(n_candidates,)``

    Raises:
        ConfigError: if the vectors have another width.
    """
    xp = ops.xp
    if doc.tensor.shape[1] != vectors.shape[1]:
        raise ConfigError(
            f"{name} has vectors of {vectors.shape[1]} values of its entities, and doc.tensor has "
            f"{doc.tensor.shape[1]}: call encode_entities(nlp) with the encoder that is used now"
        )
    sums = xp.concatenate([xp.zeros_like(doc.tensor[:1]), xp.cumsum(doc.tensor, axis=0)])
    has_sentences = doc.has_annotation("SENT_START")
    windows = [
        (span.sent.start, doc[span.end - 1].sent.end)
        if has_sentences
        else (max(0, span.start - _WINDOW), min(len(doc), span.end + _WINDOW))
        for span in mentions
    ]
    bounds = numpy.asarray(windows, dtype="int32").reshape(-1, 2)
    contexts = _unit(ops.to_numpy(sums[bounds[:, 1]] - sums[bounds[:, 0]]))
    cosines = numpy.einsum("ij,ij->i", contexts[rows], vectors[entities].astype("float32"))
    return cosines.astype("float32")


def _text(kb: KnowledgeBase, entity: int) -> str:
    description = kb.description(entity) or ", ".join(kb.types_of(entity))
    return f"{kb.display_name(entity)}. {description}"


def _to_numpy(doc: Doc) -> FloatArray:
    tensor: Any = doc.tensor
    array: FloatArray = tensor.get() if hasattr(tensor, "get") else tensor
    return array


def _unit(rows: FloatArray) -> FloatArray:
    norms = numpy.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / numpy.where(norms == 0.0, 1.0, norms)).astype("float32")
