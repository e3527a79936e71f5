"""The thread that owns the pipeline, and takes whatever waits for it as one batch."""

import asyncio
import logging
from collections import deque
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from http import HTTPStatus
from threading import Condition, Thread
from typing import Any, Callable, Deque, Dict, Iterator, List, NamedTuple, Optional, Sequence

from spacy.language import Language
from spacy.tokens import Doc

from ...errors import LLMError, RelComponentError
from ...inference.extract import extract_docs
from .limits import Limits
from .metrics import Metrics

_log = logging.getLogger(__name__)
_FAILED = "the pipeline could not process this text"


class Answer(NamedTuple):
    """What became of a text.

    Attributes:
        json: the answer as JSON; empty if there is none.
        error: why there is none, in a sentence.
        status: of a request for this text alone.
    """

    json: str = ""
    error: str = ""
    status: HTTPStatus = HTTPStatus.OK


@dataclass(frozen=True, eq=False)
class Job:
    """A text that waits for the pipeline.

    Attributes:
        text: the text.
        record: what is known of it, see :data:`~rel_component.inference.texts.Text`.
        finish: makes the answer, as JSON, of the processed document. Its RelComponentErrors are told to
            the client.
        answer: where the answer goes; whoever does not want it any more cancels it.
        is_slow: whether `finish` is, so that others do not wait for it.
    """

    text: str
    record: Dict[str, Any]
    finish: Callable[[Doc], str]
    answer: "asyncio.Future[Answer]"
    is_slow: bool = False


class QueueFull(Exception):
    """No more texts can wait."""


class Worker:
    """Runs a pipeline in a thread of its own.

    spaCy's pipelines are not made to be shared by threads, and are fastest with batches. All that waits
    when a batch is done becomes the next one, so that a text that comes alone is not kept waiting.
    Methods are called by the event loop.

    Args:
        nlp: the pipeline, which nothing else uses meanwhile.
        limits: size of a batch, and how many texts may wait.
        metrics: counts texts and batches.
    """

    def __init__(self, nlp: Language, limits: Limits, metrics: Metrics) -> None:
        self.nlp, self.limits, self.metrics = nlp, limits, metrics
        self.stopping = asyncio.Event()
        """Set when the server takes no more connections, and streams shall come to their end."""
        self._waiting: Deque[Job] = deque()
        self._changed = Condition()
        self._is_closed = False
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._room = asyncio.Event()
        self._thread = Thread(
            target=copy_context().run, args=(self._run,), name="rel-pipeline", daemon=True
        )
        metrics.waiting.set_function(lambda: len(self._waiting))

    def start(self) -> None:
        """Begin to work, for the loop that runs now."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def close(self) -> None:
        """Let the thread end when nothing waits any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    @property
    def is_ready(self) -> bool:
        """Whether texts will be answered."""
        return self._thread.is_alive() and not self.stopping.is_set()

    def submit(self, jobs: Sequence[Job]) -> None:
        """Let texts wait for the pipeline: all, or none.

        Raises:
            QueueFull: if they are too many.
        """
        most = self.limits.max_waiting - len(jobs)
        with self._changed:
            if len(self._waiting) > most:
                self._waiting = deque(job for job in self._waiting if not job.answer.cancelled())
            if len(self._waiting) > most:
                raise QueueFull
            self._waiting.extend(jobs)
            self._changed.notify()

    async def submit_in_turn(self, job: Job) -> None:
        """Let a text wait for the pipeline, as soon as it may."""
        while True:
            try:
                self.submit([job])
                return
            except QueueFull:
                self._room.clear()
                await self._room.wait()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if not self._waiting:
                    return
                taken = self._take()
            batch = [job for job in taken if not job.answer.cancelled()]
            quick = [job for job in batch if not job.is_slow]
            for part in (quick, *([job] for job in batch if job.is_slow)):
                if not self._deliver(part, self._process(part)):
                    return

    def _take(self) -> List[Job]:
        """The next jobs, with about as many characters as one text may have."""
        batch: List[Job] = []
        room = self.limits.max_length
        while self._waiting and len(batch) < self.limits.batch_size and room > 0:
            batch.append(self._waiting.popleft())
            room -= len(batch[-1].text)
        return batch

    def _process(self, jobs: Sequence[Job]) -> List[Answer]:
        """Answers of a batch; those of halves of it where it fails, so that one text harms no other."""
        if not jobs:
            return []
        self.metrics.batch_texts.observe(len(jobs))
        try:
            # without a memory zone, new words would be kept for ever
            with _marked_failures(self.nlp), self.nlp.memory_zone():
                texts = [(job.text, job.record) for job in jobs]
                docs = list(extract_docs(self.nlp, texts, batch_size=len(jobs)))
                if len(docs) == len(jobs):  # or an error handler of the pipeline has left some out
                    return [_finish(job, doc) for job, doc in zip(jobs, docs)]
                del docs
        except Exception:
            if len(jobs) == 1:
                _log.exception("a text of %d characters failed", len(jobs[0].text))
        if len(jobs) == 1:
            return [Answer(error=_FAILED, status=HTTPStatus.INTERNAL_SERVER_ERROR)]
        middle = len(jobs) // 2
        return [*self._process(jobs[:middle]), *self._process(jobs[middle:])]

    def _deliver(self, jobs: Sequence[Job], answers: Sequence[Answer]) -> bool:
        """Whether the loop still takes answers."""

        def deliver() -> None:
            for job, answer in zip(jobs, answers):
                self.metrics.texts.labels("failed" if answer.error else "answered").inc()
                if not job.answer.done():
                    job.answer.set_result(answer)
            self._room.set()

        with suppress(RuntimeError):  # the loop is closed
            if self._loop is not None:
                self._loop.call_soon_threadsafe(deliver)
                return True
        return False


@contextmanager
def _marked_failures(nlp: Language) -> Iterator[None]:
    """Let no component raise a failure: questions about the halves of a batch are paid for again."""
    before = [(pipe, pipe.on_failure) for _, pipe in nlp.pipeline if hasattr(pipe, "on_failure")]
    for pipe, _ in before:
        pipe.on_failure = "mark"
    try:
        yield
    finally:
        for pipe, on_failure in before:
            pipe.on_failure = on_failure


def _finish(job: Job, doc: Doc) -> Answer:
    try:
        return Answer(job.finish(doc))
    except RelComponentError as err:
        is_gateway = isinstance(err, LLMError)
        status = HTTPStatus.BAD_GATEWAY if is_gateway else HTTPStatus.UNPROCESSABLE_ENTITY
        return Answer(error=str(err)[:500], status=status)
    except Exception:
        _log.exception("the answer for a text of %d characters failed", len(job.text))
        return Answer(error=_FAILED, status=HTTPStatus.INTERNAL_SERVER_ERROR)
