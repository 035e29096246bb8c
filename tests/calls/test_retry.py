from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from runner.base.errors import CallError
from runner.calls.retry import THROTTLE_ATTEMPTS, RetryPolicy
from runner.providers.retry_headers import (
    remaining_limits,
    reset_after_s,
    retry_after_s,
    stated_wait_s,
)

LASTING = ("auth", "billing", "bad_request", "context_exceeded", "not_found", "internal")
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
SENT = {"Date": "Mon, 23 Nov 2026 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"Retry-After": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"Retry-After": "Mon, 23 Nov 2026 11:00:00 GMT"}, None),
        ({"llm_provider-retry-after": "60"}, 60.0),  # through the LiteLLM proxy
        ({"llm_provider-retry-after": "60", "Retry-After": "3"}, 3.0),
        ({"Retry-After": "1m30s"}, 90.0),
        ({"Retry-After": "500ms"}, 0.5),
        ({"Retry-After": "2026-11-23T12:00:30Z"}, 30.0),
        ({"Retry-After": str(NOW.timestamp() + 40)}, 40.0),
        ({"x-ms-retry-after-ms": "2500"}, 2.5),
        ({"retry-after-ms": "0", "Retry-After": "3"}, 3.0),
        ({"Retry-After": "0"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "NaN"}, None),
        ({"Retry-After": "inf"}, None),
        # Beyond the years of a calendar: the message that names the date failed.
        *(({"Retry-After": far}, 315_360_000.0) for far in ("1e15", "1e300", "9" * 9 + "d")),
        ({"Retry-After": "Fri, 31 Dec 99999999999 23:59:59 GMT"}, None),
        ({"Retry-After": "Mon, 23 Nov 2026 12:00:30 +9999999999999999999"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_seconds_or_not_at_all(
    headers: dict[str, str], expected: float | None
) -> None:
    assert retry_after_s(SENT | headers) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Please try again in 5s.", 5.0),
        ("Please try again in 1m30s. Visit the page", 90.0),
        ("Rate limit reached. Please try again in 320ms.", 0.32),
        ("Limit 100000, Used 99500. Please try again in 2m12.5s.", 132.5),
        ("Please retry after 20 seconds.", 20.0),
        ("Please retry in 13.482910112s.", 13.482910112),
        ('{"details": [{"@type": "RetryInfo", "retryDelay": "13s"}]}', 13.0),
        ("try again in 2 minutes and 5 seconds", 125.0),
        ("Please wait at least 45s before", 45.0),
        ("Your limit resets in 15s", 15.0),
        ('{"retry_after": 7, "global": false}', 7.0),
        ('{"retry_after_ms": 500}', 0.5),
        ('{"retry_after_seconds":12}', 12.0),
        ("Please try again in 7h12m0s.", 25_920.0),
        ("try again in 999999999 days", 10 * 365 * 86_400.0),
        ("Please try again later.", None),
        ("try again after 3 pm", None),
        ("wait for 5 calls", None),
        ("try again in 0s", None),
    ],
)
def test_a_wait_that_is_said_in_words_is_read(text: str, expected: float | None) -> None:
    assert expected == pytest.approx(stated_wait_s(text))


@pytest.mark.parametrize(
    ("kind", "delay_s", "bounds"),
    [
        ("transient", 1.0, {1: 1.0, 2: 2.0, 3: 4.0}),
        ("timeout", 1.0, {1: 1.0, 2: 2.0, 3: 4.0}),
        ("connection", 1.0, {1: 1.0, 2: 2.0, 3: 4.0}),
        ("throttle", 1.0, {1: 2.0, 2: 4.0, 3: 8.0, 15: 60.0}),
        ("throttle", 3.0, {1: 6.0}),
    ],
)
def test_the_wait_is_jittered_over_the_whole_doubling_interval(
    kind: str, delay_s: float, bounds: dict[int, float]
) -> None:
    policy, rng = RetryPolicy(delay_s=delay_s), random.Random(1)
    for failures, bound in bounds.items():
        error = CallError(kind, "x", billed=True)
        waits = [policy.wait_s(error, failures, rng) for _ in range(500)]

        assert all(wait is not None and 0 <= wait <= bound for wait in waits)
        assert max(filter(None, waits)) > 0.9 * bound
        assert min(filter(None, waits)) < 0.1 * bound


def test_a_server_that_was_not_reached_is_given_more_time() -> None:
    policy, rng = RetryPolicy(), random.Random(1)
    waits = [policy.wait_s(CallError("connection", "x"), 2, rng) for _ in range(500)]

    assert all(wait is not None and 4.0 <= wait <= 6.0 for wait in waits)


LAST = THROTTLE_ATTEMPTS - 1


@pytest.mark.parametrize(
    ("error", "failures", "retries", "waited_s", "is_retried"),
    [
        *((CallError(kind, "would recur"), 1, 3, 0.0, False) for kind in LASTING),
        (CallError("transient", "the last but one allowed"), 2, 2, 0.0, True),
        (CallError("transient", "the last allowed"), 3, 2, 0.0, False),
        (CallError("bad_response", "unreadable, asked for twice more"), 2, 9, 0.0, True),
        (CallError("bad_response", "unreadable"), 3, 9, 0.0, False),
        (CallError("throttle", "retries are off"), 1, 0, 0.0, False),
        (CallError("throttle", "is retried for longer than failures"), LAST, 1, 0.0, True),
        (CallError("throttle", "too often"), LAST + 1, 1, 0.0, False),
        (CallError("throttle", "within 15 minutes", retry_after_s=100.0), 5, 3, 700.0, True),
        (CallError("throttle", "for more than them", retry_after_s=100.0), 5, 3, 850.0, False),
        (
            CallError("throttle", "asks for more than 5 minutes", retry_after_s=301),
            1,
            3,
            0.0,
            False,
        ),
    ],
    ids=str,
)
def test_a_failure_is_retried_as_often_and_as_long_as_its_kind_allows(
    error: CallError, failures: int, retries: int, waited_s: float, is_retried: bool
) -> None:
    wait = RetryPolicy(retries).wait_s(error, failures, random.Random(1), waited_s)

    assert is_retried == (wait is not None)


def test_a_throttled_call_waits_at_least_as_long_as_asked() -> None:
    error = CallError("throttle", "x", retry_after_s=7.0)
    waits = [RetryPolicy().wait_s(error, 1, random.Random(seed)) for seed in range(200)]

    assert all(wait is not None and 7.0 <= wait <= 8.0 for wait in waits)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-ratelimit-reset-requests": "1m30s"}, 90.0),
        ({"x-ratelimit-reset-requests": "20ms"}, 0.02),
        ({"x-ratelimit-reset-tokens": "6m0s"}, 300.0),
        ({"x-ratelimit-reset-tokens": "4m0s"}, 240.0),
        ({"x-ratelimit-reset-tokens": "1.5s"}, 1.5),
        ({"X-RateLimit-Reset-Requests": "7s"}, 7.0),
        ({"x-ratelimit-reset-requests": "1h2m"}, 300.0),
        ({"x-ratelimit-reset-requests": "1s20ms"}, 1.02),
        ({"x-ratelimit-reset-requests": "12"}, 12.0),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "30s"}, 30.0),
        ({"anthropic-ratelimit-requests-reset": "2026-11-23T12:00:30Z"}, 30.0),
        ({"anthropic-ratelimit-tokens-reset": "2026-11-23T13:00:30+01:00"}, 30.0),
        ({"anthropic-ratelimit-tokens-reset": "2026-11-23T12:00:45"}, 45.0),
        ({"anthropic-ratelimit-tokens-reset": "2026-11-24T12:00:00Z"}, 300.0),
        ({"anthropic-ratelimit-tokens-reset": "2026-11-23T11:59:30Z"}, None),
        ({"x-ratelimit-reset-requests": "0ms"}, None),
        ({"x-ratelimit-reset-requests": "0s"}, None),
        ({"x-ratelimit-reset-requests": "-3s"}, None),
        ({"x-ratelimit-reset-requests": "NaN"}, None),
        ({"x-ratelimit-reset-requests": "inf"}, None),
        ({"x-ratelimit-reset-requests": "soon"}, None),
        ({"x-ratelimit-reset-requests": ""}, None),
        ({"x-ratelimit-reset-requests": "soon", "x-ratelimit-reset-tokens": "2s"}, 2.0),
        ({"x-ratelimit-remaining-requests": "9", "reset": "9"}, None),
        ({"RateLimit": '"api";r=0;t=17', "RateLimit-Policy": '"api";q=9;w=60'}, 17.0),
        ({"ratelimit": "soon"}, None),
        (  # Cerebras': the tokens of a minute are used up, not the requests of a day
            {
                **{"x-ratelimit-limit-requests-day": "90", "x-ratelimit-limit-tokens-minute": "9"},
                "x-ratelimit-remaining-requests-day": "89",
                "x-ratelimit-remaining-tokens-minute": "0",
                "x-ratelimit-reset-requests-day": "33011.4",
                "x-ratelimit-reset-tokens-minute": "11.4",
            },
            11.4,
        ),
        ({}, None),
    ],
)
def test_the_reset_of_the_scarcest_limit_is_read_in_seconds_and_never_above_five_minutes(
    headers: dict[str, str], expected: float | None
) -> None:
    assert reset_after_s(SENT | headers) == pytest.approx(expected)


