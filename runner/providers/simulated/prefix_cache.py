"""Prefix cache of the simulated provider: which beginnings of earlier prompts are cached.

Numbers from OpenAI's guide "Prompt caching": prefixes match in steps of 128 tokens, and an unused
one is dropped after 5 to 10 minutes; the shortest prefix is a setting (there 1024 tokens).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BLOCK_TOKENS = 128
LIFETIME_S = 300.0
MAX_BLOCKS = 200_000  # then expired blocks are removed, and again after as many more


@dataclass(frozen=True, slots=True)
class _Block:
    ready_s: float
    expires_s: float


class PrefixCache:
    """Caches prompts block by block; *min_tokens* None caches nothing. Times in seconds."""

    def __init__(self, min_tokens: int | None) -> None:
        self.blocks: dict[int, _Block] = {}
        self._min_tokens = min_tokens
        self._limit = MAX_BLOCKS

    def find(self, ids: Sequence[int], now_s: float) -> int:
        """Return how many tokens at the start of *ids* are cached, and renew their lifetime."""
        if self._min_tokens is None:
            return 0
        hits = []
        for key in _block_keys(ids):
            block = self.blocks.get(key)
            if block is None or not block.ready_s <= now_s < block.expires_s:
                break
            hits.append((key, block.ready_s))
        cached = len(hits) * BLOCK_TOKENS
        if cached < self._min_tokens:
            return 0
        self.blocks |= {key: _Block(ready_s, now_s + LIFETIME_S) for key, ready_s in hits}
        return cached

    def add(self, ids: Sequence[int], now_s: float, ready_s: float) -> None:
        """Cache the blocks of *ids* from *ready_s* on, the time of the response."""
        if self._min_tokens is None:
            return
        if len(self.blocks) > self._limit:
            self.blocks = {k: block for k, block in self.blocks.items() if block.expires_s > now_s}
            self._limit = max(MAX_BLOCKS, 2 * len(self.blocks))
        for key in _block_keys(ids):
            block = self.blocks.get(key)
            if block is None or block.expires_s <= now_s:
                self.blocks[key] = _Block(ready_s, ready_s + LIFETIME_S)
            elif ready_s < block.ready_s:
                self.blocks[key] = _Block(ready_s, block.expires_s)


def _block_keys(ids: Sequence[int]) -> Iterator[int]:
    """Yield one key per whole block; a key identifies all tokens up to its block's end."""
    key = 0
    for start in range(0, len(ids) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
        key = hash((key, *ids[start : start + BLOCK_TOKENS]))
        yield key
