"""BERT and the encoders that are built like it, without the package transformers.

That package takes as long to import as spaCy and PyTorch together. Encoders of the usual form are
computed here, by the same operations on parameters of the same names (Devlin et al. 2019,
https://aclanthology.org/N19-1423; RoBERTa counts positions from another number); others remain modules
of transformers.
"""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Dict, List, Mapping, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KINDS = ("bert", "roberta", "xlm-roberta", "camembert")
"""Values of ``model_type`` of the encoders that are built like BERT."""

# what no usual encoder has: (option, its usual values)
_USUAL: Dict[str, Tuple[Any, ...]] = {
    "hidden_act": ("gelu",),
    "position_embedding_type": ("absolute", None),
    "is_decoder": (False, None),
    "add_cross_attention": (False, None),
    "chunk_size_feed_forward": (0, None),
    "pruned_heads": ({}, None),
}


@dataclass
class BertConfig:
    """The options of an encoder, by the names that they have in transformers."""

    model_type: str
    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    hidden_act: str
    hidden_dropout_prob: float
    attention_probs_dropout_prob: float
    max_position_embeddings: int
    type_vocab_size: int
    initializer_range: float
    layer_norm_eps: float
    pad_token_id: int

    @classmethod
    def of(cls, settings: Mapping[str, Any], largest: int) -> Optional["BertConfig"]:
        """The options of an encoder; None if it is of another form, or an option is odd.

        Args:
            settings: its options.
            largest: the largest number that an option may be.
        """
        values: Dict[str, Any] = {field.name: settings.get(field.name) for field in fields(cls)}
        numbers = [
            value for key, value in values.items() if key not in ("model_type", "hidden_act")
        ]
        is_usual = (
            values["model_type"] in KINDS
            and all(settings.get(key, usual[-1]) in usual for key, usual in _USUAL.items())
            and all(type(number) in (int, float) and 0 <= number <= largest for number in numbers)
        )
        if not is_usual:
            return None
        config = cls(**values)
        whole = (value for name, value in values.items() if cls.__annotations__[name] is int)
        fits = all(isinstance(number, int) for number in whole) and config.num_attention_heads > 0
        fits = fits and config.hidden_size % config.num_attention_heads == 0
        return config if fits and config.pad_token_id < config.vocab_size else None

    def to_dict(self) -> Dict[str, Any]:
        """The options by name."""
        return asdict(self)


@dataclass(frozen=True)
class States:
    """What an encoder returns.

    Attributes:
        last_hidden_state: *Shape:* ``(n_sequences, length, width)``
        hidden_states: those of the embeddings and of each layer, if they were asked for.
        attentions: shares of each layer, if they were asked for. *Shape:*
            ``(n_sequences, n_heads, length, length)``
    """

    last_hidden_state: Tensor
    hidden_states: Optional[Tuple[Tensor, ...]] = None
    attentions: Optional[Tuple[Tensor, ...]] = None


