"""Real transcripts, read where they lie; absent on other machines."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from helpers.reading import read_transcript

from runner.transcript.model import Transcript

DIRECTORY = Path(__file__).resolve().parents[3] / "shared" / "transcripts"


def real(name: str) -> Transcript:
    path = DIRECTORY / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return read_transcript(path)


def words(transcript: Transcript) -> int:
    return sum(len(segment.text.split()) for segment in transcript.segments)


def speakers(transcript: Transcript) -> set[str | None]:
    return {segment.speaker for segment in transcript.segments}


def test_the_design_meeting_has_four_roles_and_no_marks() -> None:
    transcript = real("short_ami_TS3010a.md")

    assert {
        "Project Manager",
        "Industrial Designer",
        "Marketing",
        "User Interface",
    } == speakers(transcript)
    assert 1_300 <= words(transcript) <= 1_400
    assert not any("{" in segment.text for segment in transcript.segments)
    assert "Project Manager" == transcript.segments[0].speaker
    assert "Marketing" == transcript.segments[-1].speaker


def test_the_community_call_has_six_people_and_a_start_every_five_minutes() -> None:
    transcript = real("medium_akash_support_021.md")
    starts = [each.start_s for each in transcript.segments if each.start_s is not None]

    assert {
        "Tyler Wright",
        "Scott Carruthers",
        "Andrey Arapov",
        "Benjamin B",
        "Julius Haus",
        "Max",
    } == speakers(transcript)
    assert [300.0 * step for step in range(1, 10)] == starts
    assert 6_700 <= words(transcript) <= 6_800
    assert "All right." == transcript.segments[-1].text


def test_the_hearing_has_its_people_and_none_of_its_furniture() -> None:
    transcript = real("long_house_hearing_56776.txt")
    everything = " ".join(segment.text for segment in transcript.segments)
    titles = Counter(str(speaker).split()[0] for speaker in speakers(transcript))

    assert "hearing" == transcript.format
    assert {"Mr.": 21, "Mrs.": 1, "Ms.": 1, "Dr.": 1, "The": 1} == titles
    assert {"Mr. Volcker", "Mr. Moore of Kansas", "The Chairman"} <= speakers(transcript)
    assert 28_300 <= words(transcript) <= 29_000
    assert 700 <= len(transcript.segments) <= 850
    assert not any(
        mark in everything
        for mark in ("TIFF", "STATEMENT OF", "prepared statement of Mr", "Members present", ".....")
    )
    assert "The Chairman" == transcript.segments[0].speaker
    assert transcript.segments[-1].text.endswith("the hearing is adjourned.")


def test_the_flight_has_ten_voices_in_order_of_time() -> None:
    transcript = real("cues_mercury_mr4.vtt")
    starts = [each.start_s for each in transcript.segments]

    assert {
        "STONY",
        "BELL 7",
        "CC",
        "CHASE 1",
        "ATS",
        "UKN",
        "HUNTCLUB 1",
        "HUNTCLUB 3",
        "CARDFILE 9",
        "CARDFILE 23",
    } == speakers(transcript)
    assert 205 == len(transcript.segments)
    assert sorted(starts, key=lambda start: start or 0.0) == starts
    assert 2_300 <= words(transcript) <= 2_450
