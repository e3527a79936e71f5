"""Shards two at a time, the second one first, in this process."""

from itertools import islice

from rel_component.inference.executor import Executor
from rel_component.inference.work import Extractor, run_shard


def run(work, shards, resources):
    extractor = Extractor(work)
    remaining = iter(shards)
    while pair := list(islice(remaining, 2)):
        for shard in reversed(pair):
            yield run_shard(work, shard, extractor)


EXECUTOR = Executor(__name__, "two shards at a time", run, isolates=False)
