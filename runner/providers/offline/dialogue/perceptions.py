"""Perceptions: what speakers say that other parties think, want or are like."""

import re
from dataclasses import dataclass

from runner.providers.offline.dialogue.dialogue import Dialogue, weight_of
from runner.providers.offline.language.cues import is_question, strongest
from runner.providers.offline.language.fragments import is_garbled, is_whole, roughness
from runner.providers.offline.language.lexicon import STOP_WORDS
from runner.providers.offline.language.scope import stands_alone
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_substantive,
    words,
)
from runner.providers.offline.language.wording import excerpt

_PARTY = re.compile(
    r"(?<![\w'’-])(?P<of>(?:[Tt]he )?(?!The\b)[A-Z][\w'’-]+(?: [A-Z][\w'’-]+){0,3}|[Tt]he "
    r"(?:[a-z]+ )?(?:"
    r"board|committee|community|company|government|public|team|management|council|commission|"
    r"agency|agencies|customers?|users?|clients?|regulators?|industry|court|police|union|staff|"
    r"department|developers?|officers?|master|director|president|minister|people|media)) "
    r"(?P<rest>(?:\w+ly |also |still |just |never |always )?(?=[a-z]))"
)


@dataclass(frozen=True, slots=True)
class Perception:
    """What *holder* says of another party *of*; *text* is verbatim."""

    holder: str | None
    of: str
    text: str
    sentence: Sentence
    score: float


def find_perceptions(dialogue: Dialogue) -> list[Perception]:
    """Return statements in which a speaker says what another party thinks, wants or is like."""
    found = (_perception(dialogue, s) for s in dialogue.sentences if _may_see(s))
    return [item for item in found if item]


def _may_see(s: Sentence) -> bool:
    return not is_question(s.text) and (is_substantive(s) or bool(_YOU.match(s.text)))


def _perception(dialogue: Dialogue, s: Sentence) -> Perception | None:
    if s.index in dialogue.cut_off:
        return None
    if (named := _addressed(dialogue, s)) and len(words(s.text)) < 25:
        score = 0.4 + 0.3 * weight_of(dialogue, s) - roughness(s.text)
        return Perception(s.speaker, named, excerpt(s.text, 160), s, score)
    for match in _PARTY.finditer(s.text):
        of = match["of"]
        first = of.split()[0].lower()
        if (
            first in STOP_WORDS - {"the"}
            or of.lower() == "the"
            or not _is_party(dialogue, s, match)
        ):
            continue
        if _MID_CLAUSE.search(s.text[: match.start()]):
            continue
        rest = s.text[match.end("rest") :]
        verb = strongest("mental", rest[:24])
        likely = _LIKELY.match(rest)
        if not likely and (not verb or verb.start > 0):
            continue
        text = excerpt(s.text[match.start() :], 160)
        said = stands_alone(s.text, s.text[match.start() :]) and not is_garbled(s.text)
        if said and is_whole(text) and len(content_words(text)) > 2:
            score = 0.3 + 0.15 * bool(likely) + 0.35 * weight_of(dialogue, s)
            of = "the" + of[3:] if of.startswith("The ") else of
            return Perception(s.speaker, of, excerpt(s.text, 200), s, score - roughness(s.text))
    return None


# After these words, or after another noun, the party is not the subject of a main clause.
_MID_CLAUSE = re.compile(
    r"(?<!think )(?<!believe )(?<!say )(?<!said )(?<!know )(?<!feel )\b(?:that|which|what|whatever|"
    r"whether|how|of|by|to|for|with|in|on|from|the|if|when|as|than) $|"
    r"\b(?!(?:and|but|so|because|that|since|while|think|believe|know|say|says|said|hope|record|"
    r"shows?|suppose|then)\b)\w+ $",
    re.IGNORECASE,
)
_LIKELY = re.compile(
    r"(?:will|would|could|might) (?:\w+ly )?(?:ask|say|think|want|accept|reject|refuse|object|fear|"
    r"expect|agree|oppose|support|understand|see|blame|vote)\b",
    re.IGNORECASE,
)
_YOU = re.compile(
    r"^(?:(?:so|then|but|and|well),? )?you (?:mean\b|seem to|sound like|underestimate|overestimate|"
    r"assume)",
    re.IGNORECASE,
)


def _addressed(dialogue: Dialogue, s: Sentence) -> str:
    """Return the speaker of whom *s* says "you mean", "you want" or the like, or ""."""
    turn = dialogue.turn_of[s.index]
    if not turn or not _YOU.match(s.text) or s.index != dialogue.turns[turn][0].index:
        return ""
    return dialogue.turns[turn - 1][0].speaker or ""


def _is_party(dialogue: Dialogue, s: Sentence, match: re.Match[str]) -> bool:
    """Return whether the capitals name another party, not the speaker or a sentence's start."""
    of = [w for w in words(match["of"]) if w != "the"]
    if s.speaker and set(of) & set(words(s.speaker)):
        return False
    if match["of"][:4].lower() == "the " and match["of"][4:5].islower():
        return True
    inside = bool(match.start()) and s.text[: match.start()].rstrip()[-1:] not in ".!?:\"'“`"
    return inside or set(of) <= dialogue.names or len(of) > 1
