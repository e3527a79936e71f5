"""A draft of a schema for texts that nobody has annotated."""

from typing import Iterable, List, Union

from ..openie.discovery import Predicate, find_predicates
from ..pipelines import PipelineSource, finds_relations, load_pipeline, relation_attr
from .extract import extract_docs
from .texts import Text


def discover(
    nlp: PipelineSource, texts: Iterable[Union[str, Text]], *, batch_size: int = 64
) -> List[Predicate]:
    """Find which predicates texts have, and between which types.

    Args:
        nlp: a pipeline, its name or path. Where it finds no relations, but has a parser and finds
            entities, such as ``en_core_web_sm``, ``open_relation_extractor`` is added to it.
        texts: texts, or pairs of a text and a record.
        batch_size: documents in a batch.

    Returns:
        The predicates, the commonest first; :func:`.openie.discovery.draft_schema` makes a schema.

    Raises:
        ConfigError: if there is no such pipeline.
        AnnotationError: if it does not parse.
    """
    nlp = load_pipeline(nlp)
    if not finds_relations(nlp):
        nlp.add_pipe("open_relation_extractor", config={"arguments": "entities"})
    docs = extract_docs(nlp, texts, batch_size=batch_size)
    return find_predicates(docs, relation_attr(nlp))
