"""The tokenizer of an encoder: the package tokenizers, and what is known of its special pieces.

It does what the fast tokenizers of the package transformers do with a text, which take long to import.
"""

import json
from typing import Any, Dict, List, Mapping, Optional, Sequence

from tokenizers import AddedToken, Tokenizer

from ..errors import ConfigError, shown

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    # in pipelines of earlier versions, and not read
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spm.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "chat_template.jinja",
)
"""The names that files of a saved tokenizer may have."""

_NAMES = [f"{name}_token" for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask")]
_ADDITIONAL = "additional_special_tokens"
_LONGEST_WINDOW = 1 << 16  # where the tokenizer does not say


class PieceTokenizer:
    """Splits texts into pieces, without padding or truncation.

    Args:
        backend: the tokenizer; special pieces that it does not know are added to it.
        special: special pieces by their names in transformers, such as ``cls_token``, and a list of
            those without a name of their own, ``additional_special_tokens``.
        model_max_length: the most pieces of a text, special ones included.
        split_special_tokens: whether a special piece in a text is split as other words are.
    """

    def __init__(
        self,
        backend: Any,
        special: Mapping[str, Any],
        *,
        model_max_length: int,
        split_special_tokens: bool,
    ) -> None:
        self.backend_tokenizer = backend
        self.model_max_length = model_max_length
        self.split_special_tokens = split_special_tokens
        self._special = {name: str(special[name]) for name in _NAMES if special.get(name)}
        self._additional: List[str] = []
        # The first call would switch them off, in the midst of calls of other threads.
        backend.no_padding()
        backend.no_truncation()
        backend.encode_special_tokens = split_special_tokens
        self._add([*self._special.values()])
        self.add_pieces(special.get(_ADDITIONAL) or ())

    @classmethod
    def of(cls, tokenizer: Any) -> "PieceTokenizer":
        """The tokenizer that does the same as a fast one of transformers, and shares its backend."""
        return cls(
            tokenizer.backend_tokenizer,
            tokenizer.special_tokens_map,
            model_max_length=tokenizer.model_max_length,
            split_special_tokens=tokenizer.split_special_tokens,
        )

    def __len__(self) -> int:
        return int(self.backend_tokenizer.get_vocab_size(with_added_tokens=True))

    @property
    def cls_token_id(self) -> Optional[int]:
        """Id of the piece before a text."""
        return self._id("cls_token")

    @property
    def sep_token_id(self) -> Optional[int]:
        """Id of the piece after a text."""
        return self._id("sep_token")

    @property
    def mask_token_id(self) -> Optional[int]:
        """Id of the piece that stands for any other."""
        return self._id("mask_token")

    @property
    def mask_token(self) -> Optional[str]:
        """The piece that stands for any other."""
        return self._special.get("mask_token")

    @property
    def special_tokens_map(self) -> Dict[str, Any]:
        """Special pieces by their names in transformers."""
        additional = {_ADDITIONAL: list(self._additional)} if self._additional else {}
        return {**self._special, **additional}

    @property
    def added_tokens_encoder(self) -> Dict[str, int]:
        """Ids of the pieces that were added to the vocabulary of the tokenizer, special ones too."""
        added = self.backend_tokenizer.get_added_tokens_decoder()
        return {token.content: number for number, token in sorted(added.items())}

    def get_vocab(self) -> Dict[str, int]:
        """The ids of all pieces."""
        return dict(self.backend_tokenizer.get_vocab(with_added_tokens=True))

    def split(self, text: str) -> List[int]:
        """The ids of the pieces of a text, without special ones before and after it."""
        return list(self.backend_tokenizer.encode(text, add_special_tokens=False).ids)

    def add_pieces(self, pieces: Sequence[str]) -> None:
        """Add special pieces that have no name of their own.

        Args:
            pieces: the pieces; those that are known are not added again.
        """
        self._add(pieces)
        self._additional = [*dict.fromkeys([*self._additional, *pieces])]

    def _add(self, pieces: Sequence[str]) -> None:
        known = self.added_tokens_encoder
        new = [
            AddedToken(piece, special=True, normalized=False)
            for piece in pieces
            if piece not in known
        ]
        self.backend_tokenizer.add_special_tokens(new)

    def _id(self, name: str) -> Optional[int]:
        piece = self._special.get(name)
        found = None if piece is None else self.backend_tokenizer.token_to_id(piece)
        return None if found is None else int(found)


def tokenizer_files(tokenizer: PieceTokenizer) -> Dict[str, bytes]:
    """The two files that say all about a tokenizer."""
    settings = {
        **tokenizer.special_tokens_map,
        "model_max_length": tokenizer.model_max_length,
        "split_special_tokens": tokenizer.split_special_tokens,
    }
    files = (tokenizer.backend_tokenizer.to_str(), json.dumps(settings))
    return {name: text.encode() for name, text in zip(TOKENIZER_FILES, files)}


def read_tokenizer(files: Mapping[str, Any], vocab_size: int) -> PieceTokenizer:
    """The tokenizer, from the two files that say all about it.

    Args:
        files: what :func:`tokenizer_files` returned, or all files of an earlier version.
        vocab_size: number of pieces of the encoder.

    Raises:
        ConfigError: if it does not fit the encoder, or has no pieces around a text.
    """
    unknown = [name for name in files if name not in TOKENIZER_FILES]
    if unknown:
        raise ConfigError(
            f"tokenizer with a file {shown(unknown[0])}; accepted: {', '.join(TOKENIZER_FILES)}"
        )
    pieces, options = (bytes(files[name]).decode("utf8") for name in TOKENIZER_FILES[:2])
    settings = json.loads(options)
    if "auto_map" in settings:
        raise ConfigError("tokenizer with code of its own (auto_map)")
    model = json.loads(pieces).get("model", {})
    vocabulary = model.get("vocab")
    # before the tokenizer takes memory for the highest number
    if isinstance(vocabulary, dict) and max(vocabulary.values(), default=0) >= vocab_size:
        raise ConfigError(f"tokenizer with pieces beyond those of an encoder of {vocab_size}")
    special = {name: _content(settings[name]) for name in _NAMES if settings.get(name)}
    tokenizer = PieceTokenizer(
        Tokenizer.from_str(pieces),
        {**special, _ADDITIONAL: [_content(token) for token in settings.get(_ADDITIONAL) or []]},
        model_max_length=int(settings.get("model_max_length") or _LONGEST_WINDOW),
        split_special_tokens=bool(settings.get("split_special_tokens")),
    )
    if tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
        raise ConfigError("tokenizer without pieces for the beginning and the end of a text")
    highest = max(tokenizer.get_vocab().values())
    if highest >= vocab_size:
        raise ConfigError(f"tokenizer with a piece {highest}, and an encoder of {vocab_size}")
    return tokenizer


def _content(token: Any) -> str:
    """The text of a special token, which some tokenizers describe in more detail."""
    return str(token["content"] if isinstance(token, dict) else token)
