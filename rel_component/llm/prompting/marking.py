"""Texts in prompts: mentions marked, and nothing else that looks like a mark of ours or a model's."""

import re
from typing import List, Sequence, Tuple

# our tags, and those with which chat templates begin and end turns
_TAG = re.compile(
    r"[<\[](?=\s*/?\s*(?:document|M\d+)\b"
    r"|\||/?s>|</?SYS>|/?INST\]|(?:start|end)_of_turn>|/?(?:system|user|assistant)>)",
    re.IGNORECASE,
)

MarkedMention = Tuple[int, int, str]
"""Start and exclusive end in characters of the text, and the id."""


def neutral(text: str) -> str:
    """A text in which nothing ends the document, marks a mention or begins a turn: ``< /document>``."""
    return _TAG.sub(lambda match: f"{match.group()} ", text)


def mark_mentions(text: str, mentions: Sequence[MarkedMention]) -> str:
    """A text with its mentions in tags, ``<M1>Apple</M1>``; nested ones nest.

    Mentions that overlap without nesting have tags that overlap.

    Args:
        text: the text.
        mentions: where the mentions are.
    """
    # at one place: ends before starts; the inner of two mentions ends first and starts last
    tags: List[Tuple[int, int, int, str]] = []
    for start, end, mention_id in mentions:
        tags.append((start, 1, -end, f"<{mention_id}>"))
        tags.append((end, 0, -start, f"</{mention_id}>"))
    parts, last = [], 0
    for place, _, _, tag in sorted(tags):
        parts += [neutral(text[last:place]), tag]
        last = place
    return "".join([*parts, neutral(text[last:])])
