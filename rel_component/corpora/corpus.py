"""``rel_component.RelationCorpus.v1``: annotated documents as training examples."""

import random
import warnings
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, List, Optional

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import filter_spans

from ..documents import bare_copy, copy_asked, copy_sentences
from ..mentions import mention_spans, read_clusters, set_clusters, trimmed
from ..pipelines import entity_finders, find_extractor, finds_sentences, mentions_are_given
from ..spacy_files import read_docs


def make_relation_corpus(
    path: Optional[Path],
    gold_entities: bool = True,
    gold_tokens: bool = True,
    spans_key: Optional[str] = None,
    limit: int = 0,
    shuffle: bool = False,
    augmenter: Optional[Callable[..., Any]] = None,
    gold_sentences: bool = True,
    gold_clusters: Optional[bool] = None,
) -> Callable[[Language], Iterable[Example]]:
    """A corpus reader for relations (``rel_component.RelationCorpus.v1``).

    Documents without relations, and without mentions, are examples like any other. Annotated
    documents that have the span group and no entities are given the longest spans of it that do not
    overlap as entities, from which components of spaCy may learn.

    Args:
        path: a ``.spacy`` file, or a folder that is searched for them.
        gold_entities: whether the predicted documents are given the annotated mentions. False for
            pipelines that find the mentions themselves.
        gold_tokens: whether the predicted documents are given the tokens of the annotated ones;
            otherwise the tokenizer of the pipeline makes them from the text, and mentions that do
            not begin and end with one of its tokens are left out with a warning.
        spans_key: span group that holds the mentions; None: the entities.
        limit: the most documents to read; 0: all.
        shuffle: whether each reading has another order. spaCy shuffles by itself unless
            training.max_epochs is -1.
        augmenter: changes the examples each time they are read, e.g.
            ``rel_component.swap_mentions.v1``; with training.max_epochs = -1 that is anew in every
            epoch.
        gold_sentences: whether the predicted documents are given the annotated sentences, where
            there are any; components of spaCy that find sentences keep these.
        gold_clusters: whether they are given the annotated coreference clusters: to learn relations
            between entities whose mentions the pipeline finds. None: as `gold_entities`.

    Raises:
        DataError: when read, if there is no such file or it cannot be read.
    """
    return partial(
        _read,
        path=path,
        gold_entities=gold_entities,
        gold_tokens=gold_tokens,
        spans_key=spans_key,
        limit=limit,
        shuffle=shuffle,
        augmenter=augmenter,
        gold_sentences=gold_sentences,
        gold_clusters=gold_clusters,
    )


def _read(
    nlp: Language,
    *,
    path: Optional[Path],
    gold_entities: bool,
    gold_tokens: bool,
    spans_key: Optional[str],
    limit: int,
    shuffle: bool,
    augmenter: Optional[Callable[..., Any]],
    gold_sentences: bool,
    gold_clusters: Optional[bool],
) -> Iterator[Example]:
    references = read_docs(path, nlp)
    if limit:
        references = islice(references, limit)
    if shuffle:
        loaded = list(references)
        random.shuffle(loaded)
        references = iter(loaded)
    for example in make_examples(
        nlp,
        references,
        gold_entities=gold_entities,
        gold_tokens=gold_tokens,
        spans_key=spans_key,
        gold_sentences=gold_sentences,
        gold_clusters=gold_clusters,
        place=str(path),
    ):
        yield from (example,) if augmenter is None else augmenter(nlp, example)


def make_examples(
    nlp: Language,
    references: Iterable[Doc],
    *,
    gold_entities: bool = True,
    gold_tokens: bool = True,
    spans_key: Optional[str] = None,
    gold_sentences: bool = True,
    gold_clusters: Optional[bool] = None,
    place: str = "",
) -> Iterator[Example]:
    """Make examples of annotated documents; see :func:`make_relation_corpus` for the options.

    Args:
        nlp: the pipeline.
        references: the documents.
        gold_entities: whether the predicted documents are given the annotated mentions.
        gold_tokens: whether they are given the annotated tokens.
        spans_key: span group that holds the mentions; None: the entities.
        gold_sentences: whether they are given the annotated sentences.
        gold_clusters: whether they are given the annotated clusters; None: as `gold_entities`.
        place: where the documents are from, for warnings.
    """
    n_missed = 0
    for reference in references:
        if spans_key in reference.spans and not reference.has_annotation("ENT_IOB"):
            group = mention_spans(reference, spans_key)
            reference.set_ents(filter_spans(span for span in group if span.label))
        if gold_tokens:
            predicted = bare_copy(reference, vocab=nlp.vocab, sentences=gold_sentences)
        else:
            predicted = nlp.make_doc(reference.text)
            copy_asked(reference, predicted)
            if gold_sentences:
                copy_sentences(reference, predicted)
        if gold_entities:
            n_missed += _copy_mentions(reference, predicted, spans_key)
        if gold_entities if gold_clusters is None else gold_clusters:
            _copy_clusters(reference, predicted)
        yield Example(predicted, reference)
    if n_missed:
        warnings.warn(
            f"{place}: {n_missed} annotated mentions do not begin and end with a token of the "
            "pipeline's tokenizer and were left out; their relations count as missed. Set "
            "gold_tokens = true to use the annotated tokens.",
            stacklevel=2,
        )


def examples_before_extractor(
    nlp: Language, references: Iterable[Doc], *, given: bool = False
) -> List[Example]:
    """Examples whose predicted documents have passed all components before the relation extractor.

    Args:
        nlp: the pipeline.
        references: the annotated documents.
        given: whether the predicted documents are given the annotated mentions, as they are where no
            component finds any.
    """
    extractor: Any = find_extractor(nlp)
    spans_key = extractor.spans_key
    given = given or mentions_are_given(nlp, spans_key)
    before = nlp.pipe_names[: nlp.pipe_names.index(extractor.name)]
    left_out = entity_finders(nlp, spans_key) if given else []
    examples = list(
        make_examples(
            nlp,
            references,
            gold_entities=given,
            spans_key=spans_key,
            gold_sentences=not finds_sentences(nlp),
        )
    )
    with nlp.select_pipes(enable=[name for name in before if name not in left_out]):
        docs = list(nlp.pipe([eg.predicted for eg in examples]))
    return [Example(doc, eg.reference) for doc, eg in zip(docs, examples)]


def _copy_mentions(reference: Doc, predicted: Doc, spans_key: Optional[str]) -> int:
    """Give a document the mentions of another one; how many do not fit its tokens."""
    spans: List[Span] = []
    n_missed = 0
    for span in mention_spans(reference, spans_key):
        copied = predicted.char_span(*trimmed(span), label=span.label)
        if not copied:
            n_missed += 1
        else:
            spans.append(copied)
    if spans_key is None:
        predicted.set_ents(spans)
    else:
        predicted.spans[spans_key] = spans
    return n_missed


def _copy_clusters(reference: Doc, predicted: Doc) -> None:
    """Give a document the clusters of another one, as far as they fit its tokens."""
    clusters = [
        [predicted.char_span(span.start_char, span.end_char) for span in cluster]
        for cluster in read_clusters(reference)
    ]
    set_clusters(predicted, ([span for span in cluster if span] for cluster in clusters))
