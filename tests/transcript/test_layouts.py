"""Layouts of many tools: the same three turns, however a tool writes them."""

from __future__ import annotations

import pytest

from runner.transcript.read import Reading, read_text

TURNS = [
    ("Ana Ruiz", 4, "We lost two bars. The seal is worn."),
    ("Bo Li", 67, "Who checked it?"),
    ("Ana Ruiz", 3725, "Nobody did, so far."),
]


def clock(seconds: int) -> dict[str, str | int]:
    """Return the parts of a time, by the names that templates use."""
    hours, minutes = seconds // 3600, seconds // 60
    return {
        "hms": f"{hours:02}:{minutes % 60:02}:{seconds % 60:02}",
        "short": f"{hours}:{minutes % 60:02}:{seconds % 60:02}"
        if hours
        else f"{minutes}:{seconds % 60:02}",
        "h": hours,
        "m": minutes % 60,
        "s": seconds % 60,
        "raw": seconds,
    }


# Each: how a turn is written; {hms} 01:02:05, {short} 1:02:05 or 1:07; `|` parts head and foot.
TIMED = {
    "label and time above": "{name}  {short}\n{text}\n\n",
    "label and time in parentheses above": "{name} ({hms})\n{text}\n\n",
    "label, time and colon above": "{name} ({hms}):\n{text}\n\n",
    "label, dash, time above": "{name} - {hms}\n{text}\n",
    "label, pipe, time above": "{name} | {hms}\n{text}\n\n",
    "label, dot, time above": "{name} · {short}\n{text}\n\n",
    "bold label, time in italics above": "**{name}** _{hms}_\n{text}\n\n",
    "label above, time below it": "{name}\n{hms}\n{text}\n\n",
    "label above, units below it": "{name}\n{h} hours {m} minutes {s} seconds\n{text}\n",
    "label and units above": "{name} {h} hours {m} minutes {s} seconds\n{text}\n",
    "label and linked time above": "{name} [{hms}](https://example.org/v?t={raw})\n{text}\n\n",
    "time and label above": "{short} {name}\n{text}\n\n",
    "time, dash, label and company above": "@{short} - **{name}** (Acme AS)\n{text}\n\n",
    "time, pipe, label above": "{hms} | {name}\n{text}\n\n",
    "span, then label above": "{hms} - 03:00:00 {name}\n{text}\n\n",
    "bracketed time and label above": "[{hms}] {name}\n{text}\n\n",
    "time above, label below it": "[{hms}]\n{name}\n{text}\n\n",
    "label and time in a heading": "### {name} ({hms})\n\n{text}\n\n",
    "bracketed label and time above": "[{name}] {hms}\n{text}\n\n",
    "bracketed label, bracketed time": "[{name}] [{hms}] {text}\n",
    "bracketed time and label": "[{hms}] [{name}] {text}\n",
    "full-width brackets": "【{name}】{hms}\n{text}\n\n",
    "time and angled label": "[{hms}] <{name}> {text}\n",
    "time and label in parentheses": "{hms} ({name}) {text}\n",
    "time, label, colon": "{hms} {name}: {text}\n",
    "time in backticks": "`{hms}` **{name}:** {text}\n\n",
    "time, dash, label, colon": "{hms} - {name}: {text}\n",
    "label and time in the line, no colon": "{name} [{hms}] {text}\n",
    "label, tab, time, tab": "{name}:\t{hms}\t{text}\n",
    "label, tab, time, tab, no colon": "{name}\t{hms}\t{text}\n",
    "time, tab, label, tab": "{hms}\t{name}\t{text}\n",
    "time, pipe, label, pipe": "{hms} | {name} | {text}\n",
    "bare time behind the colon": "{name}: {short} {text}\n",
    "bracketed time behind the colon": "{name}: [{hms}] {text}\n",
    "time on the line below the colon": "{name}:\n{hms}\n{text}\n\n",
    "bold label and time, hard breaks": "**{name}** {hms}\\\n{text}\\\n\\\n",
    "escaped brackets": "**{name}** \\[{hms}\\]: {text}\n\n",
    "heading with the time": "### {hms}\n\n**{name}:** {text}\n\n",
    "hashes around the time": "#{hms}-0# {name}: {text}\n",
    "seconds with a unit": "[{raw}.00s -> 9000.00s] {name}: {text}\n",
    "days": "00:{hms} {name}: {text}\n",
    "many hours": "{hms} {name}: {text}\n|120:00:00 Bo Li: Done.\n",
    "date and time in brackets": "[18/09/2026, {hms}] {name}: {text}\n",
    "date and time": "2026-09-18 {hms} - {name}: {text}\n",
    "date, T and time": "2026-09-18T{hms}Z {name}: {text}\n",
    "label, date and time above": "{name}, [18.09.2026 {hms}]\n{text}\n\n",
    "label, today and time above": "{name} — Today at {hms}\n{text}\n\n",
    "chat of a meeting": "{hms} From {name} to Everyone: {text}\n",
    "private chat": "{hms}\t From {name} To Bo Li(Direct Message):\n\t{text}\n",
    "numbered turns": "{n}. {name} [{hms}]: {text}\n",
    "numbered lines": "{n}  [{hms}] {name}: {text}\n",
    "seconds in brackets": "[{raw}.0 - 9000.5] {name}: {text}\n",
    "seconds behind the label": "{name} ({raw}.0 - 9000.5): {text}\n",
    "time close to the label": "{name}[{hms}]: {text}\n",
    "label, spaces, time, spaces": "{name}  {short}  {text}\n",
    "half days of another language": "[{name}] [오전 {hms}] {text}\n",
    "columns": "{name}    {hms}    {text}\n",
}
UNTIMED = {
    "numbered turns": "{n}) {name}: {text}\n",
    "label, colon": "{name}: {text}\n",
    "label, space, colon": "{name} : {text}\n",
    "label, colon, no space": "{name}:{text}\n",
    "full-width colon": "{name}：{text}\n",
    "label, two colons": "{name}:: {text}\n",
    "label, colon, tab": "{name}:\t{text}\n",
    "label in a heading": "## {name}\n\n{text}\n\n",
    "label above": "{name}\n{text}\n\n",
    "label above, spaced": "{name}\n\n{text}\n\n",
    "label above, close": "{name}\n{text}\n",
    "bold label above": "**{name}**\n\n{text}\n\n",
    "bracketed label": "[{name}] {text}\n",
    "bracketed label in a list": "- [{name}] {text}\n",
    "bracketed label, colon": "[{name}]: {text}\n",
    "label in parentheses": "({name}) {text}\n",
    "angled label": "<{name}> {text}\n",
    "full-width brackets": "［{name}］{text}\n",
    "label, dash": "{name} - {text}\n",
    "label, long dash": "{name} — {text}\n",
    "label, two dashes": "{name} -- {text}\n",
    "label, pipe": "{name} | {text}\n",
    "label, tab": "{name}\t{text}\n",
    "chevrons and label": ">> {name}: {text}\n",
    "chevrons close to the label": ">>{name}: {text}\n",
    "bullets": "* {name}: {text}\n",
    "italic label": "*{name}:* {text}\n\n",
    "underscored label": "__{name}__: {text}\n\n",
    "quoted": "> **{name}:** {text}\n>\n",
    "role": "{name} (Acme, Head of Yard): {text}\n",
    "pronouns and role": "{name} (She/Her) (Guest): {text}\n",
}


