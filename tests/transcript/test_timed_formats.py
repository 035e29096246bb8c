"""Cue formats beside SRT and WebVTT: ASS, LRC, MicroDVD and the like, TTML, YouTube's XML."""

from __future__ import annotations

import re

import pytest

from runner.base.errors import TranscriptError
from runner.transcript.read import read_source, read_text
from runner.transcript.readers import Source

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
        ("{25}{75}Dry.\n{100}{125}No.\n", [(None, None, None, "Dry."), (None, None, None, "No.")]),
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


def test_ttml_of_apple_has_bare_seconds_and_elements_for_words() -> None:
    words = "".join(
        f'<span begin="{at}" p:unit="word">{word}</span>'
        for at, word in (("0.480", "It"), ("0.9", "was"), ("1:01.5", "dry."))
    )
    said = f'<p begin="0.480" end="1:02" m:agent="A">{words}</p>'

    ttml = f'<tt xmlns="t" xmlns:p="p" xmlns:m="m"><body>{said}</body></tt>'

    assert [("A", 0.48, 62.0, "It was dry.")] == rows(ttml)


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
        ("<SAMI><BODY><P>Hi.</SAMI>", "SAMI without captions"),
        ("@\n<begin subtitles>\n\n00:00:01:00 00:00:03:00\nDry.\n", "captions of Avid"),
        ("//Font\n$FontName = Arial\n\n00:00:01:00 , 00:00:03:00 , Dry.\n", "Spruce STL"),
        ("-->> 000025\nDry.\n\n-->> 000075\n\n", "AQTitle subtitles; convert it to SRT"),
        ("#T100\n0:00:01.00 0:00:03.00 D Dry.\n", "JACOsub"),
        ("# VobSub index file, v7\nsize: 720x576\n", "VobSub subtitles, which are images"),
        ("TITLE: Pump\nFCM: NON-DROP FRAME\n\n001  AX  V  C\n", "an edit decision list"),
        ("<|0.00|> Dry.<|2.50|><|2.50|> No.<|4.00|>", "Whisper's tokens"),
        ('<?xml version="1.0"?><ANNOTATION_DOCUMENT/>', "annotations of ELAN; export it as a"),
        ('<?xml version="1.0"?><pkg:package/>', "a Word document in XML; save it as docx"),
        ("<window><time begin='1'/>Dry.</window>", "RealText"),
        ("From: Ana <a@b.org>\nTo: b@b.org\nSubject: Pump\n\nDry.\n", "an e-mail"),
        ("Received: from x\n\tby y; Mon\nSubject: Pump\n\nDry.\n", "an e-mail"),
        ("From a@b.org Mon Jan  1 10:00:00 2026\nSubject: Pump\n\nDry.\n", "an e-mail"),
        ("-- dump\nINSERT INTO turns (speaker, text) VALUES ('Ana', 'Dry.');\n", "SQL; convert"),
        ('msgid "dry"\nmsgstr "trocken"\n', "a catalogue of translations"),
        ("import os\n\ndef main():\n    pass\n", "a program"),
        ('[[turn]]\nspeaker = "Ana"\n', "TOML"),
        ("Scenarist_SCC V1.0\n\n00:00:01:00\t9420 9420\n", "Scenarist closed captions"),
        ("<?xml version='1.0'?>\n<meeting><turn>Hi.</turn></meeting>", "root element 'meeting'"),
        ("<turn who='Ana'>Dry.</turn>\n<turn who='Ben'>No.</turn>\n", "root element 'turn'"),
        ("<a><b><c>words", "this is markup"),
        ("Heard:\n<turn>Dry.</turn>\n<turn>No.</turn>\n<turn>So.</turn>\n", "this is markup"),
        ('File type = "ooTextFile"\nObject class = "TextGrid"\n', "without tiers of intervals"),
        (
            '"ooTextFile"\n"TextGrid"\n0\n9\n<exists>\n1\n"IntervalTier"\n"Ana"\n0\n9\n2\n0\n9\n"Dry."\n',
            "malformed TextGrid: a tier has fewer intervals",
        ),
        ("@UTF8\n@Begin\n*ANA:\tdry .\n", "CHAT transcript"),
        ("- id: 1\n  text: Dry.\n", "YAML without a list of turns that says who speaks"),
        ("- speaker: Ana\n  text: 'Dry.\n", "YAML that cannot be read: "),
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


LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 6.5
tiers? <exists>
size = 4
item []:
    item [1]:
        class = "IntervalTier"
        name = "Ana - utterances"
        xmin = 0
        xmax = 6.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 2.5
            text = "We lost ""two"" bars."
        intervals [2]:
            xmin = 2.5
            xmax = 4
            text = ""
        intervals [3]:
            xmin = 4
            xmax = 6.5
            text = "Nobody did."
    item [2]:
        class = "IntervalTier"
        name = "Bo"
        xmin = 0
        xmax = 6.5
        intervals: size = 4
        intervals [1]:
            xmin = 2.6
            xmax = 2.9
            text = "Who"
        intervals [2]:
            xmin = 2.9
            xmax = 3.1
            text = "sp"
        intervals [3]:
            xmin = 3.1
            xmax = 3.5
            text = "checked"
        intervals [4]:
            xmin = 3.5
            xmax = 3.9
            text = "it?"
    item [3]:
        class = "IntervalTier"
        name = "Bo - phones"
        xmin = 0
        xmax = 6.5
        intervals: size = 1
        intervals [1]:
            xmin = 2.6
            xmax = 2.7
            text = "HH"
    item [4]:
        class = "TextTier"
        name = "notes"
        xmin = 0
        xmax = 6.5
        points: size = 1
        points [1]:
            number = 3.0
            mark = "door"
"""
# The values of the long form, one on each line.
SHORT = "\n".join(re.findall(r'(?:"(?:[^"]|"")*"|<exists>|(?<!\S)[\d.]+(?!\S))', LONG))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_tiers_of_a_textgrid_are_speakers_and_phones_are_no_words(encoding: str) -> None:
    expected = [
        ("Ana", 0.0, 2.5, 'We lost "two" bars.'),
        ("Bo", 2.6, 3.9, "Who checked it?"),
        ("Ana", 4.0, 6.5, "Nobody did."),
    ]
    for text in (LONG, SHORT):
        source = Source("call.TextGrid", text.encode(encoding), ".textgrid")
        reading = read_source(source, "call", "auto")
        found = [(s.speaker, s.start_s, s.end_s, s.text) for s in reading.transcript.segments]

        assert expected == found
        assert {"tier 'Bo - phones'", "tier 'notes'"} == {e.kind for e in reading.report.left_out}


def test_a_textgrid_of_words_alone_has_sentences_of_nobody() -> None:
    words = "\n".join(f'{n}\n{n + 1}\n"{w}"' for n, w in enumerate(["No.", "sil", "Why", "so?"]))
    text = f'"ooTextFile"\n"TextGrid"\n0\n4\n<exists>\n1\n"IntervalTier"\n"words"\n0\n4\n4\n{words}'

    assert [(None, 0.0, 1.0, "No."), (None, 2.0, 4.0, "Why so?")] == rows(text)


SAMI = """<SAMI><HEAD><TITLE>Of seals</TITLE><STYLE TYPE="text/css"><!--
.ENCC { Name: English; lang: en-US; }
--></STYLE></HEAD><BODY>
<SYNC Start=1000><P Class=ENCC ID=Source>Ana<P Class=ENCC>It is dry &amp; worn.
<P Class=FRCC>C'est sec.
<SYNC Start=3000><P Class=ENCC>Ben: Who checked<br>all of it?</P></SYNC>
<SYNC Start=5000><P Class=ENCC>&nbsp;
</BODY></SAMI>
"""


def test_sami_is_read_in_one_language_with_the_source_as_speaker() -> None:
    left = {each.kind: each.words for each in read_text(SAMI, name="t").report.left_out}

    expected = [("Ana", 1.0, 3.0, "It is dry & worn."), ("Ben", 3.0, 5.0, "Who checked all of it?")]
    assert expected == rows(SAMI)
    assert {"captions of the class 'FRCC'": 2} == left


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><call><turn who="#Ana" start="1.5">It <b>is</b> dry.</turn>'
        '<turn who="#Ben" start="4">No.</turn></call>',
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<Trans><Speakers>\n'
        '<Speaker id="s1" name="Ana"/>\n<Speaker id="s2" name="Ben"/></Speakers><Episode>\n'
        '<Turn speaker="s1" startTime="1.5" endTime="3">\n<Sync time="1.5"/>\nIt is\n'
        '<Sync time="2"/>\ndry.\n</Turn>'
        '<Turn speaker="s2" startTime="4" endTime="5"><Sync time="4"/>No.</Turn>'
        "</Episode></Trans>",
        "title: Pump\nturns:\n  - speaker: Ana\n    start: 1.5\n    text: It is dry.\n"
        "  - speaker: Ben\n    start: 4\n    text: No.\n",
        "---\n- speaker: Ana\n  time: 0:01.5\n  text: >\n    It is\n    dry.\n"
        "- speaker: Ben\n  time: 0:04\n  text: No.\n",
    ],
    ids=["elements", "Transcriber", "YAML", "YAML with clocks"],
)
def test_a_tree_that_says_who_speaks_is_read(text: str) -> None:
    assert [("Ana", 1.5, "It is dry."), ("Ben", 4.0, "No.")] == [
        (who, start, words) for who, start, _, words in rows(text)
    ]
