"""What ``spacy rel canonicalize`` does."""

from pathlib import Path
from typing import Callable, Iterable, Iterator, Optional, Union

import spacy
from spacy.tokens import Doc

from ..files import read_docs, write_docs
from .canonical import Canonicalizer, read_canonical, write_canonical


def canonicalize_files(
    data_path: Union[str, Path],
    output: Union[str, Path],
    *,
    known: Optional[Union[str, Path]] = None,
    docs_path: Optional[Union[str, Path]] = None,
    spans_key: Optional[str] = None,
    lang: str = "en",
    progress: Callable[[Iterable[Doc]], Iterable[Doc]] = iter,
) -> Canonicalizer:
    """Give the same names in the documents of files one id.

    Args:
        data_path: a ``.spacy`` file or a folder of them.
        output: JSONL file for the entities.
        known: such a file of earlier documents, whose ids stay; None: there are none.
        docs_path: ``.spacy`` file for the documents with their ids in ``ent.kb_id_``; None: none.
        spans_key: span group of the mentions; None: the entities.
        lang: language of the documents.
        progress: passes the documents on, and shows how many there have been.

    Returns:
        the entities, and what was joined and why.

    Raises:
        DataError: if a file cannot be read or written.
    """
    nlp = spacy.blank(lang)
    earlier = [] if known is None else read_canonical(known)
    canonicalizer = Canonicalizer(earlier, spans_key=spans_key)
    linked = _linked(progress(read_docs(Path(data_path), nlp)), canonicalizer)
    if docs_path is not None:
        write_docs(linked, Path(docs_path))
    else:
        for _ in linked:
            pass
    write_canonical(canonicalizer.entities.values(), output)
    return canonicalizer


def _linked(docs: Iterable[Doc], canonicalizer: Canonicalizer) -> Iterator[Doc]:
    for doc in docs:
        ids = canonicalizer.add(doc)
        for ent in doc.ents:
            for token in ent:
                token.ent_kb_id_ = ids.get((ent.start, ent.end), "")
        yield doc
