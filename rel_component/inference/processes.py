"""A pipeline in several processes of this machine, none of which outlives the process that uses it.

With ``nlp.pipe`` they wait forever if their caller is killed or stops before all documents are there,
and the caller waits forever if one of them is killed.
"""

import multiprocessing
import signal
from collections import deque
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Deque, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple, Union

from spacy.language import Language
from spacy.tokens import Doc
from spacy.tokens.underscore import Underscore
from spacy.util import minibatch

from ..errors import RelComponentError
from ..threads import limit_worker_threads
from .texts import Text

_LONGEST = 300  # characters of a reason

_Answer = Union[List[Tuple[int, bytes]], RelComponentError]
"""Docs with their numbers in the batch, or why there are none."""


class _Worker(NamedTuple):
    process: BaseProcess
    connection: Connection


def pipe_in_processes(
    nlp: Language, texts: Iterable[Text], *, batch_size: int, n_process: int
) -> Iterator[Tuple[Doc, Dict[str, Any]]]:
    """Apply a pipeline to texts in processes, as ``nlp.pipe(as_tuples=True)`` does.

    Args:
        nlp: the pipeline.
        texts: the texts with their records.
        batch_size: texts in a batch, which one process takes.
        n_process: number of processes.

    Returns:
        The Docs with the records, in order.

    Raises:
        RelComponentError: if a component fails, or a process ends.
    """
    limit_worker_threads()
    workers: List[_Worker] = []
    busy: Deque[Tuple[_Worker, List[Text]]] = deque()  # each has one batch
    batches = minibatch(texts, batch_size)
    try:
        for _ in range(n_process):
            workers.append(_start(nlp, batch_size, workers))
        for worker, batch in zip(workers, batches):
            _send(worker, batch)
            busy.append((worker, batch))
        while busy:
            worker, batch = busy.popleft()
            answer = _receive(worker)
            if (following := next(batches, None)) is not None:
                _send(worker, following)
                busy.append((worker, following))
            for number, data in answer:
                yield Doc(nlp.vocab).from_bytes(data), batch[number][1]
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.join()
            worker.connection.close()


def _start(nlp: Language, batch_size: int, others: List[_Worker]) -> _Worker:
    context = multiprocessing.get_context()
    connection, other = context.Pipe()
    ends = [connection, *(worker.connection for worker in others)]
    process = context.Process(
        target=_serve, args=(nlp, Underscore.get_state(), batch_size, other, ends), daemon=True
    )
    process.start()
    other.close()  # so that the end of the process is the end of the connection
    return _Worker(process, connection)


def _send(worker: _Worker, batch: List[Text]) -> None:
    try:
        worker.connection.send([text for text, _ in batch])
    except OSError:
        raise _ended(worker) from None


def _receive(worker: _Worker) -> List[Tuple[int, bytes]]:
    try:
        answer: _Answer = worker.connection.recv()
    except (EOFError, OSError):
        raise _ended(worker) from None
    if isinstance(answer, RelComponentError):
        raise answer
    return answer


def _ended(worker: _Worker) -> RelComponentError:
    worker.process.join(1)
    return RelComponentError(
        f"a process of the pipeline ended {how_it_ended(worker.process.exitcode)}; extract_files "
        "(--output) finds the documents at fault, and goes on"
    )


def _serve(
    nlp: Language, extensions: Any, batch_size: int, connection: Connection, ends: List[Connection]
) -> None:
    """Answer batches until the other end is closed. This is the process of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    for end in ends:  # a fork holds them all, and a connection ends when nobody holds it
        end.close()
    Underscore.load_state(extensions)
    try:
        while True:
            connection.send(_answer(nlp, connection.recv(), batch_size))
    except (EOFError, OSError):  # the process that asked is gone
        return


def _answer(nlp: Language, texts: List[str], batch_size: int) -> _Answer:
    numbered = ((text, number) for number, text in enumerate(texts))
    try:
        docs = nlp.pipe(numbered, as_tuples=True, batch_size=batch_size)
        return [(number, doc.to_bytes()) for doc, number in docs]
    except RelComponentError as err:
        return plain(err)
    except Exception as err:
        return RelComponentError(
            f"a process of the pipeline failed: {type(err).__name__}: {str(err)[:_LONGEST]}; "
            "extract_files (--output) lists the documents that fail, and goes on"
        )


def plain(error: RelComponentError) -> RelComponentError:
    """The error with its message alone, as it can be sent to another process."""
    return type(error)(str(error))


def how_it_ended(code: Optional[int]) -> str:
    """The exit code of a process in words."""
    if code is None or code >= 0:
        return f"with exit code {code}"
    name = signal.Signals(-code).name if -code in list(signal.Signals) else str(-code)
    hint = ", as where memory is short" if name == "SIGKILL" else ""
    return f"by the signal {name}{hint}"
