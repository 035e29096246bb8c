"""What the simulated provider decides, request by request, in times that the tests give."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import Any

import pytest

from runner.base.errors import ConfigError
from runner.config.provider_facts import CACHE_RULES
from runner.config.simulate import SimulateSettings
from runner.providers.simulated import prefix_cache
from runner.providers.simulated.behaviour import (
    Arrival,
    Behaviour,
    PlannedResponse,
    check,
)
from runner.providers.simulated.chat import arrival_of


def behaviour(**changes: Any) -> Behaviour:
    return Behaviour(SimulateSettings.model_validate({"latency_s": 1.0, **changes}))


def arrival(
    prompt_ids: range | list[int] = range(10),
    *,
    analyzer: str = "say_means",
    prompt: str = "text",
    reply_tokens: int = 5,
    max_tokens: int | None = None,
) -> Arrival:
    return Arrival(analyzer, prompt, list(prompt_ids), max_tokens, reply_tokens)


def decide(provider: Behaviour, *times_s: float, **about: Any) -> list[PlannedResponse]:
    return [provider.decide(arrival(**about), now_s) for now_s in times_s]


def statuses(responses: list[PlannedResponse]) -> list[int]:
    return [response.status for response in responses]


def test_a_quiet_provider_answers_after_its_latency() -> None:
    (response,) = decide(behaviour(), 0.0)

    assert response == PlannedResponse(200, {}, 1.0, None, 0, 5, first_token_s=1.0)


def test_latency_is_the_base_plus_the_replys_and_the_uncached_prompts_tokens() -> None:
    provider = behaviour(per_token_s=0.1, per_prompt_token_s=0.01)

    assert decide(provider, 0.0)[0].latency_s == pytest.approx(1.0 + 0.5 + 0.1)


def test_an_analyzer_of_its_own_latency_has_that_one() -> None:
    provider = behaviour(by_analyzer_s={"say_means": 3.0})
    responses = [decide(provider, 0.0, analyzer=name)[0] for name in ("say_means", "other")]

    assert [v.latency_s for v in responses] == [3.0, 1.0]


def test_jitter_is_lognormal_around_a_median_of_one() -> None:
    provider = behaviour(jitter=0.5, latency_s=2.0)
    latencies = [v.latency_s for v in decide(provider, *[0.0] * 2001)]

    assert statistics.median(latencies) == pytest.approx(2.0, rel=0.05)
    assert statistics.quantiles(latencies, n=100)[83] == pytest.approx(2.0 * 2.718**0.5, rel=0.1)


def test_equal_seeds_and_arrivals_give_equal_responses_and_others_do_not() -> None:
    wild: dict[str, Any] = {"jitter": 0.3, "faults": {"status_500": 0.3, "hang": 0.2}, "rpm": 60}
    times = [i / 7 for i in range(100)]
    first, second, other = (decide(behaviour(seed=seed, **wild), *times) for seed in (1, 1, 2))

    assert first == second
    assert first != other


def test_a_fault_leaves_the_latencies_of_other_requests_as_they_were() -> None:
    calm = decide(behaviour(jitter=0.3), *range(50))
    faulty = decide(behaviour(jitter=0.3, faults={"status_500": 0.5}), *range(50))
    good = [i for i, response in enumerate(faulty) if response.fault is None]

    assert 10 < len(good) < 40
    assert [faulty[i].latency_s for i in good] == [calm[i].latency_s for i in good]


def test_a_reply_is_bounded_by_what_the_request_allows() -> None:
    (response,) = decide(behaviour(per_token_s=1.0), 0.0, reply_tokens=9, max_tokens=4)

    assert (response.reply_tokens, response.latency_s) == (4, 5.0)


def test_requests_beyond_a_burst_of_ten_seconds_are_refused_with_retry_after() -> None:
    responses = decide(behaviour(rpm=60), *[0.0] * 12)

    assert statuses(responses) == [200] * 10 + [429] * 2
    assert responses[-1].fault == "rate_limit"
    assert responses[-1].latency_s == 0.2
    assert [v.headers.get("Retry-After") for v in responses[9:]] == [None, "2", "2"]


def test_a_request_at_the_time_of_retry_after_is_admitted() -> None:
    provider = behaviour(rpm=60)
    refused = decide(provider, *[0.0] * 11)[-1]
    (response,) = decide(provider, float(refused.headers["Retry-After"]))

    assert response.status == 200


@pytest.mark.parametrize(("now_s", "status"), [(1.9, 429), (2.1, 200)])
def test_a_refused_request_costs_a_quarter_of_one(now_s: float, status: int) -> None:
    provider = behaviour(rpm=60)
    decide(provider, *[0.0] * 14)  # ten are let in, four refused: one second more to wait

    assert statuses(decide(provider, now_s)) == [status]


def test_a_storm_of_refusals_sinks_no_further_than_one_burst() -> None:
    provider = behaviour(rpm=60)
    decide(provider, *[0.0] * 1000)

    assert statuses(decide(provider, 11.1)) == [200]


def test_a_slow_account_still_takes_one_request_at_once() -> None:
    assert statuses(decide(behaviour(rpm=1), 0.0, 30.0, 90.0)) == [200, 429, 200]


def test_tokens_of_prompt_and_reply_are_limited_too() -> None:
    provider = behaviour(tpm=600)
    responses = decide(provider, 0.0, 0.0, 40.0, prompt_ids=range(80), reply_tokens=15)

    assert statuses(responses) == [200, 429, 200]
    assert responses[1].headers["Retry-After"] == "9"


def test_a_request_larger_than_the_burst_waits_for_a_full_bucket_and_no_longer() -> None:
    provider = behaviour(tpm=600)
    responses = decide(provider, 0.0, 10.0, 60.0, prompt_ids=range(500))

    assert statuses(responses) == [200, 429, 200]


def test_an_account_may_refuse_without_retry_after() -> None:
    response = decide(behaviour(rpm=6, retry_after=False), 0.0, 0.0)[-1]

    assert response.status == 429
    assert "Retry-After" not in response.headers


def test_every_response_reports_the_limits_in_openais_headers() -> None:
    (response,) = decide(behaviour(rpm=60, tpm=600), 0.0)

    assert response.headers == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "9",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "600",
        "x-ratelimit-remaining-tokens": "85",
        "x-ratelimit-reset-tokens": "1.5s",
    }


def test_in_an_outage_all_requests_fail_at_once_and_count_towards_no_limit() -> None:
    provider = behaviour(outages_s=[[8.0, 16.0]], rpm=6)
    responses = decide(provider, 7.9, 8.0, 15.9, 18.0)

    assert statuses(responses) == [200, 503, 503, 200]
    assert responses[1].latency_s == 0.3
    assert responses[1].fault == "outage"
    assert "Retry-After" not in responses[1].headers


def test_a_poisoned_prompt_always_fails_and_the_others_do_not() -> None:
    provider = behaviour(poison="dynamite")
    poisoned = decide(provider, 0.0, 1.0, 2.0, prompt="a box of dynamite")

    assert statuses(poisoned) == [500, 500, 500]
    assert statuses(decide(provider, 3.0, prompt="a box of apples")) == [200]


def test_a_script_comes_first_with_one_entry_per_request() -> None:
    provider = behaviour(
        script=["status_429", None, "hang", "length"], outages_s=[[0.0, 9.0]], faults={"reset": 1.0}
    )
    responses = decide(provider, 0.0, 1.0, 2.0, 3.0, 4.0, 10.0)

    assert [v.fault for v in responses] == ["status_429", None, "hang", "length", "outage", "reset"]
    assert statuses(responses) == [429, 200, 0, 200, 503, 0]


def test_faults_come_at_their_rates() -> None:
    provider = behaviour(faults={"status_500": 0.2, "bad_json": 0.1})
    seen = Counter(v.fault for v in decide(provider, *range(4000)))

    assert seen["status_500"] / 4000 == pytest.approx(0.2, abs=0.03)
    assert seen["bad_json"] / 4000 == pytest.approx(0.1, abs=0.03)


def test_a_status_may_have_retry_after() -> None:
    (response,) = decide(behaviour(script=["status_429_after_7"]), 0.0)

    assert (response.status, response.headers) == (429, {"Retry-After": "7"})


def test_a_prefix_is_cached_only_once_its_first_request_is_answered() -> None:
    provider = behaviour(cache_min_tokens=1024, latency_s=10.0)
    responses = decide(provider, 0.0, 9.9, 10.0, prompt_ids=range(1300))

    assert [v.cached_tokens for v in responses] == [0, 0, 1280]


def test_cached_tokens_come_in_whole_blocks_of_the_longest_shared_prefix() -> None:
    provider = behaviour(cache_min_tokens=256)
    decide(provider, 0.0, prompt_ids=range(2000))
    shared = [list(range(n)) + [-1] * 999 for n in (255, 256, 700)]
    responses = [decide(provider, 5.0, prompt_ids=ids)[0] for ids in shared]

    assert [v.cached_tokens for v in responses] == [0, 256, 640]


def test_a_prefix_shorter_than_the_minimum_is_not_cached() -> None:
    responses = decide(behaviour(cache_min_tokens=1024), 0.0, 5.0, prompt_ids=range(1023))

    assert responses[1].cached_tokens == 0


def test_nothing_is_cached_where_caching_is_off() -> None:
    assert decide(behaviour(), 0.0, 5.0, prompt_ids=range(5000))[1].cached_tokens == 0


def test_a_prefix_lives_five_minutes_from_its_last_use() -> None:
    provider = behaviour(cache_min_tokens=128)
    responses = decide(provider, 0.0, 300.0, 599.0, 900.0, prompt_ids=range(128))

    assert [v.cached_tokens for v in responses] == [128 if i in (1, 2) else 0 for i in range(4)]


def test_a_cached_prefix_makes_the_answer_come_sooner() -> None:
    provider = behaviour(cache_min_tokens=1024, per_prompt_token_s=0.001)
    responses = decide(provider, 0.0, 60.0, prompt_ids=range(1024))

    assert [v.latency_s for v in responses] == [pytest.approx(2.024), pytest.approx(1.0)]


def test_a_failed_request_warms_no_prefix() -> None:
    provider = behaviour(cache_min_tokens=128, script=["status_500"])
    responses = decide(provider, 0.0, 10.0, 20.0, prompt_ids=range(128))

    assert [v.cached_tokens for v in responses] == [0, 0, 128]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"faults": {"resett": 0.1}},
            "model.simulate.faults: unknown kind of fault 'resett'; did you mean 'reset'?",
        ),
        (
            {"script": [None, "status_4290"]},
            "model.simulate.script: unknown kind of fault 'status_4290'; "
            "did you mean 'status_429'?",
        ),
        (
            {"script": ["outage"]},
            "model.simulate.script: 'outage' follows from other settings and cannot be set here",
        ),
        (
            {"faults": {"reset": 0.6, "hang": 0.5}},
            "model.simulate.faults: the rates add up to 1.1; expected at most 1",
        ),
        (
            {"outages_s": [[5.0, 5.0]]},
            "model.simulate.outages_s: [5, 5] is not a window; "
            "expected [start, end] in seconds since the start",
        ),
    ],
)
def test_impossible_settings_are_refused_in_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        behaviour(**changes)

    assert str(caught.value) == message


def test_expired_prefixes_are_removed_only_each_time_the_cache_has_grown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prefix_cache, "MAX_BLOCKS", 4)
    cache = prefix_cache.PrefixCache(128)
    for number in range(40):
        cache.add([number] * 128, float(number), float(number))
    alive = len(cache.blocks)
    cache.add([99] * 128, 1000.0, 1000.0)

    assert alive == 40
    assert len(cache.blocks) == 41  # removed at 5, 11 and 23 blocks; next at 47
    for number in range(100, 108):
        cache.add([number] * 128, 1000.0, 1000.0)
    assert len(cache.blocks) == 9


def test_marked_prefixes_are_cached_to_their_marks_and_no_further() -> None:
    rules = CACHE_RULES["anthropic"]
    cache = prefix_cache.PrefixCache(100, rules)
    transcript, more, other = list(range(300)), list(range(500, 700)), list(range(800, 1000))

    assert 0 == cache.find(transcript + more, 0.0, (300,))
    assert 300 == cache.add(transcript + more, 0.0, 1.0, (300,))
    assert 0 == cache.find(transcript + other, 0.5, (300,))  # not yet ready
    assert 300 == cache.find(transcript + other, 1.0, (300,))
    assert 0 == cache.find(transcript + other, 1.0)
    assert 500 == cache.add(transcript + more, 1.0, 2.0, (300, 500))
    assert 500 == cache.find(transcript + more + other, 2.0, (300, 500))


@pytest.mark.parametrize(
    ("provider", "cached"), [("openai", 896), ("mistral", 960), ("llamacpp", 999)]
)
def test_each_provider_has_its_own_steps(provider: str, cached: int) -> None:
    cache = prefix_cache.PrefixCache(64, CACHE_RULES[provider])
    cache.add(list(range(1100)), 0.0, 0.0)

    assert cached == cache.find([*range(999), -1, -2], 1.0)


def test_a_schema_stands_before_the_prompt_where_the_provider_puts_it_there() -> None:
    named = {"json_schema": {"name": "answer", "schema": {"type": "object", "properties": {}}}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "A", "cache_control": {}}]}]
    body = {"messages": messages, "response_format": named}
    beside, within = (arrival_of(body, "", CACHE_RULES[name]) for name in ("llamacpp", "anthropic"))

    assert (1, (1,)) == (len(beside.prompt_ids), beside.ends)
    assert len(within.prompt_ids) > 8
    assert (len(within.prompt_ids),) == within.ends


def test_an_unknown_provider_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"provider='antropic'.*did you mean 'anthropic'"):
        check(SimulateSettings(provider="antropic"))
