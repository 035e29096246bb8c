"""What people add to a transcript: names, facts, a language, and its sound."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import job
from helpers.runs import ONLY_TWO, execute

from runner.base.errors import ConfigError
from runner.job.build import for_transcript
from runner.providers.messages import text_parts
from runner.reports.report.write import write_report
from runner.transcript.inputs import Input

TALK = """WEBVTT

00:01.000 --> 00:04.000
<v A>We wait.

01:01.500 --> 01:04.000
<v B>Yes, we do.
"""


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    file = tmp_path / "talk.vtt"
    file.write_text(TALK)
    return file


def read(talk: Path, *overrides: str) -> list[str | None]:
    made = job(*ONLY_TWO, "transcript=file", f"transcript.path={talk}", *overrides)
    return [segment.speaker for segment in made.transcript.segments]


def test_speakers_are_renamed_and_merged(talk: Path) -> None:
    assert ["Ann", "B"] == read(talk, "transcript.speakers={A: Ann}")
    assert ["Ann", "Ann"] == read(talk, "transcript.speakers={A: Ann, B: Ann}")


def test_a_name_that_nobody_has_is_an_error_that_lists_those_there_are(talk: Path) -> None:
    with pytest.raises(ConfigError, match=r"no speaker is called 'Carla' in .*; known: A, B"):
        read(talk, "transcript.speakers={Carla: Ann}")


def test_of_the_files_of_a_batch_not_each_has_every_speaker(talk: Path) -> None:
    folder = talk.parent / "many"
    folder.mkdir()
    talk.rename(folder / "talk.vtt")
    names = "transcript.speakers={A: Ann, Carla: Bo}"
    batch = job(*ONLY_TWO, "transcript=file", f"transcript.path={folder}", names)
    made = for_transcript(batch, Input(folder / "talk.vtt", "talk.vtt", "runs/x"))

    assert ["Ann", "B"] == [segment.speaker for segment in made.transcript.segments]


def test_facts_and_language_reach_every_question_and_are_counted(talk: Path) -> None:
    overrides = (*ONLY_TWO, "transcript=file", f"transcript.path={talk}")
    about = "transcript.about={title: 'Pump ${x} review', glossary: [Tidewater, S-17]}"
    made = job(*overrides, about.replace("${x} ", ""), "output.language=German")
    _, _, transport = execute(made)
    asked = [
        "".join(part for m in r.messages for part in text_parts(m)) for r in transport.requests
    ]
    plain, told = (each.fits["say_means", "main"].fixed for each in (job(*overrides), made))

    assert 3 == len(asked)
    for text in asked:
        assert "Title: Pump review\nNames and terms as they are spelt: Tidewater, S-17" in text
        assert "Write the answer in German" in text
        assert "Date:" not in text
    assert told > plain


@pytest.mark.parametrize(
    ("media", "link"),
    [
        ("https://example.org/a.mp3", "https://example.org/a.mp3#t=61.5"),
        ("sound/a b.mp3", "./../sound/a%20b.mp3#t=61.5"),
        ("javascript:alert(1)", None),
    ],
)
def test_a_time_in_the_report_leads_to_that_second(
    talk: Path, media: str, link: str | None
) -> None:
    settings = ("transcript=file", f"transcript.path={talk}", f"transcript.media='{media}'")
    execute(job(*ONLY_TWO, *settings))
    text = write_report(Path("run")).read_text()

    assert 'href="javascript' not in text
    assert link is None or f'href="{link}"' in text
