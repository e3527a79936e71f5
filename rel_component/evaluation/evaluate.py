"""Evaluation of a pipeline on annotated documents."""

import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Tuple, Union

from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example

from ..corpora.corpus import make_relation_corpus
from ..pipelines import (
    PipelineSource,
    entity_finders,
    find_extractor,
    load_pipeline,
    relation_attr,
    require_relations,
)
from .mistakes import Mistakes, find_mistakes

Progress = Callable[[Iterable[Doc]], Iterable[Doc]]
"""A function that passes documents on, and shows how many there have been."""


class Evaluation(NamedTuple):
    """Scores of a pipeline, and the mistakes behind them.

    Attributes:
        scores: scores by name, as those of ``nlp.evaluate``, with ``n_docs``, the counts of
            ``mistakes`` by reason, and, where the pipeline finds the mentions itself,
            ``gold_entities``: the scores of relations between the annotated mentions.
        mistakes: every missed and every spurious relation.
    """

    scores: Dict[str, Any]
    mistakes: Mistakes


def evaluate(
    nlp: PipelineSource,
    data_path: Union[str, Path],
    *,
    gold_entities: bool = False,
    gold_tokens: bool = True,
    limit: int = 0,
    progress: Progress = iter,
) -> Evaluation:
    """Evaluate a pipeline on annotated documents.

    Where the pipeline finds the mentions itself, the documents pass it twice: end to end, and with the
    annotated mentions in place of its own.

    Args:
        nlp: a pipeline, its name or path, or the path of a config of one that needs no training.
        data_path: a ``.spacy`` file or a folder of them.
        gold_entities: whether the pipeline is only given the annotated mentions; components that
            find mentions are then left out.
        gold_tokens: whether it is given the annotated tokens.
        limit: the most documents; 0: all.
        progress: passes the documents on as the pipeline predicts them, and shows how many there have
            been.

    Raises:
        ConfigError: if there is no such pipeline, or it finds no relations.
        DataError: if the documents cannot be read.
    """
    nlp = load_pipeline(nlp)
    require_relations(nlp)
    extractor = find_extractor(nlp)
    spans_key = extractor.spans_key if extractor is not None else None

    def scored(given: bool, disable: List[str]) -> Tuple[List[Example], Dict[str, Any]]:
        corpus = make_relation_corpus(
            Path(data_path),
            gold_entities=given,
            gold_tokens=gold_tokens,
            spans_key=spans_key,
            limit=limit,
        )
        with nlp.select_pipes(disable=disable):
            predicted, seconds = predict(nlp, corpus(nlp), progress=progress)
            scores = Scorer(nlp).score(predicted)
        n_words = sum(len(eg.predicted) for eg in predicted)
        return predicted, {
            **scores,
            "speed": n_words / max(seconds, 1e-9),
            "n_docs": len(predicted),
        }

    finders = entity_finders(nlp, spans_key)
    predicted, scores = scored(gold_entities, finders if gold_entities else [])
    mistakes = find_mistakes(
        predicted,
        symmetric=extractor.schema.symmetric_labels if extractor is not None else (),
        spans_key=spans_key,
        attr=relation_attr(nlp),
    )
    scores["mistakes"] = mistakes.to_dict()
    if finders and not gold_entities:
        _, given = scored(True, finders)
        scores["gold_entities"] = {k: v for k, v in given.items() if k.startswith("rel_")}
    return Evaluation(scores, mistakes)


def predict(
    nlp: Language, examples: Iterable[Example], *, progress: Progress = iter
) -> Tuple[List[Example], float]:
    """Run a pipeline on the predicted documents of examples.

    Args:
        nlp: the pipeline.
        examples: the documents as the pipeline is given them, and as annotated.
        progress: passes the documents on as they come out, and shows how many there have been.

    Returns:
        The documents with what the pipeline predicts, and as annotated; and the seconds that it took.
    """
    examples = list(examples)
    start = time.perf_counter()
    docs = list(progress(nlp.pipe([eg.predicted for eg in examples])))
    seconds = time.perf_counter() - start
    return [Example(doc, eg.reference) for doc, eg in zip(docs, examples)], seconds
