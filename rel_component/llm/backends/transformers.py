"""Local models of the package transformers, whose answers are constrained by llguidance."""

import json
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ...errors import (
    ConfigError,
    FormatUnsupported,
    LLMRefused,
    LLMUnavailable,
    PromptTooLong,
    shown,
)
from ...packages import import_package
from ..types import AnswerFormat, Message, Reply, Request, Usage
from .chat_completion import message_dicts, output_tokens
from .constrained_generation import Writing, json_matcher, write
from .sampling import check_sample, check_sampling

_NAME = "rel_component.transformers.v1"


def transformers_backend(
    model: str,
    *,
    revision: Optional[str] = None,
    gguf_file: Optional[str] = None,
    device: Optional[str] = None,
    dtype: Optional[str] = None,
    local_files_only: bool = False,
    batch_size: int = 8,
    context_window: Optional[int] = None,
    temperature: float = 0.0,
    max_tokens: int = 1024,
    seed: int = 0,
    logprobs: bool = False,
) -> "TransformersBackend":
    """Run a causal Hugging Face model in this process (``rel_component.transformers.v1``).

    The model is loaded with the first request. Answers are constrained to the schema while they are
    written (https://github.com/guidance-ai/llguidance).

    Args:
        model: folder, or name on the Hugging Face hub, of a model with a chat template.
        revision: branch, tag or commit on the hub.
        gguf_file: a GGUF file in that place, instead of weights and tokenizer.
        device: the device to compute on, such as ``cpu`` or ``cuda:0``; None: a GPU if there is one.
        dtype: type of the weights, such as ``bfloat16``; None: float32 on the CPU, as saved elsewhere.
        local_files_only: never look on the hub.
        batch_size: requests that are answered at the same time.
        context_window: tokens of prompt and answer together; None: as the model says.
        temperature: 0: the most probable answer.
        max_tokens: the most tokens of an answer.
        seed: seed of the sampling. Sample n of a request has the seed ``seed + n``.
        logprobs: give the log-probabilities of the tokens: as the model sees them, before the
            schema rules any out.

    Raises:
        ConfigError: if an option is out of range.
    """
    check_sampling(temperature, max_tokens)
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1, got {batch_size}")
    source = {"revision": revision, "gguf_file": gguf_file}
    options = {name: value for name, value in source.items() if value is not None}
    return TransformersBackend(
        settings={
            "backend": _NAME,
            "model": model,
            **source,
            "dtype": dtype,
            "parameters": {
                "temperature": temperature,
                "max_tokens": max_tokens,
                "seed": seed,
                "logprobs": logprobs,
            },
        },
        batch_size=batch_size,
        given_window=context_window,
        max_tokens=max_tokens,
        load=partial(
            _load, model, device, dtype, {"local_files_only": local_files_only, **options}
        ),
    )


@dataclass
class TransformersBackend:
    """A model in this process; see :func:`transformers_backend` and the contract ``Backend``.

    Attributes:
        given_window: tokens of prompt and answer together; None: as the model says.
        load: loads the model.
    """

    settings: Mapping[str, Any]
    batch_size: int
    given_window: Optional[int]
    max_tokens: int
    load: Callable[[], "_Loaded"] = field(repr=False, compare=False)
    formats: Sequence[AnswerFormat] = ("json_schema", "text")
    concurrency: Optional[int] = 1
    _model: Optional["_Loaded"] = field(default=None, init=False, repr=False, compare=False)
    _lock: Any = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def __call__(
        self,
        requests: Sequence[Request],
        *,
        answer_format: AnswerFormat,
        timeout: Optional[float] = None,
    ) -> List[Reply]:
        """Answer requests; see the contract ``Backend``."""
        if answer_format not in self.formats:
            raise FormatUnsupported(
                f"format must be one of {list(self.formats)}, got {shown(answer_format)}"
            )
        if not requests:
            return []
        loaded, parameters = self._loaded(), self.settings["parameters"]
        start = time.perf_counter()
        writings = [self._begin(loaded, request, answer_format) for request in requests]
        write(
            loaded.model,
            writings,
            end_tokens=loaded.end_tokens,
            pad_token=loaded.pad_token,
            temperature=parameters["temperature"],
            seconds=timeout,
        )
        if not all(writing.done for writing in writings):
            raise LLMUnavailable(f"The answers were not complete within {timeout} seconds.")
        seconds = (time.perf_counter() - start) / len(requests)  # one computation serves them all
        return [_reply(loaded, writing, seconds, parameters["logprobs"]) for writing in writings]

    @property
    def context_window(self) -> Optional[int]:
        """Tokens of prompt and answer together; the model is loaded if it is the one to say."""
        return self._loaded().context_window if self.given_window is None else self.given_window

    def count_tokens(self, messages: Sequence[Message]) -> Optional[int]:
        """Number of tokens of a prompt, including those of the chat template."""
        return len(self._loaded().prompt(messages))

    def _begin(self, loaded: "_Loaded", request: Request, answer_format: AnswerFormat) -> Writing:
        import torch

        parameters = self.settings["parameters"]
        check_sample(request.sample, parameters["temperature"])
        prompt = loaded.prompt(request.messages)
        limit = self.max_tokens
        if self.context_window is not None:
            limit = min(limit, self.context_window - len(prompt))
        if limit < 1:
            raise PromptTooLong(
                f"The prompt has {len(prompt)} tokens, and the context window only "
                f"{self.context_window}. Shorten the text or take a model with a larger context."
            )
        matcher = None
        if request.schema is not None and answer_format == "json_schema":
            matcher = json_matcher(loaded.grammar_tokenizer, request.schema)
        noise = torch.Generator().manual_seed(parameters["seed"] + request.sample)
        return Writing(prompt, limit, matcher, noise)

    def _loaded(self) -> "_Loaded":
        with self._lock:
            if self._model is None:
                self._model = self.load()
        return self._model


