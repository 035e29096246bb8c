"""Prefix cache of the simulated provider: which beginnings of earlier prompts are cached.

The rules are those of config/providers.toml; an unused prefix is dropped after 5 minutes, the
least that a provider names. The shortest prefix is a setting.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from runner.config.provider_facts import UNNAMED, CacheRules

LIFETIME_S = 300.0
MAX_BLOCKS = 200_000  # then expired blocks are removed, and again after as many more


@dataclass(frozen=True, slots=True)
class _Block:
    ready_s: float
    expires_s: float


class PrefixCache:
    """Caches prompts block by block; *min_tokens* None caches nothing. Times in seconds.

    *ends* are the places at which a request marks prefixes; prefixes without marks are ignored if
    the *rules* require marks.
    """

    def __init__(self, min_tokens: int | None, rules: CacheRules = UNNAMED) -> None:
        self.blocks: dict[int, _Block] = {}
        self._min_tokens, self._rules = min_tokens, rules
        self._limit = MAX_BLOCKS

    def find(self, ids: Sequence[int], now_s: float, ends: Iterable[int] = ()) -> int:
        """Return the number of cached tokens at the start of *ids*, and renew their lifetime."""
        cached, hits = 0, []
        for key, end in self._blocks(ids, ends):
            block = self.blocks.get(key)
            if block is not None and block.ready_s <= now_s < block.expires_s:
                cached = end
                hits.append((key, block.ready_s))
            elif not self._rules.marks:
                break
        if self._min_tokens is None or cached < self._min_tokens:
            return 0
        self.blocks |= {key: _Block(ready_s, now_s + LIFETIME_S) for key, ready_s in hits}
        return cached

    def add(
        self, ids: Sequence[int], now_s: float, ready_s: float, ends: Iterable[int] = ()
    ) -> int:
        """Cache the blocks of *ids* from *ready_s* on, the time of the first token.

        Returns how many tokens at the start of *ids* are cached then.
        """
        if self._min_tokens is None:
            return 0
        if len(self.blocks) > self._limit:
            self.blocks = {k: block for k, block in self.blocks.items() if block.expires_s > now_s}
            self._limit = max(MAX_BLOCKS, 2 * len(self.blocks))
        last = 0
        for key, end in self._blocks(ids, ends):
            last, block = end, self.blocks.get(key)
            if block is None or block.expires_s <= now_s:
                self.blocks[key] = _Block(ready_s, ready_s + LIFETIME_S)
            elif ready_s < block.ready_s:
                self.blocks[key] = _Block(ready_s, block.expires_s)
        return last if last >= self._min_tokens else 0

    def _blocks(self, ids: Sequence[int], ends: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Yield a key for all tokens up to each block's end, and that end."""
        key, start = 0, 0
        step = self._rules.step
        for end in ends if self._rules.marks else range(step, len(ids) + 1, step):
            key = hash((key, *ids[start:end]))
            yield key, end
            start = end
