from __future__ import annotations

import pytest

from runner.answers.contradiction import contradicts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("in nineteen ninety-nine", "in 1999"),
        ("at nine thirty", "at 9:30"),
        ("ten fifteen minutes", "10-15 minutes"),
        ("two hundred and five thousand", "205,000"),
        ("1.5 million", "1,500,000"),
        ("sixty - six of one hundred", "66 of 100"),
        ("the twenty-first, the third", "the 21st, the 3rd"),
        ("post-16", "post-sixteen"),
        ("on your T_V_", "on your TV"),
        ("and, OK, we go", "and, Okay, we go"),
        ("to Jonathan", "to Jonathon"),
        ("we cant, we wont", "we can't, we won't"),
        ("a non-profit", "a nonprofit"),
        ("one of the crew", "some of the crew at 9"),
    ],
)
def test_what_is_only_spelt_otherwise_does_not_contradict(one: str, other: str) -> None:
    assert not contradicts(one, other)
    assert not contradicts(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("in nineteen ninety-nine", "in 1998"),
        ("two hundred and five thousand", "205 million"),
        ("205,000", "250,000"),
        ("sixty-six", "sixty-five"),
        ("1.5 metres", "15 metres"),
        ("thirteen", "nineteen"),
        ("the first lot", "the third lot"),
        ("run SAP", "run IBM"),
        ("cut 5 of 6", "cut 6 of 5"),
        ("they raise more and spend less", "they raise less and spend more"),
    ],
)
def test_other_numbers_and_names_contradict(one: str, other: str) -> None:
    assert contradicts(one, other)
    assert contradicts(other, one)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("it is unlikely", "it is likely", True),
        ("up from 900", "down from 900", True),
        ("a nonprofit", "a non-profit", False),
        ("we increase it", "the crease, uh, we increase it", False),
        ("the form", "the form, a uniform: form or inform", False),
    ],
)
def test_the_opposite_of_a_word_contradicts(one: str, other: str, expected: bool) -> None:
    assert expected == contradicts(one, other) == contradicts(other, one)
