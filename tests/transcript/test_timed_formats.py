"""Cue formats beside SRT and WebVTT: ASS, LRC, MicroDVD and the like, TTML, YouTube's XML."""

from __future__ import annotations

import pytest

from runner.base.errors import TranscriptError
from runner.transcript.read import read_text

Row = tuple[str | None, float | None, float | None, str]


def rows(text: str) -> list[Row]:
    segments = read_text(text, name="t").transcript.segments
    return [(each.speaker, each.start_s, each.end_s, each.text) for each in segments]


ASS = """[Script Info]
Title: Of seals

[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:00.00,Default,,0,0,0,,timing by me
Dialogue: 0,0:00:03.50,0:00:04.00,Default,Ben,0,0,0,,{\\i1}Not{\\i0} by\\hnoon.
Dialogue: 0,0:00:01.00,0:00:03.00,Default,Ana,0,0,0,,Dry,\\Nall {check} of it.
Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,{\\p1}m 0 0 l 9 9{\\p0}A door.
"""


def test_ass_is_read_in_order_of_time_and_its_comments_are_noted() -> None:
    reading = read_text(ASS, name="t")

    left = {each.kind: each.words for each in reading.report.left_out}

    assert [
        ("Ana", 1.0, 3.0, "Dry, all of it."),
        ("Ben", 3.5, 4.0, "Not by noon."),
        (None, 5.0, 6.0, "A door."),
    ] == rows(ASS)
    assert {"comments": 4, "drawings": 6} == left
    assert {"title": "Of seals"} == reading.report.about


def test_ssa_with_other_fields_names_speakers_in_its_words() -> None:
    text = (
        "[Events]\nFormat: Marked, Start, End, Text\n"
        "Dialogue: Marked=0,0:00:01.00,0:00:02.00,Ana: Dry.\n"
        "Dialogue: Marked=0,0:00:02.00,0:00:03.00,Ben: No, not by noon.\n"
    )

    assert [("Ana", 1.0, 2.0, "Dry."), ("Ben", 2.0, 3.0, "No, not by noon.")] == rows(text)


def test_ass_without_the_order_of_its_fields_has_the_usual_one() -> None:
    text = "[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,Default,Ana,0,0,0,,Dry, all of it.\n"

    assert [("Ana", 1.0, 2.0, "Dry, all of it.")] == rows(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[ti:Seals]\n[ar:Ana]\n[00:01.50]Ana: Dry.\n[00:03.25]Ben: <00:03.25>No.\n",
            [("Ana", 1.5, 3.25, "Dry."), ("Ben", 3.25, None, "No.")],
        ),
        (
            "{1}{1}25.0\n{25}{75}{y:i}Dry,|all.\n{100}{125}No.\n",
            [(None, 1.0, 3.0, "Dry, all."), (None, 4.0, 5.0, "No.")],
        ),
        (
            "{25}{75}Dry.\n{100}{125}No.\n",
            [(None, None, None, "Dry."), (None, None, None, "No.")],
        ),
        ("[10][30]/Dry.\n[40][55]No.\n", [(None, 1.0, 3.0, "Dry."), (None, 4.0, 5.5, "No.")]),
        ("00:00:01:Dry.\n00:00:04:No.\n", [(None, 1.0, None, "Dry."), (None, 4.0, None, "No.")]),
    ],
    ids=["lrc", "microdvd", "microdvd without rate", "mpl2", "tmplayer"],
)
def test_formats_of_one_line_a_cue_are_read(text: str, expected: list[Row]) -> None:
    assert expected == rows(text)


TTML = """<?xml version="1.0" encoding="utf-16"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="p" ttp:frameRate="25" ttp:tickRate="10000000">
<head><metadata><ttm:title>Of seals</ttm:title>
<ttm:agent xml:id="a"><ttm:name type="full">Ana Ruiz</ttm:name></ttm:agent></metadata></head>
<body><div begin="10s">
<p begin="00:00:01.500" dur="2s" ttm:agent="a">Dry,<br/><span>all</span> of it.</p>
<p begin="50000000t" end="150f"><span ttm:agent="b">Not</span> by noon.</p>
<p begin="00:00:07:05" end="00:00:08:00">So.</p>
</div><div><p><span begin="30s">One</span> <span begin="31s">two.</span></p></div></body></tt>
"""


