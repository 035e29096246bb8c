"""Command `colloquy-agreement`: agreement between a run and a human coder."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import chain
from pathlib import Path

import numpy as np

from runner.base.agreement import Array, cohen_kappa, krippendorff_alpha
from runner.base.command import Arguments, command
from runner.base.errors import ConfigError, OutputError, reason
from runner.base.files import make_directory, write_json, write_text
from runner.base.format import aligned, figure, first_of, plural
from runner.base.regular_files import user_path
from runner.base.tables import as_rows
from runner.base.text import to_terminal
from runner.record.batch_directory import is_batch
from runner.reports.coders.coder_file import Codes, add_code, codes_of, read_coder
from runner.reports.compare.paired import MAX_BLOCKS, MIN_TRANSCRIPTS, Interval, interval_of
from runner.reports.export.codings import codebook_of, coded_files, names_coded
from runner.reports.export.qda import SourceText
from runner.reports.stored_run import read_run

NAME = "colloquy-agreement"
USAGE = f"""\
usage: {NAME} DIR FILE [--listed] [--out FOLDER]

Compares the codings of the run or batch in DIR with those of a human coder in FILE: a table like
codings.csv (columns code, and segment or quote; file where there are several; a row without a code
says that the segment was read), or a REFI-QDA project (.qdpx). Prints for each code the segments
that it has by both, one or neither, Cohen's kappa and Krippendorff's alpha with 95 % intervals, and
writes agreement.json, agreement.csv and disagreements.csv into FOLDER, by default DIR.

--listed  count only the segments that FILE names; else all of every transcript that it names

Exit codes: 0 compared, 2 no such run, or a file that cannot be compared, 8 not writable."""
MAX_SHOWN = 10  # disagreements, and notes, on the terminal; the files have all
_FIGURES = ("code", "both", "only_coder", "only_run", "neither")
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


def _agree(given: Arguments) -> None:
    if len(given.words) > 2:
        raise ConfigError(f"expected a directory and a file; see {NAME} --help")
    path, file = map(user_path, given.words)
    run, book = read_run(path), codebook_of(path)
    coder, notes = read_coder(file, book, names_coded(run).values())
    if "" in coder and is_batch(path):
        raise ConfigError(f"{coder[''][0].place}: column file: expected a name: {path} is a batch")
    coded = CodingComparison(book.names)
    left_out: dict[str, list[str]] = {}  # files by the reason
    for each in coded_files(run, book):
        rows = [coder[name] for name in (each.source.file, "") if name in coder]
        if not rows or not each.answered:
            why = "without an answer" if rows else f"not named in {file.name}"
            left_out.setdefault(why, []).append(each.source.file)
            continue
        theirs, lost = codes_of(each.source, [*chain(*rows)])
        notes += [f"{place}: left out, its words are not in {each.source.file}" for place in lost]
        ours: Codes = {}
        for coding in each.codings:
            if coding.start is not None:
                add_code(ours, coding.segment.id, coding.code, coding.quote)
        coded.add(each.source, theirs, ours, listed="--listed" in given.options)
    for why, names in left_out.items():
        count, named = plural(len(names), "transcript"), first_of(names, MAX_SHOWN)
        notes.append(f"{count} left out, {why}: {named}")
    if not coded.segments:
        raise ConfigError("; ".join([f"{file}: it names no transcript of {path}", *notes[:1]]))
    figures = coded.figures()
    _write(user_path(given.options.get("--out", given.words[0])), coded, figures, notes)
    print("\n".join(_lines(coded, figures, notes)))


def _lines(
    coded: CodingComparison, figures: Sequence[CodeFigures], notes: Sequence[str]
) -> Iterator[str]:
    about = f"{plural(coded.segments, 'segment')} of {plural(coded.transcripts, 'transcript')}"
    yield f"{about}; 95 % intervals by the bootstrap over {coded.over}"
    head = ["code", "both", "only coder", "only run", "neither", "kappa", "alpha"]
    rows = [[*(str(getattr(f, name)) for name in _FIGURES), _shown(f.kappa), _shown(f.alpha)]
            for f in figures]  # fmt: skip
    yield from ("", *aligned([head, *rows]), "")
    yield f"{plural(len(coded.disagreements), 'disagreement')}, all in disagreements.csv"
    for one in coded.disagreements[:MAX_SHOWN]:
        quote = one.coder_quote if one.only == "coder" else one.run_quote
        what = f"{one.file} {one.segment} {one.code}, the {one.only} only"
        yield to_terminal(f'  {what}: "{quote}"', 200)
    yield from (to_terminal(note) for note in notes[:MAX_SHOWN])
    if left := len(notes[MAX_SHOWN:]):
        yield f"{plural(left, 'further note')} in agreement.json"


def _shown(found: Interval | None) -> str:
    if found is None or found.low is None or found.high is None:
        return figure(found and found.value, "{:.2f}")
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _write(
    folder: Path, coded: CodingComparison, figures: Sequence[CodeFigures], notes: Sequence[str]
) -> None:
    intervals = [f"{name}{end}" for name in ("kappa", "alpha") for end in ("", "_low", "_high")]
    rows = [
        [getattr(f, name) for name in _FIGURES]
        + [at and getattr(at, end) for at in (f.kappa, f.alpha) for end in ("value", "low", "high")]
        for f in figures
    ]
    named = [field.name for field in fields(Disagreement)]
    apart = ([getattr(each, name) for name in named] for each in coded.disagreements)
    data = {
        "segments": coded.segments,
        "transcripts": coded.transcripts,
        "bootstrap_over": coded.over,
        "figures": [asdict(each) for each in figures],
        "disagreements": [asdict(each) for each in coded.disagreements],
        "notes": list(notes),
    }
    try:
        make_directory(folder)
        write_json(folder / "agreement.json", data)
        write_text(folder / "agreement.csv", as_rows([(*_FIGURES, *intervals), *rows]))
        write_text(folder / "disagreements.csv", as_rows([named, *apart]))
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {reason(error, folder)}") from error


main = command(NAME, USAGE, _agree, flags=("--listed",), options=("--out",), least=2)
