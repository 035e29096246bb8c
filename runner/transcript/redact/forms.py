"""Forms of a name: parts and inflections, and where a common word is used as a name."""

import re
from collections.abc import Iterator, Mapping

from runner.transcript.redact.lexicon import (
    MONTHS,
    NO_NAMES,
    ORGANISATIONS,
    PARTICLES,
    PLACES,
    ROLES,
    SUFFIXES,
    TITLES,
    UNSPACED,
    family_names,
    given_names,
    is_common,
    is_listed,
    is_short_name,
)
from runner.transcript.redact.people import GOES_ON
from runner.transcript.redact.words import Token, Tokens

Keys = tuple[str, ...]  # folded words of a name

_IN_MONTH = re.compile(r"\b(?:in|of|until|till|by|since|early|late|mid|last|next) $", re.I)
INFLECTED = 3  # letters at most that an ending adds to a name
_VOWELS = frozenset("aeiouyаеиоуыэюя")
# Greek, Baltic, Finnish
_STEM_ENDS = (
    *((end, "") for end in ("οσ", "ησ", "ασ", "os", "as", "is", "us")),
    *(("nen", "s"), ("nen", "se")),
)
_NO_EDGES = (PARTICLES | TITLES | NO_NAMES | ORGANISATIONS) - MONTHS  # of parts of names


def parts_of(name: Keys) -> Iterator[Keys]:
    """Yield the parts of *name* that may refer to the person."""
    if len(name) == 1 and UNSPACED.search(name[0]):
        yield from _unspaced_parts(name[0])
        return
    for size in range(len(name) - 1, 0, -1):
        for start in range(len(name) - size + 1):
            part = name[start : start + size]
            if _is_no_edge(part[0]) or _is_no_edge(part[-1]) or part[0] in SUFFIXES:
                continue
            if size > 1 or (len(part[0]) > 1 and (is_listed(part[0]) or part[0] not in ROLES)):
                yield part


def _is_no_edge(key: str) -> bool:
    return key in _NO_EDGES or (key in (PLACES | MONTHS) and key not in given_names())


def _unspaced_parts(name: str) -> Iterator[Keys]:
    """Yield family and given name of one written together, each of two characters or more."""
    for size in (2, 1):
        if len(name) > size + 1 and name[:size] in family_names():
            yield (name[size:],)
            if size > 1:
                yield (name[:size],)
            return


def admits(
    text: str, run: Tokens, after: Tokens, *, caseless: bool, fixed: bool, english: bool
) -> bool:
    """Return whether the words of *run* are used as a name here; *text* may be *english*."""
    first = run[0]
    if not first.cased:
        return True
    if len(run) > 1:
        strange = english or any(not is_common(token.key) for token in run)
        return caseless or first.capital or run[-1].capital or (strange and not fixed)
    if fixed and not first.capital:
        return False
    if first.key in MONTHS and _IN_MONTH.search(text, max(0, first.start - 12), first.start):
        return False
    word = is_common(first.key) and not (english and is_short_name(first.key))
    if not word and first.key not in MONTHS:
        return first.capital or caseless or english or len(first.text) > 3
    if not first.capital and not caseless:
        return False
    if not first.opens and not caseless:
        return True
    following = text[first.end : first.end + 1]
    return following in (",", "?", "!", ".", "'", "’", "") or (
        bool(after)
        and text[first.end : after[0].start] == " "
        and (
            after[0].key in GOES_ON
            or (after[0].capital and after[0].key not in NO_NAMES and not caseless)
        )
    )


def inflected(token: Token, stems: Mapping[str, str]) -> str | None:
    """Return the person whose name *token* inflects, by the names' *stems*."""
    least = 3 if token.key[0] > "\u0370" else 4
    for cut in range(1, INFLECTED + 1):
        stem = token.key[:-cut]
        if len(stem) >= least and stem in stems:
            return stems[stem]
    return None


def stems_of(key: str, *, english: bool) -> Iterator[str]:
    """Yield the folded name *key*, and what remains of it before an ending of a case."""
    yield key
    if not english and key[-3:-2] == key[-2:-1]:
        yield f"{key[:-2]}{key[-1]}"  # Matti, Matin
    if key[-1] in _VOWELS:
        yield key[:-1]
    for end, by in () if english else _STEM_ENDS:
        if key.endswith(end):
            yield f"{key.removesuffix(end)}{by}"
