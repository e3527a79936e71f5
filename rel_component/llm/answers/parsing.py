"""What an answer states, whatever its form.

Answers should be JSON of the form that was asked for. What comes is often almost that: JSON in a code
fence or between words, a list or lines of objects, with trailing commas or single quotes, other names
for the parts of a relation, cut off in the middle, or triples in plain words. Every whole statement is
read; what cannot be read is counted.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, List, Mapping, Sequence, Tuple

from .loose_json import loose_values
from .stated import StatedEntity, StatedRelation
from .statements import MALFORMED_ITEM, MAX_CHARACTERS, TRUNCATED, StatementReader, states_nothing

NOT_JSON = "not_json"
"""Reason of a drop: nothing in the answer can be read."""

_THINKING = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What an answer states.

    Attributes:
        relations, entities: the whole statements, in their order.
        clean: whether it is JSON of the form that was asked for, with nothing to mend.
        problems: what could not be read, by reason.
    """

    relations: Tuple[StatedRelation, ...] = ()
    entities: Tuple[StatedEntity, ...] = ()
    clean: bool = True
    problems: Mapping[str, int] = field(default_factory=dict)


def parse_answer(text: str, *, finish_reason: str = "stop", keys: Sequence[str] = ()) -> Answer:
    """Read an answer. Never raises.

    Args:
        text: the answer.
        finish_reason: ``length`` if the limit of tokens has cut it off.
        keys: the names of head, label and tail that the prompt asks for; the usual ones are known.
    """
    reader = StatementReader(keys)
    try:
        decoded = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        _read_text(text, reader, is_cut=finish_reason == "length")
        clean = False
    else:
        clean = _read_json(text, decoded, reader) and not reader.problems
    return Answer(tuple(reader.relations), tuple(reader.entities), clean, dict(reader.problems))


def is_no_relation(label: str) -> bool:
    """Whether a label says that there is no relation."""
    return states_nothing(label)


def _read_json(text: str, decoded: Any, reader: StatementReader) -> bool:
    """Read an answer that is JSON; returns whether it has the form that was asked for."""
    values = [decoded]
    if isinstance(decoded, (dict, list)) and len(text) <= MAX_CHARACTERS:
        # once more, for the places of labels, and for keys that are there twice
        values = loose_values(text).values
    try:
        if not reader.read_all(values):
            reader.problems[NOT_JSON] += 1
    except RecursionError:
        reader.problems[MALFORMED_ITEM] += 1
    return values == [decoded] and reader.is_as_asked(decoded)


def _read_text(text: str, reader: StatementReader, *, is_cut: bool) -> None:
    """Read whatever looks like JSON in a text, or else triples in words."""
    is_lost = len(text) > MAX_CHARACTERS
    is_cut = is_cut or is_lost
    text, is_thinking = _without_thinking(text[:MAX_CHARACTERS])
    if states_nothing(text) and not is_cut:
        return
    found = loose_values(text)
    values: List[Any] = found.values
    if is_thinking:
        # no answer, unless it ends with one
        ends = not is_cut and not found.is_open and not text[found.end :].strip("` \n")
        values, text = values[-1:] if ends else [], ""
    if reader.read_all(values):
        is_lost = is_lost or (found.is_open and (is_cut or found.is_cut))
    elif is_cut:
        # the last line may not be whole, unless it ends with a bracket
        end = max(text.rfind("\n"), text.rfind(")")) + 1
        reader.read_words(text[:end], is_whole=False)
        is_lost = True
    elif not reader.read_words(text):
        reader.problems[NOT_JSON] += 1
    if is_lost and not reader.problems[TRUNCATED]:
        reader.problems[TRUNCATED] += 1


def _without_thinking(text: str) -> Tuple[str, bool]:
    """The text with blanks for what the model thought aloud, and whether it still thinks at the end.

    Blanks, so that places stay.
    """
    pieces, place, start = [], 0, 0
    is_thinking = False
    for tag in _THINKING.finditer(text):
        if tag[1]:  # the first tag may stand in the prompt
            pieces += [text[place:start], " " * (tag.end() - max(start, place))]
            place = start = tag.end()
            is_thinking = False
        elif not is_thinking:
            start, is_thinking = tag.start(), True
    return "".join([*pieces, text[place:]]), is_thinking
