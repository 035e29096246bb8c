"""Facts shown in a collection's tables and pages: themes, groups, and links to runs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from runner.answers.themes import FILE, Collection, Theme, ThemeQuote, Voice, read_collection
from runner.base.format import clock, plural
from runner.base.json import at, mapping, read_json, section, text
from runner.base.regular_files import kind_of
from runner.base.text import by_number
from runner.config.section import NAME
from runner.job.attributes import FILE as ATTRIBUTES
from runner.job.attributes import Attributes, attributes_from
from runner.record.batch_directory import REPORT, runs_of
from runner.reports.collection.groupings import (
    GroupDifference,
    Grouping,
    differences_of,
    groupings_of,
)
from runner.reports.report.render import address_of
from runner.reports.stored_run import StoredRun

MAX_THEMES = 500  # in tables and pages; the untrusted file may have more
MAX_CELLS = 5_000_000  # of the matrix
STANCES = ("for", "against", "both", "mentioned", "silent", "unread")


@dataclass(frozen=True)
class CollectionFacts:
    """The *collection* of the batch in *path*.

    *reports* are the addresses of each run's report, or else its transcript, from the folder
    collection, by the run's path; *left_out* counts the themes beyond MAX_THEMES. *questions* are
    those put to every transcript, by `STAGE/ANALYZER`, *given* the user's table of attributes.
    """

    path: Path
    collection: Collection
    groupings: tuple[Grouping, ...]
    reports: Mapping[str, str]
    left_out: int = 0
    questions: Mapping[str, str] = field(default_factory=dict)
    given: Attributes = field(default_factory=Attributes)

    @cached_property
    def differences(self) -> dict[str, list[GroupDifference]]:
        """Each theme by the groups of each attribute."""
        return differences_of(self.collection.themes, self.groupings)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """All files, read or not, in order; as many as the matrix has room for."""
        held = self.collection
        files = {f.file for f in held.read} | {f.file for f in held.unread}
        return tuple(sorted(files, key=by_number)[: MAX_CELLS // max(1, len(held.themes))])

    @cached_property
    def speakers(self) -> tuple[Voice, ...]:
        """All named speakers of the files read."""
        return tuple(
            dict.fromkeys(Voice(f.file, s) for f in self.collection.read for s in f.speakers)
        )

    def silent_speakers(self, theme: Theme) -> list[str]:
        """Return the speakers without a quote in *theme*."""
        heard = {*theme.speakers}
        return [named(voice) for voice in self.speakers if voice not in heard]

    def split(self, quotes: Iterable[ThemeQuote]) -> str:
        """Return `site, by file: North 2, South 1; role, by speaker: nurse 3`, of *quotes*."""
        speakers = [(quote.file, quote.speaker) for quote in quotes]
        parts = []
        for each in (grouping for grouping in self.groupings if not grouping.why):
            units = {(file, speaker if each.by_speaker else None) for file, speaker in speakers}
            counts = Counter(each.value(*unit) for unit in units)
            shown = ", ".join(f"{value} {counts[value]}" for value in each.values if counts[value])
            by = "speaker" if each.by_speaker else "file"
            parts += [f"{each.name}, by {by}: {shown}"] if shown else []
        return "; ".join(parts)

    @cached_property
    def _named(self) -> Mapping[str, str]:
        return {each.run: each.file for each in self.collection.read}

    def finding(self, name: str) -> tuple[str, str | None]:
        """Return `FILE, ANALYZER 3` for the finding called *name*, and its report's address."""
        run, _, inner = name.rpartition("/")[0].rpartition("/")
        number = name.rpartition("/")[2]
        place = str(int(number) + 1) if number.isdecimal() and len(number) < 9 else number
        return f"{self._named.get(run, run)}, {inner} {place}", self.reports.get(run)

    def link(self, quote: ThemeQuote) -> str | None:
        """Return the address of *quote*'s segment, None without a page of its run."""
        base = self.reports.get(quote.run)
        number = quote.segment[1:]
        if base is None or not number.isdecimal():
            return None
        in_report = base.endswith(REPORT)
        return f"{base}#seg-{int(number)}" if in_report else f"{base}#{quote.segment.lower()}"


