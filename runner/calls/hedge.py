"""Hedge: a second request for the last straggler (Dean and Barroso, The tail at scale, 2013)."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from runner.base.errors import CallError
from runner.calls.admission.budget import Budget, Sizer
from runner.calls.admission.gate import Gate
from runner.calls.admission.limits import Admission, Limit
from runner.calls.call import Call
from runner.providers.request import Completion

LATE = 3.0  # times the seconds that a call is expected to take; then a fresh one is faster
MIN_LATE_S = 2.0  # added to that, for calls of which little is expected


class OvertakenError(CallError):
    """An attempt was cancelled because the hedged request returned *reply*; it may be billed."""

    def __init__(self, reply: Completion) -> None:
        super().__init__("cancelled", "the hedged request was faster", billed=True)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Hedge:
    """Sends a second request for the last straggler of *gate*, through *attempt*.

    *sizer* computes the tokens and cost of the two requests, which both may be billed.
    """

    gate: Gate
    admission: Admission
    sizer: Sizer | None
    attempt: Callable[[Call, Sequence[Limit]], Coroutine[Any, Any, Completion]]

    async def reply(
        self, call: Call, sending: Coroutine[Any, Any, Completion], limits: Sequence[Limit]
    ) -> Completion:
        """Return the reply of *sending*, or, for a straggler, of its hedge (see `hedged`).

        A hedge is sent while no other call waits and all *limits*, including the budget,
        have room.
        """
        is_bounded = any(isinstance(limit, Budget) for limit in limits)
        if call.expected_s is None or not is_bounded or call.delivery != "live":
            return await sending
        hedge = replace(
            call, ticket=replace(call.ticket, probe=False), is_hedge=True, expected_s=None
        )
        hedge.failures = call.failures.copy()

        def may() -> bool:
            now = asyncio.get_running_loop().time()
            room = all(limit.wait_s(now, hedge.ticket) == 0 for limit in limits)
            return room and not self.admission.has_waiters and self.gate.take_hedge()

        async def second() -> Completion:
            if self.sizer is not None and not hedge.ticket.tokens:  # the loser is charged
                size = await self.sizer.size(call.request)
                for ticket in (call.ticket, hedge.ticket):
                    ticket.tokens, ticket.cost_usd = size
            return await self.attempt(hedge, limits)

        late_s = MIN_LATE_S + LATE * call.expected_s * self.gate.pace
        return await hedged(sending, second, late_s, may)


async def hedged(
    first: Coroutine[Any, Any, Completion],
    second: Callable[[], Coroutine[Any, Any, Completion]],
    late_s: float,
    may: Callable[[], bool],
) -> Completion:
    """Return the reply of *first*; raise OvertakenError if its *second* was faster.

    *second* starts after *late_s* seconds, as soon as it *may*. A failure of *first* is raised and
    cancels *second*, whose own failure is ignored.
    """
    one = asyncio.ensure_future(first)
    tasks: list[asyncio.Future[Completion]] = [one]
    try:
        done, _ = await asyncio.wait(tasks, timeout=late_s)
        while not done and not may():
            done, _ = await asyncio.wait(tasks, timeout=max(MIN_LATE_S, late_s / 8))
        if not done:
            tasks.append(asyncio.ensure_future(second()))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not one.done() and tasks[1].exception() is None:
                raise OvertakenError(tasks[1].result())
        return await one
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(CallError, asyncio.CancelledError):
                await task
