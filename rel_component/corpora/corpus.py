"""``rel_component.RelationCorpus.v1``: annotated documents as training examples."""

import random
import warnings
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, List, Optional

from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from ..errors import ConfigError, DataError
from ..mentions import mention_spans

_ATTRS = ("ENT_IOB", "ENT_TYPE", "ENT_KB_ID", "SENT_START")


def make_relation_corpus(
    path: Optional[Path],
    gold_entities: bool = True,
    gold_tokens: bool = True,
    spans_key: Optional[str] = None,
    limit: int = 0,
    shuffle: bool = False,
    augmenter: Optional[Callable[..., Any]] = None,
) -> Callable[[Language], Iterable[Example]]:
    """A corpus reader for relations (``rel_component.RelationCorpus.v1``).

    Documents without relations, and without mentions, are examples like any other.

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

    Raises:
        DataError: when read, if there is no such file or it cannot be read.
    """

    def read(nlp: Language) -> Iterator[Example]:
        n_missed = 0
        references = read_docs(path, nlp)
        if limit:
            references = islice(references, limit)
        if shuffle:
            loaded = list(references)
            random.shuffle(loaded)
            references = iter(loaded)
        for reference in references:
            if gold_tokens:
                words = [token.text for token in reference]
                spaces = [bool(token.whitespace_) for token in reference]
                predicted = Doc(nlp.vocab, words=words, spaces=spaces)
            else:
                predicted = nlp.make_doc(reference.text)
            if gold_entities:
                n_missed += _copy_mentions(reference, predicted, spans_key)
            example = Example(predicted, reference)
            yield from (example,) if augmenter is None else augmenter(nlp, example)
        if n_missed:
            warnings.warn(
                f"{path}: {n_missed} annotated mentions do not begin and end with a token of the "
                "pipeline's tokenizer and were left out; their relations count as missed. Set "
                "gold_tokens = true to use the annotated tokens.",
                stacklevel=2,
            )

    return read


def read_docs(path: Optional[Path], nlp: Language) -> Iterator[Doc]:
    """The documents of a ``.spacy`` file or of all such files below a folder, in order of names.

    Args:
        path: the file or folder.
        nlp: whose vocabulary the documents use.

    Raises:
        DataError: if there is no such file or it cannot be read.
    """
    if path is None:
        raise DataError("no path given; set it in the config, e.g. with --paths.train")
    path = Path(path)
    files = sorted(path.rglob("*.spacy")) if path.is_dir() else [path]
    if not files or not files[0].exists():
        raise DataError(
            'no .spacy file there; make one with "python -m spacy rel convert"', place=str(path)
        )
    for file in files:
        try:
            doc_bin = DocBin().from_disk(file)
        except Exception as err:
            raise DataError(f"not a .spacy file: {err}", place=str(file)) from err
        yield from doc_bin.get_docs(nlp.vocab)


def write_docs(docs: Iterable[Doc], path: Path, *, shard_size: int = 0) -> None:
    """Write annotated documents, with their relations.

    Args:
        docs: the documents.
        path: the ``.spacy`` file; with a shard size, the folder for numbered ``.spacy`` files,
            which every reader of training data takes in place of one file.
        shard_size: documents in a file, which are in memory together; 0: all of them in one file.

    Raises:
        ConfigError: if the size is negative, or the folder is a file or holds ``.spacy`` files.
    """
    path = Path(path)
    if shard_size < 0:
        raise ConfigError(f"shard size {shard_size}: expected 0 or more documents")
    if shard_size == 0:
        _write(docs, path)
        return
    if path.suffix == ".spacy" or (path.exists() and not path.is_dir()):
        raise ConfigError(f"{path}: files of {shard_size} documents need a folder to go to")
    if path.exists() and next(path.rglob("*.spacy"), None) is not None:
        raise ConfigError(f"{path} has .spacy files in it already; give a folder without")
    written: List[Path] = []
    remaining = iter(docs)
    try:
        while shard := list(islice(remaining, shard_size)):
            written.append(path / f"{len(written) + 1:06}.spacy")
            _write(shard, written[-1])
    except BaseException:
        for file in written:
            file.unlink(missing_ok=True)
        raise


def _write(docs: Iterable[Doc], path: Path) -> None:
    doc_bin = DocBin(attrs=_ATTRS, docs=docs, store_user_data=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    doc_bin.to_disk(path)


def _copy_mentions(reference: Doc, predicted: Doc, spans_key: Optional[str]) -> int:
    """Give a document the mentions of another one; returns how many do not fit its tokens."""
    spans: List[Span] = []
    n_missed = 0
    for span in mention_spans(reference, spans_key):
        copied = predicted.char_span(span.start_char, span.end_char, label=span.label)
        if copied is None:
            n_missed += 1
        else:
            spans.append(copied)
    if spans_key is None:
        predicted.set_ents(spans)
    else:
        predicted.spans[spans_key] = spans
    return n_missed
