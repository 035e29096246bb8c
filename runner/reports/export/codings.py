"""Codings of stored runs, placed in a plain text of each transcript; codings.csv and .qdpx."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from math import inf
from operator import itemgetter
from pathlib import Path

from runner.answers.codebook import Codebook
from runner.answers.codebook_file import read_codebook
from runner.answers.grounding.cutting import verbatim
from runner.answers.grounding.exact_matches import ABSENT
from runner.answers.grounding.grounder import Grounder
from runner.base.errors import ConfigError
from runner.base.file_names import flat_names
from runner.base.files import write_bytes
from runner.base.json import at, mappings, section, text
from runner.base.regular_files import kind_of
from runner.base.tables import as_rows
from runner.record.batch_directory import batch_of, is_batch, transcripts_of
from runner.record.run_directory import CODEBOOK
from runner.reports.export.qda import COLUMNS, PlacedCoding, Project, SourceText, source_of
from runner.reports.stored_run import StoredRun, read_run
from runner.transcript.inputs import root_of
from runner.transcript.model import UNKNOWN, Segment

CODINGS, PROJECT = "codings.csv", "codings.qdpx"


@dataclass(frozen=True, slots=True)
class CodedFile:
    """A transcript of a run or batch as it is coded; its codings are in the transcript's order."""

    run: StoredRun
    source: SourceText
    codings: tuple[PlacedCoding, ...]

    @property
    def answered(self) -> bool:
        """Whether the analyzer answered, possibly without codings."""
        return any("codings" in section(r, "structured_data") for r in self.run.records.values())


def codebook_of(path: Path) -> Codebook:
    """Return the codebook of the run or batch in *path*; raise ConfigError without one."""
    file = (batch_of(path) or path) / CODEBOOK
    if kind_of(file) is None:
        raise ConfigError(f"{path} has no codings: expected a run or batch of pipeline=codebook")
    return read_codebook(file)


def names_coded(run: StoredRun) -> dict[Path, str]:
    """Return the transcripts of *run* and, in a batch, of all its runs, by absolute path."""
    own = run.path.absolute()
    names = {} if is_batch(own) else {own: run.transcript.name if run.transcript else ""}
    if batch := own if is_batch(own) else batch_of(own):
        names |= transcripts_of(batch)
    return names


def coded_files(run: StoredRun, book: Codebook) -> Iterator[CodedFile]:
    """Yield the transcript of a run, or those of a batch's runs, in the order of their names."""
    own, files = run.path.absolute(), names_coded(run)
    names = flat_names(files.values())
    for path, file in sorted(files.items(), key=itemgetter(1)):
        if path != own and not is_batch(own):
            continue
        each = run if path == own else read_run(path)
        if each.transcript is not None:
            source = source_of(each.transcript, file, names[file])
            yield CodedFile(each, source, tuple(_codings(each, source, set(book.names))))


def _codings(run: StoredRun, source: SourceText, names: set[str]) -> list[PlacedCoding]:
    grounder = cache(lambda: Grounder(source.transcript.segments))  # most quotes need none
    found: dict[PlacedCoding, None] = {}
    for record in (each for each in run.records.values() if each.get("status") == "ok"):
        coder = f"{text(record.get('analyzer'))} ({text(record.get('model'))})"
        for item in mappings(section(record, "structured_data").get("codings")):
            code, reason = text(item.get("code")), text(item.get("reason"))
            for evidence in mappings(item.get("evidence")) if code in names else ():
                for held, quote, start, end, match in _placed(source, grounder, evidence):
                    where = (quote, start, end, match)
                    found[PlacedCoding(source.file, held, code, *where, reason, coder)] = None

    def place_of(each: PlacedCoding) -> float:
        return source.starts.get(each.segment.id, inf) if each.start is None else each.start

    return sorted(found, key=place_of)


def _placed(
    source: SourceText, grounder: Callable[[], Grounder], evidence: Mapping[str, object]
) -> Iterator[tuple[Segment, str, int | None, int | None, str]]:
    """Yield the segments with the words quoted, those words, their code points, and the match."""
    quote, segment, match = (text(evidence.get(key)) for key in ("quote", "segment", "match"))
    original = text(evidence.get("said")) or quote
    claimed = source.segments.get(segment, UNKNOWN)
    places = []
    if (found := verbatim(claimed.text, original)) is not None:
        places = [(segment, *found)]
    elif match != ABSENT:
        places = grounder().placed(original, segment)
    for name, start, end in places:
        held, base = source.segments[name], source.starts[name]
        yield held, held.text[start:end], base + start, base + end, match
    if not places:
        yield claimed, quote, None, None, ABSENT


def write_codings(run: StoredRun) -> None:
    """Write codings.csv and, except in the run of a batch, codings.qdpx beside the codebook.

    Those of a batch hold the codings of all its files. A run without a codebook gets nothing.
    Raises OSError and ConfigError.
    """
    if not text(run.config.get("codebook")):
        return
    book, path = codebook_of(run.path), run.path
    head = as_rows([COLUMNS]).encode()
    if batch_of(path) is not None:
        codings = chain.from_iterable(each.codings for each in coded_files(run, book))
        write_bytes(path / CODINGS, head + as_rows(each.row() for each in codings).encode())
        return
    name = text(at(run.metadata, "transcript", "name"))
    project = Project(root_of(name).name if is_batch(path) else name, book)

    def table() -> Iterator[bytes]:
        yield head
        for each in coded_files(run, book):
            rows = as_rows(coding.row() for coding in each.codings).encode()
            project.add(each.source, each.codings, text(each.run.metadata.get("started_at")))
            if each.run is not run:
                write_bytes(each.run.path / CODINGS, head + rows)
            yield rows

    write_bytes(path / CODINGS, table())
    write_bytes(path / PROJECT, project.content())
