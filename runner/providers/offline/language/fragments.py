"""Fragments: distinguishes whole clauses from pieces of interrupted speech."""

import re
from collections.abc import Sequence

from runner.providers.offline.language.cues import is_question
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.scope import quotation_marks
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_procedural,
    strip_fillers,
    trim,
    without_markers,
    words,
)

_VERB = pattern("fragments.verb")
_OPEN_END = pattern("fragments.open_end")
_TORN_END = pattern("fragments.torn_end")  # before a stop
_OPEN_START = pattern("fragments.open_start")

_CLOSED = ".?!…"
_JOINED = pattern("fragments.joined")

# Recognisers put stops at pauses; such a start shows that the sentence continued.
_RESUMED = pattern("fragments.resumed")

# "Nobody asks you to."
_ELLIPSIS = pattern("fragments.ellipsis")
_ASKING = pattern("fragments.asking")


def roughness(text: str) -> float:
    """Return how far *text* looks cut off or run on, 0 to 0.35; recognised speech often is.

    No closing stop counts 0.12, a small first letter 0.08, more than 35 words or a list of three
    and more statements 0.15.
    """
    body = text.rstrip("\"'”’) ")
    cut = 0.12 * (body[-1:] not in _CLOSED) + 0.08 * body[:1].islower()
    return cut + 0.15 * (len(words(text)) > 35 or text.count(";") > 1)


def has_verb(text: str) -> bool:
    """Return whether *text* has one of the verbs known here, or a word that looks like one."""
    return bool(_VERB.search(text.replace("’", "'")))


def is_closed(text: str) -> bool:
    """Return whether *text* ends in a closing stop."""
    return text.rstrip("\"'”’)] ")[-1:] in tuple(_CLOSED)


def cut_off(found: Sequence[Sentence]) -> frozenset[int]:
    """Return the indices of fragments, which begin or end in the middle of a sentence.

    If speech is cut off, or a turn runs over several segments, one sentence lacks its stop and the
    next its beginning. A transcript with few stops does not show this.
    """
    closed = [is_closed(s.text) for s in found]
    if sum(closed) < 0.5 * len(found):
        return frozenset()
    torn: set[int] = set()
    for before, after, ended in zip(found, found[1:], closed, strict=False):
        if before.speaker != after.speaker:
            continue
        if ended:
            end = _ELLIPSIS.sub("", before.text.rstrip(" .…"))
            if _RESUMED.match(after.text) or _TORN_END.search(end):
                torn.update((before.index, after.index))
            continue
        fair = before.text.endswith((";", ",")) and _JOINED.match(after.text)
        if not fair and not before.text.endswith(";"):
            torn.update((before.index, after.index))
    return frozenset(torn | {s.index for s, ended in zip(found, closed, strict=True) if not ended})


def quoted(found: Sequence[Sentence]) -> frozenset[int]:
    """Return the sentences that a speaker quotes at length: a quotation opens or ends in them."""
    inside, segment, torn = False, "", set[int]()
    for s in found:
        inside = inside and s.segment == segment
        odd = quotation_marks(s.text) % 2 == 1
        if inside or odd:
            torn.add(s.index)
        inside, segment = inside != odd, s.segment
    return frozenset(torn)


def is_whole(text: str, *, verb: bool = True) -> bool:
    """Return whether *text* is a whole clause: with a verb, and complete at both ends.

    Without *verb*, or with a closing stop, it need not have one of the verbs known here.
    """
    core = strip_fillers(text).rstrip(" .?!,;:-")
    if len(words(core)) < 4 or _ASKING.search(core) or _BROKEN_OFF.search(text):
        return False
    if verb and not is_closed(text) and not has_verb(core):
        return False
    said = content_words(core)
    if len(said) > 2 and len(set(said)) / len(said) <= 0.75:  # "The limit is 5 the limit"
        return False
    return not (_OPEN_END.search(core) or _OPEN_START.search(core) or "--" in core)


_BROKEN_OFF = re.compile(r"[—–-][\"”’)\s]*$")
_NOISE = pattern("fragments.noise")
# "we m have", "the b uh", "not ea easy", "along the I mean", "a but a button"
_BROKEN = pattern("fragments.broken", "fragments.torn")


def is_garbled(text: str) -> bool:
    """Return whether *text* is too broken to be chosen: by fillers, repeats and broken-off words.

    That is two such places after its opening words, one below eight words, a word said three
    times in a row, or a word or sentence that breaks off.
    """
    text = without_markers(text)
    places = len(_NOISE.findall(text))
    torn = _BROKEN.search(text) or _STUCK.search(text) or "--" in text
    return bool(torn) or places > 1 or (places > 0 and len(words(text)) < 8)


# "so so so", "it 's it the", "for th for our", "it may be at it may be"
_STUCK = pattern("fragments.stuck")


_ASIDE = re.compile(r"\([^()]*\)|\[[^][]*\]")  # "Retro 1 (Cuts off Bell 7)"


def is_statement(text: str, *, verb: bool = True) -> bool:
    """Return whether *text* states something whole: no question, no ritual, nothing garbled."""
    other = is_question(text) or is_procedural(text) or is_garbled(text)
    text = _ASIDE.sub(" ", text)
    return not other and is_whole(trim(text), verb=verb and not is_closed(text))
