"""Admission queue: attempts wait, by rank, until every limit that applies has room."""

import asyncio
import heapq
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from runner.base.errors import CallError
from runner.calls.activity import idle

T = TypeVar("T")

_EPSILON_S = 1e-9  # a shorter wait counts as none, since clocks round
_PER_ITERATION = 8  # calls admitted in one iteration of the event loop, which all make requests


@dataclass(frozen=True, slots=True)
class Cost:
    """What an attempt uses, or may use at most: tokens of prompt and reply, US dollars."""

    tokens: int = 0
    usd: float = 0.0


NOTHING = Cost()


@dataclass(slots=True)
class Ticket:
    """Request for the admission of one attempt.

    *unit* names the caller; the lowest *rank* goes first. *tokens*, of which *reply_tokens* are the
    reply's, and *cost_usd* are upper bounds of what the attempt uses, 0 if no limit counts them.
    *failing_since* is the loop time of the call's first transient failure, None before it. Without
    *waits_for_outage* the attempt is refused during an outage. The gate sets *probe* on an attempt
    that tests whether the provider has recovered. *spare* is None for an attempt that the run
    needs; an optional one leaves room in the budget for as many others of its size as it returns.
    """

    unit: str = ""
    rank: float = 0.0
    tokens: int = 0
    cost_usd: float = 0.0
    failing_since: float | None = None
    waits_for_outage: bool = True
    probe: bool = False
    reply_tokens: int = 0
    spare: Callable[[], int] | None = None


class Limit(Protocol):
    """A limit on attempts in flight; times are the event loop's, in seconds."""

    def wait_s(self, now: float, ticket: Ticket) -> float:
        """Return 0 if *ticket* may enter, inf until an attempt leaves, else the seconds to wait."""

    def enter(self, now: float, ticket: Ticket) -> None:
        """Take room for *ticket*; raise CallError if there will never be any."""

    def leave(self, now: float, ticket: Ticket) -> None:
        """Release the room that *ticket* took."""


@dataclass(eq=False, slots=True)
class Slots:
    """A pool of *size* slots."""

    size: int
    held: int = 0

    def wait_s(self, now: float, ticket: Ticket) -> float:
        """Return 0 while a slot is free, else inf."""
        return 0.0 if self.held < self.size else math.inf

    def enter(self, now: float, ticket: Ticket) -> None:
        """Take a slot."""
        self.held += 1

    def leave(self, now: float, ticket: Ticket) -> None:
        """Free a slot."""
        self.held -= 1


@dataclass(order=True, slots=True)
class _Waiter:
    rank: float
    arrival: int
    ticket: Ticket = field(compare=False)
    grant: asyncio.Future[None] = field(compare=False)


