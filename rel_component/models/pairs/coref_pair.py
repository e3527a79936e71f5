"""``rel_component.CorefPair.v1``: antecedents and anaphors, over a shared tok2vec or transformer.

It is SpanPair without context, whose pairs also look up what their words say: the kind of pair, the
pronouns, the forms of the mentions, the match of their words and their distance in mentions; see
``coref_categories.py``.
"""

from typing import List, Optional

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ...candidates import PairModelT
from .coref_categories import N_CATEGORIES, pair_categories
from .pair_scorer import PairScorer
from .span_pair import score_tokens


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

    The arguments are those of :func:`~rel_component.models.pairs.span_pair.build_span_pair`, but by
    default the tokens between and around the mentions do not count.

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
    return score_tokens("coref_pair", tok2vec, scorer, pair_categories)
