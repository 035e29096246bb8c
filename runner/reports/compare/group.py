"""A setting: all runs that nothing but a repeat tells apart, and what they amount to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runner.reports.compare.rows import RunRow
from runner.reports.compare.spread import Spread


@dataclass(frozen=True)
class Group:
    """All runs of one setting: *told* are the values that tell it from the others.

    *figures* are medians over the runs that are measured, None where unknown; tokens, cost and
    grounding also over batches that ended; the spread of quality is over all that came to an
    end, so that what failed counts. *speed_up* is
    against *baseline*, a group's label, or None. *front* says whether nothing is better in one
    respect and no worse in the others; None where that cannot be said.
    """

    label: str
    told: Mapping[str, str]
    rows: tuple[RunRow, ...]
    figures: Mapping[str, float | None]
    spreads: Mapping[str, Spread | None]
    speed_up: float | None = None
    baseline: str | None = None
    front: bool | None = None

    @property
    def measured(self) -> list[RunRow]:
        """Return the runs whose time counts."""
        return [row for row in self.rows if row.measured]

    def middle(self, name: str) -> float | None:
        """Return the median of a figure."""
        if name in self.spreads:
            found = self.spreads[name]
            return None if found is None else found.median
        return self.figures.get(name)
