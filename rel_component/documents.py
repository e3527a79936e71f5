"""Facts about a Doc that many rooms need: its id, its words and sentences, keys of its relations."""

from functools import partial
from typing import (
    Any,
    Callable,
    Collection,
    Dict,
    FrozenSet,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
    cast,
)

import numpy
from spacy.attrs import IDX, LENGTH, NORM, SENT_START
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab
from thinc.types import Ints2d

from .errors import DataError, ExtensionConflict, shown
from .mentions import TypedKey, typed_key
from .types import BoolArray, Int32Array, Relation

RelationKey = Tuple[TypedKey, str, TypedKey]
"""Head, label and tail of a relation: comparable between tokenisations."""


def register_attribute(
    name: str,
    getter: Callable[..., Any],
    setter: Callable[..., None],
    advice: str,
    **options: str,
) -> None:
    """Register an extension attribute of a Doc, once for each process.

    Args:
        name: name of the attribute.
        getter: gives its value.
        setter: changes it.
        advice: what to do where it belongs to others.
        options: further arguments of `getter` and `setter`.

    Raises:
        ExtensionConflict: if another package has registered it.
    """
    if not Doc.has_extension(name):
        Doc.set_extension(
            name, getter=partial(getter, **options), setter=partial(setter, **options)
        )
        return
    found = Doc.get_extension(name)[2]
    if not (isinstance(found, partial) and found.func is getter):
        raise ExtensionConflict(
            f"The extension attribute Doc._.{name} is already registered by other code. {advice}"
        )


def stored_keys(doc: Doc, name: str) -> List[Any]:
    """The keys of what a document stores under a name, in the form of values of span extensions.

    spaCy carries them along: ``Doc.from_docs`` and ``Span.as_doc`` shift the two offsets in characters.

    Args:
        doc: the document.
        name: with a dot, which no extension has in its name.
    """
    keys: Iterable[Any] = doc.user_data
    return [
        key for key in keys if type(key) is tuple and len(key) == 4 and key[:2] == ("._.", name)
    ]


def relation_key(
    rel: Relation,
    symmetric: Collection[str] = (),
    key: Callable[[Span], Any] = typed_key,
) -> Tuple[Any, str, Any]:
    """The identity of a relation: relations with equal keys count as one.

    Args:
        rel: the relation.
        symmetric: labels whose direction does not count; the lesser key of the two mentions comes
            first then.
        key: the identity of a mention; by default the relation is compared strictly, as a
            :data:`RelationKey`.

    Returns:
        key of the head, label, key of the tail.
    """
    head, tail = key(rel.head), key(rel.tail)
    if rel.label in symmetric and tail < head:
        head, tail = tail, head
    return (head, rel.label, tail)


def relation_keys(
    relations: Iterable[Relation],
    symmetric: Collection[str] = (),
    key: Callable[[Span], Any] = typed_key,
) -> Set[Tuple[Any, str, Any]]:
    """The keys of several relations; see :func:`relation_key`."""
    return {relation_key(rel, symmetric, key) for rel in relations}


def several_labels(
    relations: Iterable[Relation], symmetric: Collection[str] = ()
) -> List[Tuple[Relation, Relation]]:
    """Relations of one document that hold between the same head and tail under different labels.

    Labels that are exclusive share the probability of such a pair: it is no contradiction only
    where a pair may have several labels.

    Args:
        relations: the relations of a document.
        symmetric: labels whose direction does not count.

    Returns:
        for each relation that is not the first one of its pair, the first one and it.
    """
    first: Dict[Tuple[TypedKey, TypedKey], Relation] = {}
    found = []
    for rel in relations:
        head, tail = typed_key(rel.head), typed_key(rel.tail)
        pairs = [(head, tail), (tail, head)] if rel.label in symmetric else [(head, tail)]
        others = [first[pair] for pair in pairs if pair in first]
        if others and others[0].label != rel.label:
            found.append((others[0], rel))
        for pair in pairs:
            first.setdefault(pair, rel)
    return found


def mentions_by_key(
    mentions: Iterable[Span], relations: Iterable[Relation]
) -> Dict[TypedKey, Span]:
    """Mentions joined with the arguments of relations, each once, in the order of the text.

    Args:
        mentions: the mentions of a document; those without tokens are left out.
        relations: the relations of the document.
    """
    arguments = [span for rel in relations for span in (rel.head, rel.tail)]
    found = {typed_key(span): span for span in (*mentions, *arguments) if len(span)}
    return dict(sorted(found.items()))


def token_characters(doc: Doc) -> Int32Array:
    """Where tokens begin and end in the text, without a Python object for each.

    Returns:
        start and exclusive end in characters. *Shape:* ``(n_tokens, 2)``
    """
    starts, lengths = doc.to_array([IDX, LENGTH]).astype("int32").reshape(-1, 2).T
    return numpy.stack([starts, starts + lengths], axis=1)


def white_space(text: str) -> BoolArray:
    """Which characters of a text are white space, by ``str.isspace``, and False for its end.

    Returns:
        *Shape:* ``(n_characters + 1,)``
    """
    codes = numpy.frombuffer(f"{text}\0".encode("utf-32-le", "surrogatepass"), dtype="<u4")
    found: BoolArray = _IS_SPACE[numpy.minimum(codes, len(_IS_SPACE) - 1)]
    return found


# the last one is U+3000; beyond it stands one that is none
_IS_SPACE = numpy.asarray([chr(code).isspace() for code in range(0x3002)])


