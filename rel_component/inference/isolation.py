"""A worker in a process of its own, which documents may end or keep busy without harm to others."""

import multiprocessing
import os
import signal
import threading
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Iterable, Iterator, List, Optional, Sequence, Union

from ..errors import ConfigError, RelComponentError
from ..llm.types import ONE_PROCESS
from ..threads import set_torch_threads
from .processes import how_it_ended, plain
from .shards import Document
from .work import Costs, Extractor, Outcome, Work

_Batch = Sequence[Document]

_LONGEST_WAIT = 1e6  # seconds, about what the system can wait for at once


class IsolatedWorker:
    """Processes batches in a process of its own, which has loaded the pipeline.

    A batch that takes longer than one document may, or ends the process, is processed anew in a new
    process, document by document: those at fault are found, and become failures. The process begins
    with the first batch, and computes with one thread.

    Args:
        work: what is done.
    """

    by_length = True

    def __init__(self, work: Work) -> None:
        self.work = work
        self.costs = Costs()
        self._process: Optional[BaseProcess] = None
        self._connection: Optional[Connection] = None
        self._patience = 1.0  # how many times as long as a document a batch may take
        self._cpu = 0.0  # of processes that have ended
        self._is_closed = False

    def __enter__(self) -> "IsolatedWorker":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def extract(self, batches: Iterable[_Batch]) -> Iterator[List[Outcome]]:
        """The outcomes of each batch.

        Raises:
            ConfigError: if the pipeline cannot be used, or its process ends while it is loaded.
        """
        for batch in batches:
            yield self._extract(batch)
        if self._connection is not None:
            with suppress(OSError):  # the next batch finds out that the process has ended
                self._connection.send(None)

    def close(self) -> None:
        """End the process; called from any thread."""
        self._is_closed = True
        self._end()

    def _extract(self, batch: _Batch) -> List[Outcome]:
        outcomes = self._ask(batch, self.work.timeout * (self._patience if len(batch) > 1 else 1))
        if not isinstance(outcomes, str):
            return outcomes
        if len(batch) == 1:
            return [Outcome(error=outcomes)]
        alone = [self._extract([document])[0] for document in batch]
        if not any(outcome.error for outcome in alone):
            self._patience *= 2  # the batch as a whole took too long
        return alone

    def _ask(self, batch: _Batch, timeout: float) -> Union[List[Outcome], str]:
        """The outcomes of a batch, or why there are none."""
        connection = self._connection or self._start()
        try:
            connection.send(batch)
            if not connection.poll(min(timeout, _LONGEST_WAIT)):
                self._end()
                return f"it took more than {timeout:g} seconds"
            outcomes, cpu, memory = connection.recv()
        except (EOFError, OSError):
            return f"its worker ended {self._end()}"
        if isinstance(outcomes, RelComponentError):
            raise outcomes
        self.costs = Costs(self._cpu + cpu, max(memory, self.costs.memory))
        return outcomes

    def _start(self) -> Connection:
        if self._is_closed:
            raise ConfigError("the worker was closed")
        context = _context()
        connection, other = context.Pipe()
        process = context.Process(target=_serve, args=(other, self.work), daemon=True)
        process.start()
        other.close()  # so that the end of the process is the end of the connection
        self._process, self._connection = process, connection
        try:
            error = connection.recv()
        except (EOFError, OSError):
            raise ConfigError(
                f"a worker ended {self._end()} while it loaded {self.work.pipeline}; a script that "
                'starts workers has to do it below if __name__ == "__main__"'
            ) from None
        if error is not None:
            self._end()
            raise error
        self._cpu = self.costs.cpu
        return connection

    def _end(self) -> str:
        """End the process, and say how it had ended if it had."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if process is None or connection is None:
            return "because it was closed"
        process.join(0.2)
        code = process.exitcode
        process.kill()
        process.join()
        connection.close()
        return how_it_ended(code)


@cache
def _context() -> Any:
    """How processes begin: as forks of one that has imported what all need, and computed nothing."""
    if "forkserver" not in multiprocessing.get_all_start_methods():  # Windows
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"{__package__}.preload"])
    return context


def _serve(connection: Connection, work: Work) -> None:
    """Answer batches until the other end is closed. This is the process of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        set_torch_threads(1)
        extractor = Extractor(work)
        if not extractor.by_length:
            raise ConfigError(ONE_PROCESS)
    except RelComponentError as err:
        connection.send(plain(err))
        return
    connection.send(None)
    with suppress(EOFError):
        while True:
            _serve_shard(connection, extractor, connection.recv())


def _serve_shard(connection: Connection, extractor: Extractor, first: Optional[_Batch]) -> None:
    def batches() -> Iterator[_Batch]:
        batch = first
        while batch is not None:
            yield batch
            batch = connection.recv()

    try:
        for outcomes in extractor.extract(batches()):
            connection.send((outcomes, extractor.costs.cpu, extractor.costs.memory))
    except RelComponentError as err:
        connection.send((plain(err), 0.0, 0))


def _end_with_parent() -> None:
    """End this process when its parent is gone, even if the pipeline does not come back."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
