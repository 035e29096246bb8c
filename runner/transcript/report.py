"""Reading report: what the reader understood of a file, what it left out, and what it doubts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.base.format import plural, share
from runner.base.text import to_terminal

if TYPE_CHECKING:
    from runner.transcript.model import Segment

MAX_EXAMPLE_CHARS = 80
# Of these kinds no line can have been speech.
_FURNITURE = frozenset(
    ("rules", "tags", "line numbers", "page and cue numbers", "labels without words", "comments",
     "marks such as {vocalsound}", "roles of speakers", "front matter",
     "turns of punctuation only", "notices")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Text of one *kind* that is not in the segments: its lines, its words, and one *example*."""

    kind: str
    lines: int
    words: int
    example: str


@dataclass(frozen=True, slots=True)
class ReadingReport:
    """What the reader understood of a file.

    *layout* names the arrangement of speakers and times that was chosen, such as `label in the
    line`. *speakers* maps each speaker, in order of appearance, to the number of segments.
    *with_speaker* and *with_time* count segments. *about* has the facts that the file states:
    `title`, `date`, `attendees`.
    """

    format: str
    layout: str
    speakers: Mapping[str, int]
    segments: int
    with_speaker: int
    with_time: int
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def left_out_words(self) -> int:
        """The number of words that are not in the segments."""
        return sum(each.words for each in self.left_out)

    @property
    def line(self) -> str:
        """What was understood, in one line."""
        facts = [
            f"{self.format}, {self.layout}" if self.layout else self.format,
            plural(len(self.speakers), "speaker"),
            plural(self.segments, "segment"),
            f"{share(self.with_speaker / self.segments)} with a speaker" if self.segments else "",
            f"{share(self.with_time / self.segments)} with a time" if self.segments else "",
            f"{plural(self.left_out_words, 'word')} left out" if self.left_out_words else "",
        ]
        return "; ".join(filter(None, facts))

    def as_lines(self) -> list[str]:
        """Return the report for a terminal: what was understood, and each doubt."""
        doubts = (f"doubt: {warning}" for warning in self.warnings)
        return [to_terminal(each) for each in (f"read as: {self.line}", *doubts)]


@dataclass(slots=True)
class Notes:
    """Notes of a reader besides the turns; every word of a file is in a turn or in a note."""

    layout: str = ""
    about: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    _left_out: dict[str, LeftOut] = field(default_factory=dict)

    def leave_out(self, kind: str, text: str) -> None:
        """Note that *text*, of one or more lines, is not speech; *kind* is a plural noun."""
        example = " ".join(text[: 4 * MAX_EXAMPLE_CHARS].split())[:MAX_EXAMPLE_CHARS]
        before = self._left_out.get(kind) or LeftOut(kind, 0, 0, example)
        lines, words = text.strip().count("\n") + 1, len(text.split())
        self._left_out[kind] = LeftOut(
            kind, before.lines + lines, before.words + words, before.example
        )

    def warn(self, message: str) -> None:
        """Add a warning of one line, once."""
        if message not in self.warnings:
            self.warnings.append(message)

    def report(
        self, format: str, segments: "Sequence[Segment]", doubts: Iterable[str] = ()
    ) -> ReadingReport:
        """Return the report on *segments*, which were read as *format*; *doubts* are on them."""
        for doubt in (*doubts, *self._doubts()):
            self.warn(doubt)
        speakers = Counter(s.speaker for s in segments if s.speaker is not None)
        return ReadingReport(
            format,
            self.layout,
            dict(speakers),
            len(segments),
            speakers.total(),
            sum(segment.start_s is not None for segment in segments),
            tuple(self._left_out.values()),
            tuple(self.warnings),
            self.about,
        )

    def _doubts(self) -> Iterable[str]:
        """Say how much is left out that may have been speech."""
        told = {" ".join(value.split())[:MAX_EXAMPLE_CHARS] for value in self.about.values()}
        found = [
            each
            for each in self._left_out.values()
            if each.kind not in _FURNITURE
            and not (each.lines == 1 and each.example.lstrip("# ") in told)
        ]
        if found:
            most = max(found, key=lambda each: each.words)
            lines, words = sum(each.lines for each in found), sum(each.words for each in found)
            yield (
                f"left out: {plural(lines, 'line')} with {plural(words, 'word')}, most of them "
                f"{most.kind}: '{most.example}'"
            )


def stored_report(data: object) -> ReadingReport | None:
    """Return the report that was stored as *data*, None without one; raise TypeError."""
    if not isinstance(data, dict):
        return None
    left_out = tuple(LeftOut(**each) for each in data.get("left_out", ()))
    return ReadingReport(
        **{**data, "left_out": left_out, "warnings": tuple(data.get("warnings", ()))}
    )