class BertEncoder(nn.Module):
    """Embeddings and layers; all parameters have the names that they have in transformers.

    Its weights are those of a saved or a pretrained encoder: none are drawn at random.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = _Embeddings(config)
        self.encoder = _Layers(config)

    def forward(
        self,
        inputs_embeds: Optional[Tensor] = None,
        attention_mask: Optional[Tensor] = None,
        *,
        input_ids: Optional[Tensor] = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> States:
        """Encode sequences.

        Args:
            inputs_embeds: embeddings of their pieces. *Shape:* ``(n_sequences, length, width)``
            attention_mask: 1 for a piece, 0 for padding; None: there is no padding. *Shape:*
                ``(n_sequences, length)``
            input_ids: the pieces, if their embeddings are not given. *Shape:*
                ``(n_sequences, length)``
            output_hidden_states: whether the states of all layers are returned.
            output_attentions: whether what each piece attends to is returned.
        """
        if inputs_embeds is None:
            inputs_embeds = self.embeddings.word_embeddings(input_ids)
        X = self.embeddings(inputs_embeds)
        mask, padding = None, None
        if attention_mask is not None and not bool(torch.all(attention_mask == 1)):
            hidden = attention_mask[:, None, None, :] == 0
            n_sequences, length = attention_mask.shape
            mask = torch.zeros(n_sequences, 1, length, length, dtype=X.dtype, device=X.device)
            mask = mask.masked_fill(hidden, torch.finfo(X.dtype).min)
            # on a GPU, launching more kernels costs more than padding does
            padding = _Padding(attention_mask) if X.device.type == "cpu" else None
        X = X if padding is None else padding.strip(X)
        states = [X]
        attentions: List[Tensor] = []
        for layer in self.encoder.layer:
            X, shares = layer(X, mask, output_attentions, padding)
            states.append(X)
            attentions.append(shares)
        kept = states if output_hidden_states else states[-1:]
        kept = kept if padding is None else [padding.fill(H) for H in kept]
        return States(
            kept[-1],
            hidden_states=tuple(kept) if output_hidden_states else None,
            attentions=tuple(attentions) if output_attentions else None,
        )

    def get_input_embeddings(self) -> nn.Embedding:
        """The embeddings of pieces."""
        return self.embeddings.word_embeddings

    def resize_token_embeddings(self, n_pieces: int, **_: Any) -> None:
        """Add embeddings of more pieces, with random weights.

        Args:
            n_pieces: number of pieces, at least as many as there are.
        """
        old = self.embeddings.word_embeddings
        new = nn.Embedding(n_pieces, old.embedding_dim, device=old.weight.device)
        with torch.no_grad():
            new.weight.normal_(mean=0.0, std=self.config.initializer_range)
            new.weight[: old.num_embeddings] = old.weight
        new.padding_idx = old.padding_idx
        self.embeddings.word_embeddings = new
        self.config.vocab_size = n_pieces


class _Embeddings(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width, padding = config.hidden_size, config.pad_token_id
        is_bert = config.model_type == "bert"
        self.word_embeddings = _embedding(config.vocab_size, width, padding)
        n_positions = config.max_position_embeddings
        self.position_embeddings = _embedding(n_positions, width, None if is_bert else padding)
        self.token_type_embeddings = _embedding(config.type_vocab_size, width, None)
        self.LayerNorm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.first_position = 0 if is_bert else padding + 1

    def forward(self, pieces: Tensor) -> Tensor:
        n_sequences, length, _ = pieces.shape
        places = torch.arange(
            self.first_position, self.first_position + length, device=pieces.device
        )
        types = torch.zeros_like(places).expand(n_sequences, length)
        X = pieces + self.token_type_embeddings(types)
        X = X + self.position_embeddings(places[None])
        normed: Tensor = self.dropout(self.LayerNorm(X))
        return normed


def _embedding(n_rows: int, width: int, padding: Optional[int]) -> nn.Embedding:
    """An embedding without the random weights that a new one has.

    On the device "meta", PyTorch would import its compiler for them, which takes a second.
    """
    weights = torch.empty(n_rows, width)
    return nn.Embedding.from_pretrained(weights, freeze=False, padding_idx=padding)


class _Padding:
    """Where sequences of a batch are padded: all of a layer but its attention does without."""

    def __init__(self, attention_mask: Tensor) -> None:
        self.shape = attention_mask.shape  # (n_sequences, length)
        self.there = attention_mask.flatten().nonzero().flatten()  # (n_pieces,)

    def strip(self, X: Tensor) -> Tensor:
        """Take the padding out. *Shape:* ``(n_pieces, width)``."""
        return X.flatten(0, 1).index_select(0, self.there)

    def fill(self, X: Tensor) -> Tensor:
        """Put zeros where there is padding. *Shape:* ``(n_sequences, length, width)``."""
        filled = X.new_zeros(self.shape.numel(), X.shape[-1]).index_copy(0, self.there, X)
        return filled.view(*self.shape, -1)


class _Layers(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))


class _Layer(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = _AttentionAndOutput(config)
        self.intermediate = _Intermediate(config)
        self.output = _Output(config.intermediate_size, config)

    def forward(
        self,
        X: Tensor,
        attention_mask: Optional[Tensor] = None,
        with_shares: bool = False,
        padding: Optional[_Padding] = None,
    ) -> Tuple[Tensor, Optional[Tensor]]:
        context, shares = self.attention.self(X, attention_mask, with_shares, padding)
        hidden = self.attention.output(context, X)
        return self.output(self.intermediate(hidden), hidden), shares


class _AttentionAndOutput(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.self = _Attention(config)
        self.output = _Output(config.hidden_size, config)


class _Attention(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.n_heads = config.num_attention_heads
        self.dropout = config.attention_probs_dropout_prob

    def forward(
        self,
        X: Tensor,
        mask: Optional[Tensor],
        with_shares: bool,
        padding: Optional[_Padding],
    ) -> Tuple[Tensor, Optional[Tensor]]:
        projected = [f(X) for f in (self.query, self.key, self.value)]
        if padding is not None:
            projected = [padding.fill(Y) for Y in projected]
        heads = (*projected[0].shape[:2], self.n_heads, -1)
        # (n_sequences, n_heads, length, width of a head)
        q, k, v = (Y.view(heads).transpose(1, 2) for Y in projected)
        shares = None
        if with_shares:
            scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1])
            shares = (scores if mask is None else scores + mask).softmax(dim=-1)
        dropout = self.dropout if self.training else 0.0
        context = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
        context = context.transpose(1, 2).flatten(2)  # (n_sequences, length, width)
        return context if padding is None else padding.strip(context), shares


class _Intermediate(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)

    def forward(self, X: Tensor) -> Tensor:
        return F.gelu(self.dense(X))


class _Output(nn.Module):
    """A linear layer, added to what a part of a layer has read."""

    def __init__(self, n_inputs: int, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(n_inputs, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, X: Tensor, before: Tensor) -> Tensor:
        normed: Tensor = self.LayerNorm(self.dropout(self.dense(X)) + before)
        return normed
