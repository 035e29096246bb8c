"""Offline coding: words that a sentence shares with a code, and never more than that."""

from __future__ import annotations

from typing import Any

from helpers.offline import PUMP, spoken

from runner.answers.codebook import Code, Codebook
from runner.providers.offline.readings.coding import read
from runner.providers.offline.verbatim import checked

BOOK = Codebook(
    (
        Code("Fault", "Something failed, is broken or clogged", ("clogged filter",)),
        Code("Heat", "", (), "Fault", codable=False),
        Code("Overheating", "The pump gets too hot", ("overheat",), "Heat"),
        Code("Overtime", "Extra hours of the crew are paid"),
        Code("Music", "People play an instrument", ("violin",)),
    )
)


def coded(book: Codebook) -> list[tuple[str, str]]:
    data: Any = read(spoken(*PUMP, question=book.prompt))["structured_data"]
    return [(each["evidence"][0]["segment"], each["code"]) for each in data["codings"]]


def test_segments_get_the_codes_whose_words_they_share_the_most_specific_ones() -> None:
    assert [("S0001", "Fault"), ("S0003", "Overheating"), ("S0008", "Overtime")] == coded(BOOK)


def test_a_code_with_quotation_marks_is_given_as_the_codebook_has_it() -> None:
    name = '"Hot" =cmd|x'
    document = spoken(*PUMP, question=Codebook((Code(name, "", ("overheat",)),)).prompt)

    assert name in {
        each["code"] for each in checked(read(document), document)["structured_data"]["codings"]
    }


def test_a_transcript_that_shares_no_words_with_the_codes_has_none() -> None:
    assert [] == coded(Codebook(BOOK.codes[-1:]))
