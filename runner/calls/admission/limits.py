"""Admission: who may call now, by rank, where every limit that applies has room."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from runner.base.errors import CallError

_INSTANT_S = 1e-9  # what is due this soon is due now: clocks round


@dataclass(slots=True)
class Ask:
    """One attempt that wants to be made.

    *unit* names who asks; lower *rank* goes first. *tokens* and *cost_usd* are the most the
    attempt can use, 0 where no limit counts them. *failing_since* is the loop time of the call's
    first failure that was not its own doing, None before. Without *waits_for_outage* an attempt
    is refused during an outage. The gate sets *probe* on one that tests whether a provider is back.
    """

    unit: str = ""
    rank: float = 0.0
    tokens: int = 0
    cost_usd: float = 0.0
    failing_since: float | None = None
    waits_for_outage: bool = True
    probe: bool = False


class Limit(Protocol):
    """Something that an attempt needs room in; times are the event loop's, in seconds."""

    def wait_s(self, now: float, ask: Ask) -> float:
        """Return 0 if *ask* may enter, infinity if only a departure can tell, else how long."""

    def enter(self, now: float, ask: Ask) -> None:
        """Take the room; raise CallError where there will never be any."""

    def leave(self, now: float, ask: Ask) -> None:
        """Give the room back."""


@dataclass(eq=False, slots=True)
class Slots:
    """A pool of *size* slots."""

    size: int
    held: int = 0

    def wait_s(self, now: float, ask: Ask) -> float:
        """Return 0 while a slot is free."""
        return 0.0 if self.held < self.size else math.inf

    def enter(self, now: float, ask: Ask) -> None:
        """Hold a slot."""
        self.held += 1

    def leave(self, now: float, ask: Ask) -> None:
        """Free a slot."""
        self.held -= 1


@dataclass(order=True, slots=True)
class _Waiting:
    rank: float
    place: int
    ask: Ask = field(compare=False)
    grant: asyncio.Future[None] = field(compare=False)


class Lobby:
    """Where attempts wait until all their limits have room at once; belongs to one event loop.

    Nothing is held by one who waits. The lowest rank goes first, then who asked first; among
    those with the same limits nobody overtakes. Room is handed out at the end of a turn of
    the event loop, so that all attempts that became ready in it are compared.
    """

    def __init__(self) -> None:
        self.inside = 0
        self._closed: CallError | None = None
        self._asked = 0
        self._due = False
        self._lines: dict[tuple[Limit, ...], list[_Waiting]] = {}
        self._pauses: dict[asyncio.Future[None], Limit] = {}
        self._alarm: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def admitted(self, limits: Sequence[Limit], ask: Ask) -> AsyncIterator[None]:
        """Wait for room, hold it inside the block, give it back whatever happens.

        Raises CallError where a limit refuses for good or the lobby is closed.
        """
        await self._wait(tuple(limits), ask)
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1
            _leave(limits, ask)
            self.look_again()

    async def pause(self, seconds: float, limit: Limit) -> None:
        """Sleep, until *limit* ends all calls; raise the reason as soon as the lobby is closed."""
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(seconds, _wake, woken)
        self._pauses[woken] = limit
        try:
            if self._closed is not None:
                raise self._closed.copy()
            await woken
        finally:
            del self._pauses[woken]
            timer.cancel()

    def close(self, reason: CallError) -> None:
        """Turn away all who wait or will come; those inside stay."""
        self._closed = reason
        waiting = [w.grant for line in self._lines.values() for w in line]
        for future in (*waiting, *self._pauses):
            if not future.done():
                future.set_exception(reason.copy())

    def wake(self, limit: Limit) -> None:
        """End the pauses of those who are to call within *limit*: it has a fault to tell them."""
        for sleeper, theirs in self._pauses.items():
            if theirs is limit:
                _wake(sleeper)

    def look_again(self) -> None:
        """Compare those who wait, at the end of this turn of the event loop."""
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._hand_out)

    async def _wait(self, limits: tuple[Limit, ...], ask: Ask) -> None:
        if self._closed is not None:
            raise self._closed.copy()
        grant: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked += 1
        line = self._lines.setdefault(limits, [])
        heapq.heappush(line, _Waiting(ask.rank, self._asked, ask, grant))
        self.look_again()
        try:
            await grant
        except asyncio.CancelledError:
            if grant.done() and not grant.cancelled() and grant.exception() is None:
                _leave(limits, ask)  # granted in the same turn
            self.look_again()  # it may have stood before somebody for whom there is room
            raise
        finally:
            del grant

    def _hand_out(self) -> None:
        self._due = False
        loop = asyncio.get_running_loop()
        soonest = self._admit_all(loop.time())
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None if math.isinf(soonest) else loop.call_later(soonest, self._hand_out)

    def _admit_all(self, now: float) -> float:
        """Let in whoever fits, best rank first; return seconds until that may change."""
        while True:
            soonest, chosen = math.inf, None
            for limits, line in list(self._lines.items()):
                while line and line[0].grant.done():  # cancelled or turned away
                    heapq.heappop(line)
                if not line:
                    del self._lines[limits]
                    continue
                wait = max(limit.wait_s(now, line[0].ask) for limit in limits)
                if wait > _INSTANT_S:
                    soonest = min(soonest, wait)
                elif chosen is None or line[0] < self._lines[chosen][0]:
                    chosen = limits
            if chosen is None:
                return soonest
            self._admit(chosen, heapq.heappop(self._lines[chosen]), now)

    def _admit(self, limits: tuple[Limit, ...], waiting: _Waiting, now: float) -> None:
        entered: list[Limit] = []
        try:
            for limit in limits:
                limit.enter(now, waiting.ask)
                entered.append(limit)
        except CallError as error:
            for limit in entered:
                limit.leave(now, waiting.ask)
            # Without its frames, which hold the grant that holds it.
            waiting.grant.set_exception(error.with_traceback(None))
        else:
            waiting.grant.set_result(None)


def _leave(limits: Sequence[Limit], ask: Ask) -> None:
    now = asyncio.get_running_loop().time()
    for limit in limits:
        limit.leave(now, ask)


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
