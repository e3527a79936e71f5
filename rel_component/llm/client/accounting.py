"""What answers cost, and a limit to it."""

import json
import math
import threading
from dataclasses import dataclass, field, fields, replace
from typing import Any, Mapping, Optional, Sequence, Type, TypeVar

from ...errors import BudgetExceeded, ConfigError
from ..types import Backend, Request, Usage
from .per_process import PerProcess

_MESSAGE_MARGIN = 16  # tokens that chat templates put around a message

T = TypeVar("T", "Prices", "Budget")


@dataclass(frozen=True)
class Prices:
    """Prices per million tokens, in any one currency.

    Attributes:
        input: of prompts.
        output: of answers.
        cached_input: of those tokens of prompts that the endpoint had in its own cache; None: the
            same as `input`.

    Raises:
        ConfigError: if a price is not a number of at least 0.
    """

    input: float
    output: float
    cached_input: Optional[float] = None

    def __post_init__(self) -> None:
        _check_numbers(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Prices":
        """Prices from plain data.

        Raises:
            ConfigError: if a key is missing or not known, or a price is not a number.
        """
        return _from_dict(cls, data, required=("input", "output"))

    def cost(self, usage: Usage) -> float:
        """What some usage costs."""
        cached_price = self.input if self.cached_input is None else self.cached_input
        cached = min(usage.cached_tokens, usage.input_tokens)
        fresh = usage.input_tokens - cached
        total = fresh * self.input + cached * cached_price + usage.output_tokens * self.output
        return total / 1_000_000


@dataclass(frozen=True)
class Budget:
    """Limits over the life of a client; None: no limit.

    Each process that a client is copied to has a budget of its own: what was left when it was
    copied.

    Attributes:
        max_cost: in the currency of the prices.
        max_requests: requests that are paid for.
        max_tokens: of prompts and answers together.

    Raises:
        ConfigError: if a limit is not a number of at least 0.
    """

    max_cost: Optional[float] = None
    max_requests: Optional[int] = None
    max_tokens: Optional[int] = None

    def __post_init__(self) -> None:
        _check_numbers(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Budget":
        """A budget from plain data.

        Raises:
            ConfigError: if a key is not known or a limit is not a number.
        """
        return _from_dict(cls, data)


class Account:
    """What was paid for, and what may be due for requests that are on their way.

    Args:
        prices: price table, needed for a limit of cost.
        budget: the limits.

    Raises:
        ConfigError: if the budget limits the cost and there are no prices.
    """

    def __init__(self, prices: Optional[Prices] = None, budget: Optional[Budget] = None) -> None:
        self._prices = prices
        self._budget = budget or Budget()
        if prices is None and self._budget.max_cost is not None:
            raise ConfigError(
                f"the budget has max_cost={self._budget.max_cost}, but no prices are given; give "
                f"prices per million tokens, or limit max_tokens or max_requests instead"
            )
        self._usage = Usage()
        # Paid for, but the endpoint did not say how much: counted with the bound.
        self._unknown = Usage()
        self._state = PerProcess(_AccountState)

    @property
    def usage(self) -> Usage:
        """What was paid for until now, and answers from the cache."""
        with self._state().lock:
            return self._usage

    @property
    def counts_tokens(self) -> bool:
        """Whether the budget depends on the number of tokens."""
        return self._budget.max_cost is not None or self._budget.max_tokens is not None

    def priced(self, usage: Usage) -> Usage:
        """Usage with its cost, if it has none and there are prices."""
        if self._prices is None or usage.cost is not None:
            return usage
        return replace(usage, cost=self._prices.cost(usage))

    def add(self, usage: Usage) -> None:
        """Count what needed no reservation."""
        with self._state().lock:
            self._usage += usage

    def reserve(self, bound: Usage) -> Usage:
        """Set something aside for requests that are about to be sent.

        Returns what was set aside, for `settle`.

        Args:
            bound: upper bound of what they may use.

        Raises:
            BudgetExceeded: if it might not be covered.
        """
        bound = self.priced(bound)
        state = self._state()
        with state.lock:
            self._check(self._usage + self._unknown + state.reserved, bound)
            state.reserved += bound
        return bound

    def settle(self, bound: Usage, bill: Usage) -> None:
        """Replace a reservation by the bill.

        Args:
            bound: what `reserve` returned.
            bill: what was paid for; without tokens, if the endpoint does not name them.
        """
        bill = self.priced(bill)
        state = self._state()
        with state.lock:
            state.reserved = _minus(state.reserved, bound)
            self._usage += bill
            if bill.requests and not bill.input_tokens and not bill.output_tokens:
                self._unknown += replace(bound, requests=0)

    def _check(self, due: Usage, bound: Usage) -> None:
        budget = self._budget
        for name, limit, used, more in (
            ("max_cost", budget.max_cost, due.cost or 0.0, bound.cost or 0.0),
            ("max_requests", budget.max_requests, due.requests, bound.requests),
            ("max_tokens", budget.max_tokens, _tokens(due), _tokens(bound)),
        ):
            # Sums of floats: without the margin a budget for 10 requests might cover 9.
            if limit is not None and used + more > limit * (1 + 1e-9):
                raise BudgetExceeded(
                    f"the request was not sent: it may need {more:.6g}, {used:.6g} are spent or "
                    f"reserved, and the budget has {name}={limit:.6g}; raise it to go on"
                )


def upper_bound(requests: Sequence[Request], backend: Backend) -> Usage:
    """The most that requests may use.

    The tokens of a prompt are counted by the backend, or else estimated by its bytes in UTF-8: no
    token of a vocabulary over bytes has less than one.
    """
    return Usage(
        requests=len(requests),
        input_tokens=sum(_input_bound(request, backend) for request in requests),
        output_tokens=len(requests) * backend.max_tokens,
    )


def _input_bound(request: Request, backend: Backend) -> int:
    counted = backend.count_tokens(request.messages)
    if counted is not None:
        return counted
    n_bytes = sum(
        len(message.content.encode("utf-8", "surrogatepass")) + _MESSAGE_MARGIN
        for message in request.messages
    )
    if request.schema is not None:
        n_bytes += len(json.dumps(request.schema)) + _MESSAGE_MARGIN
    return n_bytes


@dataclass
class _AccountState:
    lock: threading.Lock = field(default_factory=threading.Lock)
    reserved: Usage = field(default_factory=Usage)


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens


def _minus(usage: Usage, other: Usage) -> Usage:
    return Usage(
        requests=usage.requests - other.requests,
        input_tokens=usage.input_tokens - other.input_tokens,
        output_tokens=usage.output_tokens - other.output_tokens,
        cost=None if usage.cost is None else usage.cost - (other.cost or 0.0),
    )


def _from_dict(cls: Type[T], data: Mapping[str, Any], *, required: Sequence[str] = ()) -> T:
    known = [item.name for item in fields(cls)]
    unknown = sorted(set(data) - set(known))
    missing = [name for name in required if name not in data]
    if unknown or missing:
        raise ConfigError(
            f"{cls.__name__.lower()} {dict(data)}: unknown keys {unknown}, missing keys {missing}; "
            f"known keys are {known}"
        )
    return cls(**data)


def _check_numbers(values: Any) -> None:
    for item in fields(values):
        value = getattr(values, item.name)
        if value is None and item.default is None:
            continue
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:
            raise ConfigError(
                f"{type(values).__name__.lower()}: {item.name} is {value!r}; it has to be a finite "
                f"number of at least 0"
            )
