"""Perceptions: what speakers say that other parties think or want."""

import re
from dataclasses import dataclass

from runner.providers.offline.dialogue.dialogue import Dialogue, weight_of, whole_sentences
from runner.providers.offline.language.cues import is_question, strongest
from runner.providers.offline.language.fragments import is_garbled, is_whole, roughness
from runner.providers.offline.language.lexicon import STOP_WORDS, pattern
from runner.providers.offline.language.scope import stands_alone
from runner.providers.offline.language.sentences import Sentence, content_words, words
from runner.providers.offline.language.wording import excerpt

_PARTY = pattern("perceptions.party")


@dataclass(frozen=True, slots=True)
class Perception:
    """What *holder* says of another party *of*; *text* is verbatim."""

    holder: str | None
    of: str
    text: str
    sentence: Sentence
    score: float


def find_perceptions(dialogue: Dialogue) -> list[Perception]:
    """Return statements in which a speaker says what another party thinks or wants."""
    found = (_perception(dialogue, s) for s in whole_sentences(dialogue) if not is_question(s.text))
    return [item for item in found if item]


def _perception(dialogue: Dialogue, s: Sentence) -> Perception | None:
    for match in _PARTY.finditer(s.text):
        if not _is_party(dialogue, s, match) or _MID_CLAUSE.search(s.text[: match.start()]):
            continue
        rest = s.text[match.end("rest") :]
        verb = strongest("mental", rest[:24])
        if not _LIKELY.match(rest) and (not verb or verb.start > 0):
            continue
        text = excerpt(s.text[match.start() :], 160)
        said = stands_alone(s.text, s.text[match.start() :]) and not is_garbled(s.text)
        if said and is_whole(text) and len(content_words(text)) > 2:
            score = 0.3 + 0.35 * weight_of(dialogue, s) - roughness(s.text)
            of = re.sub(r"^The ", "the ", match["of"])
            return Perception(s.speaker, of, excerpt(s.text, 200), s, score)
    return None


# After these words, or after another noun, the party is not the subject of a main clause.
_MID_CLAUSE = pattern("perceptions.mid_clause")


_LIKELY = pattern("perceptions.likely")


def _is_party(dialogue: Dialogue, s: Sentence, match: re.Match[str]) -> bool:
    """Return whether the capitals name another party, not the speaker or a sentence's start."""
    of = [w for w in words(match["of"]) if w != "the"]
    if not of or any(w in STOP_WORDS or w.endswith("ly") for w in of):
        return False
    if s.speaker and set(of) & set(words(s.speaker)):
        return False
    if match["of"][:4].lower() == "the " and match["of"][4:5].islower():
        return True
    inside = bool(match.start()) and s.text[: match.start()].rstrip()[-1:] not in ".!?:\"'“`"
    return inside or set(of) <= dialogue.names or len(of) > 1
