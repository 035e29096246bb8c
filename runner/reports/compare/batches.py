"""Batches among the runs compared, such as the shards of one: their files put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from runner.base.tables import as_rows
from runner.record.batch_directory import is_batch, rows_of
from runner.record.result_rows import COLUMNS
from runner.reports.compare.rows import Row

MERGED = "results.csv"  # beside the comparison


def batches_of(rows: Sequence[Row]) -> list[Row]:
    """Return those of *rows* that are batches."""
    return [row for row in rows if is_batch(row.path)]


def merged(batches: Sequence[Row]) -> str:
    """Return the tables of results of all *batches* as one, with the batch in front."""
    lines = ((row, line) for row in batches for line in rows_of(row.path))
    rows = ([row.name, *(line.get(column) for column in COLUMNS)] for row, line in lines)
    return as_rows([("batch", *COLUMNS), *rows])


def note(batches: Sequence[Row]) -> Iterator[str]:
    """Yield what all *batches* amount to together."""
    if not batches:
        return
    statuses: Counter[str] = Counter()
    for row in batches:
        statuses.update(str(line.get("status")) for line in rows_of(row.path))
    told = ", ".join(f"{count:,} {status}" for status, count in statuses.most_common())
    costs = [paid for row in batches if (paid := row.figure("cost_usd")) is not None]
    cost = f"${sum(costs):.4f}" if len(costs) == len(batches) else "unknown"
    names = ("prompt_tokens", "completion_tokens")
    tokens = sum(row.figure(name) or 0.0 for row in batches for name in names)
    walls = [wall for row in batches if (wall := row.figure("wall_s")) is not None]
    longest = f"; the longest took {max(walls):,.1f} s" if walls else ""
    many = "1 batch" if len(batches) == 1 else f"{len(batches)} batches"
    yield (
        f"{many}, {sum(statuses.values()):,} files: {told or 'none begun'}; {tokens:,.0f} tokens, "
        f"cost {cost}{longest}. Every file's row is in {MERGED}."
    )
