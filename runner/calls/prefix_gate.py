"""Prefix gate: one call warms the prompt cache before the others with its prefix are sent."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

MAX_FAILURES = 2  # of first calls; then the others are sent, cached or not


@dataclass(eq=False, slots=True)
class _Turn:
    """A call that waits for the *grant* of its turn."""

    expected_s: float
    grant: asyncio.Future["Lead | None"]


@dataclass(eq=False, slots=True)
class _Group:
    """Calls with one prefix; *lead* is out first, its reply has neither begun nor failed."""

    waiting: list[_Turn] = field(default_factory=list)
    warm: bool = False
    lead: "Lead | None" = None
    failures: int = 0

    def choose(self) -> None:
        """Let the shortest waiting call go first, or all of them once the cache is warm."""
        self.waiting = [each for each in self.waiting if not each.grant.done()]
        if self.warm:
            for each in self.waiting:
                each.grant.set_result(None)
        elif self.lead is None and self.waiting:
            self.lead = Lead(self)
            shortest = min(self.waiting, key=lambda each: each.expected_s)
            shortest.grant.set_result(self.lead)


@dataclass(eq=False, slots=True)
class Lead:
    """The call that goes first; calling this object releases the others once its answer begins."""

    _group: _Group

    def __call__(self) -> None:
        """Release the others."""
        self._group.warm, self._group.lead = True, None
        self._group.choose()

    def failed(self) -> None:
        """Let the next call go first; later failures of this one change nothing."""
        group = self._group
        if group.lead is self:
            group.lead, group.failures = None, group.failures + 1
            group.warm = group.failures >= MAX_FAILURES
            group.choose()


class PrefixGate:
    """Holds calls with the same prefix until the answer to the first of them begins.

    Of the calls that become ready in the same iteration of the event loop, the one with the
    shortest expected duration goes first. Belongs to one event loop.
    """

    def __init__(self) -> None:
        self._groups: dict[Hashable, _Group] = {}

    @asynccontextmanager
    async def turn(self, prefix: Hashable, expected_s: float) -> AsyncIterator[Lead | None]:
        """Wait until a call with *prefix* may go; the block makes the call.

        Yields a Lead to the call that goes first, and None to the others. The end of its block
        releases them; an exception there counts as its failure.
        """
        group = self._groups.setdefault(prefix, _Group())
        lead = None if group.warm else await self._lead(group, expected_s)
        try:
            yield lead
        except BaseException:
            if lead is not None:
                lead.failed()
            raise
        if lead is not None:
            lead()

    async def _lead(self, group: _Group, expected_s: float) -> Lead | None:
        loop = asyncio.get_running_loop()
        grant: asyncio.Future[Lead | None] = loop.create_future()
        group.waiting.append(_Turn(expected_s, grant))
        loop.call_soon(group.choose)
        try:
            return await grant
        except asyncio.CancelledError:
            if grant.done() and not grant.cancelled() and (lead := grant.result()) is not None:
                lead.failed()  # chosen in the iteration in which it was cancelled
            raise
