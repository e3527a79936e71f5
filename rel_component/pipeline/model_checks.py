"""A check that the model of a component can predict."""

from typing import Any

from thinc.api import Model

from ..errors import ConfigError


def refuse_uninitialised(model: Model[Any, Any], name: str) -> None:
    """Check that the model of the component `name` can predict.

    Raises:
        ConfigError: if the model has no outputs yet.
    """
    if not model.has_dim("nO"):
        raise ConfigError(
            f"{name} is not initialised: call nlp.initialize with examples, or load a trained "
            "pipeline."
        )
