"""Replies of a collection's calls: the ids and texts in them, and the parts that are not used."""

import re
from collections import defaultdict
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from runner.base.errors import one_line
from runner.base.format import first_of
from runner.base.json import listing, text

_MAX_NAMED = 12  # of a kind, in a ledger
_APART = re.compile(r"[\s,;:()\[\]]+")
_ID = re.compile(r"[A-Z]\d[\w.]*")  # the shape of ids, known or not
_ZEROS = re.compile(r"(?<=^[a-z])0+(?=\d)")
_UNKNOWN = "ids of the reply that are unknown"


class Unused(defaultdict[str, dict[str, None]]):
    """The parts of a reply that are not used, each once, by what is wrong with them."""

    def __init__(self) -> None:
        super().__init__(dict)

    def lines(self) -> list[str]:
        """Return a line for each kind."""
        return [f"{kind}: {first_of([*own], _MAX_NAMED)}" for kind, own in self.items() if own]


def known_ids(value: Any, ids: Mapping[str, object], unused: Unused) -> list[str]:
    """Return the names in a reply's list that are among *ids*, each once; the others are unused.

    An item may hold several, or go on after them: `F1, F2` or `[F1] Late trains`. Case and zeros
    before a number do not count.
    """
    plain = {_plain(name): name for name in ids}
    known = dict[str, None]()
    for each in map(text, listing(value)):
        parts = filter(None, _APART.split(each))
        names = list(takewhile(lambda part: _plain(part) in plain or _ID.fullmatch(part), parts))
        for name in names or [each.strip().strip("[]")]:
            place = known if _plain(name) in plain else unused[_UNKNOWN]
            place[plain.get(_plain(name), one_line(name, 30))] = None
    return list(known)


def _plain(name: str) -> str:
    return _ZEROS.sub("", name.casefold())


def words_of(row: Mapping[str, Any], key: str, limit: int) -> str:
    """Return the text at *key* of a reply's *row* as one line of up to *limit* characters."""
    return one_line(text(row.get(key)), limit)
