"""Reading report: what the reader understood of a file, what it left out, and what it doubts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runner.transcript.model import Segment

MAX_EXAMPLE_CHARS = 80


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Text of one *kind* that is not in the segments: its lines, its words, and one *example*."""

    kind: str
    lines: int
    words: int
    example: str


@dataclass(frozen=True, slots=True)
class ReadingReport:
    """What was understood of a file.

    *layout* names the arrangement of speakers and times that was chosen, such as `label in the
    line`. *speakers* maps each speaker, in order of appearance, to the number of segments.
    *with_speaker* and *with_time* count segments. *about* holds what the file says of itself:
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


@dataclass(slots=True)
class Notes:
    """What a reader writes down beside the turns; every word of a file is in a turn or in here."""

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

    def report(self, format: str, segments: Sequence[Segment]) -> ReadingReport:
        """Return the report on *segments*, which were read as *format*."""
        speakers = Counter(s.speaker for s in segments if s.speaker is not None)
        return ReadingReport(
            format,
            self.layout,
            speakers,
            len(segments),
            speakers.total(),
            sum(segment.start_s is not None for segment in segments),
            tuple(self._left_out.values()),
            tuple(self.warnings),
            self.about,
        )
