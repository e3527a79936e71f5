"""What ``spacy rel canonicalize`` does."""

from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import (
    Callable,
    Dict,
    Hashable,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    TextIO,
    Tuple,
    Union,
)

import srsly
from spacy.tokens import Doc

from ..coreference.scoring import CoreferenceScores
from ..files import check_ending, open_output
from ..mentions import mention_spans
from ..pipelines import blank_pipeline
from ..spacy_files import read_docs, write_docs
from ..types import NO_LINK
from .canonical import CanonicalEntity, Canonicalizer, read_canonical, write_canonical
from .links import write_ids


class Canonicalized(NamedTuple):
    """The entities of files.

    Attributes:
        entities: the entities, those of earlier documents first.
        joins: how many entities of documents were joined for each reason, see :class:`.Join`.
        b3: B3 as ``p``, ``r`` and ``f``, of the mentions with annotated ids in all documents together;
            None if there are none.
    """

    entities: List[CanonicalEntity]
    joins: Counter[str]
    b3: Optional[Dict[str, float]]


def canonicalize_files(
    data_path: Union[str, Path],
    output: Union[str, Path],
    *,
    known: Optional[Union[str, Path]] = None,
    joins_path: Optional[Union[str, Path]] = None,
    docs_path: Optional[Union[str, Path]] = None,
    spans_key: Optional[str] = None,
    lang: str = "en",
    progress: Callable[[Iterable[Doc]], Iterable[Doc]] = iter,
) -> Canonicalized:
    """Give the same names in the documents of files one id.

    Args:
        data_path: a ``.spacy`` file or a folder of them.
        output: JSONL file for the entities.
        known: such a file of earlier documents, whose ids stay; None: there are none.
        joins_path: JSONL file for what was joined in which document, and why; None: none.
        docs_path: ``.spacy`` file for the documents with the ids in ``kb_id_`` of their entities or of
            the spans of the group; None: none.
        spans_key: span group of the mentions; None: the entities.
        lang: language of the documents.
        progress: passes the documents on, and shows how many there have been.

    Returns:
        the entities, how many were joined and why, and how good it is where ids are annotated.

    Raises:
        ConfigError: if spaCy does not know the language, or the documents' file ends otherwise.
        DataError: if a file cannot be read or written.
    """
    nlp = blank_pipeline(lang)
    check_ending(docs_path, docs=True)
    earlier = [] if known is None else read_canonical(known)
    canonicalizer = Canonicalizer(earlier, spans_key=spans_key)
    pairs: List[Tuple[str, str]] = []
    reasons: Counter[str] = Counter()
    with nullcontext() if joins_path is None else open_output(Path(joins_path)) as joins:
        docs = _linked(progress(read_docs(Path(data_path), nlp)), canonicalizer, spans_key, pairs)
        linked = _told(docs, canonicalizer, reasons, joins)
        if docs_path is not None:
            write_docs(linked, Path(docs_path))
        else:
            for _ in linked:
                pass
    entities = list(canonicalizer.entities.values())
    write_canonical(entities, output)
    return Canonicalized(entities, reasons, compare_ids(pairs) if pairs else None)


def compare_ids(pairs: Iterable[Tuple[str, str]]) -> Dict[str, float]:
    """B3 of the ids that mentions were given.

    Args:
        pairs: for each mention of all documents the annotated id and the one that it was given.

    Returns:
        precision ``p``, recall ``r`` and F1 ``f``.
    """
    annotated: Dict[str, List[Hashable]] = {}
    found: Dict[str, List[Hashable]] = {}
    for mention, (gold, given) in enumerate(pairs):
        annotated.setdefault(gold, []).append(mention)
        found.setdefault(given, []).append(mention)
    scores = CoreferenceScores()
    scores.add(annotated.values(), found.values())
    return scores.ratios["b3"].to_dict()


def _linked(
    docs: Iterable[Doc],
    canonicalizer: Canonicalizer,
    spans_key: Optional[str],
    pairs: List[Tuple[str, str]],
) -> Iterator[Doc]:
    for doc in docs:
        found = canonicalizer.add(doc)
        ids: Dict[Tuple[int, int, int], str] = {}
        for span in mention_spans(doc, spans_key):
            given = found.get((span.start, span.end))
            if given is None:
                continue
            ids[span.start, span.end, span.label] = given
            if span.kb_id_ not in NO_LINK:
                pairs.append((span.kb_id_, given))
        write_ids(doc, ids, spans_key)
        yield doc


def _told(
    docs: Iterable[Doc],
    canonicalizer: Canonicalizer,
    reasons: "Counter[str]",
    output: Optional[TextIO],
) -> Iterator[Doc]:
    """The documents; what was joined in each is counted, and written if there is a file."""
    for doc in docs:
        reasons.update(join.reason for join in canonicalizer.joins)
        if output is not None:
            lines = (srsly.json_dumps(join._asdict()) + "\n" for join in canonicalizer.joins)
            output.writelines(lines)
        yield doc
