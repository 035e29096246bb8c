"""Bounds of themes.json: limits its quotes to what its reader accepts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from runner.answers.themes import FILE, Collection, LedgerRow, ThemeQuote
from runner.base.files import as_json
from runner.base.json import check_size

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
    return replace(
        found,
        themes=tuple(replace(t, quotes=_some(t.quotes, own)) for t in found.themes),
        contradictions=tuple(
            replace(
                each, sides=tuple(replace(s, quotes=_some(s.quotes, other)) for s in each.sides)
            )
            for each in found.contradictions
        ),
        agreements=tuple(
            replace(each, quotes=_some(each.quotes, other)) for each in found.agreements
        ),
    )


def _some(quotes: Sequence[ThemeQuote], limit: int | None) -> tuple[ThemeQuote, ...]:
    """Return at most *limit* quotes of each side, one of every speaker before a second of any."""
    if limit is None:
        return tuple(quotes)
    times: dict[tuple[str, str | None, str], int] = {}
    turns = []
    for place, quote in enumerate(quotes):
        voice = (quote.file, quote.speaker, quote.side)
        turns.append((times.setdefault(voice, 0), place))
        times[voice] += 1
    kept, left = set[int](), dict[str, int]()
    for _, place in sorted(turns):
        side = quotes[place].side
        if left.setdefault(side, limit) > 0:
            left[side] -= 1
            kept.add(place)
    return tuple(quote for place, quote in enumerate(quotes) if place in kept)


def _quotes(found: Collection) -> int:
    sides = [side.quotes for each in found.contradictions for side in each.sides]
    every = [*(theme.quotes for theme in found.themes), *sides]
    return sum(map(len, [*every, *(each.quotes for each in found.agreements)]))
