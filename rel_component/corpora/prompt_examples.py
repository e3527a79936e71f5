"""Reads the annotated documents that prompts show as examples."""

from pathlib import Path
from typing import Callable, Iterable, Iterator, Optional

from spacy.language import Language
from spacy.tokens import Doc

from ..converters.convert import AUTO, convert_file
from ..converters.report import Report
from ..files import read_docs

Reader = Callable[[Language], Iterable[Doc]]


def read_prompt_examples(path: Optional[Path] = None) -> Optional[Reader]:
    """A reader of examples (``rel_component.read_prompt_examples.v1``).

    Args:
        path: a ``.spacy`` file or a folder of them, or a file of any annotation format, spacy-llm's
            examples included. None: no examples.

    Raises:
        DataError: when read, if the file or a document in it cannot be used.
    """
    if path is None:
        return None

    def read(nlp: Language) -> Iterator[Doc]:
        source = Path(path)
        if source.is_dir() or source.suffix == ".spacy":
            yield from read_docs(source, nlp)
        else:
            report = Report(on_error="stop")
            yield from convert_file(source, AUTO, nlp, report)

    return read
