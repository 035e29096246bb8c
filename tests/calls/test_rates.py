from __future__ import annotations

import random
from functools import partial

import pytest
from helpers.virtual_provider import MAX_TOKENS, Storm, VirtualProvider

from runner.base.event_loops import run_virtually
from runner.calls.admission.gate import Gate
from runner.calls.admission.limits import Cost
from runner.calls.admission.rates import RateLimits
from runner.providers.messages import text_parts
from runner.providers.request import Request


def sizes(name: str) -> tuple[int, int]:
    rng = random.Random(name)
    return rng.randint(100, 900), rng.randint(10, MAX_TOKENS)


class Sizes:
    """Bounds attempts as `budget.Sizer` does: by the prompt and the longest reply."""

    async def size(self, request: Request) -> Cost:
        return Cost(sizes(text_parts(request.messages[0])[0])[0] + request.max_tokens)


@pytest.mark.parametrize(
    ("rpm", "tpm"), [(60, None), (7, None), (None, 60_000), (120, 120_000), (600, 1_000_000)]
)
@pytest.mark.parametrize("seed", range(3))
def test_a_client_that_knows_its_limits_uses_them_up_and_is_never_throttled(
    rpm: int | None, tpm: int | None, seed: int
) -> None:
    async def main() -> Storm:
        gate = Gate(32, RateLimits(rpm, tpm), rng=random.Random(seed))
        result = Storm(VirtualProvider(sizes, seed=seed, rpm=rpm, tpm=tpm), gate)
        await result.make_calls(300, seed=seed, sizer=Sizes())
        return result

    result = run_virtually(main)
    tokens = sum(sum(sizes(name)) for name in result.provider.asked)
    ideal_s = max(300 * 60 / (rpm or 1e9), tokens * 60 / (tpm or 1e9), 300 * 7.3 / 32)

    assert result.provider.statuses == [200] * 300
    assert result.took_s < 1.05 * ideal_s + 30


@pytest.mark.parametrize("seed", range(3))
def test_replies_far_below_their_limit_do_not_leave_a_limit_unused(seed: int) -> None:
    """A provider that counts what is written is not asked for the room of whole limits."""

    def short(name: str) -> tuple[int, int]:
        prompt, reply = sizes(name)
        return prompt, 1 + reply // 10

    class Known:
        async def size(self, request: Request) -> Cost:
            return Cost(short(text_parts(request.messages[0])[0])[0] + request.max_tokens)

    async def main(*, written: bool) -> Storm:
        gate = Gate(32, RateLimits(tpm=60_000, written=written), rng=random.Random(seed))
        result = Storm(VirtualProvider(short, seed=seed, tpm=60_000), gate)
        await result.make_calls(300, seed=seed, sizer=Known())
        return result

    whole, learned = (run_virtually(partial(main, written=each)) for each in (False, True))
    ideal_s = sum(sum(short(name)) for name in learned.provider.asked) * 60 / 60_000

    assert 300 == learned.answered
    assert learned.failed_requests <= 2  # of long replies that came together
    assert 0.95 <= ideal_s / learned.took_s
    assert learned.took_s < whole.took_s
