"""Agreement of a run with a human coder: kappa and alpha per code and pooled, with intervals."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from runner.base.statistics import Table, cohen_kappa, krippendorff_alpha
from runner.reports.coders.coder_file import Codes
from runner.reports.compare.paired import MAX_BLOCKS, MIN_TRANSCRIPTS, Interval, interval_of
from runner.reports.export.qda import SourceText

Counts = tuple[int, int, int, int]  # of segments: both, only the coder, only the run, neither
_ONE: Sequence[Counts] = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))


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


@dataclass(slots=True)
class CodingComparison:
    """Segments coded by both, file by file; *codes* are those of the codebook."""

    codes: Sequence[str]
    segments: int = 0
    files: list[tuple[int, dict[str, Counts]]] = field(default_factory=list)
    units: list[dict[str, int]] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)

    def add(self, source: SourceText, coder: Codes, run: Codes, *, listed: bool) -> None:
        """Add the segments of a transcript, with *listed* only those that the coder names."""
        totals: dict[str, list[int]] = {}
        ids = [each for each in source.segments if each in coder or not listed]
        for name in ids:
            theirs, ours = coder.get(name, {}), run.get(name, {})
            used = [each for each in self.codes if each in theirs or each in ours]
            unit = {c: 1 if c not in ours else 2 if c not in theirs else 0 for c in used}
            self.units.append(unit)
            for code, place in unit.items():
                totals.setdefault(code, [0, 0, 0])[place] += 1
                if place:
                    self.disagreements.append(_apart(source, name, code, theirs, ours))
        self.segments += len(ids)
        counts = {c: (a, b, d, len(ids) - a - b - d) for c, (a, b, d) in totals.items()}
        self.files.append((len(ids), counts))

    @property
    def over(self) -> str:
        """Unit of the bootstrap: `transcripts`, or `segments` if those are few."""
        return "transcripts" if len(self.files) >= MIN_TRANSCRIPTS else "segments"

    def figures(self) -> list[CodeFigures]:
        """Return the figures of all codes together, called `all`, and of each used code.

        Those of `all` are pooled over codes: the mean agreement against the mean agreement by
        chance (De Vries et al., "Using pooled kappa to summarize interrater agreement across many
        items", 2008).
        """
        used = [code for code in self.codes if any(code in each for _, each in self.files)]
        blocks = self._blocks(used)
        return [_figures("all", blocks, used, self.segments),
                *(_figures(code, blocks, [code], self.segments) for code in used)]  # fmt: skip

    def _blocks(self, used: Sequence[str]) -> list[dict[str, Counts]]:
        """Return the counts of transcripts, or of segments, dealt into at most MAX_BLOCKS."""
        if self.over == "transcripts":
            rows = [{c: each.get(c, (0, 0, 0, n)) for c in used} for n, each in self.files]
        else:
            rows = [{c: _ONE[unit.get(c, 3)] for c in used} for unit in self.units]
        dealt = [rows[at::MAX_BLOCKS] for at in range(min(MAX_BLOCKS, len(rows)))]
        return [{c: _sum(row[c] for row in block) for c in used} for block in dealt]


def _apart(
    source: SourceText, name: str, code: str, coder: Mapping[str, str], run: Mapping[str, str]
) -> Disagreement:
    segment, only = source.segments[name], "coder" if code in coder else "run"
    theirs, ours = ((", ".join(each), each.get(code) or " | ".join(filter(None, each.values())))
                    for each in (coder, run))  # fmt: skip
    about = (source.file, name, segment.start_s, segment.speaker, code, only)
    return Disagreement(*about, *theirs, *ours)


def _sum(counts: Iterable[Counts]) -> Counts:
    a, b, c, d = (sum(each) for each in zip(*counts, strict=True))
    return a, b, c, d


def _figures(
    name: str, blocks: Sequence[Mapping[str, Counts]], codes: Sequence[str], segments: int
) -> CodeFigures:
    rows = [[[block[code][at] for block in blocks] for at in range(4)] for code in codes]

    def counted(places: Sequence[int]) -> list[list[int]]:
        return [[sum(map(cells.__getitem__, places)) for cells in row] for row in rows]

    def interval(measure: Callable[[Sequence[list[int]]], float | None]) -> Interval | None:
        found = interval_of(len(blocks), lambda places: measure(counted(places)))
        return found and replace(found, n=segments)

    whole = [sum(cells) for cells in zip(*counted(range(len(blocks))), strict=True)] or [0, 0, 0, 0]
    a, b, c, d = whole
    return CodeFigures(name, a, b, c, d, interval(_kappa), interval(_alpha))


def _kappa(counts: Sequence[list[int]]) -> float | None:
    tables: list[Table] = [{(1, 1): a, (1, 0): b, (0, 1): c, (0, 0): d} for a, b, c, d in counts]
    return cohen_kappa(*tables)


def _alpha(counts: Sequence[list[int]]) -> float | None:
    """Krippendorff's alpha; every segment has two values, so each pair counts in both orders."""
    tables: list[Table] = [
        {(1, 1): 2 * a, (1, 0): b + c, (0, 1): b + c, (0, 0): 2 * d} for a, b, c, d in counts
    ]
    return krippendorff_alpha(*tables)
