"""Growing partials: lines of live captions that repeat the one above and add to it."""

from collections.abc import Sequence

_MIN_WORDS = 4


def outgrown(texts: Sequence[tuple[str | None, str]]) -> set[int]:
    """Return which of (speaker, text) are said again, longer, by the next.

    Only runs of three or more count, since people do say "Yes." and then "Yes, I do."
    """
    gone: set[int] = set()
    start = 0
    for at in range(1, len(texts) + 1):
        if at < len(texts) and _grows(texts[at - 1], texts[at]):
            continue
        if at - start > 2 and len(texts[at - 1][1].split()) >= _MIN_WORDS:
            gone |= set(range(start, at - 1))
        start = at
    return gone


def _grows(before: tuple[str | None, str], after: tuple[str | None, str]) -> bool:
    (speaker, text), (other, longer) = before, after
    text = text.rstrip(" .,…?!-")
    if speaker != other or len(longer) <= len(text) or longer[:1].lower() != text[:1].lower():
        return False
    same = bool(text) and longer[: len(text)].lower() == text.lower()
    return same and not longer[len(text)].isalnum() and any(map(str.isalnum, longer[len(text) :]))
