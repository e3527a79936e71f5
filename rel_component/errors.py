"""The exceptions of the package.

::

    RelComponentError (ValueError)
    ├── AnnotationError         doc._.rel: a bad assignment, a span of another Doc
    │   └── ExtensionConflict   another package owns the extension attribute
    ├── SchemaError             a schema that cannot be read, with the key at fault
    ├── DataError               a training or annotation file, with file, line and document
    ├── ConfigError             options that do not fit together or lie outside their range
    └── LLMError                a language model did not answer a request
        ├── LLMUnavailable      another attempt may succeed: connection, rate limit, server error
        ├── LLMRefused          another attempt is of no use: key, model or request at fault
        │   ├── FormatUnsupported   the endpoint does not know the format of answers
        │   └── PromptTooLong       the prompt does not fit into the context window
        └── BudgetExceeded      the request was not sent, because the budget might not cover it
"""

import difflib
import reprlib
from typing import Any, Iterable, Optional


class RelComponentError(ValueError):
    """Base class of all errors raised by this package."""


class AnnotationError(RelComponentError):
    """A value that cannot be stored as relations of a Doc."""


class ExtensionConflict(AnnotationError):
    """Another package has registered the Doc extension attribute that holds the relations."""


class SchemaError(RelComponentError):
    """A relation schema that is not valid; the message names the key."""


class DataError(RelComponentError):
    """A document that cannot be used; the message names the place.

    Args:
        message: what is wrong and what is accepted.
        place: file, line and document, if known.
    """

    def __init__(self, message: str, *, place: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.message = message
        self.place = place


class ConfigError(RelComponentError):
    """Options that do not fit together or lie outside their range."""


class LLMError(RelComponentError):
    """A language model did not answer a request."""


class LLMUnavailable(LLMError):
    """The language model cannot be reached, is busy, or sent something that is no answer.

    Args:
        message: what happened.
        retry_after: seconds to wait, if the endpoint named them.
        status: HTTP status of the response, if there was one.
        usage: the usage of the attempt, an ``llm.types.Usage``, if the endpoint sent one.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: Optional[float] = None,
        status: Optional[int] = None,
        usage: Any = None,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.status = status
        self.usage = usage


class LLMRefused(LLMError):
    """The language model refuses the request; sending it again is of no use."""


class FormatUnsupported(LLMRefused):
    """The endpoint does not know the format in which an answer was asked for."""


class PromptTooLong(LLMRefused):
    """The prompt does not fit into the context window of the model."""


class BudgetExceeded(LLMError):
    """The request was not sent, because the budget might not cover it."""


def shown(value: object, width: int = 60) -> str:
    """A value as messages show it: its ``repr``, of which no more is made than is shown.

    ``f"{value!r:.60}"`` makes all of it first, which for a nested value of a few hundred bytes, with
    YAML aliases, can be more than memory holds.

    Args:
        value: the value.
        width: the most characters.
    """
    bounded = reprlib.Repr()
    bounded.maxlevel = 3
    bounded.maxstring = bounded.maxlong = bounded.maxother = width
    try:
        text = bounded.repr(value)
    except Exception:  # numbers of too many digits, and classes of users
        text = f"<{type(value).__name__}>"
    return text if len(text) <= width else f"{text[: width - 3]}..."


def did_you_mean(name: object, accepted: Iterable[str]) -> str:
    """What a mistyped name was meant to be, for messages; empty if nothing is like it.

    Args:
        name: what was given.
        accepted: the names there are.

    Returns:
        ``, did you mean "threshold"?``
    """
    names = {known.casefold(): known for known in accepted}
    close = difflib.get_close_matches(str(name)[:60].casefold(), names, n=1)
    return f', did you mean "{names[close[0]]}"?' if close else ""


def listed(names: Iterable[str], limit: int = 20) -> str:
    """Names that there are, for messages: the first ones, and how many more."""
    names = list(names)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(f"{name:.60}" for name in names[:limit]) or "none") + more
