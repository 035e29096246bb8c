"""Comparison of batches' themes: counts, size, cost and agreement of groupings."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from math import comb
from pathlib import Path

from runner.answers.themes import FILE, Collection, read_collection
from runner.base.format import NOTHING, figure
from runner.base.json import read_json
from runner.record.journal import Spent, lines_of

FIGURES = ("themes", "grouped", "contradictions", "outliers", "collection_calls")
COST = "collection_cost_usd"
MAX_BATCHES = 20  # that are compared with each other
HEADER = ("first", "second", "segments", "of either", "agreement")


@dataclass(frozen=True, slots=True)
class ThemePair:
    """Agreement of the themes of two batches, by the names of their rows.

    *segments* are in themes of both, *either* in those of one or both; *rand* is None where there
    is nothing to compare.
    """

    first: str
    second: str
    segments: int
    either: int
    rand: float | None


def collected(batch: Path) -> Collection | None:
    """Return the themes of *batch*, None if it has none."""
    found = read_collection(read_json(batch / FILE))
    return found if found and found.ledger else None


def figures_of(batch: Path) -> dict[str, float | None]:
    """Return FIGURES and COST of *batch*, None each without a collection.

    *grouped* is the share of the findings read that are in a theme; the cost is that of all
    sessions. Raises OSError.
    """
    if (found := collected(batch)) is None:
        return dict.fromkeys((*FIGURES, COST))
    grouped = len({name for theme in found.themes for name in theme.findings})
    every = grouped + len(found.unassigned)
    calls = sum(row.status != "not_run" for row in found.ledger if row.node != FILE)
    spent = Spent()  # by calls that belong to no run
    for line in lines_of(batch / "journal.jsonl"):
        with suppress(KeyError, TypeError, ValueError):
            if line.get("run") is None:
                spent.add(line)
    return {
        "themes": len(found.themes),
        "grouped": grouped / every if every else None,
        "contradictions": len(found.contradictions),
        "outliers": len(found.outliers),
        "collection_calls": calls,
        COST: spent.totals()["cost_usd"],
    }


def theme_pairs(batches: Mapping[str, Path]) -> tuple[ThemePair, ...]:
    """Return the agreement of themes for each pair of the first MAX_BATCHES *batches*.

    *batches* are by the name to show. Pairs without a common file are left out.
    """
    found = {name: collected(path) for name, path in batches.items()}
    held = [(name, each, _places(each)) for name, each in found.items() if each][:MAX_BATCHES]
    pairs = []
    for (first, one, mine), (second, other, theirs) in combinations(held, 2):
        if {f.file for f in one.read} & {f.file for f in other.read}:
            both = sorted(mine.keys() & theirs.keys())
            rand = adjusted_rand([mine[each] for each in both], [theirs[each] for each in both])
            either = len(mine.keys() | theirs.keys())
            pairs.append(ThemePair(first, second, len(both), either, rand))
    return tuple(pairs)


def _places(found: Collection) -> dict[tuple[str, str], str]:
    """Return the largest theme that quotes each segment, by file and segment."""
    themes = sorted(found.themes, key=lambda theme: (len(theme.findings), theme.id))
    return {(quote.file, quote.segment): t.id for t in themes for quote in t.quotes}


def adjusted_rand(one: Sequence[Hashable], other: Sequence[Hashable]) -> float | None:
    """Return the agreement of two groupings of the same items, at most 1, 0 as by chance.

    Hubert and Arabie, "Comparing partitions", 1985, equation 5. None for fewer than two items, or
    if both have one group, or only groups of one item.
    """
    pairs = _pairs_alike(zip(one, other, strict=True))
    mine, theirs = _pairs_alike(one), _pairs_alike(other)
    expected = mine * theirs / comb(len(one), 2) if len(one) > 1 else 0.0
    most = (mine + theirs) / 2
    return (pairs - expected) / (most - expected) if most - expected > 1e-9 else None


def _pairs_alike(groups: Iterable[Hashable]) -> int:
    """Return how many pairs of items are in one group; *groups* are those of the items."""
    return sum(comb(items, 2) for items in Counter(groups).values())


def pair_cells(pair: ThemePair) -> list[str]:
    """Return a row under HEADER."""
    share = f"{100 * pair.segments / pair.either:.0f} %" if pair.either else NOTHING
    return [pair.first, pair.second, f"{pair.segments:,}", share, figure(pair.rand, "{:.2f}")]
