"""Figures and tables as people read them."""

from __future__ import annotations

import pytest

from runner.base.errors import did_you_mean, one_line
from runner.base.format import aligned, count, figure, plural, relative_error, seconds, share, usd


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (0.5789, "0.58 s"),
        (4, "4.0 s"),
        (59.94, "59.9 s"),
        (185, "3m 05s"),
        (7440, "2h 04m"),
        (None, "–"),
        (float("nan"), "–"),
        ("soon", "–"),
    ],
)
def test_a_duration_has_the_unit_that_suits_it(given: object, shown: str) -> None:
    assert shown == seconds(given)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        *((0, "$0"), (0.000012, "$0.000012"), (0.0125, "$0.0125"), (1234.5, "$1,234.50")),
        *((None, "unknown"), (True, "unknown")),
    ],
)
def test_money_has_four_digits_below_a_dollar_and_six_where_those_are_zeros(
    given: object, shown: str
) -> None:
    assert shown == usd(given)


def test_counts_shares_and_errors() -> None:
    assert ["1,234", "–"] == [count(1234.0), count(None)]
    assert ["85.7%", "100.0%"] == [share(6 / 7), share(1)]
    assert ["+7.4%", "-50.0%", "11 × as much", "–"] == [
        relative_error(value) for value in (0.074, -0.5, 10.0, None)
    ]
    assert ["1.500", "–"] == [figure(1.5, "{:.3f}"), figure("x", "{:.3f}")]
    assert ["1 file", "1,234 files", "0 batches"] == [
        plural(1, "file"),
        plural(1234, "file"),
        plural(0, "batch"),
    ]


def test_columns_are_aligned_and_their_cells_are_harmless() -> None:
    rows = [("name", "tokens"), ("a\x1b[2J\nb", "7"), ("c", "1,234")]

    assert ["name    tokens", "a[2J b       7", "c        1,234"] == aligned(rows)


def test_a_long_list_of_choices_is_cut() -> None:
    names = [f"{n:03}" for n in range(100)]

    assert did_you_mean("zzz", names).endswith("029 and 70 more")
    assert did_you_mean("zzz", names[:2]) == "; known: 000, 001"


def test_the_nearest_name_is_shown_with_its_capitals() -> None:
    forms = ["interview 02.docx", "Interview 02.docx"]

    assert "; did you mean 'Interview 02.docx'?" == did_you_mean("interview 2.docx", forms)


def test_a_line_that_is_cut_behind_a_word_has_one_blank_before_the_ellipsis() -> None:
    assert ["Let's …", "Let's go on"] == [one_line("Let's go on", 8), one_line("Let's  go\non", 11)]
