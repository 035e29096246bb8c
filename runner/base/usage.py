"""Usage: tokens and dollars of one or more calls, in one type that adds up."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

USAGE_FIGURES = ("prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and dollars of one or more calls, as the provider counted them.

    *cached_tokens* are the part of *prompt_tokens* read from the provider's prompt cache,
    *cache_write_tokens* the part written to it; *estimated* says that the provider did not
    count and we did. *cost_usd* is None where no price is known, also in a sum with such a part.
    *reasoning_tokens* are the part of *completion_tokens* that is not in the reply's text,
    *cache_write_1h_tokens* the part of *cache_write_tokens* kept for an hour. *corrected* names
    the counts of the provider that were replaced, in a sum those of the last corrected call.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    estimated: bool = False
    cost_usd: float | None = 0.0
    reasoning_tokens: int = 0
    cache_write_1h_tokens: int = 0
    corrected: str = ""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.estimated or other.estimated,
            sum_usd((self.cost_usd, other.cost_usd)),
            self.reasoning_tokens + other.reasoning_tokens,
            self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            other.corrected or self.corrected,
        )

    @property
    def tokens(self) -> int:
        """Prompt and reply tokens together."""
        return self.prompt_tokens + self.completion_tokens

    def figures(self) -> dict[str, Any]:
        """Return tokens and dollars by the names they have in benchmark.json and metadata.json."""
        return {name: getattr(self, name) for name in USAGE_FIGURES}


def sum_usd(costs: Iterable[float | None]) -> float | None:
    """Return the sum of *costs* in US dollars, rounded to 1e-12; None once one is unknown."""
    known = list(costs)
    return None if None in known else round(sum(filter(None, known), 0.0), 12)
