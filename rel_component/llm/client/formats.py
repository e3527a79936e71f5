"""The way down from the best format of answers to one that the endpoint knows."""

from typing import Sequence, Set

from ...errors import ConfigError, LLMUnavailable
from ..types import ANSWER_FORMATS, AnswerFormat

_CRASHES = frozenset({500, 501})  # not 502 to 504: these come from gateways and busy servers


class FormatLadder:
    """The formats of a backend, and the step that is in use.

    Threads share it without a lock: at worst, two of them find the same step at the same time.

    Args:
        formats: those worth trying, best first.

    Raises:
        ConfigError: if there are none, or one is not known.
    """

    def __init__(self, formats: Sequence[AnswerFormat]) -> None:
        unknown = [format for format in formats if format not in ANSWER_FORMATS]
        if unknown or not formats:
            raise ConfigError(
                f"the formats of a backend are {list(formats)}; at least one is needed, of "
                f"{list(ANSWER_FORMATS)}"
            )
        self.formats = tuple(formats)
        self.step = 0
        self._answered: Set[int] = set()

    @property
    def proven(self) -> bool:
        """Whether an answer has come back with the step that is in use."""
        return self.step in self._answered

    def unsupported(self, step: int) -> None:
        """The endpoint does not know the format of a step."""
        self.step = max(self.step, step + 1)

    def answered(self, step: int) -> None:
        """An answer has come back with a step."""
        self._answered.add(step)
        if not self.proven:
            self.step = step


class Descent:
    """One request on the ladder.

    Some servers answer 500 to a format that they do not know, as they do to other accidents. As
    long as the step in use has brought no answer, the second such failure sends the request one
    step down; the others follow only if it is answered there.
    """

    def __init__(self, ladder: FormatLadder) -> None:
        self._ladder = ladder
        self._step = ladder.step
        self._crashes = 0

    def format(self) -> AnswerFormat:
        """The format for the next attempt."""
        ladder = self._ladder
        if ladder.step > self._step or (ladder.proven and ladder.step != self._step):
            self._step, self._crashes = ladder.step, 0
        return ladder.formats[self._step]

    def unsupported(self) -> bool:
        """The endpoint does not know the format; returns whether there is another one."""
        if self._step + 1 == len(self._ladder.formats):
            return False
        if self._step == self._ladder.step:
            self._ladder.unsupported(self._step)
        else:  # the step in use has only failed; it may do better
            self._step += 1
        return True

    def failed(self, error: LLMUnavailable) -> bool:
        """The attempt has failed; returns whether the format is to blame and there is another one."""
        if error.status not in _CRASHES or error.retry_after is not None:
            return False
        self._crashes += 1
        ladder = self._ladder
        if self._crashes < 2 or ladder.proven or self._step + 1 == len(ladder.formats):
            return False
        self._step, self._crashes = self._step + 1, 0
        return True

    def answered(self) -> None:
        """An answer has come back."""
        self._ladder.answered(self._step)
