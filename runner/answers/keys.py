"""Keys as models write them: in other case, with other separators, with a word too many."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache

_HIDDEN = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_GENERIC = ("id", "text", "name", "value", "score", "list")  # said of any field: `segment_id`


@lru_cache
def plain(name: str) -> str:
    """Return *name* without case and separators of words: `keyPoints` is `key_points`."""
    visible = _HIDDEN.sub("", unicodedata.normalize("NFKC", name)).strip()
    return re.sub(r"(?<=[^\W_])[\s_-]+(?=[^\W_])", "", visible).casefold()


def plain_keys(names: Iterable[str]) -> set[str]:
    """Return *names* as `plain` does."""
    return set(map(plain, names))


def renamed_keys(keys: Collection[str], names: Collection[str]) -> dict[str, str]:
    """Return which of *names* each of *keys* that is none of them means; both must be certain."""
    free = {plain(name): name for name in names if name not in keys}
    meant: dict[str, list[str]] = {}
    for key in (key for key in keys if key not in names):
        forms = (plain(key), *(plain(key).removesuffix(word) for word in _GENERIC))
        if name := next((free[form] for form in forms if form in free), ""):
            meant.setdefault(name, []).append(key)
    return {keys[0]: name for name, keys in meant.items() if len(keys) == 1}
