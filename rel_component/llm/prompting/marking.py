"""Texts in prompts: mentions are marked, and other text that looks like a tag is made harmless."""

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
    """Put a space into tags that end the document, mark a mention or begin a turn: ``< /document>``."""
    return _TAG.sub(lambda match: f"{match.group()} ", text)


def mark_mentions(text: str, mentions: Sequence[MarkedMention]) -> str:
    """Return a text with its mentions in tags: ``<M1>Apple</M1>``.

    The tags of nested mentions are nested; those of mentions that overlap otherwise overlap.

    Args:
        text: the text.
        mentions: places and ids of the mentions.
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
