"""In several processes of this machine, each of which loads the pipeline once."""

from contextlib import ExitStack
from typing import Iterable, Iterator

from ..dispatch import dispatch
from ..executor import Executor, Resources
from ..isolation import IsolatedWorker
from ..shards import Finished, Shard
from ..work import Work, run_shard


def _run(work: Work, shards: Iterable[Shard], resources: Resources) -> Iterator[Finished]:
    with ExitStack() as stack:
        workers = [stack.enter_context(IsolatedWorker(work)) for _ in range(resources.n_workers)]
        yield from dispatch(shards, workers, lambda worker, shard: run_shard(work, shard, worker))


EXECUTOR = Executor("process", "in processes of this machine", _run)
