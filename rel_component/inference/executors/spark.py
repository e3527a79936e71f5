"""On Spark, by mapInPandas: each Python worker of an executor has the pipeline in a process beside it."""

import os
import pickle
import sys
from typing import Any, Callable, Dict, Iterable, Iterator

from ...packages import import_package
from ..dispatch import dispatch
from ..executor import Executor, Resources
from ..isolation import IsolatedWorker
from ..shards import Finished, Shard
from ..work import Work, run_shard

_workers: Dict[bytes, IsolatedWorker] = {}
"""That of this Python worker, which Spark keeps for the next shard, by its work."""


def _run(work: Work, shards: Iterable[Shard], resources: Resources) -> Iterator[Finished]:
    sql: Any = import_package("pyspark.sql", "spark")
    spark = sql.SparkSession.getActiveSession()
    is_ours = spark is None
    if is_ours:
        spark = _session(sql, resources)
    on_worker = _on_worker(pickle.dumps(work))

    def run(number: int, shard: Shard) -> Finished:
        rows = spark.createDataFrame([(bytearray(pickle.dumps(shard)),)], "shard binary").coalesce(1)
        (row,) = rows.mapInPandas(on_worker, "finished binary").collect()
        finished: Finished = pickle.loads(row.finished)
        return finished

    try:
        yield from dispatch(shards, range(resources.n_workers), run)
    finally:
        if is_ours:
            spark.stop()


def _session(sql: Any, resources: Resources) -> Any:
    builder = sql.SparkSession.builder.appName("rel_component")
    if resources.address is None:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # or it would be any python3
    builder = builder.master(resources.address or f"local[{resources.n_workers}]")
    return builder.config("spark.ui.enabled", "false").getOrCreate()


def _on_worker(work: bytes) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """What mapInPandas calls on a Python worker of an executor."""

    def run(frames: Iterable[Any]) -> Iterator[Any]:
        for frame in frames:
            yield frame["shard"].map(lambda shard: _finish(work, shard)).to_frame("finished")

    return run


def _finish(work: bytes, shard: bytes) -> bytes:
    if work not in _workers:
        while _workers:  # of a run before
            _workers.popitem()[1].close()
        _workers[work] = IsolatedWorker(pickle.loads(work))
    worker = _workers[work]
    return pickle.dumps(run_shard(worker.work, pickle.loads(shard), worker))


EXECUTOR = Executor("spark", "on a Spark cluster, or this machine as one", _run)
