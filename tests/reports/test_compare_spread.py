"""The statistics behind a comparison, against published values."""

from __future__ import annotations

import random

import pytest

from runner.reports.compare.compare import dominated
from runner.reports.compare.spread import difference_p, holm, spread, t_cdf, t_quantile

# Cushny and Peebles, hours of sleep gained, as Student gave them in 1908.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [(1, 12.706), (2, 4.303), (4, 2.776), (10, 2.228), (30, 2.042), (1000, 1.962)],
)
def test_t_quantiles_are_those_of_the_tables(freedom: float, expected: float) -> None:
    """NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2."""
    assert expected == round(t_quantile(0.975, freedom), 3)


def test_the_t_distribution_is_symmetric_and_half_below_zero() -> None:
    assert t_cdf(0.0, 5) == pytest.approx(0.5)
    assert t_cdf(-1.3, 7) == pytest.approx(1 - t_cdf(1.3, 7))


def test_welchs_test_agrees_with_r_on_students_sleep_data() -> None:
    """R: t.test(extra ~ group, data = sleep) gives p = 0.07939."""
    assert round(difference_p(SLEEP_1, SLEEP_2), 5) == 0.07939


def test_holm_multiplies_by_the_tests_left_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_sets_without_scatter_get_the_permutation_tests_p() -> None:
    assert difference_p([1.0] * 3, [2.0] * 3) == pytest.approx(0.1)
    assert difference_p([1.0] * 4, [2.0] * 4) == pytest.approx(2 / 70)
    assert difference_p([1.0] * 4, [1.0] * 4) == 1.0


def test_a_spread_has_median_range_and_students_interval_of_the_mean() -> None:
    found = spread([1.0, 2.0, 6.0])

    assert found is not None
    assert (found.n, found.median, found.minimum, found.maximum) == (3, 2.0, 1.0, 6.0)
    assert (found.mean, found.low) == (3.0, pytest.approx(3 - 4.3027 * 7**0.5 / 3**0.5, abs=1e-3))


def test_one_value_has_no_interval_and_none_no_spread() -> None:
    found = spread([1.0])

    assert found is not None
    assert found.low is None
    assert spread([]) is None


def test_equal_settings_are_rarely_told_apart() -> None:
    """The rate of false alarms at the 5 % level is about that."""
    rng = random.Random(7)
    alarms = 0
    for _ in range(1000):
        one, other = ([rng.gauss(10, 1) for _ in range(4)] for _ in range(2))
        alarms += difference_p(one, other) < 0.05

    assert 25 <= alarms <= 65


def test_the_front_holds_what_nothing_beats() -> None:
    points = [(1.0, 0.5, 1.0), (2.0, 0.9, 1.0), (2.0, 0.8, 1.0), (3.0, 0.9, 0.5)]

    assert dominated(points) == [False, False, True, False]


def test_equal_points_do_not_beat_one_another() -> None:
    assert dominated([(1.0, 1.0, 1.0)] * 2) == [False, False]


def test_unknown_cost_is_left_out_where_it_is_unknown_only() -> None:
    points = [(1.0, 1.0, None), (2.0, 1.0, 0.1), (2.0, 1.0, 0.2), None]

    assert dominated(points) == [False, True, True, None]


def test_a_front_is_never_empty() -> None:
    rng = random.Random(3)
    for _ in range(200):
        points = [
            (rng.randint(1, 3) / 1, rng.randint(0, 2) / 2, rng.choice([None, 0.0, 1.0]))
            for _ in range(6)
        ]

        assert False in dominated(points)
