"""Overflow: recognizes errors of too long prompts, and reads the numbers in them."""

import re

from runner.providers.litellm.words import WORDS

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
