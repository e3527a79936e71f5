"""Clusters as other packages write them into a Doc, none of which has to be installed.

Each function gives the clusters as lists of spans, for :func:`rel_component.mentions.replace_clusters`.
"""

from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional

from spacy.tokens import Doc, Span

from ..errors import AnnotationError, ConfigError, shown
from ..mentions import CLUSTER_PREFIX, read_clusters

SpanClusters = List[List[Span]]

HEAD_PREFIX = "coref_head_clusters"
"""Clusters of the head words of mentions, by the ``coref`` component of spacy-experimental."""


def coreferee_clusters(doc: Doc) -> SpanClusters:
    """The chains of coreferee (1.4, 1.5): ``doc._.coref_chains``.

    It gives the head word of a mention. A word of an entity stands for the entity, the head of a noun
    chunk for the chunk, where the language has these; another one for itself. A mention of several
    heads, "Ann and Bo", goes from the first to the last.

    Args:
        doc: the document.

    Raises:
        AnnotationError: if there is no such attribute, or it holds something else.
    """
    entities = {token.i: ent for ent in doc.ents for token in ent}
    chunks = {chunk.root.i: chunk for chunk in _noun_chunks(doc)}

    def mention(item: Any) -> Optional[Span]:
        spans = []
        for i in item.token_indexes:
            if type(i) is not int or not 0 <= i < len(doc):
                return None
            spans.append(entities.get(i) or chunks.get(i) or doc[i : i + 1])
        return doc[min(s.start for s in spans) : max(s.end for s in spans)] if spans else None

    return _read(doc, "coref_chains", "coreferee", mention)


def fastcoref_clusters(doc: Doc) -> SpanClusters:
    """The clusters of fastcoref (2.1): ``doc._.coref_clusters`` of pairs of characters.

    A mention that does not begin and end with a token is widened to whole tokens.

    Args:
        doc: the document.

    Raises:
        AnnotationError: if there is no such attribute, or it holds something else.
    """

    def mention(item: Any) -> Optional[Span]:
        start, end = item
        if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(doc.text):
            return None
        return doc.char_span(start, end, alignment_mode="expand")

    return _read(doc, "coref_clusters", "fastcoref", mention)


def spacy_coref_clusters(doc: Doc) -> SpanClusters:
    """The clusters of spacy-coref (0.1): ``doc._.coref_clusters`` of spans.

    Args:
        doc: the document.

    Raises:
        AnnotationError: if there is no such attribute, or it holds something else.
    """

    def mention(item: Any) -> Optional[Span]:
        is_own = isinstance(item, Span) and item.doc is doc and len(item)
        return item if is_own else None

    return _read(doc, "coref_clusters", "spacy-coref", mention)


def spacy_experimental_clusters(doc: Doc) -> SpanClusters:
    """The clusters of spacy-experimental (0.6): span groups ``coref_clusters_1`` and so on.

    Where its ``span_resolver`` has not run, they are of head words, ``coref_head_clusters_1``.

    Args:
        doc: the document.
    """
    clusters = read_clusters(doc, CLUSTER_PREFIX) or read_clusters(doc, HEAD_PREFIX)
    return [cluster for cluster in clusters if cluster]


READERS: Mapping[str, Callable[[Doc], SpanClusters]] = {
    "coreferee": coreferee_clusters,
    "fastcoref": fastcoref_clusters,
    "spacy-coref": spacy_coref_clusters,
    "spacy-experimental": spacy_experimental_clusters,
}
"""The reader of each package, by its name on PyPI."""


def find_reader(package: str) -> Callable[[Doc], SpanClusters]:
    """The function that reads the clusters of a package.

    Raises:
        ConfigError: if there is none.
    """
    if package not in READERS:
        raise ConfigError(f"unknown package {shown(package)}; available: {', '.join(READERS)}")
    return READERS[package]


def _read(
    doc: Doc, attr: str, package: str, mention: Callable[[Any], Optional[Span]]
) -> SpanClusters:
    """Read a list of lists of mentions from an extension attribute."""
    if not Doc.has_extension(attr):
        raise AnnotationError(
            f"doc._.{attr} does not exist: {package} has not run; add it to the pipeline before"
        )
    value = getattr(doc._, attr)
    clusters: SpanClusters = []
    try:
        for cluster in value or ():  # None: nothing was found
            spans: Dict[Any, Span] = {}
            for item in cluster:
                span = mention(item)
                if span is None:
                    raise ValueError(f"{shown(item)} is no mention of {len(doc)} tokens")
                spans[span.start, span.end] = span
            if spans:
                clusters.append(list(spans.values()))
    except (AttributeError, TypeError, ValueError) as err:
        raise AnnotationError(
            f"doc._.{attr} of {shown(doc.text)} holds {shown(value)}, which {package} does not "
            f"write: {str(err)[:200]}"
        ) from err
    return clusters


def _noun_chunks(doc: Doc) -> Iterable[Span]:
    """The noun chunks; none in languages that have none, or without a parse."""
    try:
        return list(doc.noun_chunks)
    except (NotImplementedError, ValueError):
        return []
