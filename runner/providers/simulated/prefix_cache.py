"""Prefix cache of the simulated provider: which beginnings of earlier prompts are cached.

Numbers from OpenAI's guide "Prompt caching": prefixes match in steps of 128 tokens, and an unused
one is dropped after 5 to 10 minutes; the shortest prefix is a setting (there 1024 tokens).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BLOCK_TOKENS = 128
LIFETIME_S = 300.0
MAX_BLOCKS = 200_000  # then expired blocks are removed, and again after as many more


@dataclass(frozen=True, slots=True)
class _Block:
    ready_s: float
    used_s: float

    def is_cached(self, now_s: float) -> bool:
        return self.ready_s <= now_s < self.used_s + LIFETIME_S


class PrefixCache:
    """Caches prompts block by block; *min_tokens* None caches nothing. Times in seconds."""

    def __init__(self, min_tokens: int | None, max_blocks: int = MAX_BLOCKS) -> None:
        self._min_tokens = min_tokens
        self._blocks: dict[int, _Block] = {}
        self._max_blocks = self._limit = max_blocks

    def __len__(self) -> int:
        """Return the number of blocks held, expired ones included."""
        return len(self._blocks)

    def find(self, ids: Sequence[int], now_s: float) -> int:
        """Return how many tokens at the start of *ids* are cached, and renew their lifetime."""
        if self._min_tokens is None:
            return 0
        hits = []
        for key in _block_keys(ids):
            block = self._blocks.get(key)
            if block is None or not block.is_cached(now_s):
                break
            hits.append(key)
        cached = len(hits) * BLOCK_TOKENS
        if cached < self._min_tokens:
            return 0
        for key in hits:
            self._blocks[key] = _Block(self._blocks[key].ready_s, now_s)
        return cached

    def add(self, ids: Sequence[int], now_s: float, ready_s: float) -> None:
        """Cache the blocks of *ids* from *ready_s* on, the time of the response."""
        if self._min_tokens is None:
            return
        if len(self._blocks) > self._limit:
            self._blocks = {
                key: block
                for key, block in self._blocks.items()
                if block.used_s + LIFETIME_S > now_s
            }
            self._limit = max(self._max_blocks, 2 * len(self._blocks))
        for key in _block_keys(ids):
            block = self._blocks.get(key)
            if block is None or block.used_s + LIFETIME_S <= now_s:
                self._blocks[key] = _Block(ready_s, ready_s)
            elif ready_s < block.ready_s:
                self._blocks[key] = _Block(ready_s, block.used_s)


def _block_keys(ids: Sequence[int]) -> Iterator[int]:
    """Yield one key per whole block; a key identifies all tokens up to its block's end."""
    key = 0
    for start in range(0, len(ids) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
        key = hash((key, *ids[start : start + BLOCK_TOKENS]))
        yield key
