"""Annotated documents of any format as Docs, and the place of their mentions."""

from itertools import islice
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Union

from spacy.language import Language
from spacy.tokens import Doc

from ..errors import DataError
from ..mentions import mention_spans, overlap
from ..spacy_files import read_docs
from .builder import AlignmentMode
from .convert import AUTO, SPACY, convert_file, find_format
from .report import Report


def read_documents(
    path: Union[str, Path],
    nlp: Language,
    report: Report,
    *,
    format_name: str = AUTO,
    alignment: AlignmentMode = "strict",
    spans_key: Optional[str] = None,
) -> Iterator[Doc]:
    """The documents of a ``.spacy`` file or folder as they are, or of another format, converted.

    Args:
        path: the file or folder.
        nlp: its tokenizer makes the tokens where the format gives none.
        report: counts converted documents, and takes note of their problems.
        format_name: see :func:`.convert.convert`.
        alignment: see :func:`.convert.convert`.
        spans_key: span group for the mentions of converted documents, which may overlap there; None:
            the entities.

    Raises:
        ConfigError: if no format fits, or there is none of this name.
        DataError: if the file cannot be read; at the first problem, if the report stops at problems.
    """
    path = Path(path)
    if format_name == AUTO:
        format_name = find_format(path)
    if format_name == SPACY:
        return read_docs(path, nlp)
    return convert_file(path, format_name, nlp, report, alignment=alignment, spans_key=spans_key)


def mentions_to_entities(docs: Sequence[Doc], spans_key: str) -> bool:
    """Make the mentions in a span group the entities of their documents, if none overlap.

    Args:
        docs: the documents, which are changed.
        spans_key: the span group, which no document has afterwards if none overlap.

    Returns:
        Whether they are entities now.
    """
    if any(overlap(mention_spans(doc, spans_key)) for doc in docs):
        return False
    for doc in docs:
        if spans_key in doc.spans:
            doc.set_ents(list(mention_spans(doc, spans_key)))
            del doc.spans[spans_key]
    return True


def read_references(
    path: Union[str, Path],
    nlp: Language,
    report: Report,
    *,
    spans_key: Optional[str] = None,
    format_name: str = AUTO,
    alignment: AlignmentMode = "strict",
    limit: int = 0,
) -> List[Doc]:
    """Annotated documents to compare with what a pipeline predicts.

    Args:
        path: see :func:`read_documents`.
        nlp: the pipeline.
        report: see :func:`read_documents`.
        spans_key: span group that the pipeline takes mentions from; None: the entities. Mentions of
            other formats are in this group if some of them overlap, and are entities otherwise.
        format_name: see :func:`read_documents`.
        alignment: see :func:`read_documents`.
        limit: the most documents; 0: all.

    Raises:
        DataError: if the documents cannot be read, or there are none.
    """
    if format_name == AUTO:
        format_name = find_format(Path(path))
    documents = read_documents(
        path, nlp, report, format_name=format_name, alignment=alignment, spans_key=spans_key
    )
    docs = list(islice(documents, limit or None))
    if not docs:
        raise DataError("no documents", place=str(path))
    if format_name != SPACY and spans_key is not None:
        mentions_to_entities(docs, spans_key)
    return docs
