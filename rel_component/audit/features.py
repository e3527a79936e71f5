"""Features of pairs of mentions: of the text around them, of their types, of their names."""

from itertools import pairwise
from typing import List, Tuple

from ..mentions import normalize_name
from .pairs import MentionPair, reverse

_NEAR = 4  # words before the first and after the second mention
_BETWEEN = 12  # longer connections do not recur as a whole
_AROUND = 8  # words before and after of which the beginnings count, wherever they are
_STEM = 5  # characters
_DISTANCES = (0, 1, 2, 3, 5, 8, 13, 21, 34)


def text_features(pair: MentionPair) -> List[str]:
    """Features of the baseline classifier: types, order, distance and the words around.

    Mentions are seen as their types, so that no name is learnt.
    """
    first, second = pair.first, pair.second
    words = pair.doc.masked_words
    types = f"{first.label_} {second.label_}"
    between = [word for word in words[first.end : second.start] if word]
    before = [word for word in words[max(0, first.start - _NEAR) : first.start] if word]
    after = [word for word in words[second.end : second.end + _NEAR] if word]
    distance = sum(second.start - first.end > limit for limit in _DISTANCES)
    n_sentences = min(2, pair.doc.sentences[second.start] - pair.doc.sentences[first.start])
    n_between = min(4, sum(word.startswith("[") for word in between))
    features = [f"types {types}", f"first {first.label_}", f"second {second.label_}"]
    features += [f"distance {distance}", f"distance {distance} {types}"]
    features += [f"sentences {n_sentences}", f"sentences {n_sentences} {types}"]
    features.append(f"mentions between {n_between} {types}")
    for name, part in (("between", between), ("before", before), ("after", after)):
        features += [f"{name} {word}" for word in part]
        features += [f"{name} {types} {word}" for word in part]
        features += [f"{name} {a} {b}" for a, b in pairwise(part)]
    for name, part in (
        ("next", between[:1]),
        ("last", between[-1:]),
        ("left", before[-1:]),
        ("right", after[:1]),
    ):
        features.append(f"{name} {types} {' '.join(part)}")
    features += [f"near first {types} {word}" for word in between[:3]]
    features += [f"near second {types} {word}" for word in between[-3:]]
    around = words[max(0, first.start - _AROUND) : second.end + _AROUND]
    stems = {word if word.startswith("[") else word[:_STEM] for word in around if word}
    features += [f"around {types} {stem}" for stem in sorted(stems)]
    if len(between) <= _BETWEEN:
        features.append(f"all between {types} {' '.join(between)}")
    return features


def canonical(pair: MentionPair, label: str) -> Tuple[MentionPair, str]:
    """The pair in the order of its types and names, with the label to match.

    The order in the text would give the head away.
    """
    keys = [(span.label_, normalize_name(span.text)) for span in (pair.first, pair.second)]
    if keys[0] <= keys[1]:
        return pair, label
    return MentionPair(pair.doc, pair.second, pair.first, pair.labels), reverse(label)


def type_features(pair: MentionPair) -> List[str]:
    """The entity types alone."""
    first, second = pair.first.label_, pair.second.label_
    return [f"types {first} {second}", f"first {first}", f"second {second}"]


def name_features(pair: MentionPair) -> List[str]:
    """The names and their words alone."""
    names = (normalize_name(pair.first.text), normalize_name(pair.second.text))
    features = [f"names {names[0]} | {names[1]}"]
    for place, name in zip(("first", "second"), names):
        features.append(f"{place} {name}")
        features += [f"{place} word {word}" for word in name.split()]
    return features
