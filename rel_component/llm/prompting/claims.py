"""What answers say of relations beside head, label and tail: words of the document, and polarity."""

from dataclasses import dataclass
from typing import Any, Dict, Sequence, Tuple

from ...types import POLARITIES

QUOTE, POLARITY = "quote", "polarity"

MAX_QUOTE = 400
"""Characters of a quote in an answer."""

_QUOTE_RULE = (
    f'- "{QUOTE}": the words of the document that state the relation, copied letter by letter, '
    "without ids of entities; one sentence or less"
)
_POLARITY_RULE = (
    f'- "{POLARITY}": "asserted" if the document says that the relation holds, "negated" if it says '
    'that it does not or no longer hold, "planned" if it is intended, expected, possible or rumoured. '
    "List negated and planned relations too."
)


@dataclass(frozen=True)
class Claims:
    """What is asked for of each relation.

    Args:
        quote: whether the words that state it are.
        polarity: whether the document asserts, negates or plans it.
    """

    quote: bool = False
    polarity: bool = False

    @property
    def names(self) -> Tuple[str, ...]:
        """Names of the parts of answers."""
        return (QUOTE,) * self.quote + (POLARITY,) * self.polarity

    @property
    def rules(self) -> str:
        """What prompts say about them, for templates of all kinds; empty if nothing is asked for."""
        rules = [_QUOTE_RULE] * self.quote + [_POLARITY_RULE] * self.polarity
        head = "Give each relation of the answer these parts besides:"
        return "\n".join([head, *rules]) if rules else ""

    def schema(self) -> Dict[str, Any]:
        """Their JSON schemas, by name."""
        schemas = {
            QUOTE: {"type": "string", "maxLength": MAX_QUOTE},
            POLARITY: {"type": "string", "enum": list(POLARITIES)},
        }
        return {name: schemas[name] for name in self.names}

    def values(self, quote: str, polarity: str) -> Dict[str, str]:
        """Those of an answer, by name."""
        found = {QUOTE: quote, POLARITY: polarity or POLARITIES[0]}
        return {name: found[name] for name in self.names}


def example_quote(text: str, places: Sequence[Tuple[int, int]]) -> str:
    """The shortest piece of a text that holds some places, for answers in examples.

    Args:
        text: the text.
        places: start and exclusive end in characters.
    """
    start, end = min(place[0] for place in places), max(place[1] for place in places)
    return text[start:end][:MAX_QUOTE]


NO_CLAIMS = Claims()
"""Nothing is asked for."""
