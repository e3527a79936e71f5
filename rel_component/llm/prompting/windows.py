"""Windows: parts of a document that fit into one prompt."""

from bisect import bisect
from dataclasses import dataclass
from itertools import dropwhile
from typing import Callable, Container, Iterable, List, Optional, Sequence, Tuple

from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span

from ...errors import PromptTooLong
from ..types import Message

Window = Tuple[int, int]
"""Start and exclusive end, in tokens."""

BYTES_PER_TOKEN = 3
"""A low estimate, for endpoints that do not count tokens before a request: three Latin letters, or one
character of Chinese, Japanese, Thai or Hindi (in UTF-8)."""


@dataclass(frozen=True)
class PromptLimits:
    """The context window of a language model, and how to count tokens in it.

    Attributes:
        context_window: tokens of prompt and answer together; None: no limit.
        max_tokens: tokens of an answer.
        count_tokens: returns the number of tokens of a prompt, or None if it is not known.
    """

    context_window: Optional[int] = None
    max_tokens: int = 0
    count_tokens: Callable[[Sequence[Message]], Optional[int]] = lambda messages: None

    def tokens(self, messages: Sequence[Message]) -> int:
        """Return the number of tokens of a prompt, or an estimate."""
        counted = self.count_tokens(messages)
        if counted is not None:
            return counted
        sizes = (len(message.content.encode("utf8", "surrogatepass")) for message in messages)
        return sum(size // BYTES_PER_TOKEN + 8 for size in sizes)


def split_windows(
    doc: Doc,
    fits: Callable[[Window], bool],
    *,
    overlap: int = 1,
    mentions: Iterable[Span] = (),
) -> List[Window]:
    """Cover a document with windows of whole sentences, as long as possible.

    Neighbouring windows share sentences, so that relations across a border are seen. A sentence
    that does not fit is cut in two, again and again until it fits. No border lies inside of a mention
    that fits.

    Args:
        doc: the document; where it has no sentences, they are those of spaCy's sentencizer.
        fits: whether a window is short enough; if it is, so are all windows inside of it.
        overlap: the most sentences that two windows share.
        mentions: its mentions, if they are given.

    Raises:
        PromptTooLong: if not even a single token fits.
    """
    if fits((0, len(doc))):
        return [(0, len(doc))]
    # where the longest one fits, so do the others: few have their tokens counted
    longest_first = sorted(mentions, key=len, reverse=True)
    fitting = dropwhile(lambda span: not fits((span.start, span.end)), longest_first)
    inside = {i for span in fitting for i in range(span.start + 1, span.end)}
    sentences = _cut(_sentences(doc, inside), fits, inside)
    windows: List[Window] = []
    first = 0
    while True:
        last = _furthest(sentences, first, fits)
        windows.append((sentences[first][0], sentences[last - 1][1]))
        if last == len(sentences):
            return windows
        # shared sentences must leave room for the next one, or nothing would be gained
        step = last - min(overlap, last - first - 1)
        while step < last and not fits((sentences[step][0], sentences[last][1])):
            step += 1
        first = step


def _sentences(doc: Doc, inside: Container[int]) -> List[Window]:
    """Return the sentences, those joined between which a mention lies."""
    if doc.has_annotation("SENT_START"):
        starts = [sent.start for sent in doc.sents]
    else:
        starts = [i for i, is_start in enumerate(Sentencizer().predict([doc])[0]) if is_start]
    starts = [i for i in starts if i not in inside]
    return list(zip(starts, [*starts[1:], len(doc)]))


def _cut(
    sentences: List[Window], fits: Callable[[Window], bool], inside: Container[int]
) -> List[Window]:
    """Cut sentences that do not fit into parts that do."""
    parts: List[Window] = []
    waiting = sentences[::-1]
    while waiting:
        start, end = waiting.pop()
        if fits((start, end)):
            parts.append((start, end))
        elif end - start == 1:
            raise PromptTooLong(
                "the prompt does not fit into the context window even with a single token of the "
                "document: use fewer examples, a shorter template or schema, or a smaller max_tokens"
            )
        else:
            middle = _border((start, end), inside)
            waiting += [(middle, end), (start, middle)]
    return parts


def _border(sentence: Window, inside: Container[int]) -> int:
    """Return the token nearest to the middle of a sentence at which it may be cut."""
    start, end = sentence
    middle = (start + end) // 2
    allowed = (i for i in range(start + 1, end) if i not in inside)
    return min(allowed, key=lambda i: abs(i - middle), default=middle)


def _furthest(sentences: List[Window], first: int, fits: Callable[[Window], bool]) -> int:
    """Find the longest run of sentences from `first` that fits, and return its end."""
    start, longer = sentences[first][0], sentences[first + 1 :]
    return first + 1 + bisect(longer, False, key=lambda last: not fits((start, last[1])))
