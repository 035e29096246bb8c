"""What is learned of a model, from words and numbers that nobody vouches for."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.config.learned import (
    FACTORS,
    UNMEASURED,
    UNNAMED,
    LearnedFacts,
    is_cut_off,
    learned_before,
    remember,
)


@pytest.mark.parametrize(
    ("billed", "counted", "factor"),
    [
        (1200, 1000, 1.2),
        (1201, 1000, 1.25),  # rounded up
        (1200, 100, None),  # the template's own tokens would count too much
        (10**12, 1000, FACTORS[1]),
        (0, 1000, FACTORS[0]),
    ],
)
def test_a_factor_is_measured_on_long_prompts_and_stays_within_bounds(
    billed: int, counted: int, factor: float | None
) -> None:
    learned = LearnedFacts()
    learned.measure(billed, counted)

    assert factor == learned.measured
    assert learned.factor is None  # what is cut in this run does not change


@pytest.mark.parametrize(
    ("named", "prompt", "window", "expected"),
    [
        (4096, None, None, (4096, "the server's refusal", None)),
        (4096, 6100, 32768, (4096, "the server's refusal", 1.25)),
        (4096, 7000, 4096, (None, "", 1.4)),  # the window was right, the count was not
        (8192, None, 4096, (None, "", UNMEASURED * 1.25)),
        (1, None, None, (4687 + 500, UNNAMED, None)),  # no model has so small a window
        (None, None, 128_000, (4687 + 500, UNNAMED, None)),
        (10**11, 10**11, 128_000, (4687 + 500, UNNAMED, None)),
    ],
)
def test_a_refusal_lowers_the_window_or_raises_the_factor(
    named: int | None,
    prompt: int | None,
    window: int | None,
    expected: tuple[int | None, str, float | None],
) -> None:
    learned = LearnedFacts()
    learned.overflowed(named, prompt, 5000, 500, window, UNMEASURED)

    assert expected == (learned.window, learned.source, learned.factor)


def test_a_second_refusal_of_the_same_cut_changes_nothing() -> None:
    learned = LearnedFacts()
    for _ in range(2):
        learned.overflowed(4096, 6000, 5000, 500, None, UNMEASURED)

    assert (4096, 1.2) == (learned.window, learned.factor)


@pytest.mark.parametrize(
    ("read", "counted", "window", "cut_off"),
    [
        (4096, 9000, None, True),  # Ollama's default
        (4095, 9000, 32768, True),
        (5000, 9000, 5000, True),
        (5000, 9000, 32768, False),  # a server that does not count what its cache held
        (8192, 9000, 32768, False),
        (9500, 9000, 8192, False),
        (6000, 9000, 4096, False),  # more than the window that was learned before
        (1791, 2400, None, False),  # by chance
    ],
)
def test_a_prompt_that_was_read_in_part_is_recognized(
    read: int, counted: int, window: int | None, cut_off: bool
) -> None:
    assert cut_off == is_cut_off(read, counted, window)


def test_later_runs_know_it_but_not_a_window_that_nobody_named(tmp_path: Path) -> None:
    told, guessed, measured = (
        LearnedFacts(4096, "/props", factor=1.2),
        LearnedFacts(900, UNNAMED),
        LearnedFacts(),
    )
    measured.measure(1500, 1000)
    remember(tmp_path, {"a": told, "b": guessed, "c": measured, "d": LearnedFacts()})
    remember(tmp_path, {"e": LearnedFacts(8192, "/props")})

    assert told == learned_before(tmp_path, "a")
    assert [LearnedFacts(), LearnedFacts(factor=1.5), LearnedFacts()] == [
        learned_before(tmp_path, key) for key in "bcd"
    ]
    assert 8192 == learned_before(tmp_path, "e").window


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        '{"a": 3}',
        '{"a": {"context_window": "4096", "token_factor": true, "source": 7}}',
        '{"a": {"context_window": 1, "token_factor": 1e300}}',
        '{"a": {"context_window": -5, "token_factor": null}}',
    ],
)
def test_a_damaged_file_teaches_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "learned.json").write_text(text)

    assert LearnedFacts() == learned_before(tmp_path, "a")
