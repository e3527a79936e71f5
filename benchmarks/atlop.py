"""ATLOP over any encoder, to compare with: Zhou et al. 2021, https://arxiv.org/abs/2010.11304.

Made from the paper: ``*`` before and after every mention, logsumexp over the mentions of an entity,
localized context from the attention of the last layer, a grouped bilinear classifier, the adaptive
threshold. Evidence is the sentences with most of the localized context, which nothing has taught it.
"""

import random
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy
import torch
from spacy.tokens import Doc
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, get_linear_schedule_with_warmup

from rel_component.evaluation.document_scores import DocumentRelations
from rel_component.losses import configure_adaptive_threshold
from rel_component.types import NO_RELATION

_WINDOW = 512
_MOST_LABELS = 4
EVIDENCE = 0.2
"""The share of the context of a pair above which a sentence is evidence, see EvidenceOptions."""


class Input(NamedTuple):
    """A document as the model takes it.

    Attributes:
        pieces: word pieces, with markers and special tokens. *Shape:* ``(n_pieces,)``
        sentences: of the pieces. *Shape:* ``(n_pieces,)``
        entities: for each entity, the places of the markers before its mentions.
        pairs: all ordered pairs of entities. *Shape:* ``(n_pairs, 2)``
    """

    pieces: List[int]
    sentences: List[int]
    entities: List[List[int]]
    pairs: List[Tuple[int, int]]


class Atlop(nn.Module):
    """The model of the paper.

    Args:
        encoder: a folder, or a name on a hub.
        n_outputs: number of labels and one, for the threshold.
        block: width of the blocks of the bilinear layer.
    """

    def __init__(self, encoder: str, n_outputs: int, block: int = 64) -> None:
        super().__init__()
        self.tokenizer = AutoTokenizer.from_pretrained(encoder)
        self.encoder = AutoModel.from_pretrained(encoder, attn_implementation="eager")
        width = self.encoder.config.hidden_size
        self.block = block
        self.head = nn.Linear(2 * width, width)
        self.tail = nn.Linear(2 * width, width)
        self.output = nn.Linear(width * block, n_outputs)

    def read(self, doc: Doc, entities: Sequence[Sequence[Tuple[int, int]]]) -> Input:
        """Mark the mentions of a document, whose entities are given as ranges of tokens."""
        starts = {start for entity in entities for start, _ in entity}
        ends = {end - 1 for entity in entities for _, end in entity}
        marker = self.tokenizer.convert_tokens_to_ids("*")
        pieces = [self.tokenizer.cls_token_id]
        sentences: List[int] = []
        number = -1
        places: Dict[int, int] = {}
        for token in doc:
            number += bool(token.is_sent_start)
            if token.i in starts:
                places[token.i] = len(pieces)
                pieces.append(marker)
            pieces += self.tokenizer(token.text, add_special_tokens=False)["input_ids"]
            if token.i in ends:
                pieces.append(marker)
            sentences += [number] * (len(pieces) - len(sentences))
        pieces = [*pieces[: 2 * _WINDOW - 1], self.tokenizer.sep_token_id]
        seen = [
            [places[start] for start, _ in entity if places[start] < len(pieces) - 1]
            for entity in entities
        ]
        n = len(entities)
        sentences = [*sentences[: len(pieces) - 1], number]
        return Input(
            pieces, sentences, seen, [(h, t) for h in range(n) for t in range(n) if h != t]
        )

    def encode(self, pieces: List[int]) -> Tuple[Tensor, Tensor]:
        """States and attention of the last layer; in two windows, averaged where they overlap."""
        n = len(pieces)
        begins = [0] if n <= _WINDOW else [0, n - _WINDOW]
        states = torch.zeros(n, self.encoder.config.hidden_size)
        attention = torch.zeros(self.encoder.config.num_attention_heads, n, n)
        counts, pair_counts = torch.zeros(n, 1), torch.zeros(n, n)
        for begin in begins:
            rows = slice(begin, min(begin + _WINDOW, n))
            output = self.encoder(torch.tensor([pieces[rows]]), output_attentions=True)
            states[rows] = states[rows] + output.last_hidden_state[0]
            attention[:, rows, rows] = attention[:, rows, rows] + output.attentions[-1][0]
            counts[rows] += 1
            pair_counts[rows, rows] += 1
        return states / counts, attention / pair_counts.clamp(min=1)

    def forward(self, document: Input) -> Tuple[Tensor, Tensor]:
        """Logits, the threshold first, and the shares of the pieces in the localized contexts.

        *Shape:* ``(n_pairs, n_outputs)`` and ``(n_pairs, n_pieces)``
        """
        states, attention = self.encode(document.pieces)
        empty = states.new_zeros(states.shape[1]), attention.new_zeros(attention.shape[::2])
        rows = [
            (torch.logsumexp(states[places], dim=0), attention[:, places].mean(dim=1))
            if places
            else empty
            for places in document.entities
        ]
        entities = torch.stack([row for row, _ in rows])  # (n_entities, width)
        weights = torch.stack([row for _, row in rows])  # (n_entities, n_heads, n_pieces)
        head, tail = torch.tensor(document.pairs).T
        product = (weights[head] * weights[tail]).mean(dim=1)
        product = product / (product.sum(dim=1, keepdim=True) + 1e-5)
        context = product @ states
        first = torch.tanh(self.head(torch.cat([entities[head], context], dim=1)))
        second = torch.tanh(self.tail(torch.cat([entities[tail], context], dim=1)))
        groups = (one.reshape(len(one), -1, self.block) for one in (first, second))
        left, right = groups
        bilinear = (left.unsqueeze(3) * right.unsqueeze(2)).reshape(len(first), -1)
        return self.output(bilinear), product


