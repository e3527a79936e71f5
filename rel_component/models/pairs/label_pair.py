"""``rel_component.LabelPair.v1``: pairs against what the schema says of its labels.

The vector of a pair is the mean of the tokens of its sentence, in which those of its mentions may
count more, and a correction that SpanPair's scorer makes of the two mentions and the tokens around
them. The correction starts at zero: before training, a pair scores as a sentence encoder compares its
sentence with the text of a label. That start is what carries over to labels that no training had; a
new layer over the vectors of an encoder forgets what it knew. Vectors of labels come from the same
encoder before it learned, see ``label_texts.py``.
"""

from dataclasses import replace
from typing import Any, Callable, List, Optional, Sequence, Tuple

import numpy
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ...candidates import Candidates, PairModelT
from ...documents import sentence_numbers
from ...errors import ConfigError
from ...layers.rows import blocks, join_rows, on_device
from ...layers.run_means import run_means
from ...types import FloatArray, Int32Array
from .label_scorer import LabelScorer, check_labels, set_labels, unit_rows
from .mention_pairs import closest_mentions
from .pair_scorer import Pairs, PairScorer

InT = Tuple[List[Doc], Candidates]
OutT = Floats2d

_BLOCK = 65536  # pairs whose vectors are in memory at a time in prediction


def build_label_pair(
    tok2vec: Model[List[Doc], List[Floats2d]],
    pooling: List[str] = ["mean", "max"],  # noqa: B006  # never changed; shown in filled configs
    hidden_size: int = 256,
    context: bool = True,
    outside: int = 10,
    max_context: int = 64,
    product: bool = True,
    window: int = 64,
    mention_weight: float = 0.0,
    n_prototypes: int = 8,
    scale: float = 20.0,
    dropout: float = 0.1,
    block_size: int = 4096,
    label_variation: float = 0.0,
    nO: Optional[int] = None,
) -> PairModelT:
    """Build a LabelPair model.

    `window` is the number of tokens before the first and after the second mention that count as
    the sentence at most, `mention_weight` how much the mean vector of each mention counts beside that of
    the sentence, `n_prototypes` the number of learned vectors of pairs without relation, and
    `scale` the factor of cosines before training. In training, vectors of labels are drawn anew for
    each batch, between their own and, for a `label_variation` of 1, random mixtures of their texts. The
    other arguments are those of :func:`~rel_component.models.pairs.span_pair.build_span_pair`. Entity
    types count by the schema alone, since those of another text may have other names.

    Raises:
        ConfigError: if a pooling is unknown or a number is out of range.
    """
    if window < 0:
        raise ConfigError(f"window must be 0 or more, got {window}")
    if not 0 <= mention_weight < float("inf"):
        raise ConfigError(f"mention_weight must be a number of 0 or more, got {mention_weight}")
    if not 0 <= label_variation <= 1:
        raise ConfigError(f"label_variation must lie in [0, 1], got {label_variation}")
    corrections = PairScorer(
        pooling=pooling,
        hidden_size=hidden_size,
        type_size=1,
        context=context,
        outside=outside,
        max_context=max_context,
        product=product,
        dropout=dropout,
        block_size=block_size,
    )
    output_layer = LabelScorer(n_prototypes, scale, nO)
    return Model(
        "label_pair",
        forward,
        init=init,
        layers=[tok2vec, corrections, output_layer],
        dims={"nO": nO},
        refs={"tok2vec": tok2vec, "corrections": corrections, "output_layer": output_layer},
        attrs={
            "window": window,
            "mention_weight": mention_weight,
            "label_variation": label_variation,
            "resize_output": resize_output,
            "move_outputs": move_outputs,
            "set_labels": set_label_vectors,
            "check_loaded": check_loaded,
        },
    )


def forward(model: PairModelT, X: InT, is_train: bool) -> Tuple[OutT, Callable[[OutT], Any]]:
    """The logits of the candidate pairs, with backprop to the token vectors."""
    docs, candidates = X
    output_layer = model.get_ref("output_layer")
    tokens, backprop_tokens = _tokens(model, docs, is_train)
    if not is_train:
        parts = [
            output_layer.predict(_pairs(model, docs, part, tokens, False)[0])
            for part in _parts(candidates)
        ]
        return model.ops.xp.concatenate(parts), lambda d_logits: []
    vectors, backprop_vectors = _pairs(model, docs, candidates, tokens, True)
    logits, backprop_output = output_layer(vectors, True)

    def backprop(d_logits: OutT) -> Any:
        return backprop_tokens(backprop_vectors(backprop_output(d_logits)))

    return logits, backprop


