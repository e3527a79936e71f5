"""``rel_component.EntityMarkers.v1``: every candidate pair as a sequence of its own, with markers.

This is the classic design of fine-tuned relation extraction, and the most expensive one, with one
pass of the encoder for each pair. See Baldini Soares et al. 2019 (https://aclanthology.org/P19-1279)
for entity starts, Wu and He 2019 (https://arxiv.org/abs/1905.08284) for [CLS] with mention means,
Zhou and Chen 2022 (https://aclanthology.org/2022.aacl-short.21) for typed markers, and Peng et al.
2020 (https://aclanthology.org/2020.emnlp-main.298) for masked mentions.
"""

import warnings
from typing import Any, Callable, Dict, List, Literal, Optional, Tuple

import numpy
from spacy.tokens import Doc
from thinc.api import ArgsKwargs, Dropout, Model, Relu, chain, torch2xp, xp2torch
from thinc.types import Floats2d

from ...candidates import Candidates, PairModelT
from ...errors import ConfigError
from ...layers.affine import Affine, move_outputs, resize_output
from ...layers.marked_sequences import MarkedSequences, Marks, SequenceBuilder
from ...layers.rows import blocks, gather_vectors
from ...layers.word_pieces import split_into_pieces
from ...types import Int32Array, Precision
from .mention_pairs import closest_mentions, unordered

InT = Tuple[List[Doc], Candidates]
OutT = Floats2d
Markers = Literal["untyped", "typed", "punctuation", "mask", "context"]

_ROLES = ("HEAD", "TAIL")
_PUNCTUATION = (("@", "*"), ("#", "^"))  # around head and tail, and around their types


def build_entity_markers(
    name: str,
    reset_layers: int = 0,
    markers: Markers = "typed",
    representation: List[str] = ["cls", "start", "mean", "between"],  # noqa: B006  # never changed
    type_words: Dict[str, str] = {},  # noqa: B006  # as above
    share_directions: bool = False,
    hidden_size: int = 256,
    dropout: float = 0.2,
    max_pieces: int = 4096,
    block_size: int = 1024,
    precision: Precision = "float32",
    grad_scaler_config: Dict[str, Any] = {},  # noqa: B006  # as above
    transformer_config: Dict[str, Any] = {},  # noqa: B006  # as above
    nO: Optional[int] = None,
) -> PairModelT:
    """Build an EntityMarkers model.

    A text that is longer than the encoder's window is cut to a window centred on the pair. A pair
    that fits in none is scored from two windows, one around each mention; a warning says how many
    there were. Of entities with several mentions, the two nearest to each other count.

    Args:
        name: a folder with an encoder, or its name on a hub; see
            :func:`~rel_component.models.encoder.build_encoder`, also for `precision` and
            `transformer_config`.
        reset_layers: number of the encoder's last layers that start from random weights.
        markers: ``untyped``: ``[HEAD] Ada [/HEAD]``; ``typed``:
            ``[HEAD:PERSON] Ada [/HEAD:PERSON]``; ``punctuation``: ``@ * person * Ada @`` and
            ``# ^ org ^ Acme #``, without new pieces; ``mask``: ``[HEAD:PERSON]`` in place of the
            name; ``context``: ``[HEAD]`` in its place.
        representation: vectors that represent a pair, side by side: ``cls``, ``start`` (the first
            markers), ``mean`` (of each mention), ``between`` (maximum of the pieces from one to the
            other).
        type_words: words for entity types, for ``punctuation``; otherwise the type in lower case.
        share_directions: whether the two directions of a pair share a sequence, at half the cost.
            The markers then say which mention is first in the text.
        hidden_size: width of the hidden layer.
        dropout: probability of dropping a value of the representation and of the hidden layer;
            training sets it to its own rate.
        max_pieces: the most word pieces that pass the encoder at a time, padding included.
        block_size: number of pairs whose sequences are in memory at a time in prediction. In
            training, the states inside the encoder are kept for `max_pieces` only and computed
            again in backprop.
        precision: type of number in which the encoder computes.
        grad_scaler_config: options of Thinc's ``PyTorchGradScaler`` for ``float16``.
        transformer_config: more arguments of ``from_pretrained``, e.g. a revision.
        nO: number of outputs; set by the component.

    Raises:
        ConfigError: if an option is unknown or out of range or the device cannot compute in
            `precision`, or at initialisation if the encoder is of an unsupported kind.
    """
    from ...layers.torch_encoder import EncoderShim
    from ...layers.torch_marked_sequences import REPRESENTATIONS, MarkedSequenceEncoder

    unknown = [part for part in representation if part not in REPRESENTATIONS]
    if unknown or not representation:
        raise ConfigError(
            f"representation {unknown or 'is empty'}; accepted: {', '.join(REPRESENTATIONS)}"
        )
    if max_pieces < 1 or block_size < 1:
        raise ConfigError("max_pieces and block_size must be 1 or more")
    output_layer = Affine(nO, hidden_size)
    hidden: Model[Floats2d, Floats2d] = chain(Dropout(dropout), Relu(hidden_size, dropout=dropout))
    shim = EncoderShim(MarkedSequenceEncoder, precision=precision, grad_scaler=grad_scaler_config)
    return Model(
        "entity_markers",
        forward,
        init=init,
        layers=[hidden, output_layer],
        shims=[shim],
        dims={"nO": nO},
        refs={"hidden": hidden, "output_layer": output_layer},
        attrs={
            "name": name,
            "transformer_config": transformer_config,
            "reset_layers": reset_layers,
            "markers": markers,
            "representation": representation,
            "type_words": type_words,
            "share_directions": share_directions,
            "max_pieces": max_pieces,
            "block_size": block_size,
            "resize_output": resize_output,
            "move_outputs": move_outputs,
            "sequence_per_pair": True,
        },
    )


