"""Which beginnings of earlier prompts a provider still holds.

Numbers from OpenAI's guide "Prompt caching": prefixes match in steps of 128 tokens, and one that
is not used is dropped after 5 to 10 minutes; how short a prefix may be is a setting (there 1024).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BLOCK_TOKENS = 128
LIFETIME_S = 300.0
MAX_BLOCKS = 200_000  # then the expired ones are swept, and again when as many have come


@dataclass(frozen=True, slots=True)
class _Held:
    ready_s: float
    used_s: float

    def is_there(self, now_s: float) -> bool:
        return self.ready_s <= now_s < self.used_s + LIFETIME_S


class PrefixCache:
    """Remembers prompts block by block; *min_tokens* None remembers nothing."""

    def __init__(self, min_tokens: int | None) -> None:
        self._min_tokens = min_tokens
        self._held: dict[int, _Held] = {}
        self._most = MAX_BLOCKS

    def find(self, ids: Sequence[int], now_s: float) -> int:
        """Return how many tokens at the start of *ids* are cached, and keep those alive."""
        if self._min_tokens is None:
            return 0
        known = []
        for key in _blocks(ids):
            held = self._held.get(key)
            if held is None or not held.is_there(now_s):
                break
            known.append(key)
        cached = len(known) * BLOCK_TOKENS
        if cached < self._min_tokens:
            return 0
        for key in known:
            self._held[key] = _Held(self._held[key].ready_s, now_s)
        return cached

    def add(self, ids: Sequence[int], now_s: float, ready_s: float) -> None:
        """Hold the blocks of *ids* from *ready_s* on, when their request has been answered."""
        if self._min_tokens is None:
            return
        if len(self._held) > self._most:
            self._held = {k: h for k, h in self._held.items() if h.used_s + LIFETIME_S > now_s}
            self._most = max(MAX_BLOCKS, 2 * len(self._held))  # where none had expired, not at once
        for key in _blocks(ids):
            held = self._held.get(key)
            if held is None or held.used_s + LIFETIME_S <= now_s:
                self._held[key] = _Held(ready_s, ready_s)
            elif ready_s < held.ready_s:
                self._held[key] = _Held(ready_s, held.used_s)


def _blocks(ids: Sequence[int]) -> Iterator[int]:
    """Yield one key per whole block; a key stands for all tokens up to its block's end."""
    key = 0
    for start in range(0, len(ids) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
        key = hash((key, *ids[start : start + BLOCK_TOKENS]))
        yield key
