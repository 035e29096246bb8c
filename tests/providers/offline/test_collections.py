"""The offline readings of collections say nothing that the words of the transcripts do not show."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from typing import Any

import pytest
from helpers.batches import execute_batch
from helpers.offline import answer, handed_on, spoken
from helpers.planted import collection, interviews, prompt_of, stored

from runner.providers.offline.document import read_document
from runner.providers.offline.readings import find_reading
from runner.providers.request import Request


def sheet(key: str, *lines: str) -> Any:
    return handed_on("\n".join(["## collection", f"### {key}", *lines]))


def findings(*said: str) -> Any:
    rows = (f'- id: F{n} | text: {text} {{S{n:04d} "{text}"}}' for n, text in enumerate(said, 1))
    return sheet("findings", *rows)


def themes(document: Any) -> dict[str, list[str]]:
    found = answer("themes", document)["structured_data"]["themes"]
    assert all(f"They mention “{t['title']}”.".lower() == t["statement"].lower() for t in found)
    assert all([] == theme["against"] for theme in found)
    return {theme["title"]: theme["members"] for theme in found}


UNRELATED = {
    "personal": ("You can think it over in your own personal times.", "We have a blank sheet."),
    "verb": ("They wind up the meeting at noon.", "The wind farm is expensive."),
    "adjective": ("We bought an expensive one.", "An expensive one broke."),
    "stem": ("The plane landed in the valley.", "The plan costs the town a fortune."),
    "idiom": ("The bus, of course, was late.", "The sector, of course, has grown."),
    "title case": ("Sleep is hard for nurses.", "It is hard on cyclists."),
    "possible": ("The possible breaks are at noon.", "Finish as soon as possible."),
}


@pytest.mark.parametrize("said", UNRELATED.values(), ids=UNRELATED)
def test_findings_without_a_noun_in_common_are_no_theme(said: Sequence[str]) -> None:
    assert {} == themes(findings(*said))


def test_a_theme_is_what_all_its_members_name_and_pairs_come_first() -> None:
    assert {"Speech recognition": ["F1", "F2"], "Battery": ["F2", "F3"]} == themes(
        findings(
            "We tested the speech recognition on Friday.",
            "Errors of speech recognition drain the battery.",
            "Nobody has charged the batterys or the battery.",
            "Speech is silver.",
        )
    )


def test_a_term_that_most_findings_have_is_no_theme() -> None:
    said = [
        f"The ward {verb} for the day." for verb in ("shuts", "opens", "waits", "sleeps", "ran")
    ]
    assert {} == themes(findings(*said))


def test_of_findings_with_several_wordings_only_what_all_say_counts() -> None:
    lines = (
        '- id: F1 | text: The kiosk. | alike: 2 findings {S0001 "Tea is at the kiosk."}',
        '- id: F1.2 | text: Tea is at the shop. {S0001 "Tea is at the shop."}',
        '- id: F2 | text: I like the kiosk. {S0002 "I like the kiosk."}',
    )

    assert {} == themes(sheet("findings", *lines))
    assert {"Kiosk": ["F1", "F2"]} == themes(sheet("findings", lines[0], lines[2]))
    assert {} == themes(sheet("themes", lines[0], lines[2]))  # other wordings are not shown


def test_themes_of_earlier_calls_are_joined_with_what_names_the_same() -> None:
    lines = (
        '- id: T1 | title: Kiosk | text: They mention “kiosk”. {S0001 "I like the kiosk."}',
        '- id: T2 | title: Tea | text: They mention “tea”. {S0002 "Tea at the kiosk."}',
        '- id: F3 | text: The kiosk is shut. {S0003 "The kiosk is shut."}',
        '- id: T4 | title: Kiosk | text: The kiosk is loved. {S0004 "I love the kiosk."}',
    )
    assert {"Kiosk": ["T1", "F3"]} == themes(sheet("themes", *lines))


def test_no_agreement_or_contradiction_is_claimed() -> None:
    lines = (
        "- id: T01.for | text: They mention “night train”.",
        '- id: F1 | side: T01.for | text: The night train is late. {S0001 "Night train is late."}',
        '- id: F2 | side: T01.for | text: I love it. {S0002 "I love it."}',
    )
    none = answer("agreements", sheet("themes", *lines))

    assert {"contradictions": [], "agreements": []} == none["structured_data"]
    assert ["No contradiction or agreement was recognised."] == [
        each["text"] for each in none["insights"]
    ]


def test_an_outlier_has_words_of_its_own_and_says_how_many() -> None:
    found = answer(
        "outliers",
        findings(
            "The canteen by the harbour burned down twice.",
            "Nurses want longer breaks at night.",
            "Nurses at night want breaks, longer ones.",
            "Yes.",
        ),
    )

    assert [
        {
            "member": "F1",
            "why": "Of its 4 terms, 4 are in no other finding outside the themes.",
        }
    ] == found["structured_data"]["outliers"]


def test_a_synthesis_says_what_is_listed_and_quotes_it() -> None:
    found = answer(
        "synthesis",
        sheet(
            "collection",
            '- id: T01 | text: They mention “tea”. | files: 2 of 5 {S0001 "Tea, uh, please."}',
            '- id: O01 | outlier: It burned. | why: rare {S0002 "Well , it burned ."}',
        ),
    )["structured_data"]

    assert ["T01", "O01"] == found["themes"]
    assert (
        "They mention “tea” (findings of 2 of 5 files) [T01].\n\n"
        "Listed as an outlier: “Well , it burned .” [O01].\n\n"
        "No contradiction or agreement was recognised."
    ) == found["text"]


def test_findings_are_whole_sentences_that_name_something() -> None:
    said = (
        "It's not really important to me.",
        "You have half an hour to finish.",
        "That's it for the moment, thank you.",
        "We talked about this repeatedly.",
        "The night shift has too few nurses for three wards.",
        "This is the only ward in the city.",
    )
    found = answer("findings", spoken(*(("Ann Lee", text) for text in said)))

    assert [said[4]] == [each["text"] for each in found["insights"]]


def test_a_collection_read_offline_puts_nobody_on_a_side(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    interviews(
        {
            "ann": [
                "The night train should have better beds.",
                "The animal on the poster is a tiger.",
            ],
            "bob": ["The night train has no heating on Sundays.", "A tiger is not a pet."],
            "cem": ["The harbour office lost three letters."],
        }
    )

    def read(request: Request) -> str:
        reading = find_reading(importlib.import_module(f"analyzers.{request.node}"))
        return json.dumps(reading(read_document(prompt_of(request))))

    execute_batch(collection(), read)
    found = stored()

    assert [("Night train", {"ann.txt", "bob.txt"}), ("Tiger", {"ann.txt", "bob.txt"})] == [
        (theme.title, set(theme.files)) for theme in found.themes
    ]
    assert ((), (), ()) == (found.themes[0].against, found.contradictions, found.agreements)
    for theme in found.themes:
        assert all(theme.title.lower() in quote.quote for quote in theme.quotes)
