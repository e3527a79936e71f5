"""Reads the annotated documents that prompts show as examples."""

from functools import partial
from pathlib import Path
from typing import Callable, Iterable, Iterator, Optional

from spacy.language import Language
from spacy.tokens import Doc

from ..converters.convert import AUTO, convert_file
from ..converters.report import Report
from ..spacy_files import read_docs

Reader = Callable[[Language], Iterable[Doc]]


def read_prompt_examples(path: Optional[Path] = None) -> Optional[Reader]:
    """A reader of examples (``rel_component.read_prompt_examples.v1``).

    Args:
        path: a ``.spacy`` file or a folder of them, or a file of any annotation format, spacy-llm's
            examples included. None: no examples.

    Raises:
        DataError: when read, if the file or a document in it cannot be used.
    """
    return None if path is None else partial(_read, Path(path))


def _read(path: Path, nlp: Language) -> Iterator[Doc]:
    if path.is_dir() or path.suffix == ".spacy":
        yield from read_docs(path, nlp)
    else:
        yield from convert_file(path, AUTO, nlp, Report(on_error="stop"))