def forward(model: PairModelT, X: InT, is_train: bool) -> Tuple[OutT, Callable[[OutT], Any]]:
    """The logits of the candidate pairs, with backprop to the encoder."""
    docs, candidates = X
    batch = _Batch(model, docs, candidates)
    if is_train and len(batch.mentions):
        logits, backprop = _update(model, batch)
    else:
        logits, backprop = _predict(model, batch), lambda d_logits: None
    batch.report()
    return logits, lambda d_logits: (backprop(d_logits), docs)[1]


def init(model: PairModelT, X: Optional[InT] = None, Y: Optional[OutT] = None) -> PairModelT:
    """Load the encoder, unless it has weights, and give it the markers of a sample."""
    shim: Any = model.shims[0]
    output_layer = model.get_ref("output_layer")
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
        output_layer.set_dim("nO", Y.shape[1])
    shim.load_pretrained(model.attrs, representation=model.attrs["representation"])
    if X is not None:
        shim._model.add_markers(_special_tokens(model.attrs["markers"], *X))
        shim.set_module(shim._model)
        sample = model.ops.alloc2f(1, shim._model.n_features)
        model.get_ref("hidden").initialize(X=sample)
    output_layer.initialize()
    return model


def _predict(model: PairModelT, batch: "_Batch") -> Floats2d:
    logits = model.ops.alloc2f(len(batch.mentions), model.get_dim("nO"))
    for rows in blocks(len(logits), model.attrs["block_size"]):
        sequences, of_pair = batch.sequences(rows)
        inputs = ArgsKwargs((sequences, model.attrs["max_pieces"]), {})
        features = model.ops.asarray(torch2xp(model.shims[0].predict(inputs)))
        features, _ = batch.by_pair(features, rows, of_pair)
        hidden = model.get_ref("hidden").predict(features)
        logits[rows] = model.get_ref("output_layer").predict(hidden)
    return logits


def _update(model: PairModelT, batch: "_Batch") -> Tuple[Floats2d, Callable[[Floats2d], None]]:
    everything = slice(0, len(batch.mentions))
    sequences, of_pair = batch.sequences(everything)
    inputs = ArgsKwargs((sequences, model.attrs["max_pieces"]), {})
    encoded, backprop_encoder = model.shims[0].begin_update(inputs)
    states = model.ops.asarray(torch2xp(encoded.detach()))
    features, backprop_pairs = batch.by_pair(states, everything, of_pair)
    hidden, backprop_hidden = model.get_ref("hidden")(features, True)
    logits, backprop_output = model.get_ref("output_layer")(hidden, True)

    def backprop(d_logits: Floats2d) -> None:
        d_features = backprop_hidden(backprop_output(d_logits))
        given = xp2torch(backprop_pairs(d_features), device=encoded.device)
        backprop_encoder(ArgsKwargs(((encoded,),), {"grad_tensors": (given,)}))

    return logits, backprop


def _special_tokens(markers: Markers, docs: List[Doc], candidates: Candidates) -> List[str]:
    """The special tokens that a kind of markers needs, for the entity types of a sample."""
    if markers == "punctuation":
        return []
    names = [*_ROLES]
    if markers in ("typed", "mask"):
        hashes = sorted({int(value) for value in candidates.mentions.types})
        types = [docs[0].vocab.strings[value] for value in hashes if value]
        names += [f"{role}:{name}" for name in sorted(types) for role in _ROLES]
    closing = markers in ("untyped", "typed")
    return [f"[{slash}{name}]" for name in names for slash in ("", "/")[: 1 + closing]]


