"""Timed text in XML: TTML and DFXP, and YouTube's timed text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from runner.transcript.decode import fault
from runner.transcript.formats.cue_speakers import Cue, Line, plain
from runner.transcript.formats.cues import turns_of
from runner.transcript.formats.markup import Event, xml_events, xml_root
from runner.transcript.model import Turn
from runner.transcript.reader_notes import Notes

_YOUTUBE = {"timedtext", "transcript"}
_CLOCK = re.compile(r"(\d{1,5}):(\d{2}):(\d{2}(?:\.\d{1,9})?)(?::(\d{1,3})(?:\.\d+)?)?$")
_OFFSET = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)(h|ms|m|s|f|t)$")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def is_timed_xml(text: str) -> bool:
    """Return whether *text* is TTML or YouTube's timed text."""
    root = xml_root(text)
    return root == "tt" or (root in _YOUTUBE and bool(re.search(r"<(?:p|text)\s", text[:10_000])))


def parse_timed_xml(text: str, source: str, notes: Notes) -> list[Turn]:
    """Return the turns of TTML or YouTube's timed text; raise TranscriptError."""
    reader = _TimedXml(xml_root(text) in _YOUTUBE)
    for event in xml_events(text, source, "XML"):
        reader.take(event, notes)
    if not reader.cues:
        raise fault(source, "XML without timed text; expected <p begin=… end=…> elements")
    return turns_of(reader.cues, notes)


@dataclass(slots=True)
class _Element:
    tag: str
    begin: float
    timed: bool
    speaker: str | None
    attributes: Mapping[str, str]
    text: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _TimedXml:
    """Collects cues: a `p`, or YouTube's `text`, is one; times add up along the path."""

    youtube: bool
    cues: list[Cue] = field(default_factory=list)
    path: list[_Element] = field(default_factory=list)
    agents: dict[str, str] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    spoken: list[Line] = field(default_factory=list)
    inner: list[float] = field(default_factory=list)
    depth: int = 0  # of the path at the open cue, 0 outside

    def take(self, event: Event, notes: Notes) -> None:
        tag, value = event
        if isinstance(value, str):
            self._text(value)
        elif value is None:
            self._close(notes)
        else:
            self._open(tag, value)

    def _open(self, tag: str, attributes: Mapping[str, str]) -> None:
        above = self.path[-1] if self.path else None
        if tag == "tt":
            frames, ticks = attributes.get("frameRate", ""), attributes.get("tickRate", "")
            self.rates = {"f": _number(frames) or 30.0, "t": _number(ticks) or _number(frames) or 1}
        inside = self.youtube and self.depth
        start = None if inside else self._time(attributes, "begin", "t", "start")
        base = above.begin if above else 0.0
        agent = attributes.get("agent") or attributes.get("speaker")
        if agent and self.depth:
            self._flush()
        speaker = agent or (above.speaker if above else None)
        began = base + start if start is not None else base
        timed = start is not None or bool(above and above.timed)
        self.path.append(_Element(tag, began, timed, speaker, attributes))
        if not self.depth and tag == ("text" if self.youtube and tag == "text" else "p"):
            self.depth, self.spoken, self.inner = len(self.path), [], []
        elif self.depth and tag == "br":
            self._flush()
        elif self.depth and start is not None:
            self.inner.append(began)

    def _text(self, text: str) -> None:
        if self.path and self.path[-1].tag != "metadata":
            self.path[-1].text.append(text)
            if self.depth and len(self.path) > self.depth:
                cue = self.path[self.depth - 1]
                cue.text.append(self.path[-1].text.pop())

    def _flush(self) -> None:
        """End a line of the open cue."""
        cue = self.path[self.depth - 1]
        speaker = self.path[-1].speaker
        joined, cue.text = "".join(cue.text), []
        for line in joined.split("\n") if self.youtube else [joined]:
            if words := plain(line):
                name = self.agents.get(speaker, speaker) if speaker else None
                self.spoken.append(Line(name, words))

    def _close(self, notes: Notes) -> None:
        element = self.path[-1]
        if self.depth == len(self.path):
            self._flush()
            self._cue(element)
            self.depth = 0
        elif self.depth and (element.attributes.get("agent") or element.attributes.get("speaker")):
            self._flush()
        elif not self.depth and (words := " ".join("".join(element.text).split())):
            self._note(element, words, notes)
        self.path.pop()

    def _cue(self, element: _Element) -> None:
        begin = element.begin if element.timed else None
        if "begin" not in element.attributes and self.inner:
            begin = min(self.inner)
        end, length = (self._time(element.attributes, *keys) for keys in (("end",), ("dur", "d")))
        base = self.path[-2].begin if len(self.path) > 1 else 0.0
        if end is not None:
            end += base
        elif length is not None and begin is not None:
            end = begin + length
        self.cues.append(Cue(begin, end, tuple(self.spoken)))

    def _note(self, element: _Element, words: str, notes: Notes) -> None:
        agent = next((each for each in self.path if each.tag == "agent"), None)
        if element.tag == "name" and agent is not None:
            self.agents[agent.attributes.get("id", "")] = words
        elif element.tag == "title":
            notes.about["title"] = words
        else:
            notes.leave_out("texts without a time", words)

    def _time(self, attributes: Mapping[str, str], *names: str) -> float | None:
        for name in names:
            if (text := attributes.get(name, "").strip()) == "":
                continue
            if self.youtube:
                seconds = _number(text)
                return seconds if seconds is None or name in ("start", "dur") else seconds / 1000
            if match := _CLOCK.match(text):
                frames = int(match[4] or 0) / self.rates.get("f", 30.0)
                return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) + frames
            if match := _OFFSET.match(text):
                unit = _UNITS.get(match[2]) or 1 / (self.rates.get(match[2]) or 1.0)
                return float(match[1]) * unit
        return None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,15}(?:\.\d{1,9})?", text) else None
