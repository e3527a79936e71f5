"""Relations of texts, one text after the other: as Docs, or as records of the package's own format."""

import os
from typing import Any, Collection, Dict, Iterable, Iterator, List, Optional, Sequence, Union, cast

import numpy
from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc

from ..annotations import DEFAULT_ATTR, get_relations, set_relations
from ..converters.formats.jsonl import to_record as annotated_to_record
from ..converters.from_doc import to_annotated
from ..documents import bare_copy, sentence_starts
from ..errors import ConfigError, RelComponentError
from ..events import Event, get_events, set_events
from ..llm.types import ONE_PROCESS
from ..pipelines import PipelineSource, load_pipeline, relation_attr, require_relations
from ..types import Int32Array, Relation
from .processes import pipe_in_processes
from .texts import Text, keep_meta, with_records


def extract(
    nlp: PipelineSource,
    texts: Iterable[Union[str, Text]],
    *,
    batch_size: int = 64,
    n_process: int = 1,
) -> Iterator[Dict[str, Any]]:
    """Extract relations from texts.

    Args:
        nlp: a pipeline, its name or path, or the path of a config of one that needs no training.
        texts: texts, or pairs of a text and a record, whose id and meta data the result takes over;
            :func:`.texts.read_texts` reads them from a file.
        batch_size: documents in a batch.
        n_process: processes to run the pipeline in; -1: one for each core.

    Returns:
        A record for each text, in order; see :func:`to_record`.

    Raises:
        ConfigError: if there is no such pipeline, it finds no relations, one string is given in place
            of several texts, or a pipeline that asks a language model shall run in several processes.
    """
    nlp = load_pipeline(nlp)
    docs = extract_docs(nlp, texts, batch_size=batch_size, n_process=n_process)
    return (to_record(doc, relation_attr(nlp)) for doc in docs)


def extract_docs(
    nlp: PipelineSource,
    texts: Iterable[Union[str, Text]],
    *,
    batch_size: int = 64,
    n_process: int = 1,
) -> Iterator[Doc]:
    """Extract relations from texts, as :func:`extract` does.

    Returns:
        The Docs with their relations, in order; their ``user_data["meta"]`` has what is known of the
        texts. After an error in the texts, those that came before it are processed first.
    """
    nlp = load_pipeline(nlp)
    require_relations(nlp)
    n_process = n_process if n_process >= 0 else os.cpu_count() or 1
    if n_process > 1 and any(hasattr(component, "questions") for _, component in nlp.pipeline):
        raise ConfigError(ONE_PROCESS)
    return _extract_docs(nlp, with_records(texts), batch_size, n_process)


def _extract_docs(
    nlp: Language, texts: Iterator[Text], batch_size: int, n_process: int
) -> Iterator[Doc]:
    errors: List[RelComponentError] = []

    def until_error() -> Iterator[Text]:
        try:
            yield from texts
        except RelComponentError as err:
            errors.append(err)

    if n_process > 1:
        docs = pipe_in_processes(nlp, until_error(), batch_size=batch_size, n_process=n_process)
    else:
        docs = nlp.pipe(until_error(), as_tuples=True, batch_size=batch_size)
    for doc, record in docs:
        keep_meta(doc, record)
        yield doc
    if errors:
        raise errors[0]


def choose_relations(
    doc: Doc,
    attr: str = DEFAULT_ATTR,
    *,
    labels: Collection[str] = (),
    min_score: Optional[float] = None,
) -> int:
    """Keep only some relations and events of a document.

    Args:
        doc: the document, whose relations and events are set.
        attr: name of the extension attribute of the relations.
        labels: only relations and events of these types; all if there are none.
        min_score: only those with at least this score; None: also those without one.

    Returns:
        how many are left out.
    """

    def is_kept(item: Union[Relation, Event]) -> bool:
        passes = min_score is None or (item.score is not None and item.score >= min_score)
        return passes and (not labels or item.label in labels)

    relations, events = list(get_relations(doc, attr)), get_events(doc)
    kept, kept_events = list(filter(is_kept, relations)), list(filter(is_kept, events))
    if len(kept) < len(relations):
        set_relations(doc, kept, attr)
    if len(kept_events) < len(events):
        set_events(doc, kept_events)
    return len(relations) - len(kept) + len(events) - len(kept_events)


def to_record(doc: Doc, attr: str = DEFAULT_ATTR) -> Dict[str, Any]:
    """A document as a record of the package's own format (``jsonl``), which all commands read.

    Args:
        doc: the processed document.
        attr: name of the extension attribute of the relations.

    Returns:
        The ``id`` and the ``text`` of the document; ``entities`` with an ``id``, offsets in characters,
        a ``label`` and their ``text``; ``relations``, whose ``head`` and ``tail`` are ids of entities,
        with a ``label`` and a ``score``; and the rest of the format, where there is any.
    """
    record = annotated_to_record(to_annotated(doc, attr=attr))
    text = doc.text  # a Doc joins its tokens each time
    for entity in record["entities"]:
        entity["text"] = text[entity["start"] : entity["end"]]
    for relation in record["relations"]:
        relation.setdefault("score", 1.0)
    return record


def find_evidence(doc: Doc, items: Sequence[Union[Relation, Event]]) -> List[str]:
    """The sentences that show each relation or event; where they are not known, those of its mentions.

    Where the Doc has no sentences, they are those of a sentencizer.

    Args:
        doc: the document.
        items: some of its relations and events.
    """
    if not items:
        return []
    marked = doc if doc.has_annotation("SENT_START") else Sentencizer()(bare_copy(doc))
    starts = cast(Int32Array, sentence_starts(marked))
    text = doc.text
    ends = [*starts[1:], len(text)]

    def found(item: Union[Relation, Event]) -> str:
        if isinstance(item, Relation) and item.evidence:
            return " ... ".join(text[starts[i] : ends[i]].strip() for i in item.evidence)
        spans = item.spans if isinstance(item, Event) else [item.head, item.tail]
        positions = [(span.start_char, span.end_char - 1) for span in spans]
        ranges = sorted(
            (int(first), int(last))
            for first, last in numpy.searchsorted(starts, positions, side="right") - 1
        )
        joined = [ranges[0]]
        for first, last in ranges[1:]:
            if first <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(joined[-1][1], last))
            else:
                joined.append((first, last))
        return " ... ".join(text[starts[i] : ends[j]].strip() for i, j in joined)

    return [found(item) for item in items]
