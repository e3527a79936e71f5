"""Checks that the model of a component can do what the component asks of it."""

from typing import Any

from thinc.api import Model

from ..errors import ConfigError


def refuse_uninitialised(model: Model[Any, Any], name: str) -> None:
    """Check that a model can predict.

    Args:
        model: the model.
        name: name of the component.

    Raises:
        ConfigError: if the model has no outputs yet.
    """
    if not model.has_dim("nO"):
        raise ConfigError(
            f"{name} is not initialised: call nlp.initialize with examples, or load a trained "
            "pipeline."
        )


def refuse_listeners(model: Model[Any, Any], name: str) -> None:
    """Check that a model can read a batch twice.

    Args:
        model: the model.
        name: name of the component.

    Raises:
        ConfigError: if the model listens to another component, which reads each batch once.
    """
    if any(hasattr(node, "upstream_name") for node in model.walk()):
        raise ConfigError(
            f"{name}: consistency needs a model with an encoder of its own, and this one listens to "
            "another component. Set consistency = 0.0, or use rel_component."
            "Encoder.v1 in place of the listener."
        )
