"""Checks of the options that say how answers are drawn."""

from typing import Optional

from ...errors import ConfigError


def check_sampling(temperature: Optional[float], max_tokens: int) -> None:
    """Raises:
    ConfigError: if a temperature or a limit of tokens is out of range.
    """
    if temperature is not None and temperature < 0:
        raise ConfigError(f"temperature must be at least 0, got {temperature}")
    if max_tokens < 1:
        raise ConfigError(f"max_tokens must be at least 1, got {max_tokens}")


def check_sample(sample: int, temperature: Optional[float]) -> None:
    """Raises:
    ConfigError: if another sample would be the same as the first.
    """
    if sample and temperature == 0:
        raise ConfigError(
            f"Sample {sample} of a request needs a temperature above 0: at 0 all samples are the "
            "same."
        )
