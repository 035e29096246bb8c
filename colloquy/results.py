"""Results of runs and batches as frozen values, read from their directories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Self

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Quote:
    """Evidence: words of a segment; *start_s* in seconds; *match* is exact, near or absent.

    *place* is its time as a clock shows it, and its file or page, where that is known.
    """

    words: str
    segment: str
    speaker: str | None
    start_s: float | None
    match: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Insight:
    """One finding of one or more *analyzers* in *transcript*; *confidence* is 0 to 1."""

    text: str
    confidence: float
    category: str
    analyzers: tuple[str, ...]
    transcript: str
    quotes: tuple[Quote, ...]

    def row(self) -> Row:
        """Return it as a row of a table, with its quotes joined."""
        starts = [quote.start_s for quote in self.quotes if quote.start_s is not None]
        return {
            "transcript": self.transcript,
            "text": self.text,
            "confidence": self.confidence,
            "category": self.category,
            "analyzers": " ".join(self.analyzers),
            "speaker": "; ".join(dict.fromkeys(q.speaker for q in self.quotes if q.speaker)),
            "start_s": min(starts, default=None),
            "segment": " ".join(dict.fromkeys(quote.segment for quote in self.quotes)),
            "quote": " | ".join(quote.words for quote in self.quotes),
        }


@dataclass(frozen=True)
class Run:
    """One run. *answers* are the records of its analyzers that answered, by name.

    *status* is as in metadata.json, `running` while it works; *cost_usd* is None if unknown.
    """

    path: Path
    transcript: str
    status: str
    exit_code: int | None
    answers: Mapping[str, Mapping[str, Any]] = field(repr=False)
    cost_usd: float | None
    tokens: int
    found: tuple[Insight, ...] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the run in *path*; raise ConfigError for none."""
        from runner.base.json import amount, at, number, text
        from runner.reports.stored_run import read_run

        stored = read_run(path)
        name = text(at(stored.metadata, "transcript", "name"))
        code, totals = number(stored.metadata.get("exit_code")), stored.totals
        ok = {name: r for name, r in stored.records.items() if r.get("status") == "ok"}
        tokens = amount(totals.get("prompt_tokens")) + amount(totals.get("completion_tokens"))
        return cls(
            path,
            name,
            stored.status,
            None if code is None else int(code),
            ok,
            number(totals.get("cost_usd")),
            int(tokens),
            tuple(_insights(path, name)),
        )

    @property
    def ok(self) -> bool:
        """Whether every analyzer answered."""
        return self.status == "completed"

    @property
    def report(self) -> Path:
        """The path of its page."""
        return self.path / "report.html"

    def insights(self) -> list[Insight]:
        """Return the insights of all analyzers, similar ones merged, the most confident first."""
        return list(self.found)

    def to_frame(self) -> Any:
        """Return the insights as a pandas DataFrame; raise ImportError without pandas."""
        return _frame(insight.row() for insight in self.found)

    def _repr_html_(self) -> str:
        return _table(f"{self.transcript}: {self.status}", [i.row() for i in self.found])


@dataclass(frozen=True)
class Answer:
    """The answer to one *question*: *text* is None where nothing answers it.

    *answered* is `yes`, `partly`, `no`, or `unknown` where no model has
    replied (see the *run*) or no quote of the answer is in the transcripts.
    """

    question: str
    answered: str
    text: str | None
    quotes: tuple[Quote, ...]
    run: Run = field(repr=False)


