"""Themes: what the transcripts of a batch say together, as collection/themes.json holds it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from runner.base.json import amount, listing, mapping, mappings, number, text

VERSION = 1
FILE = "collection/themes.json"  # in the directory of a batch
FOR, AGAINST = "for", "against"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker of one file; None where the turn has no speaker."""

    file: str
    speaker: str | None


@dataclass(frozen=True, slots=True)
class ThemeQuote:
    """A quote that is in its transcript: *match* is exact or near, *side* for or against."""

    file: str
    run: str
    segment: str
    start_s: float | None
    speaker: str | None
    quote: str
    match: str
    side: str = FOR


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file whose findings were read: all its *speakers*, and the *status* of its run."""

    file: str
    run: str
    speakers: tuple[str, ...]
    status: str


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A file of the batch of which nothing was read, and *why*."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class Joined:
    """How findings came together: *by* `words` (their likeness) or the record of a model's call.

    *parts* are findings, or themes of earlier calls, each as the list of its findings; *reason*
    is the model's, or the likeness to the first of the parts.
    """

    by: str
    parts: tuple[tuple[str, ...], ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Theme:
    """What several findings say; *findings* are `run/analyzer/index`, *against_findings* oppose it.

    *files* speak of it, *silent* ones were read and do not. *for_* and *against* are the speakers
    of its quotes by side; *speakers* all of them, each once.
    """

    id: str
    title: str
    statement: str
    files: tuple[str, ...]
    speakers: tuple[Voice, ...]
    for_: tuple[Voice, ...]
    against: tuple[Voice, ...]
    silent: tuple[str, ...]
    quotes: tuple[ThemeQuote, ...]
    findings: tuple[str, ...]
    against_findings: tuple[str, ...] = ()
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
class Agreement:
    """A *statement* that the speakers of its quotes share across files."""

    id: str
    statement: str
    quotes: tuple[ThemeQuote, ...]
    findings: tuple[str, ...]
    themes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outlier:
    """A *finding* that stands alone, and *why* it is worth a look; *text* is what it says."""

    file: str
    speaker: str | None
    finding: str
    text: str
    quotes: tuple[ThemeQuote, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What an analyzer says of the whole: *text*, its *insights*, and the themes each names."""

    analyzer: str
    text: str
    insights: tuple[str, ...]
    themes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What one call of a reduction read: *level* 0 reads findings, above it results of calls.

    *left_out* says what it did not get to read, and what of its reply was not used.
    """

    level: int
    node: str
    inputs: int
    tokens_in: int
    tokens_budget: int
    left_out: tuple[str, ...] = ()
    status: str = "ok"


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """How many *groups* a *threshold* of likeness gives, and the findings of the *largest*."""

    threshold: float
    groups: int
    largest: int


@dataclass(frozen=True, slots=True)
class Collection:
    """All of collection/themes.json; *unassigned* are findings that belong to no theme.

    *unused* counts findings without a verified quote, which no stage reads.
    """

    pipeline: str
    status: str
    read: tuple[ReadFile, ...] = ()
    unread: tuple[UnreadFile, ...] = ()
    themes: tuple[Theme, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    outliers: tuple[Outlier, ...] = ()
    synthesis: tuple[Synthesis, ...] = ()
    unassigned: tuple[str, ...] = ()
    unused: int = 0
    threshold: float = 0.0
    ledger: tuple[LedgerRow, ...] = ()
    threshold_curve: tuple[CurvePoint, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the content of themes.json."""
        data = asdict(self)
        themes = [_renamed(theme) for theme in data["themes"]]
        return {"version": VERSION, **data, "themes": themes}


