"""Usage: tokens and dollars of one or more calls, in one type that adds up."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

USAGE_FIGURES = ("prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and dollars of one or more calls, as the provider counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0  # of the prompt, read from the provider's cache
    cache_write_tokens: int = 0  # of the prompt, written to it
    estimated: bool = False  # the provider did not count and we did
    cost_usd: float | None = 0.0  # None where no price is known, also in a sum with such a part
    reasoning_tokens: int = 0  # of the reply, not in its text
    cache_write_1h_tokens: int = 0  # of those written, kept for an hour
    corrected: str = ""  # counts of the provider that were replaced, of the last such call

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
