"""Generation with a Hugging Face model, constrained by a grammar for each text."""

from dataclasses import dataclass, field
from typing import Any, List, Optional, Sequence

import numpy

from ...errors import FormatUnsupported, LLMRefused
from ..types import JsonSchema

# Whitespace in JSON: on one line or indented, as models write it, but bounded.
_WHITESPACE = r"( |\n {0,16})?"


@dataclass
class Writing:
    """A text that is being generated.

    Attributes:
        prompt: ids of the tokens of the prompt.
        limit: the most tokens to generate.
        matcher: llguidance's ``LLMatcher``, which says which tokens the grammar allows next; None:
            all tokens are allowed.
        noise: PyTorch's random generator for the sampling of this text, so that its tokens do not
            depend on the other texts of the batch.
        tokens: ids of the tokens generated so far.
        logprobs: their log-probabilities as the model sees them, before the grammar rules any out.
        ended: whether the model has generated an end token.
    """

    prompt: Sequence[int]
    limit: int
    matcher: Any
    noise: Any
    tokens: List[int] = field(default_factory=list)
    logprobs: List[float] = field(default_factory=list)
    ended: bool = False

    @property
    def done(self) -> bool:
        """Whether no more tokens are to be generated."""
        return self.ended or len(self.tokens) >= self.limit


def json_matcher(tokenizer: Any, schema: JsonSchema) -> Any:
    """A matcher that allows only JSON of a schema.

    Args:
        tokenizer: llguidance's ``LLTokenizer``.
        schema: the JSON schema; keywords that cannot be enforced during generation, such as
            ``uniqueItems``, are left to the reader of the text.

    Raises:
        FormatUnsupported: if the schema is not valid.
    """
    from llguidance import LLMatcher

    options: Any = {"lenient": True, "whitespace_pattern": _WHITESPACE}
    grammar = LLMatcher.grammar_from_json_schema(schema, overrides=options)
    matcher = LLMatcher(tokenizer, grammar, log_level=0)
    if matcher.is_error():
        raise FormatUnsupported(f"llguidance does not know the schema: {matcher.get_error()}")
    return matcher


def write(
    model: Any,
    writings: Sequence[Writing],
    *,
    end_tokens: Sequence[int],
    pad_token: int,
    temperature: float,
    seconds: Optional[float],
) -> None:
    """Generate the tokens of several texts as one batch, in place.

    Args:
        model: a causal language model of the package transformers.
        writings: the texts.
        end_tokens: ids of the tokens that end a text.
        pad_token: id of the padding token.
        temperature: 0: the most probable tokens.
        seconds: time after which generation stops, done or not; None: no limit.
    """
    import torch
    from transformers import LogitsProcessorList
    from transformers.generation.configuration_utils import GenerationConfig

    def choose(input_ids: Any, scores: Any) -> Any:
        """Leave one token to choose for each text."""
        logprobs = torch.log_softmax(scores.float(), dim=-1)  # shape: (n_texts, n_vocab)
        only = torch.full_like(scores, float("-inf"))
        for row, writing in enumerate(writings):
            token = end_tokens[0]
            if not writing.done:
                token = _next_token(writing, logprobs[row], temperature)
                _append(writing, token, float(logprobs[row, token]), token in end_tokens)
            only[row, token] = 0.0
        return only

    longest = max(len(writing.prompt) for writing in writings)
    pads = [longest - len(writing.prompt) for writing in writings]
    ids = [[pad_token] * n + list(writing.prompt) for n, writing in zip(pads, writings)]
    mask = [[0] * n + [1] * (longest - n) for n in pads]
    model.generate(
        input_ids=torch.tensor(ids, device=model.device),
        attention_mask=torch.tensor(mask, device=model.device),
        generation_config=GenerationConfig(
            max_new_tokens=max(writing.limit for writing in writings),
            max_time=seconds,
            do_sample=False,
            eos_token_id=list(end_tokens),
            pad_token_id=pad_token,
        ),
        logits_processor=LogitsProcessorList([choose]),
    )


def _next_token(writing: Writing, logprobs: Any, temperature: float) -> int:
    """Choose a token; the maximum of logits with Gumbel noise is a sample."""
    import torch

    logits = logprobs
    if writing.matcher is not None:
        bits = numpy.frombuffer(writing.matcher.compute_bitmask(), dtype="uint8")
        allowed = numpy.unpackbits(bits, bitorder="little")[: len(logits)].astype(bool)
        # Models may have more rows than the vocabulary has tokens.
        ruled_out = torch.from_numpy(~numpy.pad(allowed, (0, len(logits) - len(allowed))))
        logits = logits.masked_fill(ruled_out.to(logits.device), float("-inf"))
    if temperature > 0:
        uniform = torch.rand(len(logits), generator=writing.noise).clamp_min(1e-20)
        gumbel = -torch.log(-torch.log(uniform))
        logits = logits / temperature + gumbel.to(logits.device)
    return int(logits.argmax())


def _append(writing: Writing, token: int, logprob: float, ends: bool) -> None:
    writing.tokens.append(token)
    writing.logprobs.append(logprob)
    writing.ended = ends
    if writing.matcher is not None and not ends and not writing.matcher.consume_token(token):
        raise LLMRefused(f"llguidance cannot follow its schema: {writing.matcher.get_error()}")
