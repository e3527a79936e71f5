"""Splits of a corpus for training, development and test: stratified, with groups kept together."""

import random
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, Hashable, Iterable, List, Optional, Sequence, Tuple, Union

import numpy
import spacy
from spacy.tokens import Doc

from ..annotations import get_relations
from ..errors import ConfigError, listed, shown
from ..files import complete_files
from ..spacy_files import read_docs, write_docs
from ..types import NO_RELATION

GroupFunction = Callable[[Doc], Hashable]
"""A function that says which group a document belongs to; None: it stands alone."""


def group_by_meta(key: str) -> GroupFunction:
    """Group documents with the same value of a key of ``user_data["meta"]``, such as an article."""

    def group(doc: Doc) -> Hashable:
        value = doc.user_data.get("meta", {}).get(key)
        return None if value is None else str(value)

    return group


def split_docs(
    docs: Sequence[Doc],
    shares: Dict[str, float],
    *,
    group: GroupFunction = lambda doc: None,
    seed: int = 0,
) -> Dict[str, List[Doc]]:
    """Split documents so that each has about its share of every relation type.

    Iterative stratification (Sechidis et al. 2011, https://doi.org/10.1007/978-3-642-23808-6_10) over
    groups: of the rarest label that is left, groups go one after the other to the split that lacks
    it most. Documents without relations are a stratum of their own. Equal texts are one group.

    Args:
        docs: the documents; each split has them in this order.
        shares: share of each split by its name; they add up to 1.
        group: documents of one group stay together.
        seed: seed of the choice between equals; the same documents and seed give the same splits.

    Raises:
        ConfigError: if the shares do not add up to 1, or one is not above 0.
    """
    if not shares or any(not share > 0 for share in shares.values()):
        raise ConfigError(f"shares of splits must be above 0, got {shares}")
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise ConfigError(f"shares of splits must add up to 1, got {sum(shares.values()):g}")
    groups = _groups(docs, group)
    labels = [_labels([docs[i] for i in members]) for members in groups]
    totals = sum(labels, Counter[str]())
    lacking = {
        split: Counter({k: n * share for k, n in totals.items()}) for split, share in shares.items()
    }
    room = {split: len(docs) * share for split, share in shares.items()}
    order = list(range(len(groups)))
    random.Random(seed).shuffle(order)
    splits: Dict[str, List[int]] = {split: [] for split in shares}
    while order:
        left = sum((labels[i] for i in order), Counter[str]())
        label = min(left, key=lambda key: (left[key], key))
        taken = [i for i in order if label in labels[i]]
        order = [i for i in order if label not in labels[i]]
        # large ones first, while there is room for them
        for i in sorted(taken, key=lambda i: -labels[i][label]):
            split = max(shares, key=lambda name: (lacking[name][label], room[name]))
            splits[split] += groups[i]
            lacking[split].subtract(labels[i])
            room[split] -= len(groups[i])
    return {split: [docs[i] for i in sorted(members)] for split, members in splits.items()}


def split_files(
    data_path: Union[str, Path],
    output_path: Union[str, Path],
    shares: Dict[str, float],
    *,
    group_by: Optional[str] = None,
    seed: int = 0,
) -> Dict[str, Dict[str, int]]:
    """Split annotated documents and write a ``.spacy`` file for each split; see :func:`split_docs`.

    Args:
        data_path: a ``.spacy`` file or a folder of them.
        output_path: folder for the splits, each named after its split.
        shares: share of each split by its name; they add up to 1.
        group_by: key of the meta of documents; those with equal values stay together.
        seed: seed of the choice between equals.

    Returns:
        For each split the number of ``documents``, and of relations by label.

    Raises:
        ConfigError: if the shares do not add up to 1, or one is not above 0; if no document has the
            key to group by.
        DataError: if the documents cannot be read, or a split cannot be written.
    """
    for name in shares:
        if Path(name).name != name:
            raise ConfigError(f"{name!r} is no name of a split: it is that of a file in the folder")
    docs = list(read_docs(Path(data_path), spacy.blank("xx")))
    if group_by is not None:
        _check_group_key(docs, group_by)
    group = group_by_meta(group_by) if group_by is not None else lambda doc: None
    counts: Dict[str, Dict[str, int]] = {}
    with complete_files(output_path) as folder:  # together: an older split may share documents
        for name, split in split_docs(docs, shares, group=group, seed=seed).items():
            write_docs(split, folder / f"{name}.spacy")
            labels = Counter(rel.label for doc in split for rel in get_relations(doc))
            counts[name] = {"documents": len(split), **labels}
    return counts


def _check_group_key(docs: Sequence[Doc], key: str) -> None:
    """Refuse a key that no document has in its meta, and warn of documents that lack it."""
    group = group_by_meta(key)
    lacking = sum(group(doc) is None for doc in docs)
    if lacking and lacking == len(docs):
        known = sorted({str(name) for doc in docs for name in doc.user_data.get("meta", {})})
        raise ConfigError(
            f"no document has {shown(key)} in its meta to group by; the keys there are: {listed(known)}"
        )
    if lacking:
        warnings.warn(
            f"{lacking} of {len(docs)} documents have no {shown(key)} in their meta and stand alone",
            stacklevel=3,
        )


def _groups(docs: Sequence[Doc], group: GroupFunction) -> List[List[int]]:
    """Positions of documents that stay together: those of a group, and those with equal texts."""
    links: List[Tuple[int, int]] = []
    first: Dict[Any, int] = {}
    for i, doc in enumerate(docs):
        links.append((i, first.setdefault(("text", doc.text), i)))
        key = group(doc)
        if key is not None:
            links.append((i, first.setdefault(("group", key), i)))
    members: Dict[int, List[int]] = {}
    for i, start in enumerate(connect(len(docs), links)):
        members.setdefault(start, []).append(i)
    return list(members.values())


def connect(n_items: int, links: Iterable[Tuple[int, int]]) -> List[int]:
    """The number of the group of each item, whose items links connect, directly or through others."""
    from scipy.sparse import coo_array  # takes a while
    from scipy.sparse.csgraph import connected_components

    ends = numpy.asarray(list(links), dtype="int32").reshape(-1, 2).T
    table = coo_array((numpy.ones(ends.shape[1]), ends), shape=(n_items, n_items))
    groups: List[int] = connected_components(table, directed=False)[1].tolist()
    return groups


def _labels(docs: Sequence[Doc]) -> "Counter[str]":
    """Relations of each label, and documents without any."""
    counts: Counter[str] = Counter()
    for doc in docs:
        found = Counter(rel.label for rel in get_relations(doc))
        counts.update(found or {NO_RELATION: 1})
    return counts
