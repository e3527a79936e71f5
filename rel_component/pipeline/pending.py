"""Documents that wait for the answers to their questions."""

from collections import deque
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Callable, Generator, Iterable, Iterator, List, Optional

from spacy.tokens import Doc

from ..errors import LLMError
from ..llm.prompting.prompts import Question
from ..llm.types import Outcome

MAX_WAITING = 1024
"""The most documents that are read before some are yielded."""


@dataclass
class Pending:
    """A document, its questions and their outcomes so far, or why it could not be asked about."""

    doc: Doc
    questions: List[Question]
    outcomes: List[Outcome] = field(default_factory=list)
    failure: Optional[LLMError] = None

    @property
    def complete(self) -> bool:
        """Whether all questions have outcomes."""
        return len(self.outcomes) == len(self.questions)


def answered(
    client: Any, pending: Iterable[Pending], follow_up: Optional[Callable[..., Any]]
) -> Generator[Pending, None, None]:
    """Ask the questions of documents, with requests in flight for several at a time.

    Args:
        client: answers the requests.
        pending: the documents.
        follow_up: see :meth:`.LLMClient.stream`.

    Yields:
        The documents with all outcomes, in their order.
    """
    unread = iter(pending)
    waiting: deque[Pending] = deque()

    def requests() -> Iterator[Question]:
        # stop after MAX_WAITING documents, so that documents without questions are yielded too
        for asked in islice(unread, MAX_WAITING):
            waiting.append(asked)
            yield from asked.questions

    while True:
        # closed at once after an error or an interrupt, so that nothing more is sent
        with closing(client.stream(requests(), follow_up=follow_up)) as outcomes:
            for outcome in outcomes:
                while waiting[0].complete:  # it has no questions
                    yield waiting.popleft()
                waiting[0].outcomes.append(outcome)
                if waiting[0].complete:
                    yield waiting.popleft()
        if not waiting:
            return
        while waiting:
            yield waiting.popleft()
