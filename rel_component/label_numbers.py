"""Numbers by label in a config: a mapping, or pairs for labels that cannot be keys."""

import re
from typing import Any, Dict, List, Mapping, Union

from .errors import ConfigError, shown

LabelNumbers = Union[Dict[str, float], List[List[Any]], None]

# a key with ":" or "=" ends there, others begin a comment, a section or the name of a function
_KEY = re.compile(r"[^\s@#;\[:=]([^:=\n]*[^\s:=])?")


def read_numbers(given: LabelNumbers, place: str) -> Dict[str, float]:
    """The numbers by label that an option gives.

    Args:
        given: numbers by label, or pairs of label and number; None: there are none.
        place: the option, for messages.

    Raises:
        ConfigError: if it is something else.
    """
    if isinstance(given, list) and not all(
        isinstance(pair, (list, tuple)) and list(map(type, pair)) in ([str, float], [str, int])
        for pair in given
    ):
        raise ConfigError(
            f"{place} must be numbers by label, or pairs of label and number, got {shown(given)}"
        )
    return dict(map(tuple, given) if isinstance(given, list) else given or {})


def for_config(numbers: Mapping[str, float]) -> LabelNumbers:
    """Numbers by label as a config can hold them: pairs where a label cannot be a key."""
    if not all(map(_KEY.fullmatch, numbers)):
        return [list(item) for item in numbers.items()]
    return dict(numbers) or None


def check_keys(given: LabelNumbers, place: str) -> None:
    """Refuse a mapping that a config cannot hold: what is saved with it could not be loaded.

    Args:
        given: numbers by label, or pairs of label and number.
        place: the option, for messages.

    Raises:
        ConfigError: naming the first label that cannot be a key.
    """
    for label, value in given.items() if isinstance(given, dict) else ():
        if not _KEY.fullmatch(label):
            raise ConfigError(
                f"{place}: {shown(label)} cannot be a key of a config, and no pipeline that is saved "
                "with it could be loaded; give pairs of label and number: "
                f'{place} = [["{label:.60}", {value}], ...]'
            )
