"""Agreement of a run with a human coder: kappa and alpha per code and pooled, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from runner.base.agreement import Array, cohen_kappa, krippendorff_alpha
from runner.reports.coders.coder_file import Codes
from runner.reports.compare.paired import MAX_BLOCKS, MIN_TRANSCRIPTS, Interval, interval_of
from runner.reports.export.qda import SourceText

NEITHER = 3  # the place of such segments in a table, after both, only the coder and only the run


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
        self.codes, self._places = codes, {code: at for at, code in enumerate(codes)}
        self.segments = self.transcripts = 0
        self.disagreements: list[Disagreement] = []
        self._counts = np.zeros((2, MAX_BLOCKS, len(codes), 4), dtype=int)
        self._sizes = np.zeros((2, MAX_BLOCKS, 1), dtype=int)  # segments of each block

    def add(self, source: SourceText, coder: Codes, run: Codes, *, listed: bool) -> None:
        """Add the segments of a transcript, with *listed* only those that the coder names."""
        for name, said in source.segments.items():
            if listed and name not in coder:
                continue
            blocks = (0, 1), (self.transcripts % MAX_BLOCKS, self.segments % MAX_BLOCKS)
            self._sizes[blocks] += 1
            theirs, ours = coder.get(name, {}), run.get(name, {})
            used = (theirs.keys() | ours.keys()) & self._places.keys()
            for code in sorted(used, key=self._places.__getitem__):
                cell = 2 * (code not in theirs) + (code not in ours)
                self._counts[(*blocks, self._places[code], cell)] += 1
                if cell:
                    only = "coder" if code in theirs else "run"
                    told = (
                        (", ".join(each), each.get(code) or " | ".join(filter(None, each.values())))
                        for each in (theirs, ours)
                    )
                    about = (source.file, name, said.start_s, said.speaker, code, only)
                    self.disagreements.append(Disagreement(*about, *chain(*told)))
            self.segments += 1
        self.transcripts += 1

    @property
    def over(self) -> str:
        """Unit of the bootstrap: `transcripts`, or `segments` if those are few."""
        return "transcripts" if self.transcripts >= MIN_TRANSCRIPTS else "segments"

    def figures(self) -> list[CodeFigures]:
        """Return the figures of all codes together, called `all`, and of each used code."""
        by = ("transcripts", "segments").index(self.over)
        known = slice(self.segments if by else self.transcripts)
        blocks, sizes = self._counts[by, known], self._sizes[by, known]
        blocks[..., NEITHER] = sizes - blocks[..., :NEITHER].sum(-1)
        used = np.flatnonzero(blocks[..., :NEITHER].any((0, 2))).tolist()
        codes = [(self.codes[at], [at]) for at in used]
        return [self._of(name, blocks[:, places]) for name, places in [("all", used), *codes]]

    def _of(self, name: str, blocks: Array) -> CodeFigures:
        """Return the figures of the codes in *blocks*, of shape (blocks, codes, 4)."""
        tables = blocks.reshape(*blocks.shape[:2], 2, 2)
        # Every segment has two values, so each pair counts in both orders.
        both_ways = tables + tables.swapaxes(2, 3)
        found = interval_of(tables, cohen_kappa), interval_of(both_ways, krippendorff_alpha)
        intervals = (each and replace(each, n=self.segments) for each in found)
        return CodeFigures(name, *blocks.sum((0, 1)).tolist(), *intervals)
