"""Findings of a batch's runs that rest on verified quotes: the input of a collection."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.answers.clustering import Merge, linkage
from runner.answers.contradiction import denials
from runner.answers.grounding.exact_matches import ABSENT
from runner.answers.themes import AGAINST, Joined, ReadFile, Theme, ThemeQuote, UnreadFile, Voice
from runner.base.errors import ColloquyError
from runner.base.json import mappings, text
from runner.base.text import digest
from runner.job.graph import Node
from runner.providers.offline.language.asking import terms_of
from runner.record.batch_directory import rows_of
from runner.record.result_row import UNREADABLE
from runner.record.reuse import answer_in
from runner.record.stored_transcript import read_transcript_file
from runner.transcript.inputs import Input
from runner.transcript.model import Segment, Transcript
from runner.transcript.warnings import NOT_ENGLISH

# Returns, for a file and its transcript, a function that masks a text about it.
Masking = Callable[[str, Transcript], Callable[[str], str]]

MAX_TEXT = 1200  # characters of a finding as prompts show it
MAX_QUOTE = 300  # of its first quote


@dataclass(frozen=True, slots=True)
class GroundedFinding:
    """One finding: *id* is `run/analyzer/index`; *shown* and *quote* are as prompts show them."""

    id: str
    file: str
    text: str
    shown: str
    quote: str
    quotes: tuple[ThemeQuote, ...]

    @property
    def analyzer(self) -> str:
        """The analyzer whose finding it is."""
        return self.id.split("/")[-2]


@dataclass(frozen=True)
class CollectionFindings:
    """The findings of all files that were *read*, by id."""

    read: tuple[ReadFile, ...]
    unread: tuple[UnreadFile, ...]
    findings: Mapping[str, GroundedFinding]
    unused: int  # findings without a verified quote
    foreign: tuple[str, ...] = ()  # files that do not look like English

    def quotes(self, findings: Iterable[str]) -> tuple[ThemeQuote, ...]:
        """Return the quotes of *findings*, each once."""
        return tuple(dict.fromkeys(q for name in findings for q in self.findings[name].quotes))

    def theme(
        self,
        title: str,
        statement: str,
        findings: Iterable[str],
        against: tuple[str, ...],
        merged: tuple[Joined, ...],
    ) -> Theme:
        """Return the theme of *findings*, without an id; those *against* it are among them."""
        findings, against_it = tuple(dict.fromkeys(findings)), set(against)
        support = self.quotes(name for name in findings if name not in against_it)
        opposed = tuple(replace(quote, side=AGAINST) for quote in self.quotes(against))
        quotes = *support, *opposed
        files = tuple(sorted(said := {quote.file for quote in quotes}))
        silent = tuple(each.file for each in self.read if each.file not in said)
        voices = voices_of(quotes), voices_of(support), voices_of(opposed)
        return Theme(
            "", title, statement, files, *voices, silent, quotes, findings, against, merged
        )


def voices_of(quotes: Iterable[ThemeQuote]) -> tuple[Voice, ...]:
    """Return the speakers of *quotes*, each once, in order."""
    voices = {(quote.file, quote.speaker) for quote in quotes}
    ordered = sorted(voices, key=lambda each: (each[0], each[1] or ""))
    return tuple(Voice(file, speaker) for file, speaker in ordered)


def place_of(file: str) -> str:
    """Return the 256 bits that place *file* in the tree of a collection's calls."""
    return f"{int(digest(file), 16):0256b}"


def linkage_of(
    found: Sequence[GroundedFinding], embedded: Sequence[Sequence[float]] = ()
) -> list[Merge]:
    """Return the merges of *found* by their words, the most alike first; see `clustering.linkage`.

    With their vectors *embedded*, these count as much as the words. A finding with a negation is
    never joined with one without: opposites differ in only a word.
    """
    made = list[Merge]()
    for denies in (False, True):
        rows = [(n, each) for n, each in enumerate(found) if bool(denials(each.shown)) == denies]
        vectors = [embedded[n] for n, _ in rows] if embedded else ()
        own = linkage([terms_of(each.shown) for _, each in rows], vectors)
        made += [Merge(j.similarity, rows[j.one][0], rows[j.other][0]) for j in own]
    return sorted(made, key=lambda join: -join.similarity)