def train(
    model: Atlop,
    documents: Sequence[Tuple[Input, DocumentRelations]],
    labels: Sequence[str],
    *,
    passes: float,
    rates: Tuple[float, float],
    batch_size: int = 4,
    warmup: float = 0.06,
    seed: int = 0,
) -> None:
    """Train a model.

    Args:
        model: the model.
        documents: inputs and annotated relations.
        labels: the labels of the outputs after the first.
        passes: over the documents.
        rates: learning rates of the encoder and of the new layers.
        batch_size: documents of an update.
        warmup: share of the updates until the rates are reached.
        seed: of the order.
    """
    new = [p for name, p in model.named_parameters() if not name.startswith("encoder.")]
    groups = [
        {"params": model.encoder.parameters(), "lr": rates[0]},
        {"params": new, "lr": rates[1]},
    ]
    optimizer = torch.optim.AdamW(groups, eps=1e-6, weight_decay=0.0)
    n_updates = max(round(passes * len(documents) / batch_size), 1)
    schedule = get_linear_schedule_with_warmup(optimizer, round(warmup * n_updates), n_updates)
    loss_function = configure_adaptive_threshold()
    columns = {label: i for i, label in enumerate(labels, start=1)}
    order = _endless(len(documents), seed)
    model.train()
    for _ in range(n_updates):
        for _ in range(batch_size):
            document, relations = documents[next(order)]
            logits, _ = model(document)
            rows = {pair: i for i, pair in enumerate(document.pairs)}
            targets = numpy.zeros(logits.shape, dtype="float32")
            for head, label, tail in relations.gold:
                if (head, tail) in rows and label in columns:
                    targets[rows[head, tail], columns[label]] = 1.0
            _, gradient = loss_function(
                logits.detach().numpy(), targets, labels=(NO_RELATION, *labels), exclusive=False
            )
            logits.backward(torch.from_numpy(gradient) / batch_size)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()


@torch.no_grad()
def predict(model: Atlop, document: Input, labels: Sequence[str]) -> Dict[Any, Any]:
    """The relations of a document: labels above the threshold of their pair, at most four."""
    model.eval()
    logits, shares = model(document)
    sentences = torch.tensor(document.sentences)
    by_sentence = shares.new_zeros(len(shares), int(sentences.max()) + 1)
    by_sentence.index_add_(1, sentences, shares)
    evidence = [set(torch.nonzero(row > EVIDENCE)[:, 0].tolist()) for row in by_sentence]
    above = logits[:, 1:] - logits[:, :1]
    best = above.topk(_MOST_LABELS, dim=1)
    return {
        (head, labels[int(column)], tail): found
        for (head, tail), found, values, columns in zip(
            document.pairs, evidence, best.values, best.indices
        )
        for value, column in zip(values, columns)
        if value > 0
    }


def _endless(n: int, seed: int) -> Iterator[int]:
    rng = random.Random(seed)
    while True:
        yield from rng.sample(range(n), n)
