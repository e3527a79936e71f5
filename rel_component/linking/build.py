"""What ``spacy rel build-kb`` does."""

from pathlib import Path
from typing import Optional, Union

from ..converters.report import Report
from ..errors import DataError
from .entities import read_entities
from .knowledge_base import KnowledgeBase, build, save_kb


def build_kb(
    path: Union[str, Path], folder: Union[str, Path], *, report: Optional[Report] = None
) -> KnowledgeBase:
    """Build the folder of a knowledge base from a file of its entities.

    Args:
        path: a CSV or JSONL file; see ``entities.py`` for its columns.
        folder: where it goes, new or empty; whole or absent.
        report: takes note of rows that cannot be used; None: the first one is an error.

    Returns:
        The knowledge base.

    Raises:
        ConfigError: if the folder has files in it.
        DataError: at the first row that cannot be used; if there is no entity, or the folder cannot
            be written.
    """
    kb = build(read_entities(Path(path), report or Report()))
    if not len(kb):
        raise DataError("there is no entity in it", place=str(path))
    save_kb(kb, folder)
    return kb