def collect_findings(
    batch: Path,
    inputs: Sequence[Input],
    reads: Sequence[Node],
    masking: Masking | None = None,
) -> CollectionFindings:
    """Return the findings that the analyzers *reads* have of *inputs*; reads every run once.

    A file is unread if none of them answered, or if another file has the same transcript. With
    *masking*, prompts show stand-ins. Raises OSError.
    """
    rows = {text(row.get("transcript")): row for row in rows_of(batch)}
    read, unread, findings, unused = [], [], dict[str, GroundedFinding](), 0
    hashes, foreign = dict[str, str](), list[str]()
    for file in inputs:
        row = rows.get(file.name, {})
        is_read = row.get("status") != UNREADABLE
        records = _records(batch / file.run, reads) if is_read else {}
        why = text(row.get("error")) or text(row.get("status")) or "it was not run"
        try:
            transcript = read_transcript_file(batch / file.run) if records else None
        except ColloquyError as error:
            transcript, why = None, str(error)
        if transcript and (same := hashes.setdefault(transcript.sha256, file.name)) != file.name:
            transcript, why = None, f"the same transcript as {same}"
        if transcript is None:
            unread.append(UnreadFile(file.name, why))
            continue
        if transcript.reading and NOT_ENGLISH in transcript.reading.warnings:
            foreign.append(file.name)
        segments = {segment.id: segment for segment in transcript.segments}
        names = tuple(dict.fromkeys(s.speaker for s in transcript.segments if s.speaker))
        read.append(ReadFile(file.name, file.run, names, text(row.get("status")) or "unknown"))
        mask = None if masking is None else masking(file.name, transcript)
        for finding in _findings(file, records, segments, mask):
            if finding.quotes:
                findings[finding.id] = finding
            else:
                unused += 1
    return CollectionFindings(tuple(read), tuple(unread), findings, unused, tuple(foreign))


def _findings(
    file: Input,
    records: Mapping[str, Mapping[str, Any]],
    segments: Mapping[str, Segment],
    mask: Callable[[str], str] | None,
) -> Iterator[GroundedFinding]:
    """Yield the findings of a run, with or without a verified quote."""
    for name, record in records.items():
        for index, insight in enumerate(mappings(record.get("insights"))):
            quotes = tuple(_quotes(file, insight, segments))
            statement = " ".join(text(insight.get("text")).split())
            first = quotes[0].quote if quotes else ""
            shown, quote = (statement, first) if mask is None else (mask(statement), mask(first))
            id_ = f"{file.run}/{name}/{index}"
            yield GroundedFinding(
                id_, file.name, statement, shown[:MAX_TEXT], quote[:MAX_QUOTE], quotes
            )


def _records(run: Path, reads: Sequence[Node]) -> dict[str, Mapping[str, Any]]:
    """Return the intact answers of a run among *reads*, by analyzer."""
    folder = run / "intermediate"
    files = {node.name: folder / node.stage / f"{node.name}.json" for node in reads}
    return {name: answer for name, file in files.items() if (answer := answer_in(file))}


def _quotes(
    file: Input, insight: Mapping[str, Any], segments: Mapping[str, Segment]
) -> Iterator[ThemeQuote]:
    """Yield the quotes of an insight that are in the transcript, in the transcript's words."""
    seen: Collection[tuple[str, str]] = set()
    for each in mappings(insight.get("evidence")):
        match, segment = text(each.get("match")), segments.get(text(each.get("segment")))
        quote = " ".join((text(each.get("said")) or text(each.get("quote"))).split())
        if segment is None or match in ("", ABSENT) or not quote or (segment.id, quote) in seen:
            continue
        seen = {*seen, (segment.id, quote)}
        about = segment.id, segment.start_s, segment.speaker, quote, match
        yield ThemeQuote(file.name, file.run, *about, where=segment.where)
