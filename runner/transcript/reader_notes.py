"""Notes of a reader: what it leaves out of a file, and its warnings, for the reading report."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from runner.base.format import plural
from runner.transcript.model import Segment
from runner.transcript.reading_report import LeftOut, ReadingReport

MAX_EXAMPLE_CHARS = 80
# Lines of these kinds are never speech.
_FURNITURE = frozenset(
    ("rules", "tags", "line numbers", "page and cue numbers", "labels without words", "comments",
     "marks such as {vocalsound}", "roles of speakers", "front matter",
     "turns of punctuation only", "notices", "initials", "display settings",
     "numbers of questions")
)  # fmt: skip


@dataclass(slots=True)
class Notes:
    """Notes of a reader besides the turns; every word of a file is in a turn or in a note."""

    layout: str = ""
    about: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    _left_out: dict[str, LeftOut] = field(default_factory=dict)

    def leave_out(self, kind: str, text: str) -> None:
        """Note that *text*, of one or more lines, is not speech; *kind* is a plural noun.

        Kinds that are not in _FURNITURE may be speech: the reading report warns of them.
        """
        example = " ".join(text[: 4 * MAX_EXAMPLE_CHARS].split())[:MAX_EXAMPLE_CHARS]
        before = self._left_out.get(kind) or LeftOut(kind, 0, 0, example)
        lines = before.lines + text.strip().count("\n") + 1
        words = before.words + len(text.split())
        self._left_out[kind] = LeftOut(kind, lines, words, before.example)

    def warn(self, message: str) -> None:
        """Add a warning of one line, once."""
        if message not in self.warnings:
            self.warnings.append(message)

    def report(
        self, format: str, segments: Sequence[Segment], doubts: Iterable[str] = ()
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
            sum((each.start_s, each.end_s) != (None, None) for each in segments),
            tuple(self._left_out.values()),
            tuple(self.warnings),
            self.about,
        )

    def _doubts(self) -> Iterable[str]:
        facts = {" ".join(value.split())[:MAX_EXAMPLE_CHARS] for value in self.about.values()}
        kept = (each for each in self._left_out.values() if each.kind not in _FURNITURE)
        found = [e for e in kept if e.lines > 1 or e.example.lstrip("# ") not in facts]
        if found:
            most = max(found, key=lambda each: each.words)
            lines = plural(sum(each.lines for each in found), "line")
            words = plural(sum(each.words for each in found), "word")
            yield f"left out: {lines} with {words}, most of them {most.kind}: '{most.example}'"
