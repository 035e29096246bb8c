"""Slots: how many calls may be in flight, and who goes first."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """A pool of *size* slots, granted by rank (lowest first), then in order of asking.

    A grant waits one turn of the event loop, so that all who become ready at the same moment
    are compared before the first of them gets a slot. Belongs to one event loop.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._asked = 0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def slot(self, rank: float = 0.0) -> AsyncIterator[None]:
        """Wait for a slot, hold it inside the block, give it back whatever happens."""
        await self._take(rank)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, rank: float) -> None:
        loop = asyncio.get_running_loop()
        grant: asyncio.Future[None] = loop.create_future()
        self._asked += 1
        heapq.heappush(self._waiting, (rank, self._asked, grant))
        loop.call_soon(self._hand_out)
        try:
            await grant
        except asyncio.CancelledError:
            if grant.done() and not grant.cancelled():  # granted in the same turn
                self._give_back()
            raise

    def _give_back(self) -> None:
        self._free += 1
        asyncio.get_running_loop().call_soon(self._hand_out)

    def _hand_out(self) -> None:
        while self._free and self._waiting:
            _, _, grant = heapq.heappop(self._waiting)
            if not grant.done():
                self._free -= 1
                grant.set_result(None)
