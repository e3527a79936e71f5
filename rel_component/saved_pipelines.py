"""Reading saved pipelines and configs, with errors that name the file at fault."""

import gc
from pathlib import Path
from typing import Any, Callable, Dict, Tuple, Union

from spacy import util
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.vocab import Vocab

from .errors import ConfigError, RelComponentError

_LONGEST = 500  # characters of an error of others


def read_pipeline(source: Union[str, Path]) -> Language:
    """Load a pipeline.

    Args:
        source: name or path of a pipeline, or path of a config of one that needs no training.

    Raises:
        ConfigError: if there is no such pipeline, or if it is damaged; the message names the file.
    """
    collects = gc.isenabled()
    try:
        return _load(source)
    except RelComponentError:
        raise
    except Exception as err:
        place, cause = _find_fault(Path(source), err)
        kind = "" if isinstance(cause, OSError) else f"{type(cause).__name__}: "
        raise ConfigError(f"{place} cannot be loaded: {kind}{str(cause)[:_LONGEST]}") from err
    finally:
        if collects:  # srsly leaves the collector off after an error
            gc.enable()


def _load(source: Union[str, Path]) -> Language:
    if not str(source).endswith(".cfg"):
        return util.load_model(source)
    config, folder = util.load_config(source), Path(source).parent
    missing = _find_paths(config, folder)
    try:
        nlp = util.load_model_from_config(config, auto_fill=True)
        sourced = util.get_sourced_components(config)
        with nlp.select_pipes(disable=[*sourced]):
            nlp.initialize()
    except RelComponentError as err:
        for setting, path in missing.items():
            if path in str(err):
                tried = " nor ".join(str(place / path) for place in (Path.cwd(), folder.absolute()))
                raise ConfigError(
                    f"{source}: paths.{setting}: {err}; there is neither {tried}"
                ) from err
        raise
    return nlp


def _find_paths(config: Dict[str, Any], folder: Path) -> Dict[str, str]:
    """Let paths of a config lead to files beside it or in its project, if the current folder has none.

    Returns:
        The paths of files that are nowhere, by setting.
    """
    missing: Dict[str, str] = {}
    for setting, path in config.get("paths", {}).items():
        if isinstance(path, str) and not Path(path).expanduser().exists():
            # recipes lie in a folder of their project
            found = [place / path for place in (folder, folder.parent) if (place / path).exists()]
            if found:
                config["paths"][setting] = str(found[0].absolute())
            else:
                missing[setting] = path
    return missing


def _find_fault(folder: Path, error: Exception) -> Tuple[Path, Exception]:
    """The part of a saved pipeline that cannot be read; spaCy's errors do not name it."""
    readers: Dict[str, Callable[[Path], Any]] = {
        "meta.json": util.load_meta,
        "config.cfg": lambda path: util.load_model_from_config(util.load_config(path)),
        "vocab": lambda path: Vocab().from_disk(path),
        "tokenizer": lambda path: Tokenizer(Vocab()).from_disk(path),
    }
    for name, read in readers.items():
        try:
            if folder.is_dir():
                read(folder / name)
        except Exception as err:
            return folder / name, err
    return folder, error
