"""Plain text and Markdown: turns that start with a name, a time, `>>` or `Q.`, or paragraphs."""

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runner.transcript.labels import Candidate, speaker_names
from runner.transcript.model import Turn, ends_sentence, join_lines
from runner.transcript.times import Stamp, leading_stamp
from runner.transcript.turn_openings import Head, bare_line, is_bulleted, metadata_line, read_head

_FURNITURE = re.compile(
    r"#{1,6}\s|```|\[GRAPHIC\]|\[TIFF OMITTED\]|\[\[Page |<!--"
    r"|Meeting ended after \d|_?This editable transcript was computer generated"
    r"|\[?End of (?:transcript|recording|audio|meeting)\b|Transcribed by https?:",
    re.IGNORECASE,
)
_RULE_CHARS = "-=_*~ "
_DOT_LEADER = re.compile(r"\.{5,}\s{0,8}\d{0,5}$")
_YAML_KEY = re.compile(r"([A-Za-z_][\w .-]{0,60}):(?:\s|$)")
_LINE_NUMBER = re.compile(r"\s{0,10}(\d{1,2})(?:\s|$)")
_MIN_STAMPED_LINES = 3
_MIN_SENTENCE_WORDS = 6


@dataclass(frozen=True, slots=True)
class _Line:
    """A line; *skipped* is true of blank lines, rules, page headers and the like."""

    text: str
    skipped: bool
    head: Head | None
    after_gap: bool


