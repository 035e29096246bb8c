"""Batches among the compared runs, such as shards: one table of all their files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from runner.base.format import count, plural, seconds, usd
from runner.base.tables import as_rows
from runner.base.usage import sum_usd
from runner.record.batch_directory import is_batch, rows_of
from runner.record.result_rows import COLUMNS
from runner.reports.compare.rows import RunRow, known_figures

MERGED = "results.csv"  # beside the comparison


def batches_of(rows: Sequence[RunRow]) -> list[RunRow]:
    """Return those of *rows* that are batches."""
    return [row for row in rows if is_batch(row.path)]


def merged(batches: Sequence[RunRow]) -> str:
    """Return the results tables of all *batches* as one, with the batch as the first column."""
    lines = ((row, line) for row in batches for line in rows_of(row.path))
    rows = ([row.name, *(line.get(column) for column in COLUMNS)] for row, line in lines)
    return as_rows([("batch", *COLUMNS), *rows])


def note(batches: Sequence[RunRow]) -> Iterator[str]:
    """Yield the totals of all *batches* in one sentence."""
    if not batches:
        return
    statuses: Counter[str] = Counter()
    for row in batches:
        statuses.update(str(line.get("status")) for line in rows_of(row.path))
    counts = ", ".join(f"{number:,} {status}" for status, number in statuses.most_common())
    names = ("prompt_tokens", "completion_tokens")
    tokens = sum(row.figure(name) or 0.0 for row in batches for name in names)
    cost = usd(sum_usd(row.figure("cost_usd") for row in batches))
    walls = known_figures(batches, "wall_s")
    longest = f"; the longest took {seconds(max(walls))}" if walls else ""
    yield (
        f"{plural(len(batches), 'batch')}, {plural(sum(statuses.values()), 'file')}: "
        f"{counts or 'none begun'}; {count(tokens)} tokens, cost {cost}{longest}. "
        f"Every file's row is in {MERGED}."
    )
