"""Command `colloquy-agreement`: agreement between a run and a human coder."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, fields
from pathlib import Path

from runner.base.command import Arguments, command
from runner.base.errors import ConfigError, writable
from runner.base.files import make_directory, write_json, write_text
from runner.base.format import aligned, figure, first_of, plural
from runner.base.regular_files import user_path
from runner.base.tables import as_rows
from runner.base.text import to_terminal
from runner.record.batch_directory import is_batch
from runner.reports.coders.coder_file import Codes, add_code, codes_of, read_coder
from runner.reports.coders.comparison import CodeFigures, CodingComparison, Disagreement
from runner.reports.compare.paired import Interval
from runner.reports.export.codings import codebook_of, coded_files, names_coded
from runner.reports.export.qda import PlacedCoding
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
_COUNTS = ("code", "both", "only_coder", "only_run", "neither")
_INTERVALS = ("kappa", "kappa_low", "kappa_high", "alpha", "alpha_low", "alpha_high")


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
        name = each.source.file
        if name not in coder and "" not in coder:
            left_out.setdefault(f"not named in {file.name}", []).append(name)
        elif not each.answered:
            left_out.setdefault("without an answer", []).append(name)
        else:
            rows = [*coder.get(name, ()), *coder.get("", ())]
            theirs, lost = codes_of(each.source, rows)
            notes += [f"{place}: left out, its words are not in {name}" for place in lost]
            ours = _codes_of_run(each.codings)
            coded.add(each.source, theirs, ours, listed="--listed" in given.options)
    for why, names in left_out.items():
        count, named = plural(len(names), "transcript"), first_of(names, MAX_SHOWN)
        notes.append(f"{count} left out, {why}: {named}")
    if not coded.segments:
        raise ConfigError("; ".join([f"{file}: it names no transcript of {path}", *notes[:1]]))
    figures = coded.figures()
    _write(user_path(given.options.get("--out", given.words[0])), coded, figures, notes)
    print("\n".join(_lines(coded, figures, notes)))


def _codes_of_run(codings: Iterable[PlacedCoding]) -> Codes:
    codes: Codes = {}
    for coding in codings:
        if coding.start is not None:
            add_code(codes, coding.segment.id, coding.code, coding.quote)
    return codes


def _lines(
    coded: CodingComparison, figures: Sequence[CodeFigures], notes: Sequence[str]
) -> Iterator[str]:
    about = f"{plural(coded.segments, 'segment')} of {plural(coded.transcripts, 'transcript')}"
    yield f"{about}; 95 % intervals by the bootstrap over {coded.over}"
    head = ["code", "both", "only coder", "only run", "neither", "kappa", "alpha"]
    rows = [[*map(str, _counts(f)), _shown(f.kappa), _shown(f.alpha)] for f in figures]
    yield from ("", *aligned([head, *rows]), "")
    yield f"{plural(len(coded.disagreements), 'disagreement')}, all in disagreements.csv"
    for one in coded.disagreements[:MAX_SHOWN]:
        quote = one.coder_quote if one.only == "coder" else one.run_quote
        what = f"{one.file} {one.segment} {one.code}, the {one.only} only"
        yield to_terminal(f'  {what}: "{quote}"', 200)
    yield from (to_terminal(note) for note in notes[:MAX_SHOWN])
    if left := len(notes[MAX_SHOWN:]):
        yield f"{plural(left, 'further note')} in agreement.json"


def _counts(figures: CodeFigures) -> list[object]:
    return [getattr(figures, name) for name in _COUNTS]


def _shown(found: Interval | None) -> str:
    if found is None or found.low is None or found.high is None:
        return figure(found and found.value, "{:.2f}")
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _write(
    folder: Path, coded: CodingComparison, figures: Sequence[CodeFigures], notes: Sequence[str]
) -> None:
    rows = ([*_counts(f), *_ends(f.kappa), *_ends(f.alpha)] for f in figures)
    named = [field.name for field in fields(Disagreement)]
    apart = map(astuple, coded.disagreements)
    data = {
        "segments": coded.segments,
        "transcripts": coded.transcripts,
        "bootstrap_over": coded.over,
        "figures": [asdict(each) for each in figures],
        "disagreements": [asdict(each) for each in coded.disagreements],
        "notes": list(notes),
    }
    with writable(folder):
        make_directory(folder)
        write_json(folder / "agreement.json", data)
        write_text(folder / "agreement.csv", as_rows([(*_COUNTS, *_INTERVALS), *rows]))
        write_text(folder / "disagreements.csv", as_rows([named, *apart]))


def _ends(found: Interval | None) -> tuple[float | None, ...]:
    return (None, None, None) if found is None else (found.value, found.low, found.high)


main = command(NAME, USAGE, _agree, flags=("--listed",), options=("--out",), least=2)