def facts_of(run: StoredRun) -> CollectionFacts | None:
    """Return the facts on the batch *run*, None without themes of this version.

    Raises OSError or ConfigError if its folders cannot be read.
    """
    batch = run.path
    collection = read_collection(read_json(batch / FILE))
    if collection is None:
        return None
    left_out = max(0, len(collection.themes) - MAX_THEMES)

    def place(quote: ThemeQuote) -> tuple[object, ...]:
        return by_number(quote.file), by_number(quote.segment)

    themes = (
        replace(each, quotes=tuple(sorted(each.quotes, key=place)))
        for each in collection.themes[:MAX_THEMES]
    )
    collection = replace(collection, themes=tuple(themes))
    known = {path.relative_to(batch).as_posix() for path in runs_of(batch)}
    runs = {each.file: each.run for each in collection.read if each.run in known}
    attendees = text(at(run.config, "transcript", "about", "attendees"))
    abouts = {}
    for file, name in runs.items():
        about = section(read_json(batch / name / "metadata.json"), "reading", "about")
        named = {"attendees": attendees} if attendees else {}
        abouts[file] = named | {str(key): text(value) for key, value in about.items()}
    attributes = attributes_from(read_json(batch / ATTRIBUTES))
    return CollectionFacts(
        batch,
        collection,
        groupings_of(collection.read, attributes, abouts),
        {name: page for name in runs.values() if (page := _page_of(batch, name))},
        left_out,
        dict(_questions(run.config)),
        attributes,
    )


def _questions(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, about in mapping(config.get("analyzers")).items():
        stage, question = text(at(about, "stage")), text(at(about, "variables", "question"))
        joint = at(config, "stages", stage, "scope") == "collection"
        if question and not joint and NAME.match(str(name)) and NAME.match(stage):
            yield f"{stage}/{name}", question


def _page_of(batch: Path, run: str) -> str | None:
    for page in (batch / run / REPORT, batch / run / "transcript.md"):
        if kind_of(page) == "file":
            return address_of(page, batch / Path(FILE).parent)
    return None


def stances(theme: Theme, facts: CollectionFacts) -> dict[str, str]:
    """Return each file's stance on *theme*, one of STANCES."""
    for_, against = ({voice.file for voice in side} for side in (theme.for_, theme.against))
    found = dict.fromkeys(theme.files, "mentioned")
    found |= dict.fromkeys(for_, "for") | dict.fromkeys(against, "against")
    unread = (each.file for each in facts.collection.unread)
    found |= dict.fromkeys(for_ & against, "both") | dict.fromkeys(unread, "unread")
    return {file: found.get(file, "silent") for file in facts.files}


def position_of(quote: ThemeQuote) -> str:
    """Return when it begins, and its page or line; empty if neither is known."""
    start = clock(quote.start_s) if quote.start_s is not None and quote.start_s >= 0 else ""
    return ", ".join(filter(None, (start, quote.where)))


def source_of_quote(quote: ThemeQuote) -> str:
    """Return its speaker, time, page or line, segment and file."""
    return ", ".join(filter(None, (quote.speaker, position_of(quote), quote.segment, quote.file)))


def named(voice: Voice) -> str:
    """Return `Ana (one.txt)`."""
    return f"{voice.speaker or 'no name'} ({voice.file})"


def counted(theme: Theme, facts: CollectionFacts) -> str:
    """Return `12 of 57 files read, 15 of 70 speakers`, the counts of a theme."""
    speakers, of = len(theme.speakers), speakers_read(theme, facts)
    voices = plural(speakers, "speaker") if of is None else f"{speakers} of {plural(of, 'speaker')}"
    return f"{len(theme.files)} of {plural(len(facts.collection.read), 'file')} read, {voices}"


def speakers_read(theme: Theme, facts: CollectionFacts) -> int | None:
    """Return how many speakers were read, None where one in *theme* is not among them."""
    known = len(theme.speakers) <= len(facts.speakers) and all(v.speaker for v in theme.speakers)
    return len(facts.speakers) if known else None
