"""The type of a way to run an extraction, and the ways there are."""

from dataclasses import dataclass
from typing import Callable, Iterable, Iterator, Optional

from .. import registry
from .shards import Finished, Shard
from .work import Work


@dataclass(frozen=True)
class Resources:
    """What an executor may use.

    Attributes:
        n_workers: processes that hold a pipeline.
        gpus: GPUs of each worker, or the share of one, where the executor gives them out.
        address: of a cluster; None: what the executor finds, or this machine.
    """

    n_workers: int = 1
    gpus: float = 0.0
    address: Optional[str] = None


@dataclass(frozen=True)
class Executor:
    """A way to run an extraction, registered under its name in ``rel_component_executors``.

    `run` gives each shard to one worker, which calls :func:`~.work.run_shard` and writes it; a shard
    that is yielded is finished, in any order. It takes the next shards only when workers are near to
    be free, since all of them do not fit into memory, and raises the first error of a worker. When its
    iterator is closed, as after an interrupt, the workers end.

    Attributes:
        name: its name.
        description: where it runs, in a few words.
        run: runs the work on shards.
        isolates: whether a document that takes too long, or ends its worker, is stopped and becomes a
            failure, as :class:`~.isolation.IsolatedWorker` does it. The pipeline is a name or path then.
    """

    name: str
    description: str
    run: Callable[[Work, Iterable[Shard], Resources], Iterator[Finished]]
    isolates: bool = True


def get_executor(name: str) -> Executor:
    """Find a registered executor by its name.

    Raises:
        ConfigError: if there is none of this name, or something else is registered as one.
    """
    return registry.named(registry.registered(registry.executors, Executor), name, "executor")
