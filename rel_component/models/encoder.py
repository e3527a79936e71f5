"""``rel_component.Encoder.v1``: token vectors of a pretrained encoder, and a listener to share them.

The encoder is one from the package transformers, fine-tuned with the layers on top of it. It fits
wherever spaCy takes a tok2vec layer. Sequences of similar lengths form a batch.
"""

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, cast

import numpy
from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.pipeline.tok2vec import forward as listen
from spacy.tokens import Doc
from thinc.api import ArgsKwargs, Model, torch2xp, xp2torch
from thinc.types import Floats2d

from ..errors import ConfigError
from ..layers.rows import join_rows
from ..layers.windows import make_windows
from ..layers.word_pieces import split_into_pieces, tokens_inside_pieces, tokens_of_pieces
from ..types import FloatArray, Precision

InT = List[Doc]
OutT = List[Floats2d]


def build_encoder(
    name: str,
    precision: Precision = "float32",
    reset_layers: int = 0,
    max_pieces: int = 4096,
    overlap: float = 0.5,
    grad_scaler_config: Dict[str, Any] = {},  # noqa: B006  # never changed; shown in filled configs
    transformer_config: Dict[str, Any] = {},  # noqa: B006  # as above
    adapter_rank: int = 0,
    frozen_embeddings: bool = False,
) -> Model[List[Doc], List[Floats2d]]:
    """Build an Encoder, whose vector of a token is the mean of the last states of its word pieces.

    Args:
        name: a folder with an encoder, or the name of one on a hub; see ``SUPPORTED`` in
            ``layers/torch_saved.py``. Saved pipelines hold the encoder and do not read it again.
        precision: type of number in which the encoder computes where PyTorch considers it safe, in
            training and in use. ``float16`` needs a GPU, and ``bfloat16`` is slow on a device
            without instructions for it. ``auto``: ``bfloat16`` in training on a CPU that has them,
            ``float32`` otherwise. ``int8`` cannot be trained; see :func:`rel_component.quantize`.
        reset_layers: number of the encoder's last layers that start from random weights. The last
            layers of an encoder have specialised in what it was trained for before, see Zhang et
            al. 2021 (https://arxiv.org/abs/2006.05987).
        max_pieces: the most word pieces that pass the encoder at a time, padding included. For
            more, training computes the states inside the encoder twice.
        overlap: the least share of a window that the next one covers again, in [0, 0.5], in
            texts that are longer than the encoder's window. 0.5 gives every token much context on both
            sides, and encodes long texts almost twice.
        grad_scaler_config: options of Thinc's ``PyTorchGradScaler`` for ``float16``.
        transformer_config: more arguments of ``from_pretrained``, e.g. a revision, and other values
            for options of the encoder, e.g. ``attention_probs_dropout_prob``.
        adapter_rank: width of low-rank adapters in all linear layers, see ``layers/torch_adapters.py``.
            They alone learn then, and the encoder can still be asked what it knew before; 0: the
            encoder itself learns.
        frozen_embeddings: whether the vectors of word pieces stay as they are. They are most of the
            parameters of a small encoder with many pieces, and cost as much time.

    Returns:
        a model whose output for each document has the *Shape:* ``(n_tokens, width)``

    Raises:
        ConfigError: if a number is out of range or the device cannot compute in `precision`, or at
            initialisation if the encoder is of an unsupported kind.
    """
    from ..layers.torch_encoder import EncoderShim
    from ..layers.torch_token_encoder import TokenEncoder

    if max_pieces < 1:
        raise ConfigError(f"max_pieces must be 1 or more, got {max_pieces}")
    if not 0.0 <= overlap <= 0.5:
        raise ConfigError(f"overlap must lie in [0, 0.5], got {overlap}")
    if adapter_rank < 0 or adapter_rank > _HIGHEST_RANK:
        raise ConfigError(f"adapter_rank must lie in [0, {_HIGHEST_RANK}], got {adapter_rank}")
    shim = EncoderShim(TokenEncoder, precision=precision, grad_scaler=grad_scaler_config)
    return Model(
        "encoder",
        forward,
        init=init,
        shims=[shim],
        dims={"nO": None},
        attrs={
            "name": name,
            "transformer_config": transformer_config,
            "reset_layers": reset_layers,
            "max_pieces": max_pieces,
            "overlap": overlap,
            "adapter_rank": adapter_rank,
            "frozen_embeddings": frozen_embeddings,
        },
    )


_HIGHEST_RANK = 1024


