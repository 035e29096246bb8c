"""Prefix gate: one call warms the prompt cache before the others with its prefix are sent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Group:
    """Calls with one prefix: *waiting* are (expected seconds, grant) until one is chosen."""

    waiting: list[tuple[float, asyncio.Future[bool]]] = field(default_factory=list)
    warm: asyncio.Event = field(default_factory=asyncio.Event)
    chosen: bool = False


class PrefixGate:
    """Holds back calls with the same prefix while the first of them runs.

    Of the calls that become ready in the same iteration of the event loop, the one with the
    shortest expected duration goes first. Belongs to one event loop.
    """

    def __init__(self) -> None:
        self._groups: dict[Hashable, _Group] = {}

    @asynccontextmanager
    async def turn(
        self, prefix: Hashable, expected_s: float
    ) -> AsyncIterator[Callable[[], None] | None]:
        """Wait until a call with *prefix* may go; the block makes the call.

        Yields to the first call a function that releases the others, and None to the others.
        The end of the first block releases them in any case, even when its call failed.
        """
        group = self._groups.setdefault(prefix, _Group())
        if not group.warm.is_set() and await self._is_first(group, expected_s):
            try:
                yield group.warm.set
            finally:
                group.warm.set()
            return
        await group.warm.wait()
        yield None

    async def _is_first(self, group: _Group, expected_s: float) -> bool:
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
                group.warm.set()  # chosen in the iteration in which it was cancelled
            raise


def _choose(group: _Group) -> None:
    """Choose the call with the shortest expected duration."""
    by_duration = sorted(group.waiting, key=lambda entry: entry[0])
    alive = [grant for _, grant in by_duration if not grant.done()]
    for place, grant in enumerate(alive):
        grant.set_result(place == 0)
    group.chosen = bool(alive)
    group.waiting.clear()
