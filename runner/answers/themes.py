"""Themes of a batch's transcripts: the content of collection/themes.json."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, partial
from typing import Any, cast, get_args, get_origin, get_type_hints

from runner.base.json import amount, listing, mapping, mappings, number, text

VERSION = 1
FILE = "collection/themes.json"  # in the directory of a batch
FOR, AGAINST = "for", "against"
WORDS = "words"  # what joined findings before any model did
ONLY_WORDS = "embeddings failed: words alone were compared"  # left out of a call
MAX_TITLE, MAX_STATEMENT, MAX_REASON = 120, 600, 600  # characters kept of a model's words


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker of one file; None where the turn has no speaker."""

    file: str
    speaker: str | None


@dataclass(frozen=True, slots=True)
class ThemeQuote:
    """A quote that is in its transcript."""

    file: str
    run: str
    segment: str
    start_s: float | None
    speaker: str | None
    quote: str
    match: str  # exact or near
    side: str = FOR  # or against
    where: str = ""  # its page or line in the file, empty if that is unknown


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file whose findings were read: all its *speakers*, and the *status* of its run."""

    file: str
    run: str
    speakers: tuple[str, ...]
    status: str


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A file of the batch without any finding read, and *why*."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class Joined:
    """How findings came together."""

    by: str  # `words` (their similarity) or the record of a model's call
    parts: tuple[tuple[str, ...], ...]  # findings, or themes of earlier calls as their findings
    reason: str = ""  # the model's, or the similarity to the first of the parts


@dataclass(frozen=True, slots=True)
class Theme:
    """What several findings say."""

    id: str
    title: str
    statement: str
    files: tuple[str, ...]  # that mention it
    speakers: tuple[Voice, ...]  # of its quotes, each once
    for_: tuple[Voice, ...]  # of them, whose quotes support it
    against: tuple[Voice, ...]  # of them, whose quotes oppose it
    silent: tuple[str, ...]  # files that were read and do not mention it
    quotes: tuple[ThemeQuote, ...]
    findings: tuple[str, ...]  # `run/analyzer/index`
    against_findings: tuple[str, ...] = ()  # those that oppose it
    merged: tuple[Joined, ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """One side of a contradiction, with the quotes that hold it."""

    position: str
    quotes: tuple[ThemeQuote, ...]
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A *statement* on which the *sides* differ; *themes* are ids of the themes concerned."""

    id: str
    statement: str
    sides: tuple[Position, ...]
    themes: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Accord:
    """A *statement* that the speakers of its quotes share across files."""

    id: str
    statement: str
    quotes: tuple[ThemeQuote, ...]
    findings: tuple[str, ...]
    themes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outlier:
    """A *finding* without a like one, and *why* it matters; *text* is its statement."""

    file: str
    speaker: str | None
    finding: str
    text: str
    quotes: tuple[ThemeQuote, ...]
    why: str


def outlier_id(place: int) -> str:
    """Return the id by which a synthesis names the outlier at *place*, counted from 1."""
    return f"O{place:02d}"


@dataclass(frozen=True, slots=True)
class Synthesis:
    """An analyzer's summary of the collection: *text*, *insights*, and the themes each names."""

    analyzer: str
    text: str
    insights: tuple[str, ...]
    themes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What one call of a reduction read."""

    level: int  # 0 reads findings, above it results of calls
    node: str
    inputs: int
    tokens_in: int
    tokens_budget: int
    left_out: tuple[str, ...] = ()  # of its input, and of its reply
    status: str = "ok"
    escalated: bool = False  # a further model was asked


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """How many *groups* a *threshold* of similarity gives, and the findings of the *largest*."""

    threshold: float
    groups: int
    largest: int


@dataclass(frozen=True, slots=True)
class Collection:
    """All of collection/themes.json."""

    pipeline: str
    status: str
    read: tuple[ReadFile, ...] = ()
    unread: tuple[UnreadFile, ...] = ()
    themes: tuple[Theme, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    agreements: tuple[Accord, ...] = ()
    outliers: tuple[Outlier, ...] = ()
    synthesis: tuple[Synthesis, ...] = ()
    unassigned: tuple[str, ...] = ()  # findings that belong to no theme
    unused: int = 0  # findings without a verified quote, which no stage reads
    threshold: float = 0.0
    ledger: tuple[LedgerRow, ...] = ()
    threshold_curve: tuple[CurvePoint, ...] = ()
    notes: tuple[str, ...] = ()  # what limits all of it

    def content(self) -> dict[str, Any]:
        """Return the content of themes.json for `as_json`, without a copy of its values."""
        return {"version": VERSION, **_shallow(self), "themes": list(map(_shallow, self.themes))}


def read_collection(data: Any) -> Collection | None:
    """Return the untrusted *data* of themes.json as values, None for another version.

    Values of unexpected type become empty, 0 or None; nothing is raised.
    """
    whole = mapping(data)
    known = whole.get("version") == VERSION
    return cast("Collection", _read(Collection, whole)) if known else None


def _shallow(value: Collection | Theme) -> dict[str, Any]:
    return {each.name.rstrip("_"): getattr(value, each.name) for each in fields(value)}


def _read(kind: Any, data: Mapping[str, Any]) -> Any:
    return kind(*(read(data.get(key)) for key, read in _readers(kind)))


@cache
def _readers(kind: Any) -> list[tuple[str, Callable[[Any], Any]]]:
    """Return key and reader of each field of one of the classes above."""
    return [(name.rstrip("_"), _reader(hint)) for name, hint in get_type_hints(kind).items()]


def _reader(hint: Any) -> Callable[[Any], Any]:
    """Return a function that converts any value to the type *hint*."""
    if get_origin(hint) is tuple:
        of = get_args(hint)[0]
        rows, read = mappings if is_dataclass(of) else listing, _reader(of)
        return lambda value: tuple(map(read, rows(value)))
    if is_dataclass(hint):
        return partial(_read, hint)
    if hint in (int, float):
        return lambda value: hint(amount(value))
    if hint is bool:
        return lambda value: value is True
    if hint == str | None:
        return lambda value: None if value is None else text(value)
    return text if hint is str else number
