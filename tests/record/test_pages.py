from __future__ import annotations

import pytest
import yaml

from runner.base.format import clock
from runner.record.pages import front_matter, linked, transcript_page
from runner.transcript.model import Segment, Transcript

TRANSCRIPT = Transcript(
    "talk",
    "vtt",
    "0" * 64,
    (
        Segment("S0001", "Ann <b>", 3723.5, None, "We *wait* ![x](http://evil/x)."),
        Segment("S0002", None, None, None, "Fine."),
    ),
)
KNOWN = {"S0001": "1:02:03", "S0002": ""}


def test_ids_become_links_and_unknown_ones_stay_text() -> None:
    assert linked("see S0001, S0009.", KNOWN, "../", "plain") == (
        "see [S0001](../transcript.md#s0001) 1:02:03, S0009."
    )


def test_obsidian_gets_wikilinks_to_blocks() -> None:
    assert linked("(S0002)", KNOWN, "../", "obsidian") == "([[transcript#^S0002|S0002]])"


def test_code_and_what_is_linked_already_stay_as_they_are() -> None:
    page = "```text\nS0002\n```\nS0002\n"
    once = linked(page, KNOWN, "", "plain")

    assert once == "```text\nS0002\n```\n[S0002](transcript.md#s0002)\n"
    assert linked(once, KNOWN, "", "plain") == once


@pytest.mark.parametrize("style", ["plain", "obsidian"])
def test_every_link_finds_its_anchor_in_the_transcripts_page(style: str) -> None:
    page = transcript_page(TRANSCRIPT, style)
    for name in KNOWN:
        anchor = f" ^{name}\n" if style == "obsidian" else f'<a id="{name.lower()}"></a>'

        assert anchor in page


def test_a_segment_is_shown_with_its_time_and_its_page() -> None:
    segment = Segment("S0001", None, 3723.5, None, "Fine.", "page 3, line 14")
    page = transcript_page(Transcript("talk", "pdf", "0" * 64, (segment,)), "plain")

    assert "`S0001` (1:02:03, page 3, line 14) Fine." in page


def test_what_was_said_stays_text() -> None:
    page = transcript_page(TRANSCRIPT, "plain")

    assert "![x](" not in page
    assert "<b>" not in page
    assert "(1:02:03)" in page


def test_front_matter_is_yaml_whatever_it_holds() -> None:
    facts = {"title": 'a: "b" # c', "tags": ["meeting"], "model": "x/y"}
    head, _, rest = front_matter(facts).removeprefix("---\n").partition("---\n")

    assert yaml.safe_load(head) == facts
    assert rest == "\n"


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00:00"), (3599.9, "0:59:59")])
def test_times_are_shown_to_the_second(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
