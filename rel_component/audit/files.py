"""Audit of the files of a corpus."""

from dataclasses import replace
from pathlib import Path
from typing import Optional, Sequence, Union

from ..annotations import find_spans_key
from ..errors import ConfigError
from ..files import name_files
from ..pipelines import (
    PipelineSource,
    blank_pipeline,
    find_extractor,
    load_pipeline,
    relation_attr,
    require_relations,
    source_name,
)
from ..schema import RelationSchema
from ..spacy_files import read_docs
from .context import AuditContext, AuditOptions
from .documents import Split
from .name_lists import NameGroups
from .predictor import Predictor
from .report import AuditReport, run_audit


def audit_files(
    data_paths: Sequence[Union[str, Path]],
    test_paths: Sequence[Union[str, Path]] = (),
    *,
    schema: Optional[RelationSchema] = None,
    model: Optional[PipelineSource] = None,
    name_groups: Optional[NameGroups] = None,
    options: Optional[AuditOptions] = None,
    lang: str = "en",
) -> AuditReport:
    """Audit ``.spacy`` files, each of them a split of a corpus.

    Args:
        data_paths: documents of training, ``.spacy`` files or folders of them.
        test_paths: held-out documents, for development or test.
        schema: schema that the relations must satisfy; None: it is inferred.
        model: a trained pipeline to audit with, its name or path; it is given the mentions.
        name_groups: names to try the pipeline with, see :meth:`.NameGroups.read`.
        options: how to audit; a `spans_key` of None is found by the relations.
        lang: language of the documents.

    Raises:
        DataError: if documents cannot be read.
        ConfigError: if a file is given twice, there is no pipeline to try names with, or it finds no
            relations.
    """
    options = options or AuditOptions()
    if name_groups is not None and model is None:
        raise ConfigError("groups of names need a pipeline to try them with: add --model")
    nlp = blank_pipeline(lang)
    paths = [Path(path) for path in (*data_paths, *test_paths)]
    splits = [
        Split(name, list(read_docs(path, nlp)), held_out=i >= len(data_paths))
        for i, (name, path) in enumerate(zip(name_files(paths), paths))
    ]
    key = options.spans_key
    if key is None:
        key = find_spans_key((doc for split in splits for doc in split.docs), options.attr)
    context = AuditContext(splits, schema, replace(options, spans_key=key))
    if model is None:
        return run_audit(context)
    nlp = load_pipeline(model)
    require_relations(nlp)
    extractor = find_extractor(nlp)
    predictor = Predictor(
        nlp,
        name=source_name(model),
        spans_key=options.spans_key if extractor is None else extractor.spans_key,
        attr=relation_attr(nlp),
    )
    return run_audit(context, predictor, name_groups)