def forward(
    model: Model[InT, OutT], docs: InT, is_train: bool
) -> Tuple[OutT, Callable[[OutT], InT]]:
    """The token vectors of documents, with backprop to the encoder."""
    shim: Any = model.shims[0]
    module = shim._model
    if module is None:
        raise ConfigError("Encoder is not initialised: it has no weights yet")
    if not docs:
        return [], lambda d_outputs: docs
    n_tokens = [len(doc) for doc in docs]
    inputs = encoder_inputs(model, docs)
    if is_train:
        if model.attrs["frozen_embeddings"]:
            module.freeze_embeddings()
        vectors, backprop_shim = shim.begin_update(inputs)
    else:
        vectors = shim.predict(inputs)
    tokens = cast(Floats2d, model.ops.asarray(torch2xp(vectors.detach())))
    splits = numpy.cumsum(n_tokens)[:-1].tolist()
    outputs = model.ops.xp.split(tokens, splits)[: len(docs)]

    def backprop(d_outputs: OutT) -> InT:
        gradient, _ = join_rows(model.ops, d_outputs, tokens.shape[1])
        given = xp2torch(gradient, device=vectors.device)
        backprop_shim(ArgsKwargs((vectors,), {"grad_tensors": given}))
        return docs

    return outputs, backprop


def encoder_inputs(model: Model[InT, OutT], docs: InT) -> ArgsKwargs:
    """The arguments of :meth:`.TokenEncoder.forward` for documents."""
    module: Any = cast(Any, model.shims[0])._model
    pieces = split_into_pieces(module.tokenizer, docs)
    before, after = module.special_ids
    size, overlap = module.max_pieces, model.attrs["overlap"]
    windows = make_windows(pieces, size, before=before, after=after, overlap=overlap)
    n_tokens = sum(len(doc) for doc in docs)
    arguments = (windows, tokens_of_pieces(pieces), n_tokens, model.attrs["max_pieces"])
    return ArgsKwargs(arguments, {"inside": tokens_inside_pieces(pieces)})


def init(
    model: Model[InT, OutT], X: Optional[InT] = None, Y: Optional[OutT] = None
) -> Model[InT, OutT]:
    """Load the encoder, unless it has weights, and take its width."""
    shim: Any = model.shims[0]
    options = {"adapter_rank": model.attrs["adapter_rank"]} if model.attrs["adapter_rank"] else {}
    shim.load_pretrained(model.attrs, **options)
    model.set_dim("nO", shim._model.width)
    return model


def encode_sentences(model: Model[InT, OutT], texts: Sequence[str]) -> FloatArray:
    """What the encoder, without its adapters, makes of texts: the mean of all states of each.

    That is what sentence encoders such as MiniLM were trained for.

    Args:
        model: a model of :func:`build_encoder` with weights.
        texts: the texts; the first pieces of long ones count.

    Returns:
        vectors of length 1, on the host. *Shape:* ``(n_texts, width)``
    """
    module: Any = cast(Any, model.shims[0])._model
    before, after = module.special_ids
    size = min(module.max_pieces, _MAX_SENTENCE)
    sequences = [[before, *module.tokenizer.split(text)[:size], after] for text in texts]
    if not sequences:
        return numpy.zeros((0, module.width), dtype="float32")
    ids = numpy.concatenate(sequences).astype("int32")
    bounds = numpy.cumsum([0, *map(len, sequences)]).astype("int32")
    means: FloatArray = module.sentences(ids, bounds, model.attrs["max_pieces"])
    return means / numpy.maximum(numpy.linalg.norm(means, axis=1, keepdims=True), 1e-12)


_MAX_SENTENCE = 256  # pieces


class EncoderListener(Tok2VecListener):
    """Takes the place of an encoder that a component earlier in the pipeline holds.

    See :func:`build_listener`.
    """

    name = "encoder_listener"

    def __init__(self, upstream: str, grad_factor: float) -> None:
        super().__init__(upstream, cast(int, None))  # the encoder will tell its width
        self._func = _listen
        self.attrs["grad_factor"] = grad_factor

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Copies, pickled ones among them, start without the batch of the last update."""
        make, arguments, (own, slots), *rest = cast(Any, super().__reduce_ex__(protocol))
        batch = dict.fromkeys(("_batch_id", "_outputs", "_backprop"))
        return (make, arguments, ({**own, **batch}, slots), *rest)


def _listen(
    model: EncoderListener, docs: InT, is_train: bool
) -> Tuple[OutT, Callable[[OutT], Any]]:
    outputs, backprop = listen(model, docs, is_train)
    if not is_train:
        return outputs, backprop
    for doc, vectors in zip(docs, outputs):
        if not doc.tensor.size:  # where a component that annotates during the update will look
            doc.tensor = vectors
    factor = model.attrs["grad_factor"]
    if factor == 1.0:
        return outputs, backprop
    return outputs, lambda d_outputs: backprop([factor * gradient for gradient in d_outputs])


def build_listener(upstream: str = "*", grad_factor: float = 1.0) -> Model[InT, OutT]:
    """Listen to the component ``shared_encoder`` (``rel_component.EncoderListener.v1``).

    Args:
        upstream: name of that component; ``*``: any name.
        grad_factor: factor of the gradient that the encoder is sent: the weight of this component
            beside the others in training the encoder.
    """
    return EncoderListener(upstream, grad_factor)
