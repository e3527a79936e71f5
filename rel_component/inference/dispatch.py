"""Shards for workers that wait elsewhere: in other processes, on other machines."""

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import Callable, Iterable, Iterator, Sequence, Set, TypeVar, Union

from ..errors import RelComponentError
from .isolation import IsolatedWorker
from .processes import plain
from .shards import Finished, Shard
from .work import run_shard

Worker = TypeVar("Worker")
Result = Union[Finished, RelComponentError]


def finish(worker: IsolatedWorker, shard: Shard) -> Result:
    """Process and write a shard on another machine, whose error comes back as a value."""
    try:
        return run_shard(worker.work, shard, worker)
    except RelComponentError as err:
        return plain(err)


def dispatch(
    shards: Iterable[Shard], workers: Sequence[Worker], run: Callable[[Worker, Shard], Result]
) -> Iterator[Finished]:
    """Give each shard to a worker that is free.

    One shard waits for it in memory, so that no worker waits for the source; others are not read yet.

    Args:
        shards: the shards.
        workers: each has one shard at a time.
        run: has a worker process a shard, and waits for it in a thread.

    Returns:
        What is finished, as it comes; the first error of a worker is raised.
    """
    free: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        free.put(worker)

    def run_on_free(shard: Shard) -> Finished:
        worker = free.get()
        try:
            result = run(worker, shard)
        finally:
            free.put(worker)
        if isinstance(result, RelComponentError):
            raise result
        return result

    pool = ThreadPoolExecutor(len(workers), thread_name_prefix="rel_worker")
    running: Set[Future[Finished]] = set()
    try:
        for shard in shards:
            running.add(pool.submit(run_on_free, shard))
            if len(running) > len(workers):
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
