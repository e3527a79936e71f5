"""In several processes of this machine, each of which loads the pipeline once."""

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from queue import SimpleQueue
from typing import Iterable, Iterator, Set

from ..executor import Executor, Resources
from ..isolation import IsolatedWorker
from ..shards import Finished, Shard
from ..work import Work, run_shard


def _run(work: Work, shards: Iterable[Shard], resources: Resources) -> Iterator[Finished]:
    workers = [IsolatedWorker(work) for _ in range(resources.n_workers)]
    free: SimpleQueue[IsolatedWorker] = SimpleQueue()
    for worker in workers:
        free.put(worker)

    def run(shard: Shard) -> Finished:
        worker = free.get()
        try:
            return run_shard(work, shard, worker)
        finally:
            free.put(worker)

    # threads only wait for the processes and write what they send
    pool = ThreadPoolExecutor(resources.n_workers, thread_name_prefix="rel_worker")
    running: Set[Future[Finished]] = set()
    try:
        for shard in shards:
            running.add(pool.submit(run, shard))
            if len(running) > resources.n_workers:  # one waits, so that no worker does
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        yield from (future.result() for future in as_completed(running))
    finally:
        for worker in workers:
            worker.close()
        pool.shutdown(cancel_futures=True)


EXECUTOR = Executor("process", "in processes of this machine", _run)
