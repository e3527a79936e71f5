"""Weights of tokens: how much each speaks for a relation, in log-odds."""

from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy
from thinc.api import ArgsKwargs, Model, torch2xp, xp2torch
from thinc.types import Floats2d

from ..errors import ConfigError, shown
from ..layers.rows import join_rows
from ..models.encoder import encoder_inputs
from ..models.pairs.pair_scorer import Pairs, pooled_evidence
from .probe import DocumentProbe, Floats, Probe, log_odds

PIECES, TOKENS = "embeddings of word pieces", "token vectors"


def occlusions(probes: Sequence[Probe], *, max_tokens: int = 128) -> List[Floats]:
    """What the log-odds of relations of a document lose if a token is masked.

    See Zeiler and Fergus 2014 (https://arxiv.org/abs/1311.2901); for words Li et al. 2016
    (https://arxiv.org/abs/1612.08220).

    Args:
        probes: the relations, of one document.
        max_tokens: the most tokens that are masked, those nearest to head and tail; others have the
            weight 0.

    Returns:
        weights for each relation. *Shape:* ``(n_tokens,)`` each
    """
    if not probes:
        return []
    document = probes[0].document
    near = [nearest_tokens(probe, max_tokens) for probe in probes]
    tokens = sorted({token for some in near for token in some})
    relations = [probe.relation for probe in probes]
    scores = numpy.zeros((len(document.doc), len(probes)))
    scores[tokens] = document.ask([document.masked([i]) for i in tokens], relations)
    found = []
    for j, (probe, some) in enumerate(zip(probes, near)):
        weights = numpy.zeros(len(document.doc))
        weights[some] = probe.log_odds - scores[some, j]
        found.append(weights)
    return found


def nearest_tokens(probe: Probe, n: int) -> List[int]:
    """The tokens nearest to head and tail, in the order of the text."""
    places = numpy.arange(len(probe.doc))
    distance = numpy.minimum(
        *(
            numpy.maximum(numpy.maximum(span.start - places, places - span.end + 1), 0)
            for span in (probe.relation.head, probe.relation.tail)
        )
    )
    return sorted(numpy.argsort(distance, kind="stable")[:n].tolist())


def gradients(probes: Sequence[Probe]) -> Tuple[List[Floats], str]:
    """Gradient times input of the log-odds of relations of a document, which is encoded once.

    The input is the embeddings of the word pieces where the vectors come from an encoder of
    :func:`~rel_component.models.encoder.build_encoder`, shared or not, as their distance from the mask;
    the gradient is the one half-way from there, as faithful as the mean of five on the way (integrated
    gradients, Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365). With other vectors the input
    is these, and the gradient is theirs (Shrikumar et al. 2016, https://arxiv.org/abs/1605.01713).

    Args:
        probes: the relations, of one document.

    Returns:
        the weights for each relation, *Shape:* ``(n_tokens,)`` each, and what the input is.

    Raises:
        ConfigError: if the pair model has an encoder of its own that is none of these.
    """
    if not probes:
        return [], TOKENS
    document, docs = probes[0].document, [probes[0].base.doc]
    model = document.extractor.model
    if not model.has_ref("tok2vec"):
        raise ConfigError(
            f"gradient: the model {shown(model.name)} reads no token vectors; use occlusion"
        )
    encoder = own_encoder(document)
    if encoder is None:
        vectors = model.get_ref("tok2vec").predict(docs)
        found = [
            model.ops.to_numpy((each * vectors[0]).sum(axis=1)).astype("float64")
            for each in _vector_gradients(probes, vectors)
        ]
        return found, TOKENS
    inputs = encoder_inputs(encoder, docs)

    def backprop(output: Any) -> Any:
        vectors = model.ops.asarray(torch2xp(output))
        for each in _vector_gradients(probes, [vectors]):
            yield xp2torch(each, device=output.device)

    shim: Any = encoder.shims[0]
    rows = shim.attribute(inputs, backprop)
    return [_by_token(each, inputs, len(docs[0])) for each in rows], PIECES


def _by_token(rows: Any, inputs: ArgsKwargs, n_tokens: int) -> Floats:
    """Sums over the pieces of each token, in all windows; special tokens are left out."""
    windows, token_of = inputs.args[0], inputs.args[1]
    pieces = windows.pieces
    is_text = pieces < len(token_of)
    weights = numpy.zeros(n_tokens)
    numpy.add.at(weights, token_of[pieces[is_text]], rows[is_text])
    return weights


def own_encoder(document: DocumentProbe) -> Optional[Model[Any, Any]]:
    """The model of the encoder that gives the vectors, if it is one of this package."""
    if not document.extractor.model.has_ref("tok2vec"):
        return None
    tok2vec: Any = document.extractor.model.get_ref("tok2vec")
    models = [tok2vec]
    if hasattr(tok2vec, "upstream_name"):
        models = [
            encoder.model
            for encoder in document.encoders
            if tok2vec.upstream_name in ("*", encoder.name)
        ]
    return models[0] if models and models[0].name == "encoder" and models[0].shims else None


def _vector_gradients(probes: Sequence[Probe], vectors: List[Floats2d]) -> Iterator[Floats2d]:
    """The gradient of the log-odds of each relation by the token vectors of its document."""
    document = probes[0].document
    relations = [probe.relation for probe in probes]
    candidates, (rows,) = document.pairs([document.base], relations)
    docs = [document.base.doc]
    logits, backprop = document.over_vectors.begin(docs, candidates, vectors)
    values, mask = document.asked(docs, candidates, logits)
    ops = document.extractor.model.ops
    for rel, row in zip(relations, rows):
        d_logits = numpy.zeros(values.shape, dtype="float32")
        d_logits[row] = log_odds(document.extractor, rel.label, values[row])[1] * mask[row]
        (d_vectors,) = backprop(ops.asarray2f(d_logits))
        yield d_vectors


def pooling(probe: Probe) -> Dict[str, Floats]:
    """What each token adds to the log-odds by winning the max pooling of SpanPair.

    Args:
        probe: the relation.

    Returns:
        weights for the regions ``between`` head and tail, ``left`` and ``right`` of both. *Shape:*
        ``(n_tokens,)`` each

    Raises:
        ConfigError: if the model is no SpanPair.
    """
    model, docs = probe.extractor.model, [probe.base.doc]
    if model.name != "span_pair":
        raise ConfigError(
            f"pooling: the model {shown(model.name)} is no SpanPair; use gradient or occlusion"
        )
    document = probe.document
    candidates, _ = document.pairs([document.base], [probe.relation])
    vectors = model.get_ref("tok2vec").predict(docs)
    tokens, _ = join_rows(model.ops, vectors, vectors[0].shape[1])
    over_vectors = document.over_vectors
    logits = over_vectors.predict(docs, candidates, vectors)
    values, mask = document.asked(docs, candidates, logits)
    _, slope = log_odds(document.extractor, probe.relation.label, values[0])
    d_logits = model.ops.asarray2f((slope * mask).astype("float32"))
    scorer = over_vectors.model.get_ref("scorer")
    found = pooled_evidence(scorer, Pairs(docs, candidates, tokens), d_logits)
    return {name: model.ops.to_numpy(sums)[0].astype("float64") for name, sums in found.items()}
