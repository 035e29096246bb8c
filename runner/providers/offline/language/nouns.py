"""Nouns: what a text names, as far as an article or a preposition before it shows."""

import re
from itertools import pairwise, takewhile

from runner.providers.offline.language.sentences import is_noun_like

_PHRASE = re.compile(  # what follows one of these, up to a stop
    r"\b(?:an?|the|this|these|those|my|our|your|his|her|their|its|of(?! course\b)|in|on|at|for|with|from|by|"
    r"about|into|between|per|no|any|some|every|each|more|many|few|most) "
    r"(?=((?:\w+(?:['’-]\w+)* ){0,5}(?:\w+(?:['’-]\w+)*)))",
    re.IGNORECASE,
)


def nouns_in(text: str) -> dict[str, str]:
    """Return the nouns and pairs of words that *text* names: lower case, singular, to as written.

    A noun ends a phrase after an article or a preposition ("the remote control of …": `control`);
    pairs are of neighbours in such a phrase. Plurals in -s alone are told; pure.
    """
    found: dict[str, str] = {}
    for match in _PHRASE.finditer(text):
        words = match[1].split(" ")
        said = list(takewhile(lambda word: is_noun_like(word.lower()), words))
        for one, other in pairwise(said):
            found.setdefault(f"{one.lower()} {_singular(other)}", f"{one} {other}")
        adjective = words[len(said) : len(said) + 1] in (["one"], ["ones"])  # "an expensive one"
        if said and not adjective and not said[-1].lower().endswith(("ing", "ed")):
            found.setdefault(_singular(said[-1]), said[-1])
    return found


def _singular(word: str) -> str:
    low = word.lower()
    return low if low.endswith(("ss", "us", "is")) else low.removesuffix("s")