def rendered(template: str) -> str:
    turn, _, foot = template.partition("|")
    if foot and not foot[:1].isdigit():  # the bar is part of the turn
        turn, foot = template, ""
    return (
        "".join(
            turn.format(n=n, name=name, text=text, **clock(start))
            for n, (name, start, text) in enumerate(TURNS, start=1)
        )
        + foot
    )


def read_as(text: str) -> Reading:
    return read_text(text, name="t")


def turns(text: str) -> list[tuple[str | None, float | None, str]]:
    return [(s.speaker, s.start_s, s.text) for s in read_as(text).transcript.segments]


@pytest.mark.parametrize("template", TIMED.values(), ids=TIMED.keys())
def test_a_layout_with_times_gives_the_speakers_times_and_words(template: str) -> None:
    assert TURNS == turns(rendered(template))[:3]


@pytest.mark.parametrize("template", UNTIMED.values(), ids=UNTIMED.keys())
def test_a_layout_without_times_gives_the_speakers_and_words(template: str) -> None:
    expected = [(name, None, text) for name, _, text in TURNS]

    assert expected == turns(rendered(template))


def test_names_in_lower_case_that_recur_above_several_lines_are_speakers() -> None:
    turns = [f"{name}: i think so {n}.\nsecond line\nthird line" for n in "123" for name in "ab"]
    text = "\n".join(turns).replace("a:", "alice:").replace("b:", "bob:")

    assert {"alice": 3, "bob": 3} == read_text(text, name="t").report.speakers


def test_the_words_below_a_time_are_no_name_if_they_end_like_a_remark() -> None:
    text = "Intro of it.\n" + "\n".join(f"0:0{n}\nYes!\nseal number {n}" for n in range(1, 7))

    assert {} == read_text(text, name="t").report.speakers
