"""From a reply of a language model to the statements in it.

Replies should be JSON of the form that was asked for. Often they are almost that: JSON in a code fence
or between words, broken, in another shape, cut off in the middle, or no JSON at all.
"""

import math
import re
from dataclasses import replace
from typing import Any, Dict, Sequence, Tuple

from ..prompting.answer_schema import Keys
from ..prompting.claims import NO_CLAIMS, Claims
from ..types import Reply
from .json_values import load_json
from .statements import StatedEntity, StatedRelation, StatementReader, Statements

_TAGS = "(?:think|thinking|thought|reasoning|seed:think)"
_ANALYSIS = r"<\|channel\|>analysis<\|message\|>"  # of gpt-oss, where a server leaves it as it is
_THINKING_START = re.compile(rf"<{_TAGS}>|\[THINK\]|◁think▷|{_ANALYSIS}", re.IGNORECASE)
_THINKING_END = re.compile(rf"</{_TAGS}>|\[/THINK\]|◁/think▷", re.IGNORECASE)
_MESSAGE_END = re.compile(r"<\|end\|>(?!\s*\Z)")  # that of the last one is no end of a thought
_JSON_LINE = re.compile(r"^[ \t]*[\[{]", re.MULTILINE)


def read_statements(
    reply: Reply, *, keys: Keys = ("head", "label", "tail"), claims: Claims = NO_CLAIMS
) -> Statements:
    """Read what a reply states.

    Args:
        reply: the reply.
        keys: names of head, label and tail that the prompt asks for. The usual ones are known.
        claims: what else it asks for.

    Raises:
        ConfigError: if the JSON is broken and json-repair is not installed.
    """
    reader = StatementReader(keys)
    try:
        value = load_json(reply.text)
    except (ValueError, RecursionError):
        value = None
        text = _without_thinking(reply.text)
        reader.read_text(text, is_cut=reply.finish_reason == "length")
    else:
        reader.read_json(value)
    relations, entities = tuple(reader.relations), tuple(reader.entities)
    as_asked = not reader.problems and _is_as_asked(value, relations, entities, keys, claims)
    if value is not None and reply.tokens:
        relations = _scored(relations, reply, keys)
    return Statements(relations, entities, as_asked, dict(reader.problems))


def _is_as_asked(
    value: Any,
    relations: Sequence[StatedRelation],
    entities: Sequence[StatedEntity],
    keys: Keys,
    claims: Claims,
) -> bool:
    """Tell whether decoded JSON is exactly what prompts ask for, made of the statements in it."""
    if not isinstance(value, dict):
        return False

    def said(rel: StatedRelation) -> Dict[str, str]:
        return claims.values("".join(rel.quotes), rel.polarity or "")

    if value.keys() == {keys[1], *claims.names}:
        return [value] == [{keys[1]: rel.label, **said(rel)} for rel in relations]
    stated = [
        {**dict(zip(keys, (rel.head.text, rel.label, rel.tail.text))), **said(rel)}
        for rel in relations
        if rel.head is not None and rel.tail is not None
    ]
    listed = [{"text": entity.text, "type": entity.type} for entity in entities]
    return value == {"entities": listed, "relations": stated} or (
        not listed and value == {"relations": stated}
    )


def _scored(
    relations: Sequence[StatedRelation], reply: Reply, keys: Keys
) -> Tuple[StatedRelation, ...]:
    """Return relations with the probabilities of the tokens of their labels."""
    # a quotation mark inside a string has a backslash before it: only names of parts match
    names = "|".join(map(re.escape, (keys[1], "label", "relation", "predicate")))
    label = re.compile(rf'"(?:{names})"\s*:\s*"\s*(?P<label>(?:[^"\\]|\\.)*)')
    start = max(reply.text.find('"relations"'), 0)
    places = [match.span("label") for match in label.finditer(reply.text, start)]
    if len(places) != len(relations):
        return tuple(relations)  # arrays of labels, or escapes or other names
    return tuple(
        replace(relation, score=_probability(reply, *place))
        for relation, place in zip(relations, places)
    )


def _probability(reply: Reply, start: int, end: int) -> float:
    """Return the probability of the tokens that lie in a part of a reply."""
    total, place = 0.0, 0
    for token in reply.tokens:
        if place < end and place + len(token.text) > start:
            total += token.logprob
        place += len(token.text)
    return min(1.0, math.exp(total))


def _without_thinking(text: str) -> str:
    """Leave out what the model thought aloud; a thought without end may end with the answer."""
    text = _THINKING_END.split(text)[-1]  # the first opening tag may stand in the prompt
    if re.search(_ANALYSIS, text):
        text = _MESSAGE_END.split(text)[-1]
    start = _THINKING_START.search(text)
    if start is None:
        return text
    thought = text[start.end() :].rstrip("` \n")
    answer = _JSON_LINE.search(thought) if thought.endswith(("]", "}")) else None
    return thought[answer.start() :] if answer else ""
