"""Quotations in the offline model's answers: the words of the transcript, or no marks."""

from __future__ import annotations

import pytest
from helpers.offline import spoken

from runner.providers.offline.language.wording import plain
from runner.providers.offline.verbatim import checked

SAID = (
    ("Ann", 'So , um I I think plan B is safer than plan A , and S&P rated the " old one " low .'),
    ("Bo", "It must, uh, be mended by the the end of May, not June."),
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("plan B is safer …", '"plan B is safer" …'),
        ("be mended … not June.", '"be mended" … "not June."'),
        ("rated the \ue000 old one \ue000 low", '“rated the " old one " low”'),
    ],
)
def test_a_verbatim_quotation_keeps_its_marks(written: str, expected: str) -> None:
    found = checked({"text": f'Ann says "{written}".'}, spoken(*SAID))

    assert {"text": f"Ann says {expected}."} == found


@pytest.mark.parametrize(
    "written",
    [
        "It need not be mended",
        "It must be mended",  # without "uh"
        "plan is safer than plan",  # a letter is a word
        "mended B",
        "June May",
        "pla",
        "…",
    ],
)
def test_words_that_nobody_said_in_this_order_lose_their_marks(written: str) -> None:
    assert [f"Bo: {written}."] == checked([f'Bo: "{written}".'], spoken(*SAID))


def test_a_quotation_inside_a_statement_is_verbatim_or_unmarked() -> None:
    stated = plain('She read " plan A , and S&P rated the " out.')

    assert {"text": "She read plan A, and S&P rated the out."} == checked(
        {"text": stated}, spoken(*SAID)
    )


def test_a_passage_is_of_one_segment() -> None:
    found = checked('It is "the old one low. It must".', spoken(*SAID))

    assert "It is the old one low. It must." == found


def test_evidence_and_other_values_are_left_as_they_are() -> None:
    answer = {"evidence": [{"segment": "S0001", "quote": 'x "nobody" y'}], "confidence": 0.5}

    assert answer == checked(answer, spoken(*SAID))


def test_a_verbatim_text_with_marks_of_its_own_stays_whole() -> None:
    text = 'and S&P rated the " old one " low .'

    assert text == checked(text, spoken(*SAID))
