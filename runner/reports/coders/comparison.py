"""Comparison of the codings of a run with those of a human coder, code by code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from runner.base.agreement import Array, cohen_kappa, krippendorff_alpha
from runner.reports.coders.coder_file import Codes
from runner.reports.compare.paired import MAX_BLOCKS, MIN_TRANSCRIPTS, Interval, interval_of
from runner.reports.export.qda import SourceText
from runner.transcript.model import Segment

BOTH, ONLY_CODER, ONLY_RUN, NEITHER = range(4)  # who has a code in a segment


@dataclass(frozen=True, slots=True)
class CodeFigures:
    """The segments that a code has by both, one or neither; None where a figure is unknown."""

    code: str
    both: int
    only_coder: int
    only_run: int
    neither: int
    kappa: Interval | None
    alpha: Interval | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A segment that has *code* by the coder or the run only, with all codes and quotes of both."""

    file: str
    segment: str
    start_s: float | None
    speaker: str | None
    code: str
    only: str
    coder_codes: str
    coder_quote: str
    run_codes: str
    run_quote: str


class CodingComparison:
    """Segments coded by both, added file by file; *codes* are those of the codebook.

    Its counts are, for each code, of the segments that it has by both, the coder, the run or
    neither (the last axis), by transcript and by segment, dealt into at most MAX_BLOCKS blocks.
    """

    def __init__(self, codes: Sequence[str]) -> None:
        self.codes, self._places = codes, {code: place for place, code in enumerate(codes)}
        self.segments = self.transcripts = 0
        self.disagreements: list[Disagreement] = []
        units = ("transcripts", "segments")
        self._counts = {u: np.zeros((MAX_BLOCKS, len(codes), 4), dtype=int) for u in units}
        self._sizes = {u: np.zeros((MAX_BLOCKS, 1), dtype=int) for u in units}  # in segments

    def add(self, source: SourceText, coder: Codes, run: Codes, *, listed: bool) -> None:
        """Add the segments of a transcript, with *listed* only those that the coder names."""
        for name, segment in source.segments.items():
            if not listed or name in coder:
                self._add(source.file, segment, coder.get(name, {}), run.get(name, {}))
        self.transcripts += 1

    def _add(
        self, file: str, segment: Segment, theirs: Mapping[str, str], ours: Mapping[str, str]
    ) -> None:
        """Add a segment that has the codes *theirs* by the coder and *ours* by the run."""
        blocks = {
            "transcripts": self.transcripts % MAX_BLOCKS,
            "segments": self.segments % MAX_BLOCKS,
        }
        self.segments += 1
        for unit, block in blocks.items():
            self._sizes[unit][block] += 1
        used = (theirs.keys() | ours.keys()) & self._places.keys()
        for code in sorted(used, key=self._places.__getitem__):
            who = BOTH
            if code not in theirs or code not in ours:
                who = ONLY_CODER if code in theirs else ONLY_RUN
                self.disagreements.append(_disagreement(file, segment, code, theirs, ours))
            for unit, block in blocks.items():
                self._counts[unit][block, self._places[code], who] += 1

    @property
    def over(self) -> str:
        """Unit of the bootstrap: `transcripts`, or `segments` if those are few."""
        return "transcripts" if self.transcripts >= MIN_TRANSCRIPTS else "segments"

    def figures(self) -> list[CodeFigures]:
        """Return the figures of all codes together, called `all`, and of each used code."""
        units = self.transcripts if self.over == "transcripts" else self.segments
        blocks, sizes = self._counts[self.over][:units], self._sizes[self.over][:units]
        blocks[..., NEITHER] = sizes - blocks[..., :NEITHER].sum(-1)
        used = np.flatnonzero(blocks[..., :NEITHER].any((0, 2))).tolist()
        of_codes = [self._of(self.codes[place], blocks[:, [place]]) for place in used]
        return [self._of("all", blocks[:, used]), *of_codes]

    def _of(self, name: str, blocks: Array) -> CodeFigures:
        """Return the figures of the codes in *blocks*, of shape (blocks, codes, 4)."""
        tables = blocks.reshape(*blocks.shape[:2], 2, 2)
        # Every segment has two values, so each pair counts in both orders.
        both_ways = tables + tables.swapaxes(2, 3)
        found = interval_of(tables, cohen_kappa), interval_of(both_ways, krippendorff_alpha)
        intervals = (each and replace(each, n=self.segments) for each in found)
        return CodeFigures(name, *blocks.sum((0, 1)).tolist(), *intervals)


def _disagreement(
    file: str, segment: Segment, code: str, theirs: Mapping[str, str], ours: Mapping[str, str]
) -> Disagreement:
    return Disagreement(
        file,
        segment.id,
        segment.start_s,
        segment.speaker,
        code,
        only="coder" if code in theirs else "run",
        coder_codes=", ".join(theirs),
        coder_quote=_quote(theirs, code),
        run_codes=", ".join(ours),
        run_quote=_quote(ours, code),
    )


def _quote(quotes: Mapping[str, str], code: str) -> str:
    """Return the words coded with *code*, else those of all codes."""
    return quotes.get(code) or " | ".join(filter(None, quotes.values()))
