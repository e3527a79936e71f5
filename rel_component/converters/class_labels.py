"""Names of labels that a data set gives by number, as those of the Hugging Face hub do.

They stand in its ``dataset_info.json``, which ``dataset.info.write_to_directory`` writes, or at the
beginning of its README.md; see https://huggingface.co/docs/datasets/about_dataset_features.
"""

from pathlib import Path
from typing import Any, Callable

from ..errors import DataError
from ..yaml_files import parse_yaml, read_yaml_or_json

INFO, CARD = "dataset_info.json", "README.md"

_MAX_DEPTH = 20
_FENCE = "---\n"


def names_of_labels(path: Path) -> Callable[[Any], Any]:
    """The function that replaces numbers of labels by their names in a record of a file.

    Args:
        path: the file; the names are looked for beside it. Without any, the function changes nothing.

    Raises:
        DataError: if ``dataset_info.json`` is there, and broken.
    """
    features = _read_features(path.parent)
    return lambda record: _named(record, features)


def _read_features(folder: Path) -> Any:
    if (folder / INFO).is_file():
        info = read_yaml_or_json(folder / INFO)
        return info.get("features") if isinstance(info, dict) else None
    if not (folder / CARD).is_file():
        return None
    card = (folder / CARD).read_text(encoding="utf-8", errors="replace")
    try:
        info = parse_yaml(card.split(_FENCE, 2)[1]) if card.startswith(_FENCE) else None
    except DataError:  # it may be the README of something else
        return None
    info = info.get("dataset_info") if isinstance(info, dict) else None
    configurations = info if isinstance(info, list) else [info]
    fields = [x.get("features") for x in configurations if isinstance(x, dict)]
    return _from_card(fields[0]) if fields and all(x == fields[0] for x in fields) else None


def _from_card(fields: Any, depth: int = 0) -> Any:
    """The features of a card in the form that they have in ``dataset_info.json``."""
    if depth > _MAX_DEPTH:
        return None
    if isinstance(fields, list):
        named = [item for item in fields if isinstance(item, dict) and "name" in item]
        return {str(item["name"]): _from_card(item, depth + 1) for item in named}
    if not isinstance(fields, dict):
        return None
    for key in ("sequence", "list"):
        if key in fields:
            return [_from_card(fields[key], depth + 1)]
    for key in ("dtype", "struct"):
        if key in fields:
            return _from_card(fields[key], depth + 1)
    label = fields.get("class_label")
    names = label.get("names") if isinstance(label, dict) else None
    names = list(names.values()) if isinstance(names, dict) else names
    return {"_type": "ClassLabel", "names": names}


def _named(value: Any, feature: Any, depth: int = 0) -> Any:
    """A value with names in the place of the numbers that the feature says are labels."""
    if depth > _MAX_DEPTH or value is None:
        return value
    if isinstance(feature, list):
        return _each(value, feature[0] if feature else None, depth)
    if not isinstance(feature, dict):
        return value
    if feature.get("_type") == "ClassLabel":
        names = feature.get("names")
        if isinstance(names, list) and type(value) is int and 0 <= value < len(names):
            return str(names[value])
        return value
    if "feature" in feature and isinstance(feature.get("_type"), str):
        return _each(value, feature["feature"], depth)
    if not isinstance(value, dict):
        return value
    return {key: _named(item, feature.get(key), depth + 1) for key, item in value.items()}


def _each(value: Any, feature: Any, depth: int) -> Any:
    """The items of a list, or of the columns that a list of objects may be stored as."""
    if isinstance(value, list):
        return [_named(item, feature, depth + 1) for item in value]
    if not isinstance(value, dict) or not isinstance(feature, dict):
        return value
    return {key: _named(item, [feature.get(key)], depth + 1) for key, item in value.items()}
