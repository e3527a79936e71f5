"""In this process, one shard after the other."""

from typing import Iterable, Iterator

from ..executor import Executor, Resources
from ..shards import Finished, Shard
from ..work import Extractor, Work, run_shard


def _run(work: Work, shards: Iterable[Shard], resources: Resources) -> Iterator[Finished]:
    extractor = Extractor(work)
    return (run_shard(work, shard, extractor) for shard in shards)


EXECUTOR = Executor(
    "local",
    "in this process; a document that fails is listed, one that hangs cannot be stopped",
    _run,
    isolates=False,
)
