"""YAML and JSON files of people: read within limits of time and memory, whatever is in them."""

import warnings
from pathlib import Path
from typing import Any, Dict, List, Tuple

import srsly

from .errors import DataError

_MAX_DEPTH = 100


def parse_yaml(text: str) -> Any:
    """Decode a YAML text.

    Args:
        text: a text with one document.

    Raises:
        DataError: if the text is broken, nested more than a hundred levels deep, or if aliases make
            very much more of it than there is in it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _check_size(text)
            return srsly.yaml_loads(text)
        except Exception as err:  # some broken files are too much for the parser
            raise DataError(f"broken YAML: {err!s:.200}") from err


def read_yaml_or_json(path: Path) -> Any:
    """Read a file, JSON if its name ends in ``.json`` and YAML otherwise.

    Args:
        path: the file, in UTF-8 with or without a byte order mark.

    Raises:
        DataError: if it is missing or broken; see :func:`parse_yaml`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return srsly.json_loads(text) if path.suffix == ".json" else parse_yaml(text)
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err
    except ValueError as err:
        raise DataError(f"cannot be read: {err!s:.300}", place=str(path)) from err


def _check_size(text: str) -> None:
    """Count the values that the text stands for, an alias as much as what it repeats.

    The parser itself would come to depth limits, and expand merged mappings, only after a long time.
    """
    ruamel_yaml, limit = srsly.ruamel_yaml, 100 * len(text) + 1000
    sizes: Dict[str, int] = {}
    unfinished: List[Tuple[str, int]] = []
    size = 0
    for event in ruamel_yaml.parse(text, Loader=ruamel_yaml.SafeLoader):
        if isinstance(event, ruamel_yaml.events.CollectionEndEvent):
            anchor, before = unfinished.pop()
            sizes[anchor] = size - before
            continue
        if isinstance(event, ruamel_yaml.events.NodeEvent):
            is_alias = isinstance(event, ruamel_yaml.events.AliasEvent)
            size += sizes.get(event.anchor, 1) if is_alias else 1
        if isinstance(event, ruamel_yaml.events.CollectionStartEvent):
            unfinished.append((event.anchor, size))
            sizes[event.anchor] = limit + 1  # an alias in what it stands for
        if len(unfinished) > _MAX_DEPTH:
            raise DataError(f"nested more than {_MAX_DEPTH} levels deep")
        if size > limit:
            raise DataError("aliases that make it too large")
