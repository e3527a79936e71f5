"""What annotated links teach: names, types, and which candidate is right."""

from collections import Counter
from typing import Dict, Iterable, List, NamedTuple, Sequence, Set, Tuple

import numpy
from spacy.tokens import Doc, Span

from ..mentions import normalize_name, trimmed
from ..types import NO_LINK, Int32Array
from .candidates import LinkCandidates, Seen
from .entities import MAX_NAME, Entity
from .knowledge_base import KnowledgeBase, build

_MIN_SHARE = 0.02  # of the links of a type, from which it counts as one that it may mean


class Learned(NamedTuple):
    """What links of training documents teach.

    Attributes:
        kb: the knowledge base with the names that it lacked, and the entities that it lacked.
        names: how often each name, see :func:`.normalize_name`, was annotated with each id.
        given: the names, with ids, that the knowledge base had.
        types: for each type of mentions the types of the entities that they are linked to.
    """

    kb: KnowledgeBase
    names: Dict[str, Dict[str, int]]
    given: Set[Tuple[str, str]]
    types: Dict[str, List[str]]


def learn_links(kb: KnowledgeBase, linked: Iterable[Span]) -> Learned:
    """Learn names and types from annotated mentions.

    Args:
        kb: the knowledge base.
        linked: mentions with ids; those without are left out.
    """
    forms: Dict[str, Counter[str]] = {}
    names: Dict[str, Counter[str]] = {}
    types: Dict[str, Counter[str]] = {}
    for span in linked:
        text = " ".join(span.text.split())
        if span.kb_id_ in NO_LINK or not text or len(text) > MAX_NAME:
            continue
        names.setdefault(normalize_name(text), Counter())[span.kb_id_] += 1
        forms.setdefault(span.kb_id_, Counter())[text] += 1
        entity = kb.find(span.kb_id_)
        if entity is not None:
            types.setdefault(span.label_, Counter()).update(kb.types_of(entity))
    given: Set[Tuple[str, str]] = set()
    for entity_id in forms:
        entity = kb.find(entity_id)
        if entity is not None:
            given |= {(normalize_name(name), entity_id) for name in kb.names(entity)}
    learned_names = {name: dict(sorted(ids.items())) for name, ids in sorted(names.items())}
    return Learned(
        kb=build(_extended(kb, forms)),
        names=learned_names,
        given={(name, i) for name, ids in learned_names.items() for i in ids} & given,
        types={label: _frequent(counts) for label, counts in sorted(types.items()) if label},
    )


def _extended(kb: KnowledgeBase, forms: Dict[str, "Counter[str]"]) -> Iterable[Entity]:
    remaining = dict(forms)
    for entity in kb.entities():
        seen = remaining.pop(entity.id, None)
        if seen:
            known = set(map(normalize_name, (entity.name, *entity.aliases)))
            new = {normalize_name(text): text for text in sorted(seen)}
            aliases = [text for key, text in new.items() if key not in known]
            entity = Entity(**{**vars(entity), "aliases": [*entity.aliases, *aliases]})
        yield entity
    for entity_id, seen in sorted(remaining.items()):
        name, *aliases = sorted(seen, key=lambda text: (-seen[text], text))
        yield Entity(entity_id, name, aliases)


def _frequent(counts: "Counter[str]") -> List[str]:
    total = sum(counts.values())
    return sorted(name for name, n in counts.items() if n >= _MIN_SHARE * total)


def seen_in(linked: Iterable[Span]) -> Seen:
    """The names of a document with the ids that they are annotated with."""
    return Counter(
        (normalize_name(span.text), span.kb_id_) for span in linked if span.kb_id_ not in NO_LINK
    )


def right_candidates(
    kb: KnowledgeBase, candidates: LinkCandidates, ids: Sequence[str]
) -> Int32Array:
    """Which candidate of each mention is the annotated one.

    Args:
        kb: the knowledge base.
        candidates: the candidates.
        ids: the annotated id of each mention.

    Returns:
        the position among the candidates of the mention, -1: none of them. *Shape:* ``(n_mentions,)``
    """
    numbers = {name: kb.find(name) for name in set(ids) - NO_LINK}
    right = numpy.full(len(ids), -1, dtype="int32")
    for i, (start, length, name) in enumerate(zip(candidates.starts, candidates.lengths, ids)):
        entity = numbers.get(name)
        if entity is not None:
            found = numpy.flatnonzero(candidates.entities[start : start + length] == entity)
            right[i] = found[0] if len(found) else -1
    return right


def carried(reference: Doc, predicted: Doc, mentions: Iterable[Span]) -> List[Span]:
    """The mentions of an annotated document in another one of the same text, with their ids.

    Those that do not begin and end with a token of it are left out.
    """
    found = [
        predicted.char_span(*trimmed(span), label=span.label_, kb_id=span.kb_id_)
        for span in mentions
    ]
    return [span for span in found if span is not None]