def init(model: PairModelT, X: Optional[InT] = None, Y: Optional[OutT] = None) -> PairModelT:
    """Initialise the tok2vec layer and, by its width, the others; corrections start at zero."""
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
    tok2vec, corrections, output_layer = (
        model.get_ref(name) for name in ("tok2vec", "corrections", "output_layer")
    )
    if X is None:
        tok2vec.initialize()
        return model
    docs, candidates = X
    tok2vec.initialize(X=docs)
    vectors = tok2vec.predict(docs)
    width = vectors[0].shape[1]
    tokens, _ = join_rows(model.ops, vectors, width)
    sample = model.ops.alloc2f(1, width)
    corrections.initialize(X=Pairs(docs, _untyped(candidates), tokens), Y=sample)
    last = corrections.get_ref("output_layer")
    last.set_param("W", model.ops.xp.zeros_like(last.get_param("W")))
    output_layer.initialize(X=sample, Y=Y)
    return model


def pair_vectors(model: PairModelT, docs: Sequence[Doc], candidates: Candidates) -> FloatArray:
    """The vectors of pairs that are compared with those of labels.

    Args:
        model: a LabelPair model.
        docs: the documents.
        candidates: their pairs.

    Returns:
        vectors of length 1, on the host. *Shape:* ``(n_pairs, width)``
    """
    docs = list(docs)
    tokens, _ = _tokens(model, docs, False)
    parts = [_pairs(model, docs, part, tokens, False)[0] for part in _parts(candidates)]
    found: FloatArray = model.ops.to_numpy(unit_rows(model.ops.xp, model.ops.xp.concatenate(parts)))
    return found


def set_label_vectors(
    model: PairModelT,
    labels: FloatArray,
    nO: int,
    offset: float = 0.0,
    shifts: Optional[FloatArray] = None,
) -> None:
    """Ask about other labels from now on; weights stay as they are.

    Args:
        model: a LabelPair model.
        labels: a vector for each label. *Shape:* ``(n_labels, width)``
        nO: number of outputs: that of the labels, and one more for that of no relation, if there is one.
        offset: what is added to the score of each label.
        shifts: what is added to the cosines of each label; None: nothing. *Shape:* ``(n_labels,)``
    """
    set_labels(model.get_ref("output_layer"), labels, nO, offset, shifts)
    model.set_dim("nO", nO, force=True)


def resize_output(model: PairModelT, nO: int) -> PairModelT:
    """Give an initialised model another number of outputs; new ones score low until they have vectors.

    Args:
        model: a LabelPair model.
        nO: new number of outputs.
    """
    attrs = model.get_ref("output_layer").attrs
    labels, shifts = attrs["labels"], attrs["shifts"]
    n_labels = len(labels) + nO - model.get_dim("nO")
    resized = numpy.zeros((n_labels, labels.shape[1]), dtype="float32")
    resized[: len(labels)] = labels[:n_labels]
    if shifts is not None:
        shifts = numpy.append(shifts, numpy.zeros(n_labels))[:n_labels]
    set_label_vectors(model, resized, nO, attrs["offset"], shifts)
    return model


def move_outputs(model: PairModelT, groups: Sequence[Sequence[int]]) -> PairModelT:
    """Ask about other labels, each the mean of some there are, until others are read.

    Args:
        model: a LabelPair model.
        groups: for each new output the old ones that it stands for; that of no relation stays.
    """
    attrs = model.get_ref("output_layer").attrs
    labels, shifts = attrs["labels"], attrs["shifts"]
    n_first = model.get_dim("nO") - len(labels)
    rows = [[i - n_first for i in group] for group in groups[n_first:]]
    means = [labels[group].mean(axis=0) for group in rows]
    found = numpy.asarray(means, dtype="float32").reshape(-1, labels.shape[1])
    if shifts is not None:
        shifts = numpy.asarray([shifts[group].mean() for group in rows])
    set_label_vectors(model, found, len(groups), attrs["offset"], shifts)
    return model


def check_loaded(model: PairModelT) -> None:
    """Check label vectors that were loaded; see :func:`.label_scorer.check_labels`."""
    check_labels(model.get_ref("output_layer"))


