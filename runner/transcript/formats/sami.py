"""SAMI: captions in a dialect of HTML, in which each language is a class of paragraphs."""

import re
from collections import Counter

from runner.transcript.decode import fault
from runner.transcript.formats.cue import Cue, Line, plain
from runner.transcript.formats.cues import turns_of
from runner.transcript.model import Turn
from runner.transcript.reader_notes import Notes

HEAD = re.compile(r"\A\s*(?:<\?xml[^>]{0,200}>\s*)?<sami\b", re.IGNORECASE)
_BODY = re.compile(r"<body[^<>]{0,300}>", re.IGNORECASE)
_TITLE = re.compile(r"<title>([^<>]{1,300})", re.IGNORECASE)
_BLOCK = re.compile(r"<(sync|p|br)\b([^<>]{0,300})>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,300}>|<!--[^>]{0,2000}-->")
_START = re.compile(r"\bstart\s?=\s?[\"']?(\d{1,12})", re.IGNORECASE)
_CLASS = re.compile(r"\bclass\s?=\s?[\"']?([\w-]{1,80})", re.IGNORECASE)
_SOURCE = re.compile(r"\bid\s?=\s?[\"']?source\b", re.IGNORECASE)


def parse_sami(text: str, source: str, notes: Notes) -> list[Turn]:
    """Return the turns in the language with the most words; raise TranscriptError without times.

    A paragraph whose id is Source names who speaks in the paragraphs with the same time.
    """
    if title := _TITLE.search(text[:10_000]):
        notes.about["title"] = plain(title[1])
    body = _BODY.search(text)
    _, *parts = _BLOCK.split(text[body.end() if body else 0 :])
    shown: dict[str, dict[float, list[Line]]] = {}
    start, kind, speaker, naming = None, "", None, False
    for tag, attributes, behind in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        if tag.lower() == "sync":
            found = _START.search(attributes)
            start, speaker = int(found[1]) / 1000 if found else None, None
        if tag.lower() == "p":
            kind = found[1] if (found := _CLASS.search(attributes)) else ""
            naming = _SOURCE.search(attributes) is not None
        words = plain(_TAG.sub(" ", behind))
        if naming:
            speaker = words or speaker
        elif start is not None:
            lines = shown.setdefault(kind, {}).setdefault(start, [])
            lines += [Line(speaker, words)] if words else []
        elif words:
            notes.leave_out("texts without a time", words)
    if not shown:
        raise fault(source, "SAMI without captions; expected <SYNC Start=…><P Class=…>")
    sizes = Counter({kind: sum(map(len, cues.values())) for kind, cues in shown.items()})
    most = sizes.most_common(1)[0][0]
    for kind in shown.keys() - {most}:
        for lines in filter(None, shown[kind].values()):
            words = "\n".join(line.text for line in lines)
            notes.leave_out(f"captions of the class '{kind}'", words)
    times = sorted(shown[most])
    ends = [*times[1:], None]
    cues = [Cue(at, end, tuple(shown[most][at])) for at, end in zip(times, ends, strict=True)]
    return turns_of(cues, notes)