def test_ttml_adds_up_times_and_knows_its_agents() -> None:
    reading = read_text(TTML, name="t")

    assert [
        ("Ana Ruiz", 11.5, 13.5, "Dry, all of it."),
        ("b", 15.0, 16.0, "Not"),
        (None, 15.0, 16.0, "by noon."),
        (None, 17.2, 18.0, "So."),
        (None, 30.0, None, "One two."),
    ] == rows(TTML)
    assert {"title": "Of seals"} == reading.report.about


@pytest.mark.parametrize(
    "text",
    [
        '<transcript><text start="1.5" dur="2">Ana: don&amp;#39;t.</text>'
        '<text start="4" dur="1">Ben: No.</text></transcript>',
        '<timedtext><text t="1500" d="2000">Ana: don\'t.</text>'
        '<text t="4000" d="1000">Ben: No.</text></timedtext>',
        '<?xml version="1.0"?><timedtext format="3"><head><ws id="0"/></head><body>'
        '<p t="1500" d="2000"><s>Ana:</s><s t="90"> don\'t.</s></p><p t="3500" a="1">\n</p>'
        '<p t="4000" d="1000">Ben: No.</p></body></timedtext>',
    ],
    ids=["first", "second", "third"],
)
def test_every_version_of_youtube_timed_text_is_read(text: str) -> None:
    assert [("Ana", 1.5, 3.5, "don't."), ("Ben", 4.0, 5.0, "No.")] == rows(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<tt><body><p begin='1s'>Dry.</body></tt>", "malformed XML: mismatched tag: line 1"),
        ("<!DOCTYPE tt [<!ENTITY a 'ha'>]><tt><p begin='1s'>&a;</p></tt>", "declares entities"),
        ("<tt><body>" + "<div>" * 300, "nested deeper than 200"),
        ("<tt><body/></tt>", "XML without timed text"),
        ("[Events]\nDialogue: 0,0:00:01.00,Hi\n", "ASS without dialogue"),
        ("<SAMI><BODY><SYNC Start=0><P>Hi.</SAMI>", "SAMI subtitles; convert it to SRT"),
        ("Scenarist_SCC V1.0\n\n00:00:01:00\t9420 9420\n", "Scenarist closed captions"),
        ("<?xml version='1.0'?>\n<meeting><turn>Hi.</turn></meeting>", "root element 'meeting'"),
        ("<turn who='Ana'>Dry.</turn>\n<turn who='Ben'>No.</turn>\n", "root element 'turn'"),
        ("<a><b><c>words", "this is markup"),
        ("Heard:\n<turn>Dry.</turn>\n<turn>No.</turn>\n<turn>So.</turn>\n", "this is markup"),
        ('File type = "ooTextFile"\nObject class = "TextGrid"\n', "Praat TextGrid"),
        ("@UTF8\n@Begin\n*ANA:\tdry .\n", "CHAT transcript"),
        ("- speaker: Ana\n  text: Dry.\n", "YAML; convert it to JSON"),
        ("\\documentclass{article}\n\\begin{document}", "LaTeX; convert it to text"),
        ("From: a@b.org\nMIME-Version: 1.0\n\nDry.", "an e-mail"),
        ("SPEAKER call 1 0.50 1.20 <NA> <NA> A <NA> <NA>\n", "RTTM"),
        ("call 1 Ana 0.00 2.50 <o,f0> dry\ncall 1 Ben 2.50 4.00 <o,f0> no\n", "this is STM"),
        ("call 1 0.00 0.25 dry\ncall 1 0.25 0.25 no\n", "this is CTM"),
        ("#EXTM3U\n#EXT-X-VERSION:3\na.vtt\n", "a playlist"),
    ],
)
def test_what_is_not_read_is_refused_by_name(text: str, fault: str) -> None:
    with pytest.raises(TranscriptError) as caught:
        rows(text)

    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "<ana> Dry.\n<ben> No.\n<ana> So.\n",
        "{gap} Dry.\n",
        "Ana: <b>Dry</b>.\nBen: 1 < 2 > 0.\n",
        "<!-- by hand -->\nAna: Dry.\nBen: No.\nAna: So.\n",
        "<details>\n\nAna: Dry.\n\nBen: No.\n\nAna: So.\n\n</details>\n",
    ],
)
def test_what_only_looks_a_bit_like_markup_is_text(text: str) -> None:
    assert "text" == read_text(text, name="t").transcript.format
