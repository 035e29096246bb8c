"""Chunks: overlapping parts of a transcript that is too long for one call."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from runner.base.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Chunk:
    """Part *number* (from 1): segments *start* to *stop* (exclusive), by index."""

    number: int
    start: int
    stop: int
    tokens: int


def cut(costs: Sequence[int], budget: int, overlap: int) -> tuple[Chunk, ...]:
    """Return chunks of at most *budget* tokens each that together hold every segment.

    *costs* are the segments' tokens. Each chunk repeats up to *overlap* tokens of the end of the
    one before, so that speech across a border is whole in one of them. There are as few chunks as
    the budget allows, and as even as possible: the longest one determines the latency. Raises
    ConfigError if a single segment exceeds the budget.
    """
    longest = max(costs)
    if longest > budget:
        raise ConfigError(
            f"a transcript segment has {longest:,} tokens, but only {budget:,} fit into a call: "
            f"raise transcript.token_budget, or choose a model with a larger window"
        )
    if sum(costs) <= budget:
        return (Chunk(1, 0, len(costs), sum(costs)),)
    fewest = len(_spans(costs, budget, overlap))
    sizes = range(longest, budget + 1)  # the smallest that needs no more chunks
    size = sizes[bisect_left(sizes, -fewest, key=lambda size: -len(_spans(costs, size, overlap)))]
    spans = enumerate(_spans(costs, size, overlap), start=1)
    return tuple(Chunk(n, start, stop, sum(costs[start:stop])) for n, (start, stop) in spans)


def _spans(costs: Sequence[int], budget: int, overlap: int) -> list[tuple[int, int]]:
    overlap = min(overlap, budget // 2)
    spans: list[tuple[int, int]] = []
    start = stop = 0
    while stop < len(costs):
        used = sum(costs[start:stop])
        while stop < len(costs) and used + costs[stop] <= budget:
            used += costs[stop]
            stop += 1
        if spans and stop == spans[-1][1]:  # the overlap left no room for a new segment
            start += 1
            continue
        spans.append((start, stop))
        first, start, repeated = start, stop, 0
        while start - 1 > first and repeated + costs[start - 1] <= overlap:
            start -= 1
            repeated += costs[start]
    return spans
