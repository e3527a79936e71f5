"""Documents with other names in the places of their mentions."""

from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..mentions import normalize_name
from .documents import AuditedDoc, Position, position

Name = Tuple[str, ...]
"""The words of a name."""


class GivenText(NamedTuple):
    """A text with its mentions, for a pipeline that is given both.

    Attributes:
        doc: the document that the text was made from.
        words: the tokens of the text.
        spaces: whether a space follows each token.
        spans: start, exclusive end and entity type of each mention of the document, in their order.
    """

    doc: AuditedDoc
    words: List[str]
    spaces: List[bool]
    spans: List[Tuple[int, int, str]]


def rewrite(doc: AuditedDoc, names: Mapping[Position, Name]) -> GivenText:
    """The text of a document with new words for some of its mentions.

    Args:
        doc: the document.
        names: the new words, by the tokens of the mention; mentions that overlap with others are
            left.
    """
    words: List[str] = []
    spaces: List[bool] = []
    new_start: Dict[int, int] = {}
    new_end: Dict[int, int] = {}
    alone = set(_alone(doc))
    replaced = {at: names[at] for at in alone if names.get(at)}
    starts = dict(replaced.keys())
    i = 0
    while i < len(doc.doc):
        end = starts.get(i, i + 1)
        name = replaced.get((i, end), (doc.doc[i].text,))
        new_start[i] = len(words)
        words += name
        spaces += [True] * (len(name) - 1) + [bool(doc.doc[end - 1].whitespace_)]
        new_end[end] = len(words)
        i = end
    spans = [(new_start[span.start], new_end[span.end], span.label_) for span in doc.mentions]
    return GivenText(doc, words, spaces, spans)


def assign_names(doc: AuditedDoc, draw: Mapping[str, Sequence[Name]]) -> Dict[Position, Name]:
    """New words for the mentions of a document, the same for the same name.

    A part of a longer name gets the same part of its new name: with "Grace Hopper" for "Ada
    Lovelace", "Lovelace" becomes "Hopper".

    Args:
        doc: the document.
        draw: by entity type, new names in the order in which they are given out; types without
            names stay as they are.
    """
    chosen: Dict[Tuple[str, str], Tuple[Name, Name]] = {}
    given_out = dict.fromkeys(draw, 0)
    result: Dict[Position, Name] = {}
    for span in sorted(doc.mentions, key=len, reverse=True):
        names = draw.get(span.label_, ())
        if not names:
            continue
        key = (span.label_, normalize_name(span.text))
        old = tuple(token.text for token in span)
        if key not in chosen:
            part = _part_of_longer(old, [pair for (t, _), pair in chosen.items() if t == key[0]])
            if part is None:
                part = names[given_out[span.label_] % len(names)]
                given_out[span.label_] += 1
            chosen[key] = (old, part)
        result[position(span)] = chosen[key][1]
    return result


def _part_of_longer(old: Name, longer: Sequence[Tuple[Name, Name]]) -> Optional[Name]:
    for name, new in longer:
        if len(old) < len(name):
            if name[-len(old) :] == old:
                return new[-len(old) :]
            if name[: len(old)] == old:
                return new[: len(old)]
    return None


def _alone(doc: AuditedDoc) -> List[Position]:
    """Mentions that share no token with another one."""
    taken = [0] * len(doc.doc)
    places = {position(span) for span in doc.mentions}
    for start, end in places:
        for i in range(start, end):
            taken[i] += 1
    return [place for place in places if max(taken[place[0] : place[1]]) == 1]
