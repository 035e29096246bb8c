"""Timed text in XML: TTML and DFXP, and YouTube's timed text."""

import itertools
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from runner.transcript.decode import fault
from runner.transcript.formats.cue import Cue, Line, plain
from runner.transcript.formats.cues import turns_of
from runner.transcript.formats.markup import own_words, xml_root, xml_tree
from runner.transcript.model import Turn
from runner.transcript.reader_notes import Notes

_YOUTUBE = {"timedtext", "transcript"}
_CLOCK = re.compile(
    r"(?:(?:(\d{1,5}):)?(\d{1,2}):)?(\d{1,9}(?:\.\d{1,9})?)(?:(?<=:\d\d):(\d{1,3})(?:\.\d+)?)?$"
)
_OFFSET = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)(h|ms|m|s|f|t)$")
_STARTS = ("begin", "t", "start")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def is_timed_xml(text: str) -> bool:
    """Return whether *text* is TTML or YouTube's timed text."""
    root = xml_root(text)
    return root == "tt" or (root in _YOUTUBE and bool(re.search(r"<(?:p|text)\s", text[:10_000])))


def parse_timed_xml(text: str, source: str, notes: Notes) -> list[Turn]:
    """Return the turns of TTML or YouTube's timed text; raise TranscriptError."""
    cues = _TimedXml(xml_tree(text, source, "XML"), notes).cues
    if not cues:
        raise fault(source, "XML without timed text; expected <p begin=… end=…> elements")
    return turns_of(cues, notes)


class _TimedXml:
    """Collects cues: a `p`, or YouTube's `text`, is one; times add up along the path."""

    def __init__(self, root: Element, notes: Notes) -> None:
        self.cues: list[Cue] = []
        self._notes = notes
        self._youtube = root.tag in _YOUTUBE
        frames, ticks = (_number(root.get(rate, "")) for rate in ("frameRate", "tickRate"))
        self._rates = {"f": frames or 30.0, "t": ticks or frames or 1.0}
        self._agents: dict[str | None, str] = {
            agent.get("id", ""): own_words(name)
            for agent in root.iter("agent")
            for name in agent.iter("name")
        }
        self._walk(root, 0.0, None, timed=False)

    def _walk(self, element: Element, base: float, speaker: str | None, *, timed: bool) -> None:
        """Take the cues in *element*, whose parent begins at *base*, if *timed* known to."""
        start = self._time(element, *_STARTS)
        began, timed = base + (start or 0.0), timed or start is not None
        speaker = _agent(element) or speaker
        if element.tag == "p" or (self._youtube and element.tag == "text"):
            self._cue(element, base, began if timed else None, speaker)
            return
        for child in element:
            if child.tag != "name" or element.tag != "agent":
                self._walk(child, began, speaker, timed=timed)
        words = "" if element.tag == "metadata" else own_words(element)
        if words and element.tag == "title":
            self._notes.about["title"] = words
        elif words:
            self._notes.leave_out("texts without a time", words)

    def _cue(self, element: Element, base: float, begin: float | None, speaker: str | None) -> None:
        lines = [
            Line(self._agents.get(who, who), words)
            for who, pieces in itertools.groupby(self._pieces(element, speaker), lambda p: p[0])
            for line in "".join(text for _, text in pieces).split("\n")
            if (words := plain(line))
        ]
        inner = [] if self._youtube else list(self._starts(element, begin or base))
        if "begin" not in element.attrib and inner:
            begin = min(inner)
        end, length = self._time(element, "end"), self._time(element, "dur", "d")
        if end is not None:
            end += base
        elif length is not None and begin is not None:
            end = begin + length
        self.cues.append(Cue(begin, end, tuple(lines)))

    def _pieces(self, node: Element, speaker: str | None) -> Iterator[tuple[str | None, str]]:
        """Yield the texts in *node* with their speakers, and line ends."""
        for child in (None, *node):
            if child is not None:
                agent = _agent(child)
                yield speaker, "\n" if agent or child.tag == "br" else ""
                yield from self._pieces(child, agent or speaker)
                yield speaker, "\n" if agent else " " if child.get("unit") else ""  # of Apple
            text = node.text if child is None else child.tail
            if text and node.tag != "metadata":
                yield speaker, text if self._youtube else text.replace("\n", " ")

    def _starts(self, node: Element, base: float) -> Iterator[float]:
        for child in node:
            start = self._time(child, *_STARTS)
            if start is not None:
                yield base + start
            yield from self._starts(child, base + (start or 0.0))

    def _time(self, element: Element, *names: str) -> float | None:
        for name in names:
            if (text := element.get(name, "").strip()) == "":
                continue
            if self._youtube:
                seconds = _number(text)
                return seconds if seconds is None or name in ("start", "dur") else seconds / 1000
            if match := _CLOCK.match(text):
                frames = int(match[4] or 0) / self._rates["f"]
                hours, minutes = (int(each or 0) for each in match.group(1, 2))
                return hours * 3600 + minutes * 60 + float(match[3]) + frames
            if match := _OFFSET.match(text):
                unit = _UNITS.get(match[2]) or 1 / (self._rates.get(match[2]) or 1.0)
                return float(match[1]) * unit
        return None


def _agent(element: Element) -> str | None:
    return element.get("agent") or element.get("speaker")


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,15}(?:\.\d{1,9})?", text) else None
