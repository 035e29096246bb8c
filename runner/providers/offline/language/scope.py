"""Scope: whether words are asserted, given the rest of their sentence.

The words before them may deny, suppose, ask or report them ("I don't think …", "whether …", "nobody
says that …"), and the words after may retract them ("…, I think not", "… or not"). In doubt, they
are not asserted.
"""

import re

from runner.providers.offline.language.lexicon import pattern

_REPORTS = pattern("scope.says")
# These govern only their own clause.
_GOVERNS = pattern("scope.denies", "scope.supposes", "scope.says")
_SOFTLY = pattern("scope.softens")
_MAYBE = re.compile(r"\b(?:might|could|would|may|maybe|perhaps|possibly|probably)\b", re.IGNORECASE)
_CLAUSE = pattern("scope.clause")
_AFTER = pattern("scope.after")
# Sarcasm is not understood; with one of these, nothing in the sentence is asserted.
_SARCASM = pattern("scope.sarcasm")
_OPENING = pattern("scope.opening")
_SENTENCE = re.compile(r"[.!?…;][\"'”’)\]]*\s|,\s+but\s+(?=(?:i|we)\b|$)", re.IGNORECASE)


def stands_alone(sentence: str, part: str) -> bool:
    """Return whether *part*, verbatim in *sentence*, may be stated without the rest of it."""
    start = sentence.find(part)
    if start < 0:
        return False
    text = sentence.replace("’", "'")
    before, after = text[:start], text[start + len(part) :]
    before = _sentence_before(before)
    own = _CLAUSE.split(before)[-1]
    governed = _GOVERNS.search(before) or _SOFTLY.search(own) or _SARCASM.search(text)
    return not (governed or _AFTER.search(after) or is_quoting(text[:start]))


_MARK = re.compile(r"[\"“”]|``|''|(?<=[:,—–] )'(?=[A-Z])|(?<=[—–])'(?=[A-Z])|(?<=[.!?,])'(?!\w)")
# "I was like, …", "and they go: …"
_VOICED = pattern("scope.voiced")


def quotation_marks(text: str) -> int:
    """Return how many quotation marks *text* has; an odd number leaves a quotation open."""
    return len(_MARK.findall(text))


def is_quoting(before: str) -> bool:
    """Return whether what follows *before* is in the voice of another person or time."""
    return quotation_marks(before) % 2 == 1 or bool(_VOICED.search(_sentence_before(before)))


def is_own(sentence: str, start: int | None = None) -> bool:
    """Return whether what follows *start*, or any of it, is no report or quotation of others."""
    before = sentence.replace("’", "'")[:start]
    return not (_REPORTS.search(_sentence_before(before)) or is_quoting(before))


def is_outright(sentence: str, start: int = 0) -> bool:
    """Return whether nothing before *start* denies, supposes, asks or reports what follows it.

    A question or a joke is never outright.
    """
    text = sentence.replace("’", "'")
    before = _sentence_before(text[:start])
    if text.rstrip("\"'”) ").endswith("?") or _SARCASM.search(text):
        return False
    governed = _GOVERNS.search(before) or _MAYBE.search(_CLAUSE.split(before)[-1])
    asked = _ASKING_END.search(before) or _ASKED.match(before)
    return not (governed or asked or is_quoting(text[:start]))


def is_open(sentence: str) -> bool:
    """Return whether a word anywhere in *sentence* supposes, asks or reports, or it is a joke."""
    text = sentence.replace("’", "'")
    return bool(_OPEN.search(text) or _SARCASM.search(text)) or text.rstrip().endswith("?")


_OPEN = pattern("scope.supposes", "scope.says", "scope.questions")
_ASKING_END = pattern("scope.asking_end")


# "Have you solved it, and then …"
_ASKED = pattern("scope.asked")


def _sentence_before(before: str) -> str:
    """Return *before* from the end of its last sentence on, without an opening yes or no."""
    return _OPENING.sub("", _SENTENCE.split(before)[-1])
