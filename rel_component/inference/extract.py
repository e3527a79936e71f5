"""Relations of texts as records, one after the other."""

from typing import Any, Dict, Iterable, Iterator, Union

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations import DEFAULT_ATTR, get_relations
from ..errors import ConfigError
from ..llm.types import ONE_PROCESS
from ..pipelines import PipelineSource, load_pipeline, relation_attr
from .texts import Text, with_records


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
        texts: texts, or pairs of a text and a record whose fields the result takes over;
            :func:`.texts.read_texts` reads them from a file.
        batch_size: documents in a batch.
        n_process: processes to run the pipeline in.

    Returns:
        A record for each text, in order; see :func:`to_record`.

    Raises:
        ConfigError: if there is no such pipeline, one string is given in place of several texts, or
            a pipeline that asks a language model shall run in several processes.
    """
    nlp = load_pipeline(nlp)
    if n_process > 1 and any(hasattr(component, "questions") for _, component in nlp.pipeline):
        raise ConfigError(ONE_PROCESS)
    return _extract(nlp, with_records(texts), batch_size, n_process)


def _extract(
    nlp: Language, texts: Iterator[Text], batch_size: int, n_process: int
) -> Iterator[Dict[str, Any]]:
    attr = relation_attr(nlp)
    docs = nlp.pipe(texts, as_tuples=True, batch_size=batch_size, n_process=n_process)
    for doc, record in docs:
        yield to_record(doc, record, attr)


def to_record(doc: Doc, record: Dict[str, Any], attr: str = DEFAULT_ATTR) -> Dict[str, Any]:
    """A document with its entities and relations as a record that JSON can hold.

    Args:
        doc: the processed document.
        record: fields of the input, which come first.
        attr: name of the extension attribute of the relations.

    Returns:
        The record, with the fields ``text``, ``entities`` and ``relations`` of the document.
    """
    return {
        **record,
        "text": doc.text,
        "entities": [
            {
                "text": ent.text,
                "label": ent.label_,
                "start_char": ent.start_char,
                "end_char": ent.end_char,
            }
            for ent in doc.ents
        ],
        "relations": get_relations(doc, attr).to_json(),
    }
