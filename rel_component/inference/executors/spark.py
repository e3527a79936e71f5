"""On Spark, by mapInPandas: each of its Python workers has the pipeline in a process beside it."""

import os
import pickle
import sys
from typing import Any, Callable, Dict, Iterable, Iterator

from ...errors import ConfigError
from ...packages import import_package
from ..dispatch import Result, dispatch, finish
from ..executor import Executor, Resources
from ..isolation import IsolatedWorker
from ..shards import Finished, Shard
from ..work import Work

_LONGEST = 500  # characters of a message of Spark

_workers: Dict[bytes, IsolatedWorker] = {}
"""That of this Python worker, which Spark keeps for the next shard, by its work."""


def _run(work: Work, shards: Iterable[Shard], resources: Resources) -> Iterator[Finished]:
    sql: Any = import_package("pyspark.sql", "spark")
    errors: Any = import_package("pyspark.errors", "spark")
    spark = sql.SparkSession.getActiveSession()
    is_ours = spark is None
    if is_ours:
        try:
            spark = _session(sql, resources)
        except errors.PySparkException as err:
            raise ConfigError(f"Spark could not start: {str(err)[:_LONGEST]}") from err
    on_worker = _on_worker(pickle.dumps(work))

    def run(_: int, shard: Shard) -> Result:
        row = bytearray(pickle.dumps(shard))
        rows = spark.createDataFrame([(row,)], "shard binary").coalesce(1)
        try:
            (done,) = rows.mapInPandas(on_worker, "result binary").collect()
        except errors.PySparkException as err:
            reason = str(err)[:_LONGEST]
            return ConfigError(f"Spark could not finish shard {shard.number}: {reason}")
        result: Result = pickle.loads(done.result)
        return result

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
            yield frame["shard"].map(lambda shard: _finish(work, shard)).to_frame("result")

    return run


def _finish(work: bytes, shard: bytes) -> bytes:
    if work not in _workers:
        while _workers:  # of a run before
            _workers.popitem()[1].close()
        _workers[work] = IsolatedWorker(pickle.loads(work))
    return pickle.dumps(finish(_workers[work], pickle.loads(shard)))


EXECUTOR = Executor("spark", "on a Spark cluster, or this machine as one", _run)
