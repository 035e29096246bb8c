"""Limits told in the headers of replies: calls wait for them, and no longer than a minute."""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import replace

import pytest
from helpers import completion
from helpers.virtual_provider import Storm, VirtualProvider

from runner.base.errors import CallError
from runner.base.event_loops import run_virtually
from runner.base.token_bucket import TokenBucket
from runner.base.usage import Usage
from runner.calls.admission.gate import Gate
from runner.calls.admission.limits import Ticket
from runner.calls.admission.rates import MAX_HOLD_S, RateLimits
from runner.providers.request import Completion, Request
from runner.providers.retry_headers import RemainingLimit, remaining_limits


class Telling(VirtualProvider):
    """Allows *rpm* requests a minute, with a full minute's burst, and *tells* what is left."""

    def __init__(self, rpm: int, *, tells: bool) -> None:
        super().__init__()
        self.bucket, self.tells = TokenBucket(rpm, 60.0), tells

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        now = asyncio.get_running_loop().time()
        if self.bucket.wait_s(now, 1):
            self.statuses.append(429)
            raise CallError("throttle", "too many requests", status=429)
        self.bucket.take(now, 1)
        headers = {
            "x-ratelimit-limit-requests": f"{self.bucket.capacity:.0f}",
            "x-ratelimit-remaining-requests": f"{math.floor(self.bucket.level(now))}",
            "x-ratelimit-reset-requests": f"{self.bucket.full_in_s(now):.3f}s",
        }
        reply = await super().complete(request, timeout_s)
        return replace(reply, limits=remaining_limits(headers) if self.tells else {})


def refused(*, tells: bool) -> tuple[int, float]:
    """Return how many of 200 calls' requests were refused, and the seconds that all took."""

    async def main() -> Storm:
        result = Storm(Telling(60, tells=tells), Gate(32, rng=random.Random(1)))
        await result.make_calls(200)
        return result

    result = run_virtually(main)
    assert 200 == result.answered
    return result.failed_requests, result.took_s


def test_calls_wait_for_what_the_headers_say_is_left() -> None:
    (told, told_s), (untold, _) = refused(tells=True), refused(tells=False)

    assert 4 * told < untold
    assert told_s < 1.1 * (200 - 60) + 60


def waits(*said: RemainingLimit, amount: int = 100, at: float = 1.0) -> float:
    """Return the wait for *amount* tokens once replies have *said* what is left."""
    gate = Gate(8)
    for number, left in enumerate(said):
        ticket = Ticket(f"u{number}")
        gate.enter(0.0, ticket)
        reply = replace(completion("x"), usage=Usage(), limits={"tokens": left})
        gate.succeeded(ticket, reply, 0.0, 1.0, first=True)
        gate.leave(1.0, ticket)
    return gate.wait_s(at, Ticket("next", tokens=amount, reply_tokens=10))


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (RemainingLimit(100, 1000, 60.0), 0.0),
        (RemainingLimit(40, 1000, 60.0), 60 * 60 / 960),
        (
            RemainingLimit(0, 60, 30.0),
            30.0,
        ),  # a call of more than the limit waits until it is whole
        (RemainingLimit(0, None, 7.0), 7.0),
        (RemainingLimit(0, 1000, 1e12), MAX_HOLD_S),
        (RemainingLimit(0, 1, 1e-9), 1e-9),
    ],
)
def test_a_wait_follows_from_what_is_left_and_is_bounded(
    left: RemainingLimit, expected: float
) -> None:
    assert expected == pytest.approx(waits(left))


def test_a_wait_ends_and_the_latest_reply_holds() -> None:
    empty = RemainingLimit(0, 1000, 60.0)

    assert 0.0 == waits(empty, at=1.0 + MAX_HOLD_S)
    assert 0.0 == waits(empty, RemainingLimit(900, 1000, 6.0))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {"x-ratelimit-limit-tokens": "150000", "X-RateLimit-Remaining-Tokens": "149984",
             "x-ratelimit-reset-tokens": "6m0s"},
            {"tokens": RemainingLimit(149_984, 150_000, 360.0)},
        ),
        (
            {"anthropic-ratelimit-input-tokens-limit": "30000",
             "anthropic-ratelimit-input-tokens-remaining": "0",
             "anthropic-ratelimit-input-tokens-reset": "2999-01-01T00:00:00Z"},
            {"input": RemainingLimit(0, 30_000, pytest.approx(3.07e10, rel=0.01))},
        ),
        ({"x-ratelimit-limit-tokens-generated": "10",
          "x-ratelimit-remaining-tokens-generated": "4"},
         {"output": RemainingLimit(4, 10, 60.0)}),
        ({"RateLimit-Limit": "10", "RateLimit-Remaining": "4", "RateLimit-Reset": "9"},
         {"requests": RemainingLimit(4, 10, 9.0)}),
        ({"llm_provider-x-ratelimit-remaining-requests": "1",
          "llm_provider-x-ratelimit-reset-requests": "1s"},
         {"requests": RemainingLimit(1, None, 1.0)}),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6h"}, {}),
        ({"x-ratelimit-remaining-tokens": "0"}, {}),
        ({"x-ratelimit-remaining-tokens": "-1", "x-ratelimit-reset-tokens": "1s"}, {}),
        ({"x-ratelimit-remaining-tokens": "nan", "x-ratelimit-reset-tokens": "1s"}, {}),
        ({"x-ratelimit-remaining-tokens": "9" * 400, "x-ratelimit-reset-tokens": "1s"}, {}),
        ({"x-ratelimit-remaining-tokens": "9", "x-ratelimit-limit-tokens": "0"}, {}),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-limit-requests": "60"}, {}),
    ],
)  # fmt: skip
def test_headers_are_read_and_what_is_impossible_is_left_out(
    headers: dict[str, str], expected: dict[str, RemainingLimit]
) -> None:
    assert expected == remaining_limits(headers)


def test_prompt_and_reply_tokens_are_limited_apart_and_reads_can_be_free() -> None:
    waited = []
    for free in (False, True):
        gate = Gate(8, RateLimits(itpm=600, otpm=60, burst_s=60.0, reads_free=free))
        ticket = Ticket("a", tokens=610, reply_tokens=10)
        gate.enter(0.0, ticket)
        used = Usage(600, 10, cached_tokens=540)
        gate.succeeded(ticket, replace(completion("x"), usage=used), 0.0, 0.0, first=True)
        gate.leave(0.0, ticket)
        wanted = (Ticket("b", tokens=600), Ticket("c", tokens=60, reply_tokens=60))
        waited.append([gate.wait_s(0.0, ticket) for ticket in wanted])

    assert [[60.0, 10.0], [6.0, 10.0]] == waited


def test_the_longest_reply_does_not_hold_calls_that_may_write_less() -> None:
    gate = Gate(8)
    left = {
        "output": RemainingLimit(7000, 8000, 7.5),
        "tokens": RemainingLimit(90_000, 100_000, 6.0),
    }
    tickets = [Ticket(f"u{n}", tokens=12_000, reply_tokens=8000) for n in range(3)]
    gate.enter(0.0, tickets[0])
    reply = replace(completion("x"), usage=Usage(), limits=left)
    gate.succeeded(tickets[0], reply, 0.0, 1.0, first=True)
    gate.leave(1.0, tickets[0])
    gate.enter(1.0, tickets[1])

    assert 0.0 == gate.wait_s(1.0, tickets[2])
