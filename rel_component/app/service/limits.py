"""What a service takes, and how long it works for it."""

from dataclasses import dataclass

from ...errors import ConfigError


@dataclass(frozen=True)
class Limits:
    """What a service takes, and how long it works for it.

    Attributes:
        max_length: the most characters of a text. A text that is being processed cannot be stopped, so
            that this is what bounds the time of a batch.
        max_texts: the most texts of a request.
        max_body: the most bytes of a request, or of a line of a stream.
        max_explained: the most characters of a text whose relations are explained, which takes
            as much as a hundred copies of it.
        max_waiting: the most texts that wait for the pipeline; further requests are sent away.
        batch_size: the most texts in a batch.
        timeout: seconds until a request has to have its answer; in a stream, those that either side
            waits for the other one.
    """

    max_length: int = 100_000
    max_texts: int = 256
    max_body: int = 2 << 20
    max_explained: int = 2000
    max_waiting: int = 1024
    batch_size: int = 64
    timeout: float = 60.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ConfigError(f"{name}: expected a number above 0, got {value}")
        if self.max_texts > self.max_waiting:
            raise ConfigError(
                f"max_texts: {self.max_texts} texts of a request cannot wait where {self.max_waiting} "
                "may; raise max_waiting"
            )
