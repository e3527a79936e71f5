"""``rel_component.CorefPair.v1``: antecedents and anaphors, over a shared tok2vec or transformer.

It is SpanPair without context, whose pairs also look up what their words say: the kind of pair, the
pronouns, the forms of the mentions, the match of their words and their distance in mentions; see
``coref_categories.py``.
"""

from typing import Any, Callable, List, Optional, Tuple

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ...candidates import Candidates, PairModelT
from ...layers.affine import resize_output
from ...layers.rows import join_rows
from .coref_categories import N_CATEGORIES, pair_categories
from .pair_scorer import Pairs, PairScorer
from .span_pair import init

InT = Tuple[List[Doc], Candidates]
OutT = Floats2d


def build_coref_pair(
    tok2vec: Model[List[Doc], List[Floats2d]],
    pooling: List[str] = ["first", "last", "mean"],  # noqa: B006  # never changed; shown in configs
    hidden_size: int = 256,
    type_size: int = 32,
    context: bool = False,
    outside: int = 0,
    max_context: int = 64,
    product: bool = True,
    dropout: float = 0.2,
    block_size: int = 4096,
    nO: Optional[int] = None,
) -> PairModelT:
    """Build a CorefPair model, the pair model of ``coref_resolver``.

    Args:
        tok2vec: vectors of the tokens, a layer of its own or a listener. *Shape:*
            ``(n_tokens, width)`` for each document.
        pooling: see :func:`~rel_component.models.pairs.span_pair.build_span_pair`, as for the
            arguments that follow.
        hidden_size: width of the hidden layer.
        type_size: width of the entity-type embeddings.
        context: whether the tokens between the mentions count.
        outside: number of tokens before the first and after the second mention that count.
        max_context: the most tokens at both ends of the text between that count; a power of two.
        product: whether the element-wise product of two projections counts.
        dropout: probability of dropping a value of the mention vectors and of the hidden layer.
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
        n_categories=N_CATEGORIES,
    )
    return Model(
        "coref_pair",
        forward,
        init=init,
        layers=[tok2vec, scorer],
        dims={"nO": nO},
        refs={"tok2vec": tok2vec, "scorer": scorer},
        attrs={"resize_output": resize_output},
    )


def forward(model: PairModelT, X: InT, is_train: bool) -> Tuple[OutT, Callable[[OutT], Any]]:
    """The logits of the candidate pairs, with backprop to the token vectors."""
    docs, candidates = X
    ops, scorer = model.ops, model.get_ref("scorer")
    vectors, backprop_tok2vec = model.get_ref("tok2vec")(docs, is_train)
    tokens, split = join_rows(ops, vectors, scorer.get_dim("nI"))  # (n_tokens, width)
    categories = pair_categories(docs, candidates)
    pairs = Pairs(docs, candidates, tokens, categories=categories)
    logits, backprop_scorer = scorer(pairs, is_train)

    def backprop(d_logits: OutT) -> Any:
        return backprop_tok2vec(split(backprop_scorer(d_logits).tokens))

    return logits, backprop
