"""Let one call warm the provider's prompt cache before the others that share its prefix go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Group:
    """Calls with one prefix: *waiting* (expected seconds, grant) until one is chosen."""

    waiting: list[tuple[float, asyncio.Future[bool]]] = field(default_factory=list)
    warm: asyncio.Event = field(default_factory=asyncio.Event)
    chosen: bool = False


class PrefixGate:
    """Holds back calls with the same prefix while the first of them is out.

    Of those ready at the same moment the shortest expected goes first. Belongs to one event loop.
    """

    def __init__(self) -> None:
        self._groups: dict[Hashable, _Group] = {}

    @asynccontextmanager
    async def turn(
        self, prefix: Hashable, expected_s: float
    ) -> AsyncIterator[Callable[[], None] | None]:
        """Wait until a call with *prefix* may go; yield None, or to the first how to let others go.

        The block is the call. Once the first one fails the others go all the same: a provider
        that does not answer it is not theirs to wait for.
        """
        group = self._groups.setdefault(prefix, _Group())
        if not group.warm.is_set() and await self._chosen(group, expected_s):
            try:
                yield group.warm.set
            finally:
                group.warm.set()
            return
        await group.warm.wait()
        yield None

    async def _chosen(self, group: _Group, expected_s: float) -> bool:
        if group.chosen:
            return False
        loop = asyncio.get_running_loop()
        grant: asyncio.Future[bool] = loop.create_future()
        group.waiting.append((expected_s, grant))
        if len(group.waiting) == 1:
            loop.call_soon(_choose, group)
        try:
            return await grant
        except asyncio.CancelledError:
            if grant.done() and not grant.cancelled() and grant.result():
                group.warm.set()  # chosen in the turn in which it was cancelled
            raise


def _choose(group: _Group) -> None:
    """Choose the shortest of those that came in this turn of the event loop."""
    ranked = sorted(group.waiting, key=lambda entry: entry[0])
    alive = [grant for _, grant in ranked if not grant.done()]
    for place, grant in enumerate(alive):
        grant.set_result(place == 0)
    group.chosen = bool(alive)
    group.waiting.clear()
