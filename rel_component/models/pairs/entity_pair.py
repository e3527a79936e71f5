"""``rel_component.EntityPair.v1``: pairs of entities of whole documents, by all of their mentions.

It is SpanPair's table (see ``pair_scorer.py``) with a row for each entity, the logsumexp of the rows of
its mentions, and with two more summands of a pair: the sentences in which it meets, and its localized
context. Both, and the logsumexp, are ideas of ATLOP (Zhou et al. 2021, https://arxiv.org/abs/2010.11304).
"""

from typing import Any, Callable, List, Optional, Tuple

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ...candidates import Candidates, PairModelT
from ...layers.affine import move_outputs, resize_output
from ...layers.rows import join_rows
from .localized_context import LocalizedContext
from .pair_scorer import Pairs, PairScorer

InT = Tuple[List[Doc], Candidates]
OutT = Floats2d


def build_entity_pair(
    tok2vec: Model[List[Doc], List[Floats2d]],
    pooling: List[str] = ["mean", "max"],  # noqa: B006  # never changed; shown in filled configs
    hidden_size: int = 256,
    type_size: int = 32,
    context: bool = True,
    outside: int = 10,
    max_context: int = 64,
    attention_size: int = 64,
    context_size: int = 64,
    dropout: float = 0.2,
    block_size: int = 4096,
    nO: Optional[int] = None,
) -> PairModelT:
    """Build an EntityPair model; see ``localized_context.py`` for its attention.

    It takes entities of coreference clusters as well as single mentions. Where the candidates ask for
    evidence, columns follow those of the labels, one for each sentence of a document: the share of the
    attention of a pair that lies in it.

    `attention_size` is the width of the queries of entities and of the keys of tokens, `context_size`
    that of the localized context, which `dropout` is for as well. The other arguments are those of
    :func:`~rel_component.models.pairs.span_pair.build_span_pair`; of two entities, the tokens between
    and around the two mentions count that are nearest to each other.

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
        product=True,
        dropout=dropout,
        block_size=block_size,
        nO=nO,
        features=True,
        sentences=True,
        entity_pooling="logsumexp",
    )
    attention = LocalizedContext(attention_size, context_size)
    return Model(
        "entity_pair",
        forward,
        init=init,
        layers=[tok2vec, attention, scorer],
        dims={"nO": nO},
        refs={"tok2vec": tok2vec, "attention": attention, "scorer": scorer},
        attrs={
            "resize_output": resize_output,
            "move_outputs": move_outputs,
            "finds_evidence": True,
        },
    )


def forward(model: PairModelT, X: InT, is_train: bool) -> Tuple[OutT, Callable[[OutT], Any]]:
    """The logits of the candidate pairs, and their evidence if it is asked for."""
    docs, candidates = X
    ops, scorer = model.ops, model.get_ref("scorer")
    vectors, backprop_tok2vec = model.get_ref("tok2vec")(docs, is_train)
    tokens, split = join_rows(ops, vectors, scorer.get_dim("nI"))  # (n_tokens, width)
    pairs = Pairs(docs, candidates, tokens)
    contexts, backprop_attention = model.get_ref("attention")(pairs, is_train)
    logits, backprop_scorer = scorer(pairs._replace(features=contexts.features), is_train)
    n_labels, outputs = logits.shape[1], logits
    if candidates.asks_evidence:
        outputs = ops.xp.concatenate([logits, contexts.evidence()], axis=1)

    def backprop(d_outputs: OutT) -> Any:
        d_pairs = backprop_scorer(ops.as_contig(d_outputs[:, :n_labels]))
        d_evidence = d_outputs[:, n_labels:] if candidates.asks_evidence else None
        d_tokens = d_pairs.tokens + backprop_attention((d_pairs.features, d_evidence))
        return backprop_tok2vec(split(d_tokens))

    return outputs, backprop


def init(model: PairModelT, X: Optional[InT] = None, Y: Optional[OutT] = None) -> PairModelT:
    """Initialise the tok2vec layer, and the others by its width."""
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
    tok2vec, attention, scorer = (
        model.get_ref(name) for name in ("tok2vec", "attention", "scorer")
    )
    if X is None:
        for layer in (tok2vec, attention):
            layer.initialize()
        scorer.initialize(Y=Y)
        return model
    docs, candidates = X
    tok2vec.initialize(X=docs)
    vectors = tok2vec.predict(docs)
    tokens, _ = join_rows(model.ops, vectors, vectors[0].shape[1])
    pairs = Pairs(docs, candidates, tokens)
    attention.initialize(X=pairs)
    features = attention.predict(pairs).features
    scorer.initialize(X=pairs._replace(features=features), Y=Y)
    return model
