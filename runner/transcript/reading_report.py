"""Reading report: what the reader understood of a file, what it left out, and warnings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import NonNegativeInt, TypeAdapter

from runner.base.format import plural, share
from runner.base.text import to_terminal


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Text of one *kind* that is not in the segments: its lines, its words, and one *example*."""

    kind: str
    lines: NonNegativeInt
    words: NonNegativeInt
    example: str


@dataclass(frozen=True, slots=True)
class ReadingReport:
    """What the reader understood of a file.

    *layout* names the arrangement of speakers and times that was chosen, such as `label in the
    line`. *speakers* maps each speaker, in order of appearance, to the number of segments.
    *with_speaker* and *with_time* count segments. *about* has facts from the file: `title`, `date`,
    `attendees`.
    """

    format: str
    layout: str
    speakers: Mapping[str, NonNegativeInt]
    segments: NonNegativeInt
    with_speaker: NonNegativeInt
    with_time: NonNegativeInt
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
        """Return the report for a terminal: what was understood, and each warning."""
        doubts = (f"doubt: {warning}" for warning in self.warnings)
        return [to_terminal(each) for each in (f"read as: {self.line}", *doubts)]


_STORED = TypeAdapter(ReadingReport)


def stored_report(data: object) -> ReadingReport | None:
    """Return the report that was stored as *data*, None without one; raise ValueError."""
    return _STORED.validate_python(data) if isinstance(data, dict) else None
