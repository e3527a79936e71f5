"""A pair model: mean vectors of head and tail, and a linear layer."""

from typing import Any, Callable, List, Optional, Tuple

import numpy
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from rel_component.candidates import Candidates, PairModelT
from rel_component.layers.affine import Affine, resize_output

InT = Tuple[List[Doc], Candidates]


def build(tok2vec: Model[List[Doc], List[Floats2d]], nO: Optional[int] = None) -> PairModelT:
    output_layer = Affine(nO)
    return Model(
        "pair_means",
        forward,
        init=init,
        layers=[tok2vec, output_layer],
        dims={"nI": None, "nO": nO},
        refs={"output_layer": output_layer},
        attrs={"resize_output": resize_output},
    )


def forward(model: PairModelT, X: InT, is_train: bool) -> Tuple[Floats2d, Callable[[Any], Any]]:
    docs, candidates = X
    width, xp = model.get_dim("nI"), model.ops.xp
    vectors, backprop_tok2vec = model.layers[0](docs, is_train)
    means = model.ops.asarray(means_of_entities(docs, candidates))  # (n_entities, n_tokens)
    entities = means @ xp.concatenate([xp.zeros((0, width), dtype="f"), *vectors])
    heads, tails = candidates.pairs.T
    pairs = xp.concatenate([entities[heads], entities[tails]], axis=1)  # (n_pairs, 2 * width)
    logits, backprop_output = model.layers[1](pairs, is_train)

    def backprop(d_logits: Floats2d) -> Any:
        d_pairs = backprop_output(d_logits)
        d_entities = xp.zeros_like(entities)
        xp.add.at(d_entities, heads, d_pairs[:, :width])
        xp.add.at(d_entities, tails, d_pairs[:, width:])
        d_tokens = means.T @ d_entities
        ends = numpy.cumsum([len(doc) for doc in docs])[:-1].tolist()
        return backprop_tok2vec(xp.split(d_tokens, ends))

    return logits, backprop


def means_of_entities(docs: List[Doc], candidates: Candidates) -> numpy.ndarray:
    """Rows of weights that sum to 1: a token counts once for each mention of the entity."""
    lengths = numpy.asarray([len(doc) for doc in docs])
    starts = (numpy.cumsum(lengths) - lengths)[candidates.mentions.docs]
    weights = numpy.zeros((candidates.n_entities, lengths.sum()), dtype="float32")
    for entity, (start, end) in zip(
        candidates.entities, candidates.mentions.spans + starts[:, None]
    ):
        weights[entity, start:end] += 1
    return weights / numpy.maximum(weights.sum(axis=1, keepdims=True), 1)


def init(model: PairModelT, X: Optional[InT] = None, Y: Optional[Floats2d] = None) -> PairModelT:
    tok2vec, output = model.layers
    tok2vec.initialize(X=None if X is None else X[0])
    if X is not None:
        model.set_dim("nI", tok2vec.predict(X[0])[0].shape[1])
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
    output.initialize(X=model.ops.alloc2f(1, 2 * model.get_dim("nI")), Y=Y)
    return model
