"""Generation with a Hugging Face model, constrained by a grammar for each text."""

import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Sequence

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
        seed: seed of the sampling.
        tokens: ids of the tokens generated so far.
        logprobs: their log-probabilities as the model sees them, before the grammar rules any out.
        ended: whether the model has generated an end token.
    """

    prompt: Sequence[int]
    limit: int
    matcher: Any
    seed: int
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
    deadline: Optional[float],
) -> None:
    """Generate the tokens of several texts as one batch, in place.

    Args:
        model: a causal language model of the package transformers.
        writings: the texts.
        end_tokens: ids of the tokens that end a text.
        pad_token: id of the padding token.
        temperature: 0: the most probable tokens.
        deadline: time of the clock ``time.perf_counter`` at which generation stops, done or not;
            None: no deadline.
    """
    import torch
    from transformers import LogitsProcessorList, StoppingCriteriaList
    from transformers.generation.configuration_utils import GenerationConfig

    longest = max(len(writing.prompt) for writing in writings)
    pads = [longest - len(writing.prompt) for writing in writings]
    ids = [[pad_token] * n + list(writing.prompt) for n, writing in zip(pads, writings)]
    mask = [[0] * n + [1] * (longest - n) for n in pads]
    config = GenerationConfig(
        max_new_tokens=max(writing.limit for writing in writings),
        do_sample=False,  # the chooser has sampled: it leaves one token to choose
        eos_token_id=list(end_tokens),
        pad_token_id=pad_token,
    )

    def stop(input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        late = deadline is not None and time.perf_counter() > deadline
        done = [late or writing.done for writing in writings]
        return torch.tensor(done, device=input_ids.device)

    model.generate(
        input_ids=torch.tensor(ids, device=model.device),
        attention_mask=torch.tensor(mask, device=model.device),
        generation_config=config,
        logits_processor=LogitsProcessorList([_chooser(writings, end_tokens, temperature)]),
        stopping_criteria=StoppingCriteriaList([stop]),
    )


def _chooser(
    writings: Sequence[Writing], end_tokens: Sequence[int], temperature: float
) -> Callable[[Any, Any], Any]:
    """A logits processor that chooses the next token of each text, and allows no other.

    It samples by taking the maximum of the logits with Gumbel noise. Each text has a generator of
    noise, so that its tokens do not depend on the other texts of the batch.
    """
    import torch

    noise: Dict[int, Any] = {
        row: torch.Generator().manual_seed(writing.seed) for row, writing in enumerate(writings)
    }

    def choose(input_ids: Any, scores: Any) -> Any:
        logprobs = torch.log_softmax(scores.float(), dim=-1)  # shape: (n_texts, n_vocab)
        only = torch.full_like(scores, float("-inf"))
        for row, writing in enumerate(writings):
            if writing.done:
                only[row, end_tokens[0]] = 0.0
                continue
            logits = logprobs[row]
            if writing.matcher is not None:
                logits = logits.masked_fill(~_allowed(writing.matcher, logits), float("-inf"))
            if temperature > 0:
                uniform = torch.rand(len(logits), generator=noise[row]).clamp_min(1e-20)
                gumbel = -torch.log(-torch.log(uniform))
                logits = logits / temperature + gumbel.to(logits.device)
            token = int(logits.argmax())
            only[row, token] = 0.0
            _append(writing, token, float(logprobs[row, token]), token in end_tokens)
        return only

    return choose


def _allowed(matcher: Any, logits: Any) -> Any:
    """A mask of the tokens that the grammar allows next. *Shape:* ``(n_vocab,)``."""
    import torch

    bits = numpy.frombuffer(matcher.compute_bitmask(), dtype="uint8")
    allowed = numpy.unpackbits(bits, bitorder="little")[: len(logits)].astype(bool)
    # Models may have more rows than the vocabulary has tokens.
    allowed = numpy.pad(allowed, (0, len(logits) - len(allowed)))
    return torch.from_numpy(allowed).to(logits.device)


def _append(writing: Writing, token: int, logprob: float, ends: bool) -> None:
    writing.tokens.append(token)
    writing.logprobs.append(logprob)
    writing.ended = ends
    if writing.matcher is not None and not ends and not writing.matcher.consume_token(token):
        raise LLMRefused(f"llguidance cannot follow its schema: {writing.matcher.get_error()}")
