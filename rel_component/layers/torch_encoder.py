"""Pretrained encoders with their tokenizers, and the shim that holds one."""

import warnings
from contextlib import contextmanager, nullcontext
from functools import partial
from multiprocessing.context import get_spawning_popen
from typing import (
    Any,
    Callable,
    ContextManager,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Tuple,
)

import numpy
import torch
from thinc.api import ArgsKwargs, Optimizer, PyTorchGradScaler, PyTorchShim, xp2torch
from thinc.util import get_torch_default_device
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..errors import ConfigError
from ..threads import limit_worker_threads
from ..types import Int32Array, Precision
from .torch_int8 import MAX_PIECES, has_int8, is_int8, to_int8
from .torch_int8_layers import Int8Layers
from .torch_saved import encoder_from_bytes, encoder_to_bytes
from .windows import padded_batches

_MIN_PIECES = {"cpu": 512, "cuda": 4096}  # enough to keep a device busy


class PretrainedEncoder(nn.Module):
    """An encoder with its tokenizer; subclasses may train parameters on top of it.

    A subclass that has parameters of its own keeps them in a submodule named ``head``.

    Args:
        encoder: a :class:`.torch_bert.BertEncoder`, or a model of the package transformers.
        tokenizer: its :class:`.piece_tokenizer.PieceTokenizer`.
    """

    def __init__(self, encoder: Any, tokenizer: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.is_int8 = is_int8(encoder)
        self._int8_layers = Int8Layers.of(encoder) if self.is_int8 else None

    @property
    def width(self) -> int:
        """Width of the hidden states."""
        return int(self.encoder.config.hidden_size)

    @property
    def max_pieces(self) -> int:
        """Number of pieces that fit into one window, without special tokens."""
        config = self.encoder.config
        limit = config.max_position_embeddings
        if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
            limit -= config.pad_token_id + 1  # positions are counted from there
        return int(min(limit, self.tokenizer.model_max_length)) - 2

    @property
    def special_ids(self) -> Tuple[int, int]:
        """Ids of the pieces before a text and after it."""
        return self.tokenizer.cls_token_id, self.tokenizer.sep_token_id

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return next(self.parameters()).device

    def index(self, values: Any) -> Tensor:
        """An array of the host as a tensor that indexes; integers become 64 bits wide."""
        if values.dtype == numpy.int32:
            values = values.astype("int64")
        return torch.from_numpy(numpy.ascontiguousarray(values)).to(self.device)

    def freeze_embeddings(self) -> None:
        """Let the embeddings of pieces learn nothing from now on."""
        self.encoder.get_input_embeddings().weight.requires_grad_(False)

    def encode(
        self,
        ids: Int32Array,
        bounds: Int32Array,
        max_pieces: int,
        *,
        added: Optional[Tensor] = None,
        n_last: int = 1,
        save_memory: bool = False,
    ) -> Tensor:
        """Hidden states of sequences, which lie one after the other without padding.

        Args:
            ids: ids of all pieces. *Shape:* ``(n_rows,)``
            bounds: first row of each sequence, and the number of rows. *Shape:*
                ``(n_sequences + 1,)``
            max_pieces: the most pieces that pass the encoder at a time, padding included.
            added: vectors to add to the embeddings of the pieces. *Shape:*
                ``(n_rows, embedding width)``
            n_last: number of layers whose states are returned, counted from the last one.
            save_memory: whether to use less memory in training: for more pieces than `max_pieces`,
                states inside the encoder are not kept but computed again in backprop.

        Returns:
            *Shape:* ``(n_last, n_rows, width)``
        """
        min_pieces = _MIN_PIECES.get(self.device.type, 0)
        if self.is_int8:
            max_pieces = min(max_pieces, MAX_PIECES)
        batches = padded_batches(bounds, max_pieces, min_pieces)
        # all batches at once: each look-up has a gradient as large as the vocabulary
        vectors = self.encoder.get_input_embeddings()(self.index(ids))  # (n_rows, embedding width)
        if added is not None:
            vectors = vectors + added
        parts: List[Tensor] = []
        for rows in batches:
            there = self.index(numpy.flatnonzero(rows >= 0))
            arguments = (vectors, self.index(rows), there, n_last)
            if save_memory and len(ids) > max_pieces and torch.is_grad_enabled():
                parts.append(checkpoint(self._encode, *arguments, use_reentrant=False))
            else:
                parts.append(self._encode(*arguments))
        order = numpy.concatenate([rows[rows >= 0] for rows in batches])
        return torch.cat(parts, dim=1)[:, self.index(numpy.argsort(order))]

    def _encode(self, vectors: Tensor, rows: Tensor, there: Tensor, n_last: int) -> Tensor:
        """Encode one batch. *Shape:* ``(n_last, n_pieces, width)``.

        Args:
            vectors: embeddings of all pieces. *Shape:* ``(n_rows, embedding width)``
            rows: row of each piece of the batch, -1 for padding. *Shape:*
                ``(n_sequences, length)``
            there: cells of `rows` that are no padding, counted through the batch. *Shape:*
                ``(n_pieces,)``
            n_last: see :meth:`encode`.
        """
        is_used = n_last == 1 and vectors.device.type == "cpu" and not torch.is_grad_enabled()
        if self._int8_layers is not None and is_used:
            return self._int8_layers(vectors[rows], rows >= 0)[there][None]
        states = self.encoder(
            # padding takes an arbitrary row; the attention mask hides it
            inputs_embeds=vectors[rows],
            attention_mask=(rows >= 0).long(),
            output_hidden_states=n_last > 1,
        )
        last = states.hidden_states[-n_last:] if n_last > 1 else [states.last_hidden_state]
        return torch.stack([H.flatten(0, 1)[there] for H in last])

    def mean_by_token(self, states: Tensor, tokens: Int32Array, n_tokens: int) -> Tensor:
        """Means of the states of the pieces of each token, zeros for a token without pieces.

        Args:
            states: states of the pieces. *Shape:* ``(n_pieces, width)``
            tokens: token of each piece. *Shape:* ``(n_pieces,)``
            n_tokens: number of tokens of all documents.

        Returns:
            *Shape:* ``(n_tokens, width)``
        """
        pieces = states.float()
        counts = numpy.bincount(tokens, minlength=n_tokens)
        means = pieces.new_zeros(n_tokens, states.shape[1])
        means = means.index_add(0, self.index(tokens), pieces)
        return means / self.index(numpy.maximum(counts, 1))[:, None]

    def options(self) -> Dict[str, Any]:
        """The arguments of the class beside encoder and tokenizer, which are saved with the module."""
        return {}


class EncoderShim(PyTorchShim):
    """A Thinc shim around a :class:`PretrainedEncoder`, empty until one is set or loaded.

    Args:
        build: class of the module, called with encoder, tokenizer and the options of the module.
        precision: type of number in which to compute; gradients are scaled in float16.
        grad_scaler: options of :class:`thinc.shims.PyTorchGradScaler`.

    Raises:
        ConfigError: if the device cannot compute in this precision.
    """

    def __init__(
        self,
        build: Callable[..., PretrainedEncoder],
        *,
        precision: Precision,
        grad_scaler: Dict[str, Any],
    ) -> None:
        limit_worker_threads()
        device = get_torch_default_device().type
        _check_precision(precision, device)
        self._build = build
        self._is_int8 = precision == "int8"
        self._device_type = device
        self._predicts_in, self._trains_in = _dtypes(precision, device)
        scaling = {"enabled": precision == "float16", **grad_scaler}
        self._scales_gradients = bool(scaling["enabled"])
        super().__init__(
            None,
            # Thinc computes in the type of the surrounding `autocast`, and without one if False
            mixed_precision=device == "cuda" and precision in ("float16", "bfloat16"),
            grad_scaler=PyTorchGradScaler(**scaling),
            serialize_model=encoder_to_bytes,
            deserialize_model=partial(encoder_from_bytes, build, self._is_int8),
        )

    def predict(self, inputs: ArgsKwargs) -> Any:
        """Call the module without gradients, in the precision of use."""
        # Thinc's own method leaves the module in training mode, with dropout, while other threads
        # are still predicting.
        if self._model.training:
            self._model.eval()
        with torch.no_grad(), self._autocast(self._predicts_in):
            return self._model(*inputs.args, **inputs.kwargs)

    def attribute(self, inputs: ArgsKwargs, backprop: Callable[[Any], Iterable[Any]]) -> Any:
        """Gradients of the embeddings of pieces; nothing is learned, and nothing dropped.

        Args:
            inputs: arguments of the module, which looks up embeddings once.
            backprop: gives gradients of the module's output, a tensor, for that output: one for each
                number that is explained.

        Returns:
            the gradient half-way from embeddings of nothing but masks, times the distance from these,
            summed over the width. *Shape:* ``(n_gradients, n_rows)``, on the host
        """
        layer = self._model.encoder.get_input_embeddings()
        mask = self._model.tokenizer.mask_token_id
        given: List[Tensor] = []

        def move(_: Any, ids: Any, output: Tensor) -> Tensor:
            start = layer.weight[mask].detach() if mask is not None else 0.0
            distance = output.detach() - start
            given[:] = [(start + 0.5 * distance).requires_grad_(), distance]
            return given[0]

        self._model.eval()
        hook = layer.register_forward_hook(move)
        try:
            with torch.enable_grad(), self._autocast(self._predicts_in):
                output = self._model(*inputs.args, **inputs.kwargs)
        finally:
            hook.remove()
        found = []
        for gradient in backprop(output.detach()):
            (d_vectors,) = torch.autograd.grad(
                output, given[:1], grad_outputs=gradient, retain_graph=True
            )
            found.append((d_vectors * given[1]).sum(dim=-1).float())
        return torch.stack(found).cpu().numpy()

    def begin_update(self, inputs: ArgsKwargs) -> Any:
        """Call the module in the precision of training.

        Raises:
            ConfigError: if it is in int8.
        """
        if self._is_int8:
            raise ConfigError(
                'an encoder in precision "int8" cannot be trained: train the pipeline that it was made '
                'from, and make it anew with "python -m spacy rel quantize"; or name its component in '
                "training.frozen_components"
            )
        with self._autocast(self._trains_in):
            return super().begin_update(inputs)

    def __getstate__(self) -> Dict[str, Any]:
        """The attributes, with the module as bytes for a process that is about to be spawned.

        PyTorch would send a file for each of its tensors, of which a fork server takes 256.
        """
        state = dict(self.__dict__)
        if self._model is not None and get_spawning_popen() is not None:
            state["_model"] = encoder_to_bytes(self._model)
        return state

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)
        if isinstance(self._model, bytes):
            data, self._model = self._model, None
            self._model = self._deserialize_model(None, data, get_torch_default_device())

    def _autocast(self, dtype: torch.dtype) -> ContextManager[Any]:
        if dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self._device_type, dtype=dtype)

    def finish_update(self, optimizer: Optimizer) -> None:
        """Update all parameters, at once if the optimizer can."""
        update = getattr(optimizer, "update_parameters", None)
        if update is None or self._scales_gradients:  # scaled gradients may have to be skipped
            keeps = not isinstance(optimizer, Optimizer)
            super().finish_update(_given_copies(optimizer) if keeps else optimizer)
        else:
            update(self.id, dict(self._model.named_parameters()))

    @contextmanager
    def use_params(self, params: Dict[Any, Any]) -> Iterator[None]:
        """Replace parameters for a while.

        Args:
            params: values by the keys of an optimizer, ``(id of the shim, name)``; parameters
                without a value stay as they are.
        """
        own = dict(self._model.named_parameters()) if self._model is not None else {}
        found = {name: params[self.id, name] for name in own if (self.id, name) in params}
        backup = {name: own[name].data for name in found}
        for name, values in found.items():
            own[name].data = xp2torch(values, device=self.device)
        try:
            yield
        finally:
            for name, data in backup.items():
                own[name].data = data

    def load_pretrained(self, attrs: Mapping[str, Any], **options: Any) -> None:
        """Load the encoder that the attributes of a model name, unless there is a module already.

        Args:
            attrs: attributes ``name``, ``transformer_config`` and ``reset_layers`` of the model.
            options: options of the module.
        """
        if self._model is None:
            from .torch_pretrained import load_pretrained

            names = ("name", "transformer_config", "reset_layers")
            encoder, tokenizer = load_pretrained(*(attrs[name] for name in names))
            if self._is_int8:
                to_int8(encoder)
            self.set_module(self._build(encoder, tokenizer, **options))

    def set_module(self, module: PretrainedEncoder) -> None:
        """Move a module to the device in use and hold it."""
        self._model = module.to(get_torch_default_device())


