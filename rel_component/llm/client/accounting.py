"""Prices, budgets and the running total of usage."""

import json
import threading
from dataclasses import replace
from typing import Annotated, Any, List, Mapping, Optional, Sequence, Type, TypeVar

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from ...errors import BudgetExceeded, ConfigError, shown
from ..types import Backend, Request, Usage

_MESSAGE_MARGIN = 16  # tokens that chat templates put around a message

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]

OptionsT = TypeVar("OptionsT")


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Prices:
    """Prices per million tokens, in any one currency.

    Attributes:
        input: price of prompts.
        output: price of answers.
        cached_input: price of those tokens of prompts that the endpoint had in its own cache;
            None: the price of other prompts.
    """

    input: NonNegative
    output: NonNegative
    cached_input: Optional[NonNegative] = None

    def cost(self, usage: Usage) -> float:
        """The price of some usage."""
        cached_price = self.input if self.cached_input is None else self.cached_input
        cached = min(usage.cached_tokens, usage.input_tokens)
        uncached = usage.input_tokens - cached
        total = uncached * self.input + cached * cached_price + usage.output_tokens * self.output
        return total / 1_000_000


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Budget:
    """Limits over the life of a client; None: no limit.

    Attributes:
        max_cost: cost, in the currency of the prices.
        max_requests: requests that are paid for.
        max_tokens: tokens of prompts and answers together.
    """

    max_cost: Optional[NonNegative] = None
    max_requests: Optional[NonNegative] = None
    max_tokens: Optional[NonNegative] = None


def read_options(options_type: Type[OptionsT], data: Mapping[str, Any]) -> OptionsT:
    """Options from a block of a config.

    Args:
        options_type: a pydantic dataclass, such as :class:`Prices`.
        data: its attributes by name.

    Raises:
        ConfigError: if a name is missing or not known, or a value is not accepted.
    """
    try:
        return options_type(**data)
    except ValidationError as err:
        problems = [
            f"{'.'.join(map(str, problem['loc']))} is {shown(problem['input'])}: {problem['msg']}"
            for problem in err.errors()
        ]
        raise ConfigError(f"{options_type.__name__.lower()}: {'; '.join(problems)}") from None


class Account:
    """The usage that was paid for, and the most that requests in flight may use.

    Args:
        prices: prices of tokens; a limit of the cost needs them.
        budget: the limits; None: there are none.

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
        self._lock = threading.Lock()
        self._usage = Usage()
        self._reserved: List[Usage] = []
        # Bounds of requests that were paid for, but whose tokens the endpoint did not name.
        self._unknown = Usage()

    @property
    def usage(self) -> Usage:
        """The usage that was paid for until now, and replies from the cache."""
        with self._lock:
            return self._usage

    @property
    def counts_tokens(self) -> bool:
        """Whether the budget depends on the number of tokens."""
        return self._budget.max_cost is not None or self._budget.max_tokens is not None

    def priced(self, usage: Usage) -> Usage:
        """A copy of the usage with its cost, if it has none and there are prices."""
        if self._prices is None or usage.cost is not None:
            return usage
        return replace(usage, cost=self._prices.cost(usage))

    def add(self, usage: Usage) -> None:
        """Count usage that needed no reservation."""
        with self._lock:
            self._usage += usage

    def reserve(self, bound: Usage) -> Usage:
        """Reserve a part of the budget for requests that are about to be sent.

        Args:
            bound: the most that they may use.

        Returns:
            The reservation, for `settle`.

        Raises:
            BudgetExceeded: if the budget might not cover it.
        """
        bound = self.priced(bound)
        with self._lock:
            self._check(sum(self._reserved, start=self._usage + self._unknown), bound)
            self._reserved.append(bound)
        return bound

    def settle(self, reservation: Usage, bill: Usage) -> None:
        """Replace a reservation by the usage that was paid for.

        Args:
            reservation: the return value of `reserve`.
            bill: the usage; without tokens, if the endpoint does not name them.
        """
        bill = self.priced(bill)
        with self._lock:
            self._reserved.remove(reservation)
            self._usage += bill
            if bill.requests and not tokens_of(bill):
                self._unknown += replace(reservation, requests=0)

    def _check(self, due: Usage, bound: Usage) -> None:
        budget = self._budget
        for name, limit, used, more in (
            ("max_cost", budget.max_cost, due.cost or 0.0, bound.cost or 0.0),
            ("max_requests", budget.max_requests, due.requests, bound.requests),
            ("max_tokens", budget.max_tokens, tokens_of(due), tokens_of(bound)),
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

    Args:
        requests: the requests.
        backend: the backend that will answer them.
    """
    return Usage(
        requests=len(requests),
        input_tokens=sum(_input_bound(request, backend) for request in requests),
        output_tokens=len(requests) * backend.max_tokens,
    )


def tokens_of(usage: Usage) -> int:
    """Tokens of prompts and answers together."""
    return usage.input_tokens + usage.output_tokens


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
