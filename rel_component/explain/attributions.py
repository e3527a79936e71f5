"""Weights of tokens: how much each speaks for a relation, in log-odds."""

from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy
from spacy.tokens import Doc
from thinc.api import ArgsKwargs, Model, set_dropout_rate, torch2xp, xp2torch
from thinc.types import Floats2d

from ..candidates import Candidates
from ..errors import ConfigError, shown
from ..layers.rows import join_rows
from ..models.encoder import encoder_inputs
from ..models.pairs.pair_scorer import Pairs, pooled_evidence
from .probe import Floats, Probe

PIECES, TOKENS = "embeddings of word pieces", "token vectors"


def occlusion(probe: Probe, *, max_tokens: int = 128) -> Floats:
    """What the log-odds lose if a token is masked.

    See Zeiler and Fergus 2014 (https://arxiv.org/abs/1311.2901); for words Li et al. 2016
    (https://arxiv.org/abs/1612.08220).

    Args:
        probe: the relation.
        max_tokens: the most tokens that are masked, those nearest to head and tail; others have the
            weight 0.

    Returns:
        *Shape:* ``(n_tokens,)``
    """
    tokens = nearest_tokens(probe, max_tokens)
    scores = numpy.asarray(probe.score([probe.masked([i]) for i in tokens]))
    weights = numpy.zeros(len(probe.doc))
    weights[tokens] = probe.log_odds - scores
    return weights


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


def gradient(probe: Probe, *, n_steps: int = 5) -> Tuple[Floats, str]:
    """Gradient times input of the log-odds.

    The input is the embeddings of the word pieces where the vectors come from an encoder of
    :func:`~rel_component.models.encoder.build_encoder`, shared or not, as their distance from the mask;
    the gradient is the mean of some on the way from there (integrated gradients, Sundararajan et
    al. 2017, https://arxiv.org/abs/1703.01365). With other vectors the input is these, and the gradient
    is theirs (Shrikumar et al. 2016, https://arxiv.org/abs/1605.01713).

    Args:
        probe: the relation.
        n_steps: the number of gradients; 1: only that of the text as it is.

    Returns:
        the weights, *Shape:* ``(n_tokens,)``, and what the input is.

    Raises:
        ConfigError: if the pair model has an encoder of its own that is none of these.
    """
    model, docs = probe.extractor.model, [probe.base.doc]
    if not model.has_ref("tok2vec"):
        raise ConfigError(
            f"gradient: the model {shown(model.name)} reads no token vectors; use occlusion"
        )
    candidates = probe.pair(probe.base)
    if candidates is None:  # as the probe has made sure
        raise ConfigError("gradient: the pair is no candidate")
    encoder = _encoder(probe, model.get_ref("tok2vec"))
    if encoder is None:
        (vectors,) = model.get_ref("tok2vec").predict(docs)
        d_vectors = _backward(probe, docs, candidates, vectors)
        weights = model.ops.to_numpy((d_vectors * vectors).sum(axis=1))
        return weights.astype("float64"), TOKENS
    inputs = encoder_inputs(encoder, docs)

    def backprop(output: Any) -> Any:
        d_tokens = _backward(probe, docs, candidates, model.ops.asarray(torch2xp(output)))
        return xp2torch(d_tokens, device=output.device)

    shim: Any = encoder.shims[0]
    rows = shim.attribute(inputs, backprop, n_steps=n_steps)
    return _by_token(rows, inputs, len(docs[0])), PIECES


def _by_token(rows: Any, inputs: ArgsKwargs, n_tokens: int) -> Floats:
    """Sums over the pieces of each token, in all windows; special tokens are left out."""
    windows, token_of = inputs.args[0], inputs.args[1]
    pieces = windows.pieces
    is_text = pieces < len(token_of)
    weights = numpy.zeros(n_tokens)
    numpy.add.at(weights, token_of[pieces[is_text]], rows[is_text])
    return weights


def _encoder(probe: Probe, tok2vec: Model[Any, Any]) -> Optional[Model[Any, Any]]:
    """The model of the encoder that gives the vectors, if it is one of this package."""
    models = [tok2vec]
    if hasattr(tok2vec, "upstream_name"):
        upstream: Any = tok2vec
        models = [
            encoder.model
            for encoder in probe.encoders
            if upstream.upstream_name in ("*", encoder.name)
        ]
    return models[0] if models and models[0].name == "encoder" and models[0].shims else None


def _backward(probe: Probe, docs: List[Doc], candidates: Candidates, vectors: Floats2d) -> Floats2d:
    """The gradient of the log-odds by token vectors. *Shape:* ``(n_tokens, width)``."""
    model, given = over_vectors(probe.extractor.model, vectors)
    logits, backprop = model((docs, candidates), True)
    _, d_logits = probe.log_odds_of(model.ops.to_numpy(logits)[0].astype("float64"))
    given_gradient: Any = d_logits.astype("float32")[None]
    backprop(model.ops.asarray2f(given_gradient))
    d_vectors: Floats2d = given.attrs["gradient"]
    return d_vectors


def over_vectors(
    model: Model[Any, Any], vectors: Floats2d
) -> Tuple[Model[Any, Any], Model[Any, Any]]:
    """A copy of a pair model without dropout, over token vectors that are given.

    Args:
        model: the pair model, which is not changed.
        vectors: of the tokens of one document. *Shape:* ``(n_tokens, width)``

    Returns:
        the copy, and its layer of vectors, whose attribute ``gradient`` backprop sets.
    """

    def forward(
        given: Model[Any, Any], docs: Any, is_train: bool
    ) -> Tuple[Any, Callable[..., Any]]:
        def backprop(d_vectors: Any) -> Any:
            (given.attrs["gradient"],) = d_vectors
            return docs

        return [vectors], backprop

    given: Model[Any, Any] = Model("given_vectors", forward, dims={"nO": vectors.shape[1]})
    tok2vec = model.get_ref("tok2vec")
    layers = {id(layer): given if layer is tok2vec else _copy(layer) for layer in model.layers}
    refs = {name: model.get_ref(name) for name in model.ref_names}
    copy: Model[Any, Any] = Model(
        model.name,
        model._func,
        layers=list(layers.values()),
        dims={name: model.maybe_get_dim(name) for name in model.dim_names},
        refs={name: layers[id(layer)] for name, layer in refs.items()},
        attrs=dict(model.attrs),
    )
    set_dropout_rate(copy, 0.0)
    return copy, given


def _copy(model: Model[Any, Any]) -> Model[Any, Any]:
    """A copy of a model with its references, which Thinc's copies lose."""
    copy = model.copy()
    nodes = {id(node): other for node, other in zip(model.walk(), copy.walk())}
    for node, other in zip(model.walk(), copy.walk()):
        for name in node.ref_names:
            target = node.maybe_get_ref(name)
            other.set_ref(name, None if target is None else nodes[id(target)])
    return copy


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
    candidates = probe.pair(probe.base)
    if candidates is None:  # as the probe has made sure
        raise ConfigError("pooling: the pair is no candidate")
    vectors = model.get_ref("tok2vec").predict(docs)
    copy, _ = over_vectors(model, vectors[0])
    tokens, _ = join_rows(model.ops, vectors, vectors[0].shape[1])
    logits = model.ops.to_numpy(copy.predict((docs, candidates)))[0].astype("float64")
    d_logits = model.ops.asarray2f(probe.log_odds_of(logits)[1].astype("float32")[None])
    found = pooled_evidence(copy.get_ref("scorer"), Pairs(docs, candidates, tokens), d_logits)
    return {name: model.ops.to_numpy(sums)[0].astype("float64") for name, sums in found.items()}
