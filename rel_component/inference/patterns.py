"""Patterns of files, such as ``news/**/*.jsonl.gz``.

What runs leave beside their results is passed over, unless the pattern asks for it: names that begin
with ``_``, folders of shards and lists of failures.
"""

import glob
import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import List, Sequence

from ..files import is_unfinished
from .shards import FAILURES, PARTS


def matching_files(pattern: str) -> List[Path]:
    """The files of a pattern, in order of their names."""
    found = map(Path, sorted(glob.glob(pattern, recursive=True)))
    wanted = Path(pattern).parts
    return [
        file
        for file in found
        if file.is_file() and not is_unfinished(file) and not _is_passed_over(file.parts, wanted)
    ]


def would_match(path: Path, pattern: str) -> bool:
    """Whether a file, which may not be there yet, would be one of those of a pattern.

    Args:
        path: the file.
        pattern: the pattern.
    """
    parts, wanted = (Path(os.path.realpath(name)).parts for name in (path, pattern))
    return _fits(parts, wanted) and not _is_passed_over(parts, wanted)


def is_left_by_runs(name: str) -> bool:
    """Whether a file or folder has a name that runs give to what is no result."""
    return name.startswith("_") or name.endswith((PARTS, FAILURES))


def _is_passed_over(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    asked = list(filter(is_left_by_runs, wanted))
    return any(
        is_left_by_runs(part) and not any(fnmatchcase(part, name) for name in asked)
        for part in parts
    )


def _fits(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    if not wanted:
        return not parts
    if wanted[0] == "**":
        return any(_fits(parts[i:], wanted[1:]) for i in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], wanted[0]) and _fits(parts[1:], wanted[1:])
