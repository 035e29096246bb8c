from __future__ import annotations

import math

import pytest

from runner.calls.admission.breaker import GIVE_UP_S, Breaker


def opened(at: float = 0.0) -> Breaker:
    """Return a breaker that five failures of three units have just opened."""
    breaker = Breaker()
    for unit in "abcab":
        breaker.failed(unit, at, probe=False)
    return breaker


def probe(breaker: Breaker, unit: str, at: float) -> bool:
    """Let a probe of *unit* fail; return whether that counts against the unit."""
    breaker.probing = True
    return breaker.failed(unit, at, probe=True)


@pytest.mark.parametrize(
    ("units", "is_open"),
    [("abca", False), ("abcab", True), ("ababababab", False), ("aaaaaaaaaaaaaaaaaaaa", False)],
)
def test_it_opens_after_five_failures_of_three_units(units: str, is_open: bool) -> None:
    breaker = Breaker()
    for unit in units:
        breaker.failed(unit, 0.0, probe=False)

    assert breaker.is_open is is_open


def test_a_success_started_after_the_last_failure_ends_the_row() -> None:
    breaker = Breaker()
    for unit in "abca":
        breaker.failed(unit, 10.0, probe=False)
    breaker.succeeded(10.0, 12.0, probe=False)
    for unit in "bcab":
        breaker.failed(unit, 13.0, probe=False)

    assert breaker.is_open is False


def test_a_success_started_before_the_last_failure_says_nothing() -> None:
    breaker = Breaker()
    for unit in "abca":
        breaker.failed(unit, 10.0, probe=False)
    breaker.succeeded(9.9, 12.0, probe=False)
    breaker.failed("b", 13.0, probe=False)

    assert breaker.is_open is True


def test_only_a_probes_success_closes_it() -> None:
    breaker = opened()

    assert breaker.succeeded(1.0, 7.0, probe=False) is False
    assert breaker.is_open is True
    assert breaker.succeeded(5.0, 7.0, probe=True) is True
    assert breaker.is_open is False


def test_probes_go_one_at_a_time_after_5_10_20_30_and_30_seconds() -> None:
    breaker, at, waits = opened(), 0.0, []
    for unit in "abcab":
        wait = breaker.wait_s(at)
        waits.append(wait)
        at += wait
        breaker.probing = True

        assert breaker.wait_s(at) == math.inf
        breaker.failed(unit, at, probe=True)

    assert waits == [5.0, 10.0, 20.0, 30.0, 30.0]


def test_failures_while_it_is_open_count_against_no_call() -> None:
    breaker = opened()

    assert breaker.failed("d", 0.3, probe=False) is False
    assert probe(breaker, "a", 5.3) is False


def test_the_failure_that_opens_it_counts_against_no_call() -> None:
    breaker = Breaker()
    counted = [breaker.failed(unit, 0.0, probe=False) for unit in "abcab"]

    assert counted == [True, True, True, True, False]


def test_a_probes_failure_counts_where_others_succeed_meanwhile() -> None:
    breaker = opened(at=10.0)
    breaker.succeeded(10.0, 12.0, probe=False)

    assert probe(breaker, "a", 15.0) is True


def test_an_answer_from_before_the_first_failure_does_not_make_a_probes_failure_count() -> None:
    breaker = opened(at=10.0)
    breaker.succeeded(9.0, 12.0, probe=False)

    assert probe(breaker, "a", 15.0) is False


def test_the_first_of_the_failures_decides_whether_others_succeed_meanwhile() -> None:
    breaker = Breaker()
    for at, unit in zip((10.0, 20.0, 30.0, 40.0, 50.0), "abcab", strict=True):
        breaker.failed(unit, at, probe=False)
    breaker.succeeded(15.0, 52.0, probe=False)

    assert probe(breaker, "a", 55.0) is True


def test_the_first_failure_of_an_earlier_outage_does_not_count_for_the_next() -> None:
    breaker = opened(at=10.0)
    breaker.succeeded(15.0, 16.0, probe=True)
    for unit in "abcab":
        breaker.failed(unit, 100.0, probe=False)
    breaker.succeeded(50.0, 101.0, probe=False)

    assert probe(breaker, "a", 105.0) is False


def test_a_call_that_fails_on_while_later_ones_succeed_is_no_sign_of_an_outage() -> None:
    breaker = Breaker()
    for unit in "abc":
        breaker.failed(unit, 10.0, probe=False)
    breaker.succeeded(11.0, 15.0, probe=False)
    counted = [breaker.failed(unit, 16.0, probe=False, failing_since=10.0) for unit in "abcabcabc"]

    assert counted == [True] * 9
    assert breaker.is_open is False


def test_it_pays_for_itself_while_the_breaker_is_open_too() -> None:
    breaker = Breaker()
    breaker.succeeded(11.0, 15.0, probe=False)
    for unit in "abcab":
        breaker.failed(unit, 20.0, probe=False)
    breaker.probing = True

    assert breaker.failed("z", 25.0, probe=True, failing_since=10.0) is True
    assert breaker.failed("y", 25.0, probe=False, failing_since=12.0) is False


def test_another_probe_follows_one_without_a_result() -> None:
    breaker = opened()
    breaker.probing = True
    breaker.abandoned(6.0)

    assert breaker.wait_s(6.0) == 10.0


def test_it_gives_up_after_ten_minutes() -> None:
    breaker = opened(at=50.0)

    assert breaker.gives_up(50.0 + GIVE_UP_S - 1) is False
    assert breaker.gives_up(50.0 + GIVE_UP_S) is True
    assert GIVE_UP_S == 600.0


def test_the_time_of_all_its_openings_is_summed() -> None:
    breaker = opened(at=10.0)
    breaker.succeeded(30.0, 40.0, probe=True)
    for unit in "abcab":
        breaker.failed(unit, 100.0, probe=False)

    assert breaker.open_s(90.0 + 15.0) == 30.0 + 5.0


def test_it_opens_again_only_after_five_new_failures_with_short_probes_again() -> None:
    breaker = opened()
    for at in (5.0, 15.0, 35.0):
        probe(breaker, "a", at)
    breaker.succeeded(65.0, 66.0, probe=True)
    for unit in "abca":
        breaker.failed(unit, 70.0, probe=False)

    assert breaker.is_open is False
    breaker.failed("b", 70.0, probe=False)
    assert breaker.wait_s(70.0) == 5.0
