"""Nouns of a text, recognised by an article or a preposition before them."""

import re
from itertools import pairwise, takewhile

from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.sentences import is_noun_like

# what follows one of these, up to a stop
_PHRASE = pattern("nouns.phrase")
_OBJECT = re.compile(r"an?|the|my|our|your|his|her|their|its|no|any|some|more|me|us|them|it")


def nouns_in(text: str) -> dict[str, str]:
    """Return the nouns and pairs of words that *text* names: lower case, singular, to as written.

    A noun ends a phrase after an article or a preposition ("the remote control of …": `control`);
    pairs are of neighbours in such a phrase. Only plurals in -s are recognised; pure.
    """
    found: dict[str, str] = {}
    for match in _PHRASE.finditer(text):
        words = match[1].split(" ")
        said = list(takewhile(lambda word: is_noun_like(word.lower()), words))
        after = words[len(said)].lower() if len(said) < len(words) else ""
        if len(said) > 1 and _OBJECT.fullmatch(after) and said[-1].endswith("s"):
            said.pop()  # the verb in "the kiosk sells the tea"
        for one, other in pairwise(said):
            if _singular(one) == one.lower():  # neither "sells tea" nor "schools closed"
                found.setdefault(f"{one.lower()} {_singular(other)}", f"{one} {other}")
        if said and after not in ("one", "ones") and not said[-1].lower().endswith(("ing", "ed")):
            found.setdefault(_singular(said[-1]), said[-1])
    return found


def _singular(word: str) -> str:
    low = word.lower()
    return low if low.endswith(("ss", "us", "is")) else low.removesuffix("s")
