"""Words of providers and of litellm, from words.toml, and the numbers in what they refuse."""

import re

from runner.base.files import packaged

WORDS = packaged(__package__, "words.toml")
SAYS = {what: re.compile("|".join(w), re.IGNORECASE) for what, w in WORDS["says"].items()}
_NUMBER = r"(\\d[\\d,]{1,11})"
_PATTERNS = {
    name: [re.compile(re.sub(r"\bN\b", _NUMBER, each), re.IGNORECASE) for each in patterns]
    for name, patterns in WORDS["tokens"].items()
}


def numbers_in(text: str) -> tuple[int | None, int | None]:
    """Return the window and the prompt's tokens that the refusal *text* names, None if it does not.

    Both are the server's word and unchecked.
    """
    return _first("window", text), _first("prompt", text)


def _first(name: str, text: str) -> int | None:
    for match in filter(None, (pattern.search(text) for pattern in _PATTERNS[name])):
        return int(match[match.lastindex or 1].replace(",", ""))
    return None