def parse_text(text: str) -> list[Turn]:
    """Return the turns of *text*."""
    lines = _scan(_without_line_numbers(_without_front_matter(text.split("\n"))))
    parser = _TextParser(_layout_of(lines))
    for line in lines:
        parser.step(line)
    parser.flush()
    return parser.turns


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the whole file shows: *kinds* of heads that open turns, speakers by label and role."""

    kinds: frozenset[str]
    names: Mapping[tuple[str, str], str]
    short_stamps: bool

    @property
    def has_turns(self) -> bool:
        return bool(self.names) or not self.kinds.isdisjoint({"qa", "chevron"})

    def opens_turn(self, head: Head) -> bool:
        if head.kind not in self.kinds:
            return False
        return head.kind in {"qa", "chevron"} or (head.label, head.role) in self.names

    def has_time_mark(self, head: Head) -> bool:
        """Return whether the stamp of a line without name is a time mark, not part of the text."""
        stamp = head.stamp
        if stamp is None or head.kind == "title":
            return False
        return stamp.bracketed or stamp.has_hours or not head.rest or self.short_stamps


def _layout_of(lines: Sequence[_Line]) -> _Layout:
    heads = [line.head for line in lines if line.head is not None]
    content = [line for line in lines if not line.skipped]
    kinds = _kinds(heads)
    candidates = [
        _candidate(line.head, line)
        for line in content
        if line.head is not None and line.head.label and line.head.kind in kinds - {"qa"}
    ]
    first = next((line.head for line in content if not metadata_line(line.text)), None)
    names = speaker_names(candidates, len(content), first.label if first else "")
    stamped = sum(head.stamp is not None and not head.stamp.bracketed for head in heads)
    short_stamps = stamped >= _MIN_STAMPED_LINES and stamped >= len(content) * 0.2
    return _Layout(kinds, names, short_stamps)


def _kinds(heads: Sequence[Head]) -> frozenset[str]:
    """Return the kinds of heads that may open a turn in a file with these *heads*."""
    labelled = Counter(head.kind for head in heads if head.label)
    refused = {"time"}
    if labelled["below"] < 2:
        refused.add("below")
    if labelled["title"] == 1 and labelled["label"]:
        refused.add("title")  # one `Monday 10:30` amid `Name: text` lines is a date, no speaker
    if {head.label for head in heads if head.kind == "qa"} != {"Q", "A"}:
        refused.add("qa")
    return frozenset(head.kind for head in heads) - refused


def _candidate(head: Head, line: _Line) -> Candidate:
    return Candidate(
        label=head.label,
        role=head.role,
        timed=head.stamp is not None,
        bold=head.bold or head.kind == "chevron",
        bulleted=is_bulleted(line.text),
        after_gap=line.after_gap,
    )


@dataclass(slots=True)
class _TextParser:
    layout: _Layout
    turns: list[Turn] = field(default_factory=list)
    speaker: str | None = None
    started: bool = False
    stamp: Stamp | None = None
    paragraph: list[str] = field(default_factory=list)

    def step(self, line: _Line) -> None:
        head = line.head
        if line.skipped:
            self.flush()
        elif head is not None and self.layout.opens_turn(head):
            self._open(head, line.text)
        elif head is not None and self.layout.has_time_mark(head):
            self.flush()
            self.stamp = head.stamp
            self._add(_after_stamp(head, line.text))
        else:
            self._add(bare_line(line.text) if line.text.lstrip().startswith(">") else line.text)

    def flush(self) -> None:
        if not self.paragraph:
            return
        text = join_lines(self.paragraph)
        self.paragraph = []
        if not self.started and self.layout.has_turns and not _is_prose(text):
            return
        stamp, self.stamp = self.stamp, None
        start, end = (stamp.start_s, stamp.end_s) if stamp else (None, None)
        self.turns.append(Turn(self.speaker, text, start, end))

    def _open(self, head: Head, line: str) -> None:
        self.flush()
        self.started = True
        self.stamp = head.stamp or self.stamp
        letter = head.label if head.kind == "qa" else None
        self.speaker = self.layout.names.get((head.label, head.role), letter)
        rest = head.rest if self.speaker or not head.label else bare_line(line).lstrip("> ")
        self._add("" if head.kind == "below" else rest)

    def _add(self, text: str) -> None:
        if text.strip():
            self.paragraph.append(text)


def _after_stamp(head: Head, line: str) -> str:
    """Return the text after a time mark, including a label that names no speaker."""
    if head.kind != "label":
        return head.rest
    stamped = leading_stamp(bare_line(line))
    return stamped[1].lstrip(" \t-–—|:") if stamped else line


def _scan(lines: Sequence[str]) -> list[_Line]:
    scanned, gap = [], True
    for line in lines:
        stripped = line.strip()
        skipped = not stripped or _is_furniture(stripped)
        head = None if skipped else read_head(line)
        scanned.append(_Line(line, skipped, head, gap))
        gap = skipped or (head is not None and head.kind == "time" and not head.rest)
    return scanned


def _is_furniture(stripped: str) -> bool:
    if len(stripped) > 2 and not stripped.strip(_RULE_CHARS):
        return True
    return bool(_FURNITURE.match(stripped[:200]) or _DOT_LEADER.search(stripped[-200:]))


def _is_prose(text: str) -> bool:
    wrapped = text.startswith(("_", "*", "[", "(")) and text.endswith(("_", "*", "]", ")"))
    if wrapped or metadata_line(text):
        return False
    return ends_sentence(text) and len(text.split()) >= _MIN_SENTENCE_WORDS


def _without_front_matter(lines: list[str]) -> list[str]:
    """Drop a YAML block at the top, but not speech between two rules, whose labels repeat."""
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if not lines or lines[first].strip() != "---":
        return lines
    for index in range(first + 1, min(len(lines), first + 200)):
        if lines[index].strip() in {"---", "..."}:
            block, rest = lines[first + 1 : index], lines[index + 1 :]
            keys = [match[1] for line in block if (match := _YAML_KEY.match(line))]
            is_yaml = bool(keys) and len(keys) == len(set(keys)) and any(map(str.strip, rest))
            return rest if is_yaml else lines
    return lines


def _without_line_numbers(lines: list[str]) -> list[str]:
    """Drop line numbers such as the 1 to 25 in the margin of court transcripts."""
    matches = [_LINE_NUMBER.match(line) for line in lines]
    numbers = [int(match[1]) for match in matches if match]
    written = sum(bool(line.strip()) for line in lines)
    steps = sum(after in {before + 1, 1} for before, after in itertools.pairwise(numbers))
    if len(numbers) < 10 or len(numbers) < written * 0.8 or steps < (len(numbers) - 1) * 0.9:
        return lines
    pairs = zip(lines, matches, strict=True)
    return [line[match.end(1) :] if match else line for line, match in pairs]
