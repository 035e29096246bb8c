"""Pages that link to the transcript, as plain Markdown or as Obsidian likes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from runner.answers.markdown import md
from runner.transcript import Segment, Transcript

STYLES = ("plain", "obsidian")
_SEGMENT = re.compile(r"S(?<![\w\[#^]S)\d{4,}\b")  # begins with a letter, for speed
_FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1`*[ ]*$", re.MULTILINE | re.DOTALL)


def linked(page: str, known: frozenset[str], up: str, style: str) -> str:
    """Return *page* with every id in *known* as a link; *up* leads to transcript.md's folder.

    Text inside code fences stays as it is.
    """

    def link(match: re.Match[str]) -> str:
        name = match[0]
        if name not in known:
            return name
        if style == "obsidian":
            return f"[[transcript#^{name}|{name}]]"
        return f"[{name}]({up}transcript.md#{name.lower()})"

    done, out = 0, []
    for fence in _FENCE.finditer(page):
        out += [_SEGMENT.sub(link, page[done : fence.start()]), fence[0]]
        done = fence.end()
    return "".join([*out, _SEGMENT.sub(link, page[done:])])


def transcript_page(transcript: Transcript, style: str) -> str:
    """Return transcript.md: one paragraph a segment, each with an anchor of its id."""
    lines = [f"# {md(transcript.name)}", ""]
    for segment in transcript.segments:
        lines += [_paragraph(segment, style), ""]
    return "\n".join(lines)


def _paragraph(segment: Segment, style: str) -> str:
    speaker = f"**{md(segment.speaker)}:** " if segment.speaker else ""
    at = "" if segment.start_s is None else f" ({clock(segment.start_s)})"
    if style == "obsidian":
        return f"`{segment.id}`{at} {speaker}{md(segment.text)} ^{segment.id}"
    return f'<a id="{segment.id.lower()}"></a>`{segment.id}`{at} {speaker}{md(segment.text)}'


def clock(seconds: float) -> str:
    """Return a time as `h:mm:ss`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def front_matter(facts: Mapping[str, Any]) -> str:
    """Return *facts* as YAML front matter, which note-taking programs read as properties."""
    body = yaml.safe_dump(dict(facts), sort_keys=False, allow_unicode=True)
    return f"---\n{body}---\n\n"