def _given_copies(collect: Any) -> Any:
    """What keeps gradients for later, as ``nlp.rehearse`` does, with copies of them.

    Thinc's shim sets its own to zero at once.
    """
    return lambda key, weights, gradient: collect(key, weights, gradient.copy())


def _check_precision(precision: Precision, device: str) -> None:
    if precision == "float16" and device != "cuda":
        raise ConfigError(
            'precision "float16" needs a GPU. Set precision to "bfloat16", "float32" or "auto" in '
            'the config, or in spacy.load(path, config={"components.NAME.model.precision": ...}).'
        )
    if precision == "bfloat16" and device == "cpu" and not has_bfloat16():
        warnings.warn(
            "This CPU has no instructions for bfloat16, in which it computes many times slower than "
            'in float32; set precision to "auto" or "float32".',
            stacklevel=2,
        )
    if precision == "int8" and not (device == "cpu" and has_int8()):
        warnings.warn(
            'Precision "int8" is faster than float32 on a CPU with instructions for it (VNNI or AMX). '
            "PyTorch finds none here, and an encoder with weights in int8 computes in float32.",
            stacklevel=2,
        )
    if precision == "bfloat16" and device == "cuda" and not torch.cuda.is_bf16_supported():
        raise ConfigError(
            'This GPU does not compute in precision "bfloat16"; set "float16", "float32" or "auto".'
        )


def _dtypes(precision: Precision, device: str) -> Tuple[torch.dtype, torch.dtype]:
    """The types of number in use and in training."""
    if precision == "auto":
        fast = device == "cpu" and has_bfloat16()
        return torch.float32, torch.bfloat16 if fast else torch.float32
    dtype: torch.dtype = getattr(torch, "float32" if precision == "int8" else precision)
    return dtype, dtype


def has_bfloat16() -> bool:
    """Whether the CPU has instructions for bfloat16, as far as PyTorch can tell."""
    capabilities: Dict[str, Any] = getattr(
        torch.cpu, "get_capabilities", dict
    )()  # newer than the oldest PyTorch
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