class _Batch:
    """Turns pairs of a batch into marked sequences."""

    def __init__(self, model: PairModelT, docs: List[Doc], candidates: Candidates) -> None:
        module = model.shims[0]._model
        if module is None:
            raise ConfigError("EntityMarkers is not initialised: it has no encoder yet")
        self.ops, self.attrs, self._module = model.ops, model.attrs, module
        self._strings = docs[0].vocab.strings if docs else None
        self._candidates = candidates
        self.mentions = closest_mentions(candidates)  # (n_pairs, 2)
        self._pieces = split_into_pieces(module.tokenizer, docs)
        self._docs = candidates.mentions.docs
        self._marks: Dict[Tuple[int, int], Marks] = {}
        self._n_apart = self._n_cut = 0

    def sequences(self, rows: slice) -> Tuple[MarkedSequences, Int32Array]:
        """The sequences of some pairs, and for each pair the number of its sequence."""
        groups = self.mentions[rows]
        of_pair: Int32Array = numpy.arange(len(groups), dtype="int32")
        if self.attrs["share_directions"]:
            groups, of_pair = unordered(groups)
        before, after = self._module.special_ids
        builder = SequenceBuilder(self._module.max_pieces, before, after)
        spans, types = self._candidates.mentions.spans, self._candidates.mentions.types
        for group in groups:
            pieces = self._pieces[self._docs[group[0]]]
            runs = [(int(a), int(b)) for a, b in pieces.starts[spans[group]]]
            marks = [self._mark(role, int(types[m])) for role, m in enumerate(group)]
            builder.add(pieces.ids, runs, marks)
        sequences = builder.build()
        self._n_apart += sequences.n_apart
        self._n_cut += sequences.n_cut
        return sequences, of_pair

    def by_pair(
        self, features: Any, rows: slice, of_pair: Int32Array
    ) -> Tuple[Floats2d, Callable[[Floats2d], Any]]:
        """The representation of each pair, from that of its sequence, and the way back.

        Vectors of head and tail change places where the head is second in the text.
        """
        if not self.attrs["share_directions"]:
            return features, lambda d_features: d_features
        width = self._module.width
        straight = numpy.arange(features.shape[1] // width)
        crossed, n = straight.copy(), 0
        for name in self.attrs["representation"]:
            if name in ("start", "mean"):
                crossed[[n, n + 1]] = n + 1, n
                n += 1
            n += 1
        mentions = self.mentions[rows]
        order = numpy.where(mentions[:, :1] < mentions[:, 1:], straight, crossed)
        cells = of_pair[:, None] * len(straight) + order
        return gather_vectors(self.ops, features, cells, width)

    def _mark(self, role: int, type_hash: int) -> Marks:
        key = (role, type_hash)
        if key not in self._marks:
            type_name = self._strings[type_hash] if type_hash and self._strings else ""
            self._marks[key] = self._make_mark(role, type_name)
        return self._marks[key]

    def _make_mark(self, role: int, type_name: str) -> Marks:
        kind, tokenizer = self.attrs["markers"], self._module.tokenizer
        if kind == "punctuation":
            around, delimiter = _PUNCTUATION[role]
            word = self.attrs["type_words"].get(type_name, type_name.lower().replace("_", " "))
            text = f"{around} {delimiter} {word} {delimiter}" if word else around
            before = tokenizer.split(text)
            return Marks(before, tokenizer.split(around))
        vocabulary = tokenizer.added_tokens_encoder
        name = f"{_ROLES[role]}:{type_name}"
        if kind in ("untyped", "context") or f"[{name}]" not in vocabulary:
            name = _ROLES[role]
        if kind in ("mask", "context"):
            return Marks([vocabulary[f"[{name}]"]], [], replace=True)
        return Marks([vocabulary[f"[{name}]"]], [vocabulary[f"[/{name}]"]])

    def report(self) -> None:
        """Warn of pairs that do not fit into the encoder's window."""
        if self._n_apart or self._n_cut:
            warnings.warn(
                f"{self._n_apart} of {len(self.mentions)} pairs do not fit into one window of "
                f"{self._module.max_pieces} pieces and are scored from two; {self._n_cut} mentions "
                "are longer than that and are cut. Limit the distance with max_token_distance.",
                stacklevel=4,
            )
