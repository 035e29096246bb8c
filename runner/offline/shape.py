"""Whether words read as a clause of their own or as a piece of recognised speech cut off."""

from __future__ import annotations

import re

from runner.offline.text import content_words, strip_fillers, words

_VERB = re.compile(
    r"\b(?:am|is|are|was|were|be|been|has|have|had|do|does|did|will|would|can|could|should|shall|"
    r"must|"
    r"may|might|need|want|think|know|feel|get|got|go|goes|went|make|made|take|took|give|gave|"
    r"keep|kept|"
    r"lose|lost|see|saw|say|said|come|came|let|put|run|ran|show|mean|hope|agree|break|broke|cannot|"
    r"\w+n't|\w{2,}ed|\w{3,}(?:es|ates|izes|ains|ows|elps|orks|ngs|lls|ets))\b|\w'(?:s|re|m|ve|"
    r"ll|d)\b",
    re.IGNORECASE,
)
_OPEN_END = re.compile(
    r"\b(?:and|but|or|so|because|that's|the|an|a|of|to|for|with|if|as|my|our|your|their|its|than|"
    r"from|"
    r"at least|the reason|which|where|when|why|i|we|they|he|she|very|really|just|like|into|"
    r"between|then|"
    r"brings|means|says|opinion|my view)$",
    re.IGNORECASE,
)
_OPEN_START = re.compile(
    r"^(?:as|while|to|for|of|regardless|both|which|who|whose|than|where|in order|\w{2,}ing|and|or|"
    r"the one|yet not|ideally|until|whether|(?:before|after|since|when|if|although|though|unless|"
    r"because) [^,]*$)(?!\w)",
    re.IGNORECASE,
)


_ASKING = re.compile(
    r"^(?:can|could|would|will|is|are|do|does|did|why|how|what|has|have) (?:we|you|i|it|they|"
    r"there|he|she)\b"
    r"|\blike and\b|^is (?:an?|the|this|that)\b",
    re.IGNORECASE,
)


def roughness(text: str) -> float:
    """Return 0 to 0.35 for how far *text* looks cut off or run on, as recognised speech often is.

    No closing stop counts 0.12, a small first letter 0.08, more than 35 words 0.15.
    """
    body = text.rstrip("\"'”’) ")
    cut = 0.12 * (body[-1:] not in ".?!…") + 0.08 * body[:1].islower()
    return cut + 0.15 * (len(words(text)) > 35)


def is_whole(text: str) -> bool:
    """Return whether *text* reads as a clause of its own: a verb, no open start or end."""
    core = strip_fillers(text).rstrip(" .?!,;:-")
    if len(words(core)) < 4 or _ASKING.search(core) or not _VERB.search(core.replace("’", "'")):
        return False
    said = content_words(core)
    if len(said) > 2 and len(set(said)) / len(said) <= 0.75:  # "The limit is 5 the limit"
        return False
    return not (_OPEN_END.search(core) or _OPEN_START.search(core) or "--" in core)