class Admission:
    """Queue of attempts that wait until all their limits have room; belongs to one event loop.

    A waiter holds no room. The lowest rank goes first, then the first to arrive; waiters with
    the same limits do not overtake each other. Room is granted at the end of an iteration of the
    event loop, so that all attempts that became ready in it are compared.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self._closed: CallError | None = None
        self._arrivals = 0
        self._scheduled = False
        self._queues: dict[tuple[Limit, ...], list[_Waiter]] = {}
        self._pauses: dict[asyncio.Future[None], Limit] = {}
        self._local: set[asyncio.Timeout] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def has_waiters(self) -> bool:
        """Whether an attempt waits for room."""
        return any(not w.grant.done() for queue in self._queues.values() for w in queue)

    @property
    def is_stuck(self) -> bool:
        """Whether no waiter gets room before an attempt ends."""
        return not self._scheduled and self._timer is None

    @asynccontextmanager
    async def admit(
        self, limits: Sequence[Limit], ticket: Ticket, *, counted: bool = True
    ) -> AsyncIterator[None]:
        """Wait for room, hold it during the block and release it afterwards.

        Only *counted* attempts are in flight; an interrupted run waits for them. Raises CallError
        if a limit refuses *ticket* or admission is closed.
        """
        await self._wait(tuple(limits), ticket)
        self.in_flight += counted
        try:
            yield
        finally:
            self.in_flight -= counted
            _release(limits, ticket)
            self.reschedule()

    async def pause(self, seconds: float, limit: Limit) -> None:
        """Sleep, at longest until `wake(limit)`; raise the reason once admission is closed."""
        if self._closed is not None:
            raise self._closed.copy()
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pauses[woken] = limit
        try:
            async with asyncio.timeout(seconds):
                await woken
        except TimeoutError:
            pass
        finally:
            del self._pauses[woken]

    async def until_closed(self, work: Awaitable[T]) -> T:
        """Return the result of *work*; end it and raise the reason once admission is closed."""
        try:
            async with asyncio.timeout(None if self._closed is None else 0.0) as end:
                self._local.add(end)
                try:
                    return await work
                finally:
                    self._local.discard(end)
        except TimeoutError:
            assert self._closed is not None
            raise self._closed.copy() from None

    def close(self, reason: CallError) -> None:
        """Refuse all waiters and all later attempts with *reason*.

        Attempts in flight continue, but for those inside `until_closed`.
        """
        self._closed = reason
        while self._local:
            self._local.pop().reschedule(-math.inf)
        waiting = [w.grant for queue in self._queues.values() for w in queue]
        for future in (*waiting, *self._pauses):
            if not future.done():
                future.set_exception(reason.copy())

    def wake(self, limit: Limit) -> None:
        """End the pauses of calls within *limit*, which has a fault that ends them."""
        for sleeper, other in self._pauses.items():
            if other is limit and not sleeper.done():
                sleeper.set_result(None)

    def reschedule(self) -> None:
        """Grant room to waiters at the end of this iteration of the event loop."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._grant_room)

    async def _wait(self, limits: tuple[Limit, ...], ticket: Ticket) -> None:
        if self._closed is not None:
            raise self._closed.copy()
        grant: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        queue = self._queues.setdefault(limits, [])
        heapq.heappush(queue, _Waiter(ticket.rank, self._arrivals, ticket, grant))
        self.reschedule()
        try:
            with idle():
                await grant
        except asyncio.CancelledError:
            if grant.done() and not grant.cancelled() and grant.exception() is None:
                _release(limits, ticket)  # granted in the same iteration
            self.reschedule()  # it may have blocked a waiter for which there is room
            raise
        finally:
            del grant

    def _grant_room(self) -> None:
        self._scheduled = False
        loop = asyncio.get_running_loop()
        soonest = self._admit_all(loop.time())
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if math.isinf(soonest) else loop.call_later(soonest, self._grant_room)

    def _admit_all(self, now: float) -> float:
        """Admit waiters that fit, lowest rank first; return seconds until more may fit."""
        for _ in range(_PER_ITERATION):
            soonest, chosen = math.inf, None
            for limits, queue in list(self._queues.items()):
                while queue and queue[0].grant.done():  # cancelled or refused
                    heapq.heappop(queue)
                if not queue:
                    del self._queues[limits]
                    continue
                wait = max(limit.wait_s(now, queue[0].ticket) for limit in limits)
                if wait > _EPSILON_S:
                    soonest = min(soonest, wait)
                elif chosen is None or queue[0] < self._queues[chosen][0]:
                    chosen = limits
            if chosen is None:
                return soonest
            _admit(chosen, heapq.heappop(self._queues[chosen]), now)
        self.reschedule()
        return math.inf


def _admit(limits: Sequence[Limit], waiter: _Waiter, now: float) -> None:
    for place, limit in enumerate(limits):
        try:
            limit.enter(now, waiter.ticket)
        except CallError as error:
            _release(limits[:place], waiter.ticket)
            # Without its traceback, whose frames refer to the grant (a reference cycle).
            waiter.grant.set_exception(error.with_traceback(None))
            return
    waiter.grant.set_result(None)


def _release(limits: Sequence[Limit], ticket: Ticket) -> None:
    now = asyncio.get_running_loop().time()
    for limit in limits:
        limit.leave(now, ticket)
