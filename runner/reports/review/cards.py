"""Cards: the findings of stored runs as a reviewer sees them, with quotes and transcript."""

import mimetypes
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.answers.labels import FindingLabel, FoundItem, found_items, label_of, short_sha
from runner.base.json import at, text
from runner.base.regular_files import kind_of, user_path
from runner.base.text import digest, to_safe_text
from runner.record.batch_directory import single_runs
from runner.reports.report.findings import Places, SegmentPlace, places_of
from runner.reports.report.nodes import in_words
from runner.reports.report.page import WEB
from runner.reports.report.render import title_of
from runner.reports.stored_run import StoredRun, is_run, read_run, runs_in
from runner.transcript.model import Segment

MAX_CARDS = 500  # on a page
MAX_LISTED = 10_000
AROUND = 3  # segments shown before and after a cited one
MAX_SHOWN = 15  # segments of a card
MAX_CHARS = 2_000  # of a segment


@dataclass(frozen=True, slots=True)
class NearbySegment:
    """A segment beside a finding; *parts* are its words, those that are quoted marked True."""

    place: SegmentPlace
    cited: bool
    parts: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One finding of the transcript called *title*; *sha256* is that of the transcript."""

    item: FoundItem
    sha256: str
    title: str
    analyzer: str
    part: str
    words: str
    said: tuple[NearbySegment, ...]

    @property
    def id(self) -> str:
        """The key of its labels: the transcript and the finding's key."""
        return f"{short_sha(self.sha256)}.{self.item.key}"

    def label(self, verdict: str, **details: str) -> FindingLabel:
        """Return a label of it."""
        return label_of(self.item, self.sha256, verdict, **details)


def cards_of(
    folder: Path, limit: int = MAX_CARDS, marked: Collection[str] = ()
) -> tuple[list[Card], list[Path]]:
    """Return the findings of all runs in *folder*, equal ones once, and their sound files.

    At most *limit*; those whose key is not *marked* come first. Findings of several runs are
    mixed, always in one order, so that the first marks fall on all of them. A sound file has the
    address `media/NUMBER`, its place in that list. Raises ConfigError if there is no run.
    """
    cards: dict[str, Card] = {}
    files: list[Path] = []
    paths = [*filter(is_run, single_runs(runs_in(folder)))]
    for path in sorted(paths, key=lambda path: digest(str(path))):
        if sum(card.item.key not in marked for card in cards.values()) >= limit:
            break
        run = read_run(path)
        places = places_of(run.transcript, _media(run, files))
        for card in _cards(run, places):
            cards.setdefault(card.id, card)
    done = [name for name, card in cards.items() if card.item.key in marked]
    for name in done[: max(0, len(cards) - limit)]:
        del cards[name]
    shown = list(cards.values())[:limit]
    return sorted(shown, key=lambda card: card.item.key) if len(paths) > 1 else shown, files


def _media(run: StoredRun, files: list[Path]) -> str:
    """Return the address of the recording, empty for none or if it is not audio or video."""
    given = text(at(run.config, "transcript", "media"))
    if not given or given.startswith(WEB):
        return given
    path = user_path(given)
    kind = mimetypes.guess_type(path.name)[0] or ""
    if not kind.startswith(("audio/", "video/")) or kind_of(path) != "file":
        return ""
    if path not in files:
        files.append(path)
    return f"./media/{files.index(path)}"


def _cards(run: StoredRun, places: Places) -> Iterator[Card]:
    segments = run.transcript.segments if run.transcript else ()
    numbers = {text(segment.id): at for at, segment in enumerate(segments)}
    sha256 = text(at(run.metadata, "transcript", "sha256"))
    title = run.about("title") or text(at(run.metadata, "transcript", "name")) or run.name
    for name, record in run.records.items():
        if record.get("status") != "ok":
            continue
        for item in found_items(name, record):
            said = tuple(_nearby(item, segments, numbers, places))
            named = (f"{key.replace('_', ' ')}: {value}" for key, value in item.fields[1:])
            words = in_words("; ".join([item.fields[0][1], *named]), run.records.keys())
            part = "" if item.part == "insights" else title_of(item.part)
            yield Card(item, sha256, title, title_of(name), part, to_safe_text(words), said)


def _nearby(
    item: FoundItem, segments: Sequence[Segment], numbers: Mapping[str, int], places: Places
) -> Iterator[NearbySegment]:
    """Yield the cited segments with those around them, in the transcript's order."""
    quotes: dict[int, list[str]] = {}
    for cited, quote in item.evidence:
        if cited in numbers:
            quotes.setdefault(numbers[cited], []).append(quote)
    near = {place + step for place in quotes for step in range(-AROUND, AROUND + 1)}
    shown = sorted({*quotes, *(place for place in near if 0 <= place < len(segments))})
    for place in sorted(sorted(shown, key=lambda p: p not in quotes)[:MAX_SHOWN]):
        segment = segments[place]
        words = text(segment.text)[:MAX_CHARS]
        longest_first = sorted(quotes.get(place, ()), key=len, reverse=True)
        pattern = "|".join(map(re.escape, filter(None, longest_first)))
        found = re.split(f"({pattern})", words) if pattern else [words]
        parts = tuple((part, at % 2 == 1) for at, part in enumerate(found))
        yield NearbySegment(places[text(segment.id)], place in quotes, parts)