def _tokens(
    model: PairModelT, docs: List[Doc], is_train: bool
) -> Tuple[Floats2d, Callable[[Floats2d], Any]]:
    """The vectors of all tokens. *Shape:* ``(n_tokens, width)``."""
    vectors, backprop_tok2vec = model.get_ref("tok2vec")(docs, is_train)
    width = model.get_ref("output_layer").get_dim("nI")
    tokens, split = join_rows(model.ops, vectors, width)
    return tokens, lambda d_tokens: backprop_tok2vec(split(d_tokens))


def _pairs(
    model: PairModelT, docs: List[Doc], candidates: Candidates, tokens: Floats2d, is_train: bool
) -> Tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    """The vectors of pairs, *Shape:* ``(n_pairs, width)``, and the way back to the tokens."""
    pairs = Pairs(docs, _untyped(candidates), tokens)
    corrections, backprop_corrections = model.get_ref("corrections")(pairs, is_train)
    runs = _sentences(docs, candidates, model.attrs["window"])
    means, backprop_means = run_means(model.ops, tokens, runs)
    vectors, ways_back = means + corrections, [backprop_means]
    if model.attrs["mention_weight"]:
        mentions, backprop_mentions = _mentions(model, docs, candidates, tokens)
        vectors += mentions
        ways_back.append(backprop_mentions)

    def backprop(d_vectors: Floats2d) -> Floats2d:
        d_tokens = backprop_corrections(d_vectors).tokens
        for way_back in ways_back:
            d_tokens = d_tokens + way_back(d_vectors)
        return d_tokens

    return vectors, backprop


def _untyped(candidates: Candidates) -> Candidates:
    """The candidates without the types of their mentions."""
    mentions = candidates.mentions
    return replace(candidates, mentions=replace(mentions, types=numpy.zeros_like(mentions.types)))


def _parts(candidates: Candidates) -> List[Candidates]:
    """The candidates in parts whose vectors fit into memory, at least one."""
    if candidates.n_pairs <= _BLOCK:
        return [candidates]
    rows = numpy.arange(candidates.n_pairs)
    return [
        candidates.select((rows >= part.start) & (rows < part.stop))
        for part in blocks(candidates.n_pairs, _BLOCK)
    ]


def _mentions(
    model: PairModelT, docs: Sequence[Doc], candidates: Candidates, tokens: Floats2d
) -> Tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    """The mean vectors of both mentions of each pair, added and weighted, and the way back."""
    weight, ops = model.attrs["mention_weight"], model.ops
    means, backprop_means = run_means(ops, tokens, _spans(docs, candidates))
    head, tail = on_device(ops, closest_mentions(candidates).T)

    def backprop(d_vectors: Floats2d) -> Floats2d:
        d_means = ops.alloc2f(*means.shape)
        for rows in (head, tail):
            ops.scatter_add(d_means, rows, weight * d_vectors)
        return backprop_means(d_means)

    return weight * (means[head] + means[tail]), backprop


def _spans(docs: Sequence[Doc], candidates: Candidates) -> Int32Array:
    """The tokens of the mentions, counted through the documents. *Shape:* ``(n_mentions, 2)``."""
    mentions = candidates.mentions
    lengths = numpy.asarray([len(doc) for doc in docs], dtype="int32")
    begins = numpy.cumsum(lengths) - lengths
    return (mentions.spans + begins[mentions.docs][:, None]).astype("int32")


def _sentences(docs: Sequence[Doc], candidates: Candidates, window: int) -> Int32Array:
    """The tokens of the sentences from the first mention of each pair to the second.

    Where sentences are not known, or long, those that are no further than `window` from the pair.

    Returns:
        *Shape:* ``(n_pairs, 2)``, start and exclusive end, counted through the documents
    """
    spans = _spans(docs, candidates)
    head, tail = closest_mentions(candidates).T
    start = numpy.minimum(spans[head, 0], spans[tail, 0])
    end = numpy.maximum(spans[head, 1], spans[tail, 1])
    starts, stops = [numpy.zeros(0, dtype="int32")], [numpy.zeros(0, dtype="int32")]
    begin = 0
    for doc in docs:
        numbers = sentence_numbers(doc)
        if numbers is None:
            numbers = numpy.zeros(len(doc), dtype="int32")
        starts.append(begin + numpy.searchsorted(numbers, numbers, side="left"))
        stops.append(begin + numpy.searchsorted(numbers, numbers, side="right"))
        begin += len(doc)
    low = numpy.maximum(numpy.concatenate(starts)[start], start - window)
    high = numpy.minimum(numpy.concatenate(stops)[end - 1], end + window)
    return numpy.stack([low, high], axis=1).astype("int32")