def document_id(doc: Doc) -> str:
    """The id that a document has from its annotation file, empty if none."""
    meta = doc.user_data.get("meta")
    return str(meta.get("id", "")) if isinstance(meta, dict) else ""


def ask_only(doc: Doc, labels: Iterable[str]) -> None:
    """Say which relation types a document is asked about: others are neither found in it nor learned.

    That is for corpora of several data sets, each annotated with labels of its own.

    Args:
        doc: the document.
        labels: the relation types.
    """
    doc.user_data[_ASKED] = list(labels)


def asked_labels(doc: Doc) -> Optional[FrozenSet[str]]:
    """The relation types that a document is asked about; None: all.

    Raises:
        DataError: if something else is stored in their place.
    """
    labels = doc.user_data.get(_ASKED)
    if labels is None:
        return None
    if not isinstance(labels, (list, tuple)) or not all(isinstance(x, str) for x in labels):
        raise DataError(
            f"doc.user_data[{_ASKED!r}]: expected a list of labels, got {shown(labels)}"
        )
    return frozenset(labels)


def copy_asked(source: Doc, doc: Doc) -> None:
    """Ask a document about the labels that another one is asked about.

    Args:
        source: the other document.
        doc: the document to change.
    """
    labels = asked_labels(source)
    if labels is not None:
        ask_only(doc, sorted(labels))


_ASKED = "asked_labels"


def words_and_spaces(doc: Doc) -> Tuple[List[str], Optional[List[bool]]]:
    """The words of a document and whether a space follows each; None where that is not known."""
    spaces = None if doc.has_unknown_spaces else [bool(token.whitespace_) for token in doc]
    return [token.text for token in doc], spaces


def bare_copy(
    doc: Doc,
    *,
    vocab: Optional[Vocab] = None,
    words: Optional[Sequence[str]] = None,
    sentences: bool = False,
) -> Doc:
    """A new Doc with the tokens of another one, their norms, and none of its annotation.

    It is asked about the same labels (:func:`ask_only`).

    Args:
        doc: the document to copy.
        vocab: vocabulary of the new Doc; None: that of `doc`.
        words: words in place of those of `doc`, one for each token.
        sentences: whether sentence boundaries are copied too, where `doc` has them.
    """
    own_words, spaces = words_and_spaces(doc)
    sentences = sentences and doc.has_annotation("SENT_START")
    copy = Doc(
        doc.vocab if vocab is None else vocab,
        words=own_words if words is None else list(words),
        spaces=spaces,
        sent_starts=[token.is_sent_start for token in doc] if sentences else None,
    )
    copy_norms(doc, copy)
    copy_asked(doc, copy)
    return copy


def copy_norms(source: Doc, doc: Doc, places: Optional[Mapping[int, int]] = None) -> None:
    """Give tokens the norms that a tokenizer has given them in another document of the same words.

    It says that "ca" in "can't" is "can"; a new Doc of its words does not know. Other norms are those
    of the vocabulary.

    Args:
        source: the other document.
        doc: the document to change.
        places: number of a token of `doc` by that of the token of `source`; None: they are the same.
    """
    numbers = numpy.arange(len(doc)) if places is None else numpy.asarray([*places], dtype="int64")
    others = numbers if places is None else numpy.asarray([*places.values()], dtype="int64")
    norms, known = source.to_array(NORM)[numbers], doc.to_array(NORM)[others]
    for k in numpy.flatnonzero(norms != known).tolist():
        token, copied = source[int(numbers[k])], doc[int(others[k])]
        if token.orth == copied.orth and token.norm != token.lex.norm:
            copied.norm_ = token.norm_


def copy_sentences(source: Doc, doc: Doc) -> None:
    """Give a document the sentences of another one of the same text.

    Nothing changes if they are not known, or if one does not begin with a token of the document.
    """
    starts = sentence_starts(source)
    if starts is not None and set(starts.tolist()) <= {token.idx for token in doc}:
        known = set(starts.tolist())
        set_sentence_starts(doc, [token.idx in known for token in doc])


def set_sentence_starts(doc: Doc, are_starts: Sequence[bool]) -> None:
    """Set where sentences start, in linear time: ``token.is_sent_start = ...`` looks at the whole Doc.

    Args:
        doc: the document.
        are_starts: whether each token starts a sentence.
    """
    if len(doc):
        values = numpy.where(numpy.asarray(are_starts), 1, -1).astype("uint64")
        doc.from_array([SENT_START], cast(Ints2d, values))


def sentence_numbers(doc: Doc) -> Optional[Int32Array]:
    """The sentence of each token, counted from 0; None if sentence boundaries are not known.

    Returns:
        *Shape:* ``(n_tokens,)``
    """
    if not doc.has_annotation("SENT_START"):
        return None
    is_start = numpy.asarray(doc.to_array("SENT_START")) == 1
    is_start[:1] = False
    return numpy.cumsum(is_start, dtype="int32")


def sentence_starts(doc: Doc) -> Optional[Int32Array]:
    """The characters at which sentences start, comparable between tokenisations; None if not known.

    The sentence of a character is ``numpy.searchsorted(starts, character, side="right") - 1``.

    Returns:
        *Shape:* ``(n_sentences,)``
    """
    numbers = sentence_numbers(doc)
    if numbers is None:
        return None
    tokens = numpy.flatnonzero(numpy.diff(numbers, prepend=-1))
    return numpy.asarray([doc[int(i)].idx for i in tokens], dtype="int32")
