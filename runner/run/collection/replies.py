"""Replies of a collection's calls: the ids and texts in them, and the parts that are not used."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from runner.base.errors import one_line
from runner.base.json import listing, text

_MAX_NAMED = 12  # of a kind, in a ledger
_UNKNOWN = "ids of the reply that are unknown"


class Unused(defaultdict[str, dict[str, None]]):
    """The parts of a reply that are not used, each once, by what is wrong with them."""

    def __init__(self) -> None:
        super().__init__(dict)

    def lines(self) -> list[str]:
        """Return a line for each kind."""
        return [self._line(kind, list(names)) for kind, names in self.items() if names]

    def _line(self, kind: str, names: list[str]) -> str:
        left = len(names) - _MAX_NAMED
        more = f" and {left} more" if left > 0 else ""
        return f"{kind}: {', '.join(names[:_MAX_NAMED])}{more}"


def known_ids(value: Any, ids: Mapping[str, object], unused: Unused) -> list[str]:
    """Return the names in a reply's list that are among *ids*, each once; the others are unused."""
    named = dict.fromkeys(text(each).strip().strip("[]") for each in listing(value))
    unused[_UNKNOWN] |= {one_line(name, 30): None for name in named if name not in ids}
    return [name for name in named if name in ids]


def words_of(row: Mapping[str, Any], key: str, limit: int) -> str:
    """Return the text at *key* of a reply's *row* as one line of up to *limit* characters."""
    return one_line(text(row.get(key)), limit)
