"""What an account allows per minute, kept as token buckets that queue and never reject."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Take:
    """What was taken at a moment *at*; *final* says that *size* is no longer a guess."""

    at: float
    size: float
    final: bool


class Bucket:
    """A token bucket of *per_minute* units, of which *burst_s* seconds' worth may go at once.

    Something larger than the whole burst enters when the bucket is full and leaves it in debt,
    so that the rate holds and nothing waits for ever. Times in seconds.
    """

    def __init__(self, per_minute: float, burst_s: float) -> None:
        self.per_second = per_minute / 60
        self.capacity = max(1.0, self.per_second * burst_s)
        self._level = self.capacity
        self._at = 0.0
        self._takes: list[Take] = []  # from the oldest on that is not final
        self._before = self._level, self._at  # the level just before these

    def wait_s(self, now: float, size: float) -> float:
        """Return how long until *size* units may go."""
        lacking = min(size, self.capacity) - self._filled(self._level, self._at, now)
        return max(0.0, lacking / self.per_second)

    def take(self, now: float, size: float, *, final: bool = True) -> Take:
        """Use *size* units; what is not *final* has to be settled."""
        level = self._filled(self._level, self._at, now)
        taken = Take(now, size, final)
        if self._takes or not final:
            if not self._takes:
                self._before = level, now
            self._takes.append(taken)
        self._level, self._at = level - size, now
        return taken

    def settle(self, now: float, taken: Take, size: float) -> None:
        """Say that *taken* was of *size* units after all.

        The level becomes what it would be had that been known: units given back late must not
        stand for a refill that the provider's own bucket, full by then, has never seen.
        """
        taken.size, taken.final = size, True
        level, at = self._before
        open_from = None
        for place, each in enumerate(self._takes):
            level, at = self._filled(level, at, each.at), each.at
            if open_from is None and not each.final:
                open_from, self._before = place, (level, at)
            level -= each.size
        self._takes = [] if open_from is None else self._takes[open_from:]
        self._level, self._at = self._filled(level, at, now), now

    def _filled(self, level: float, at: float, now: float) -> float:
        return min(self.capacity, level + (now - at) * self.per_second)