@dataclass(frozen=True)
class Batch:
    """One batch; *rows* are those of results.csv, a row per transcript."""

    path: Path
    status: str
    exit_code: int | None
    rows: tuple[Row, ...] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the batch in *path*; raise ConfigError for none."""
        from runner.base.json import number
        from runner.record.batch_directory import rows_of
        from runner.reports.stored_run import read_run

        stored = read_run(path)
        code = number(stored.metadata.get("exit_code"))
        return cls(path, stored.status, None if code is None else int(code), tuple(rows_of(path)))

    @property
    def ok(self) -> bool:
        """Whether every analyzer of every transcript answered."""
        return self.status == "completed"

    def runs(self) -> Iterator[Run]:
        """Yield the runs, reading each one lazily."""
        from runner.record.batch_directory import current_runs

        yield from map(Run.read, current_runs(self.path))

    def insights(self) -> list[Insight]:
        """Return the insights of all runs."""
        from runner.base.json import at, read_json, text
        from runner.record.batch_directory import current_runs

        files = ((path, read_json(path / "metadata.json")) for path in current_runs(self.path))
        names = ((path, text(at(metadata, "transcript", "name"))) for path, metadata in files)
        return [insight for path, name in names for insight in _insights(path, name)]

    def collection(self) -> Mapping[str, Any]:
        """Return collection/themes.json of a pipeline such as interviews, empty without one."""
        from runner.answers.themes import FILE
        from runner.base.json import read_json

        return read_json(self.path / FILE)

    def to_frame(self) -> Any:
        """Return the insights of all runs as a pandas DataFrame; raise ImportError without it."""
        return _frame(insight.row() for insight in self.insights())

    def _repr_html_(self) -> str:
        shown = ("transcript", "status", "ok", "analyzers", "segments", "cost_usd", "error")
        rows = [{name: row.get(name) for name in shown} for row in self.rows]
        return _table(f"{self.path.name}: {self.status}", rows)


@dataclass(frozen=True)
class Comparison:
    """Settings of a sweep, or of other runs, side by side; figures are medians over repeats."""

    settings: tuple[Row, ...]
    pairs: tuple[Row, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Return the comparison with the content *data* of comparison.json."""
        return cls(tuple(data["settings"]), tuple(data["pairs"]), tuple(data["notes"]))

    def to_frame(self) -> Any:
        """Return the settings as a pandas DataFrame; raise ImportError without pandas."""
        return _frame(self._rows())

    def _rows(self) -> list[Row]:
        shown = ("label", "efficiency", "speed_up", "prompt_tokens", "completion_tokens", "front")
        spread = ("wall_s", "cost_usd", "quality")
        return [
            {name: row.get(name) for name in shown}
            | {name: (row.get(name) or {}).get("median") for name in spread}
            for row in self.settings
        ]

    def _repr_html_(self) -> str:
        return _table("Comparison", self._rows())


def read(path: Path) -> Run | Batch:
    """Return the run or batch in *path*; raise ConfigError for none."""
    from runner.record.batch_directory import is_batch

    return Batch.read(path) if is_batch(path) else Run.read(path)


def _insights(path: Path, name: str) -> Iterator[Insight]:
    """Yield the insights in insights.json, as far as they have the right shape."""
    from runner.base.json import amount, listing, mappings, read_list, text

    for each in mappings(read_list(path / "insights.json")):
        yield Insight(
            text(each.get("text")),
            amount(each.get("confidence")),
            text(each.get("category")),
            tuple(map(text, listing(each.get("analyzers")))),
            name,
            tuple(map(_quote, mappings(each.get("evidence")))),
        )


def _quote(evidence: Mapping[str, Any]) -> Quote:
    from runner.base.json import number, text
    from runner.transcript.model import Segment

    segment, words, where = (text(evidence.get(name)) for name in ("segment", "quote", "where"))
    speaker, start_s = text(evidence.get("speaker")) or None, number(evidence.get("start_s"))
    place = Segment(segment, speaker, start_s, None, words, where).place
    return Quote(words, segment, speaker, start_s, text(evidence.get("match")), place)


def _frame(rows: Iterator[Row] | Sequence[Row]) -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError("to_frame needs pandas: pip install pandas") from error
    return pandas.DataFrame(list(rows))


def _table(caption: str, rows: Sequence[Row]) -> str:
    """Return an HTML table of *rows* with all text escaped."""
    columns = list(rows[0]) if rows else []
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(row[column])}</td>' for column in columns)}</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return escape(f"{value:.4g}" if isinstance(value, float) else str(value))
