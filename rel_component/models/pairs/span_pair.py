"""``rel_component.SpanPair.v1``: pairs of pooled mentions over a shared tok2vec or transformer."""

from functools import partial
from typing import Any, Callable, List, Optional, Sequence, Tuple

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ...candidates import Candidates, PairModelT
from ...layers.affine import move_outputs, resize_output
from ...layers.rows import join_rows
from ...types import Int32Array
from .pair_scorer import Pairs, PairScorer, PairScorerT

InT = Tuple[List[Doc], Candidates]
OutT = Floats2d
Categories = Callable[[Sequence[Doc], Candidates], Int32Array]
"""Finds the categories of pairs, see :class:`.Pairs`."""


def build_span_pair(
    tok2vec: Model[List[Doc], List[Floats2d]],
    pooling: List[str] = ["mean", "max"],  # noqa: B006  # never changed; shown in filled configs
    hidden_size: int = 256,
    type_size: int = 32,
    context: bool = True,
    outside: int = 10,
    max_context: int = 64,
    product: bool = True,
    dropout: float = 0.2,
    block_size: int = 4096,
    nO: Optional[int] = None,
) -> PairModelT:
    """Build a SpanPair model; see ``pair_scorer.py`` for its two layers.

    Args:
        tok2vec: vectors of the tokens, a layer of its own or a listener. *Shape:*
            ``(n_tokens, width)`` for each document.
        pooling: how the tokens of a mention are pooled, side by side: ``mean``, ``max``, ``first``,
            ``last``, ``attention``.
        hidden_size: width of the hidden layer.
        type_size: width of the entity-type embeddings.
        context: whether the tokens between the mentions count.
        outside: number of tokens before the first and after the second mention that count.
        max_context: where more than twice as many tokens lie between the mentions, the first and
            the last `max_context` of them count; a power of two.
        product: whether the element-wise product of a projection of the head with one of the tail
            counts.
        dropout: probability of dropping a value of the mention vectors and of the hidden layer;
            training sets it to its own rate.
        block_size: number of pairs scored at a time in prediction.
        nO: number of outputs; set by the component.

    Raises:
        ConfigError: if a pooling is unknown or a number is out of range.
    """
    scorer = PairScorer(
        pooling=pooling,
        hidden_size=hidden_size,
        type_size=type_size,
        context=context,
        outside=outside,
        max_context=max_context,
        product=product,
        dropout=dropout,
        block_size=block_size,
        nO=nO,
    )
    return score_tokens("span_pair", tok2vec, scorer)


def score_tokens(
    name: str,
    tok2vec: Model[List[Doc], List[Floats2d]],
    scorer: PairScorerT,
    categories: Optional[Categories] = None,
) -> PairModelT:
    """Score pairs over the vectors of a tok2vec layer.

    Args:
        name: name of the model.
        tok2vec: vectors of the tokens.
        scorer: scores the pairs over them.
        categories: finds the categories of pairs, for a scorer that has some.
    """
    return Model(
        name,
        partial(forward, categories=categories),
        init=init,
        layers=[tok2vec, scorer],
        dims={"nO": scorer.maybe_get_dim("nO")},
        refs={"tok2vec": tok2vec, "scorer": scorer},
        attrs={"resize_output": resize_output, "move_outputs": move_outputs},
    )


def forward(
    model: PairModelT, X: InT, is_train: bool, *, categories: Optional[Categories]
) -> Tuple[OutT, Callable[[OutT], Any]]:
    """The logits of the candidate pairs, with backprop to the token vectors."""
    docs, candidates = X
    ops, scorer = model.ops, model.get_ref("scorer")
    vectors, backprop_tok2vec = model.get_ref("tok2vec")(docs, is_train)
    tokens, split = join_rows(ops, vectors, scorer.get_dim("nI"))  # (n_tokens, width)
    rows = None if categories is None else categories(docs, candidates)
    pairs = Pairs(docs, candidates, tokens, categories=rows)
    logits, backprop_scorer = scorer(pairs, is_train)

    def backprop(d_logits: OutT) -> Any:
        return backprop_tok2vec(split(backprop_scorer(d_logits).tokens))

    return logits, backprop


def init(model: PairModelT, X: Optional[InT] = None, Y: Optional[OutT] = None) -> PairModelT:
    """Initialise the tok2vec layer, and the scorer by its width."""
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
    tok2vec, scorer = model.get_ref("tok2vec"), model.get_ref("scorer")
    if X is None:
        tok2vec.initialize()
        scorer.initialize(Y=Y)
        return model
    docs, candidates = X
    tok2vec.initialize(X=docs)
    vectors = tok2vec.predict(docs)
    tokens, _ = join_rows(model.ops, vectors, vectors[0].shape[1])
    scorer.initialize(X=Pairs(docs, candidates, tokens), Y=Y)
    return model
