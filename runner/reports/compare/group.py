"""A setting: runs that differ in nothing but the repeat, and their figures."""

from collections.abc import Mapping
from dataclasses import dataclass

from runner.reports.compare.rows import RunRow
from runner.reports.compare.spread import Spread


@dataclass(frozen=True)
class Group:
    """All runs of one setting; *settings* are its values of the keys that differ.

    *figures* are medians over the measured runs, None if unknown; those of tokens, cost and
    grounding include batches that ended; the spread of quality includes failed runs. *speed_up*
    is over *baseline*, a group's label, or None. *front* says whether the setting is on the
    Pareto front, None if that is unknown.
    """

    label: str
    settings: Mapping[str, str]
    rows: tuple[RunRow, ...]
    figures: Mapping[str, float | None]
    spreads: Mapping[str, Spread | None]
    speed_up: float | None = None
    baseline: str | None = None
    front: bool | None = None

    @property
    def measured(self) -> list[RunRow]:
        """The runs with a valid wall-clock time."""
        return [row for row in self.rows if row.measured]

    def middle(self, name: str) -> float | None:
        """Return the median of a figure."""
        if name in self.spreads:
            found = self.spreads[name]
            return None if found is None else found.median
        return self.figures.get(name)
