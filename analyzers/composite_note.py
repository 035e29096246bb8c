"""One note that joins what all earlier analyzers found, thread by thread."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from runner.answers.markdown import cite as quotes
from runner.answers.markdown import md
from runner.answers.shape import Evidence, Strict


class Bearing(Strict):
    """What one earlier analyzer says on the thread."""

    source: str = Field(description="The analyzer.")
    text: str


class Strand(Strict):
    """One matter, followed through the analyzers."""

    title: str = Field(description="Two to five words.")
    said: str = Field(description="What was said on it and by whom.")
    meant: str | None = Field(description="What that conveys, where words and message part.")
    premises: list[str] = Field(description="What it is made to rest on; say if unstated.")
    bearings: list[Bearing] = Field(description="Hypotheses, factors, fundamentals on it.")
    agreement: list[str] = Field(description="Where analyzers agree, by name.")
    contradiction: list[str] = Field(description="Where analyzers or speakers contradict.")
    evidence: list[Evidence]


class Uncertain(Strict):
    """A point on which the findings do not decide."""

    text: str
    source: str = Field(description="The analyzer, or transcript.")
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `composite_note`."""

    topic: str
    opening: str = Field(description="Two or three sentences that a reader may stop after.")
    threads: list[Strand]
    uncertain: list[Uncertain]
    not_available: list[str] = Field(description="Analyzers that gave nothing.")


def markdown(fields: Mapping[str, Any]) -> str:
    """Render stored fields as a continuous note."""
    parts = [f"## {md(fields['topic'])}", md(fields["opening"])]
    for place, thread in enumerate(fields["threads"], 1):
        parts.append(f"## {place}. {md(thread['title'])}\n\n{_thread_text(thread)}")
    doubts = "\n".join(
        f"- {md(item['text'])} *{md(item['source'])}*{quotes(item['evidence'])}"
        for item in fields["uncertain"]
    )
    parts.append(f"## What remains uncertain\n\n{doubts or 'Nothing was found open.'}")
    if fields["not_available"]:
        parts.append(f"Not available: {md(fields['not_available'])}.")
    return "\n\n".join(parts)


def _thread_text(thread: Mapping[str, Any]) -> str:
    lines = [md(thread["said"])]
    if thread["meant"]:
        lines.append(f"What it conveys: {md(thread['meant'])}")
    for label, texts in (
        ("It rests on", [md(text) for text in thread["premises"]]),
        ("What bears on it", [_bearing_text(b) for b in thread["bearings"]]),
        ("Analyzers agree", [md(text) for text in thread["agreement"]]),
        ("They pull apart", [md(text) for text in thread["contradiction"]]),
    ):
        if texts:
            lines.append(f"{label}:\n\n" + "\n".join(f"- {text}" for text in texts))
    shown = "\n>\n".join(f"> {md(e['quote'])} ({md(e['segment'])})" for e in thread["evidence"])
    return "\n\n".join([*lines, shown] if shown else lines)


def _bearing_text(bearing: Mapping[str, Any]) -> str:
    return f"{md(bearing['text'])} *{md(bearing['source'])}*"
