"""Checks of the sampling options of backends."""

from typing import Optional

from ...errors import ConfigError


def check_sampling(temperature: Optional[float], max_tokens: int) -> None:
    """Check the options of a backend.

    Args:
        temperature: at least 0; None: the endpoint decides.
        max_tokens: at least 1.

    Raises:
        ConfigError: if an option is out of range.
    """
    if temperature is not None and temperature < 0:
        raise ConfigError(f"temperature must be at least 0, got {temperature}")
    if max_tokens < 1:
        raise ConfigError(f"max_tokens must be at least 1, got {max_tokens}")


def check_sample(sample: int, temperature: Optional[float]) -> None:
    """Check that a sample of a request may differ from the first one.

    Args:
        sample: number of the sample.
        temperature: the temperature of the backend.

    Raises:
        ConfigError: if all samples would be the same.
    """
    if sample and temperature == 0:
        raise ConfigError(
            f"Sample {sample} of a request needs a temperature above 0: at 0 all samples are the "
            "same."
        )