def read_collection(data: Any) -> Collection | None:
    """Return the untrusted *data* of themes.json as values, None for another version.

    What has another type than expected is empty, 0 or None; nothing is raised.
    """
    data = mapping(data)
    if data.get("version") != VERSION:
        return None
    return Collection(
        text(data.get("pipeline")),
        text(data.get("status")),
        _each(
            data.get("read"),
            lambda d: ReadFile(_t(d, "file"), _t(d, "run"), _texts(d, "speakers"), _t(d, "status")),
        ),
        _each(data.get("unread"), lambda d: UnreadFile(_t(d, "file"), _t(d, "why"))),
        _each(data.get("themes"), _theme),
        _each(data.get("contradictions"), _contradiction),
        _each(data.get("agreements"), _agreement),
        _each(data.get("outliers"), _outlier),
        _each(data.get("synthesis"), _synthesis),
        _texts(data, "unassigned"),
        int(amount(data.get("unused"))),
        amount(data.get("threshold")),
        _each(data.get("ledger"), _row),
        _each(
            data.get("threshold_curve"),
            lambda d: CurvePoint(amount(d.get("threshold")), _n(d, "groups"), _n(d, "largest")),
        ),
    )


def _renamed(theme: Mapping[str, Any]) -> dict[str, Any]:
    return {FOR if key == "for_" else key: value for key, value in theme.items()}


def _theme(data: Mapping[str, Any]) -> Theme:
    return Theme(
        _t(data, "id"),
        _t(data, "title"),
        _t(data, "statement"),
        _texts(data, "files"),
        _each(data.get("speakers"), _voice),
        _each(data.get(FOR), _voice),
        _each(data.get(AGAINST), _voice),
        _texts(data, "silent"),
        _each(data.get("quotes"), _quote),
        _texts(data, "findings"),
        _texts(data, "against_findings"),
        _each(data.get("merged"), _joined),
    )


def _joined(data: Mapping[str, Any]) -> Joined:
    parts = tuple(tuple(map(text, listing(part))) for part in listing(data.get("parts")))
    return Joined(_t(data, "by"), parts, _t(data, "reason"))


def _contradiction(data: Mapping[str, Any]) -> Contradiction:
    return Contradiction(
        _t(data, "id"),
        _t(data, "statement"),
        _each(
            data.get("sides"),
            lambda d: Position(
                _t(d, "position"), _each(d.get("quotes"), _quote), _texts(d, "findings")
            ),
        ),
        _texts(data, "themes"),
        _t(data, "reason"),
    )


def _agreement(data: Mapping[str, Any]) -> Agreement:
    return Agreement(
        _t(data, "id"),
        _t(data, "statement"),
        _each(data.get("quotes"), _quote),
        _texts(data, "findings"),
        _texts(data, "themes"),
    )


def _outlier(data: Mapping[str, Any]) -> Outlier:
    return Outlier(
        _t(data, "file"),
        _speaker(data),
        _t(data, "finding"),
        _t(data, "text"),
        _each(data.get("quotes"), _quote),
        _t(data, "why"),
    )


def _synthesis(data: Mapping[str, Any]) -> Synthesis:
    return Synthesis(
        _t(data, "analyzer"), _t(data, "text"), _texts(data, "insights"), _texts(data, "themes")
    )


def _row(data: Mapping[str, Any]) -> LedgerRow:
    return LedgerRow(
        _n(data, "level"),
        _t(data, "node"),
        _n(data, "inputs"),
        _n(data, "tokens_in"),
        _n(data, "tokens_budget"),
        _texts(data, "left_out"),
        _t(data, "status"),
    )


def _quote(data: Mapping[str, Any]) -> ThemeQuote:
    return ThemeQuote(
        _t(data, "file"),
        _t(data, "run"),
        _t(data, "segment"),
        number(data.get("start_s")),
        _speaker(data),
        _t(data, "quote"),
        _t(data, "match"),
        AGAINST if data.get("side") == AGAINST else FOR,
    )


def _voice(data: Mapping[str, Any]) -> Voice:
    return Voice(_t(data, "file"), _speaker(data))


def _speaker(data: Mapping[str, Any]) -> str | None:
    return None if data.get("speaker") is None else _t(data, "speaker")


def _each(value: Any, make: Callable[[Mapping[str, Any]], T]) -> tuple[T, ...]:
    return tuple(map(make, mappings(value)))


def _t(data: Mapping[str, Any], key: str) -> str:
    return text(data.get(key))


def _n(data: Mapping[str, Any], key: str) -> int:
    return int(amount(data.get(key)))


def _texts(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(map(text, listing(data.get(key))))
