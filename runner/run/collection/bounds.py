"""Bounds of themes.json: limits its quotes to what its reader accepts."""

from collections import Counter
from collections.abc import Hashable
from dataclasses import replace
from typing import Any, TypeVar

from runner.answers.themes import FILE, Accord, Collection, LedgerRow, Position, Theme
from runner.base.files import as_json
from runner.base.json import check_size

T = TypeVar("T", Theme, Position, Accord)
# Quotes of a side of a theme, and of a contradiction or an agreement; the first that fits is used.
_LIMITS = ((None, None), (None, 100), (500, 20), (100, 5), (20, 2), (3, 1))


def readable(found: Collection) -> dict[str, Any]:
    """Return the content of themes.json, so that `load_json` reads it.

    Findings, files and speakers are complete in any case. Without room for all quotes, different
    speakers come first, and the ledger counts the quotes that only the runs hold. Raises ValueError
    if even few are too many.
    """
    for own, other in _LIMITS:
        fewer = _with(found, own, other)
        if (left := _quotes(found) - _quotes(fewer)) > 0:
            why = f"{left:,} quotes are in the runs only: this file would be too large to be read"
            row = LedgerRow(0, FILE, _quotes(found), 0, 0, (why,))
            fewer = replace(fewer, ledger=(*fewer.ledger, row))
        data = fewer.content()
        try:
            check_size(as_json(data, short=own is not None or other is not None))
        except ValueError:
            continue
        return data
    raise ValueError(f"{FILE} would be too large to be read")


def _with(found: Collection, own: int | None, other: int | None) -> Collection:
    contradictions = (
        replace(each, sides=tuple(_fewer(side, other) for side in each.sides))
        for each in found.contradictions
    )
    return replace(
        found,
        themes=tuple(_fewer(each, own) for each in found.themes),
        contradictions=tuple(contradictions),
        agreements=tuple(_fewer(each, other) for each in found.agreements),
    )


def _fewer(of: T, limit: int | None) -> T:
    """Return *of* with at most *limit* quotes a side, one of each speaker before a second."""
    if limit is None:
        return of
    times, left, kept = Counter[Hashable](), Counter[str](), list[int]()
    turns = list[tuple[int, int]]()
    for place, quote in enumerate(of.quotes):
        voice = (quote.file, quote.speaker, quote.side)
        turns.append((times[voice], place))
        times[voice] += 1
    for _, place in sorted(turns):
        side = of.quotes[place].side
        if left[side] < limit:
            left[side] += 1
            kept.append(place)
    return replace(of, quotes=tuple(of.quotes[place] for place in sorted(kept)))


def _quotes(found: Collection) -> int:
    sides = (side.quotes for each in found.contradictions for side in each.sides)
    agreed = (each.quotes for each in found.agreements)
    return sum(map(len, (*(theme.quotes for theme in found.themes), *sides, *agreed)))
