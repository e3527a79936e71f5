"""On Ray: each worker is an actor, and has the pipeline in a process beside it that may be ended."""

from dataclasses import replace
from typing import Any, Iterable, Iterator, List

from ...errors import ConfigError
from ...packages import import_package
from ..dispatch import Result, dispatch, finish
from ..executor import Executor, Resources
from ..isolation import IsolatedWorker
from ..shards import Finished, Shard
from ..work import Work

_ATTEMPTS = 3  # on other machines, where one is lost


class _Actor:
    """A worker of the cluster.

    Args:
        work: what is done.
    """

    def __init__(self, work: Work) -> None:
        self._worker = IsolatedWorker(work)

    def run(self, shard: Shard) -> Result:
        """Process and write a shard."""
        return finish(self._worker, shard)


def _run(work: Work, shards: Iterable[Shard], resources: Resources) -> Iterator[Finished]:
    ray: Any = import_package("ray", "ray")
    is_ours = not ray.is_initialized()
    if is_ours:
        here = {} if resources.address else {"num_cpus": resources.n_workers}
        ray.init(resources.address, log_to_driver=False, include_dashboard=False, **here)
    given = {"num_gpus": resources.gpus} if resources.gpus else {}
    work = replace(work, gpu_id=0) if resources.gpus else work  # each sees those that it is given
    options = {"num_cpus": 1, "max_restarts": _ATTEMPTS, "max_task_retries": _ATTEMPTS, **given}
    actors: List[Any] = []
    try:
        make = ray.remote(**options)(_Actor)
        actors += [make.remote(work) for _ in range(resources.n_workers)]

        def run(actor: Any, shard: Shard) -> Result:
            try:
                result: Result = ray.get(actor.run.remote(shard))
            except ray.exceptions.RayError as err:
                return ConfigError(f"Ray could not finish shard {shard.number}: {err}")
            return result

        yield from dispatch(shards, actors, run)
    finally:
        for actor in actors:
            ray.kill(actor)
        if is_ours:
            ray.shutdown()


EXECUTOR = Executor("ray", "on a Ray cluster, or this machine as one", _run)
