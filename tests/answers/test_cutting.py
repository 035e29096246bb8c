"""Where a quote stands: code points of the transcript's own words, whatever writes them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.answers.grounding.cutting import offsets
from runner.answers.grounding.exact_matches import words
from runner.answers.grounding.grounder import Grounder
from runner.transcript.model import Segment

SAID = (
    "We said 👩‍🔬 “no way” to café, didn’t we? Then re-read it.",
    "It e\u0301tait — well… the end of 日本語です here.",
    "no way is it the same again",
)
TALK = [Segment(f"S000{n}", None, None, None, text) for n, text in enumerate(SAID, 1)]


@pytest.mark.parametrize(
    ("quote", "near", "found"),
    [
        ("no way", "S0001", ["no way"]),
        ("No way!", "S0003", ["no way"]),
        ("to cafe\u0301, didn't we", "S0001", ["to café, didn’t we?"]),
        ("read it. It été", "S0001", []),
        ("read it. It était", "S0001", ["read it.", "It e\u0301tait"]),
        ("we said … read it", "S0001", ["We said", "read it."]),
        ("日本語", "S0001", ["日本語"]),
        ("👩‍🔬 “no", "S0001", ["👩‍🔬 “no"]),
        ("way is it", "S0003", ["way is it"]),
        ("o way", "S0003", []),
        ("", "S0001", []),
        ("nobody said this", "S0001", []),
        ("the same again", "S9999", ["the same again"]),
    ],
)
def test_a_quote_is_found_where_it_stands(quote: str, near: str, found: list[str]) -> None:
    texts = {segment.id: segment.text for segment in TALK}
    places = Grounder(TALK).placed(quote, near)

    assert found == [texts[name][start:end] for name, start, end in places]


@settings(max_examples=30)
@given(st.text(max_size=40), st.data())
def test_a_part_has_the_words_that_it_was_cut_for(text: str, data: st.DataObject) -> None:
    tokens = [words(token) for token in text.split()]
    flat = [word for token in tokens for word in token]
    if not flat or words(text) != flat:
        return
    start = data.draw(st.integers(0, len(flat) - 1))
    stop = data.draw(st.integers(start + 1, len(flat)))
    begin, end = offsets(text, start, stop)
    part = words(text[begin:end])

    assert 0 <= begin < end <= len(text)
    assert "".join(flat[start:stop]) in "".join(part)