def test_moments_are_counted_by_the_clock_of_the_provider() -> None:
    """With a clock ten minutes behind, a wait of 30 s would have ended the run."""
    wait = {**SENT, "Retry-After": "Mon, 23 Nov 2026 12:00:30 GMT"}
    reset = {**SENT, "anthropic-ratelimit-tokens-reset": "2026-11-23T12:00:30Z"}
    left = {"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-limit": "9"}

    assert (30.0, 30.0) == (retry_after_s(wait), reset_after_s(reset))
    assert 30.0 == remaining_limits({**reset, **left})["tokens"].reset_s
    assert retry_after_s({"Date": "Mon, 23 Nov 99999999999", "Retry-After": "3"}) == 3.0


def test_the_shipped_policy_is_three_retries_from_one_second() -> None:
    assert (RetryPolicy().max_retries, RetryPolicy().delay_s) == (3, 1.0)
    assert THROTTLE_ATTEMPTS == 20


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (str(int((NOW.timestamp() + 30) * 1000)), 30.0),
        (str(NOW.timestamp() + 45), 45.0),
        (str(NOW.timestamp() - 45), None),
    ],
)
def test_a_reset_given_as_a_moment_is_counted_from_now(value: str, expected: float | None) -> None:
    assert reset_after_s({**SENT, "X-RateLimit-Reset": value}) == expected
