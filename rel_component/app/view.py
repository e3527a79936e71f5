"""What is to be seen in the viewer: what a pipeline finds, documents, and both against annotations."""

from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Dict, List, Optional, Union

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations import DEFAULT_ATTR, get_relations
from ..converters.annotated import in_characters
from ..converters.builder import AlignmentMode
from ..converters.convert import AUTO, find_format, read_annotated
from ..converters.documents import read_documents, read_references
from ..converters.report import Report
from ..errors import ConfigError, DataError
from ..evaluation.evaluate import Progress, predict_docs
from ..evaluation.mistakes import find_mistakes
from ..events import has_events
from ..inference.extract import extract_docs
from ..inference.texts import read_texts
from ..pipelines import (
    OWN,
    blank_pipeline,
    event_types,
    find_extractor,
    load_pipeline,
    mentions_are_given,
    mentions_key,
    relation_attr,
    require_relations,
)
from ..schema import RelationSchema
from .documents import PageDocument, compared_documents, found_documents, shown_documents
from .drawing import Drawing, chosen
from .options import RenderOptions

_MENTIONS = "mentions"


@dataclass
class Seen:
    """The documents of a page.

    Attributes:
        documents: the documents.
        labels: relation types to choose from in review, beside those of the documents.
    """

    documents: List[PageDocument]
    labels: List[str] = field(default_factory=list)


@dataclass(frozen=True)
class ViewOptions:
    """How documents are read.

    Attributes:
        limit: the most documents; 0: all.
        format_name: format of the documents; ``auto``: by their content.
        gold_entities: whether a pipeline is given the annotated mentions.
        alignment: what to do with mentions that do not begin and end with a token, where they have to.
        spans_key: span group of the mentions of ``.spacy`` files; None: by the relations.
        lang: language of documents that have no tokens; auto: that of the pipeline, English without one.
        schema: says which relations have no direction, and which roles of events can be exchanged,
            where documents are compared, and has types to choose from in review; None: that of the
            pipeline.
        progress: passes documents on, and shows how many there have been.
    """

    limit: int = 0
    format_name: str = AUTO
    gold_entities: bool = False
    alignment: AlignmentMode = "strict"
    spans_key: Optional[str] = None
    lang: str = OWN
    schema: Optional[RelationSchema] = None
    progress: Progress = iter


def see(
    source: Union[str, Path],
    data_path: Optional[Path] = None,
    *,
    options: Optional[ViewOptions] = None,
    report: Optional[Report] = None,
) -> Seen:
    """Read what is to be seen.

    Args:
        source: annotated documents of any format; or a pipeline, its name or path.
        data_path: texts or annotated documents for the pipeline; or annotations to compare documents
            with. What has relations is compared with.
        options: how documents are read.
        report: takes note of what cannot be used; None: the first problem is an error.

    Raises:
        ConfigError: if the pipeline is given no texts, or finds no relations.
        DataError: if documents cannot be read, or those to be compared are others.
    """
    options, report = options or ViewOptions(), report or Report()
    if is_pipeline(source):
        if data_path is None:
            raise ConfigError(f"{source} is a pipeline: give texts or annotated documents after it")
        return _see_pipeline(load_pipeline(source, options.lang), data_path, options, report)
    labels = [] if options.schema is None else list(options.schema.labels)
    if data_path is None:
        return Seen(_read_documents(Path(source), options, report), labels)
    return Seen(_compare_documents(Path(source), data_path, options, report), labels)


def is_pipeline(source: Union[str, Path]) -> bool:
    """Whether something is the name or path of a pipeline, and no documents."""
    path = Path(source)
    if path.is_dir():
        return (path / "config.cfg").exists()
    return path.suffix == ".cfg" or not path.exists()


def _read_documents(path: Path, options: ViewOptions, report: Report) -> List[PageDocument]:
    """Documents as they are in their file: no tokens are needed, and mentions may cross."""
    nlp = blank_pipeline("en" if options.lang == OWN else options.lang)
    found = read_annotated(path, options.format_name, nlp, report, spans_key=options.spans_key)
    drawings = []
    for annotated in islice(found, options.limit or None):
        title = str(annotated.meta.get("id", ""))
        drawings.append(Drawing(chosen(in_characters(annotated), RenderOptions()), title))
    return shown_documents(drawings)


def _compare_documents(
    path: Path, gold_path: Path, options: ViewOptions, report: Report
) -> List[PageDocument]:
    nlp = blank_pipeline("en" if options.lang == OWN else options.lang)
    spans_key = options.spans_key or _MENTIONS
    read = partial(
        read_documents, nlp=nlp, report=report, spans_key=spans_key, alignment=options.alignment
    )
    gold: Dict[str, List[Doc]] = {}
    for doc in read(gold_path):
        gold.setdefault(doc.text, []).append(doc)
    examples = []
    found = read(path, format_name=options.format_name)
    for number, doc in enumerate(islice(found, options.limit or None), start=1):
        same = gold.get(doc.text)
        if not same:
            raise DataError(
                f"no document in {gold_path} has this text", place=f"{path}, document {number}"
            )
        examples.append(Example(doc, same.pop(0) if len(same) > 1 else same[0]))
    schema = RelationSchema() if options.schema is None else options.schema
    mistakes = find_mistakes(
        examples,
        symmetric=schema.symmetric_labels,
        spans_key=spans_key,
        event_types=schema.events,
    )
    return compared_documents(mistakes)


def _see_pipeline(nlp: Language, path: Path, options: ViewOptions, report: Report) -> Seen:
    require_relations(nlp)
    extractor, attr, spans_key = find_extractor(nlp), relation_attr(nlp), mentions_key(nlp)
    labels = [] if extractor is None else list(extractor.schema.labels)
    references = _annotated(nlp, path, options, report, spans_key, attr)
    if references is None:
        texts = islice(read_texts(path, report, max_length=nlp.max_length), options.limit or None)
        docs = options.progress(extract_docs(nlp, texts))
        return Seen(found_documents(docs, RenderOptions(attr=attr)), labels)
    examples, _ = predict_docs(
        nlp,
        references,
        gold_entities=options.gold_entities or mentions_are_given(nlp, spans_key),
        gold_tokens=True,
        progress=options.progress,
    )
    if options.schema is not None:
        symmetric, events = options.schema.symmetric_labels, options.schema.events
    else:
        symmetric = () if extractor is None else extractor.schema.symmetric_labels
        events = event_types(nlp)
    mistakes = find_mistakes(
        examples, symmetric=symmetric, spans_key=spans_key, attr=attr, event_types=events
    )
    return Seen(compared_documents(mistakes), labels)


def _annotated(
    nlp: Language,
    path: Path,
    options: ViewOptions,
    report: Report,
    spans_key: Optional[str],
    attr: str,
) -> Optional[List[Doc]]:
    """The annotated documents of a file; None if it has texts without relations and events."""
    if str(path) == "-" or path.suffix == ".txt":
        return None
    format_name = options.format_name
    if format_name == AUTO:
        try:
            format_name = find_format(path)
        except ConfigError:
            return None
    references = read_references(
        path,
        nlp,
        report,
        spans_key=spans_key,
        format_name=format_name,
        alignment=options.alignment,
        limit=options.limit,
    )
    is_annotated = any(
        get_relations(doc, DEFAULT_ATTR) or get_relations(doc, attr) or has_events(doc)
        for doc in references
    )
    return references if is_annotated or path.suffix != ".jsonl" else None
