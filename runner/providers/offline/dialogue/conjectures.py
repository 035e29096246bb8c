"""Conjectures: guesses of speakers."""

import re
from dataclasses import dataclass

from runner.providers.offline.dialogue.dialogue import Dialogue, focused, weight_of
from runner.providers.offline.dialogue.reasoning import ABOUT_TALK
from runner.providers.offline.language.cues import hits, strongest
from runner.providers.offline.language.fragments import is_statement, roughness
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import Sentence, content_words, words

_RELATIVE = pattern("conjectures.relative")
_INDEFINITE = re.compile(r" (?:some|any)(?:thing|one|body|where)\b", re.IGNORECASE)
_WISHED = pattern("conjectures.wished")


@dataclass(frozen=True, slots=True)
class Conjecture:
    """A claim put forward as possible by *phrase*."""

    sentence: Sentence
    phrase: str
    score: float


def find_conjectures(dialogue: Dialogue, used: set[int], n: int) -> list[Conjecture]:
    """Return up to *n* conjectures outside the sentences *used*, the weightiest first."""
    found: list[Conjecture] = []
    for s in focused(dialogue):
        hit = strongest("conjecture", s.text)
        if not hit or s.index in used or not is_statement(s.text):
            continue
        if not is_outright(s.text, hits("conjecture", s.text)[0].start):
            continue
        if hit.strength < 0.7 and len(words(s.text[: hit.start])) > 5:
            continue  # "maybe" in passing guesses at a detail, not at the matter
        if _INDEFINITE.match(s.text[hit.end :]):
            continue
        if _WISHED.search(s.text) or ABOUT_TALK.search(s.text):  # a proposal is not a guess
            continue
        relative = _RELATIVE.search(s.text[: hit.start]) or re.match("(?:that|which) ", hit.phrase)
        if relative or len(content_words(s.text)) < 2:
            continue
        score = 0.3 * hit.strength + 0.65 * weight_of(dialogue, s) - roughness(s.text)
        found.append(Conjecture(s, hit.phrase, score))
    return diverse(
        [guess for guess in found if guess.score > 0.3],
        n,
        text=lambda g: g.sentence.text,
        group=lambda g: g.sentence.speaker,
    )