@dataclass
class _Loaded:
    """A model in memory, with llguidance's view of its tokenizer."""

    model: Any
    tokenizer: Any
    grammar_tokenizer: Any
    end_tokens: List[int]
    pad_token: int
    context_window: Optional[int]

    def prompt(self, messages: Sequence[Message]) -> List[int]:
        """Ids of the tokens of a prompt; the chat template may refuse the messages."""
        from jinja2 import TemplateError

        try:
            return list(
                self.tokenizer.apply_chat_template(
                    message_dicts(messages), add_generation_prompt=True, tokenize=True
                )
            )
        except TemplateError as err:
            raise LLMRefused(f"The chat template of the model refuses messages: {err}") from err


def _load(
    name: str, device: Optional[str], dtype: Optional[str], options: Dict[str, Any]
) -> _Loaded:
    """Load a model in evaluation mode, without sampling options of its own."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.generation.configuration_utils import GenerationConfig

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    # bfloat16, as many models are saved, is slow on most CPUs
    dtype = dtype or ("float32" if device == "cpu" else "auto")
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **options)
        model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=dtype, **options)
    except (OSError, ValueError, ImportError) as err:
        raise ConfigError(f"The model {name!r} cannot be loaded: {err}") from err
    if getattr(tokenizer, "chat_template", None) is None:
        raise ConfigError(
            f"The tokenizer of {name!r} has no chat template. "
            "Take a model that was trained to follow instructions."
        )
    known = model.generation_config.eos_token_id
    model.generation_config = GenerationConfig(eos_token_id=known)
    all_ends = {tokenizer.eos_token_id, *(known if isinstance(known, list) else [known])}
    ends = sorted(all_ends - {None})
    if not ends:
        raise ConfigError(f"The model {model.name_or_path!r} has no token that ends a text.")
    pad = tokenizer.pad_token_id
    return _Loaded(
        model=model.to(device).eval(),
        tokenizer=tokenizer,
        grammar_tokenizer=_grammar_tokenizer(tokenizer, ends),
        end_tokens=ends,
        pad_token=ends[0] if pad is None else pad,
        context_window=getattr(model.config, "max_position_embeddings", None),
    )


def _grammar_tokenizer(tokenizer: Any, end_tokens: List[int]) -> Any:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ConfigError(
            f"The tokenizer {type(tokenizer).__name__} is written in Python. "
            "Take a model with a fast tokenizer."
        )
    description = json.loads(backend.to_str())
    description.update(padding=None, truncation=None)
    # Tokenizers from GGUF files decode in several steps, of which llguidance knows only the first.
    steps = (description.get("decoder") or {}).get("decoders", [])
    description["decoder"] = next(
        (step for step in steps if step["type"] == "ByteLevel"), description.get("decoder")
    )
    llguidance = import_package("llguidance", "llm-local")
    return llguidance.LLTokenizer(json.dumps(description), eos_token=end_tokens)


def _reply(loaded: _Loaded, writing: Writing, seconds: float, logprobs: bool) -> Reply:
    ids = writing.tokens[: -1 if writing.ended else None]
    view = loaded.grammar_tokenizer
    pieces = [b"" if view.is_special_token(token) else view.decode_bytes([token]) for token in ids]
    text = b"".join(pieces).decode("utf-8", errors="replace")
    return Reply(
        text=text,
        finish_reason="stop" if writing.ended else "length",
        usage=Usage(
            requests=1,
            input_tokens=len(writing.prompt),
            output_tokens=len(writing.tokens),
            seconds=seconds,
        ),
        tokens=output_tokens(zip(pieces, writing.logprobs), text) if logprobs else (),
    )
