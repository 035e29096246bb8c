"""Stance: whether a sentence has one, for which side, and how clearly it states a position."""

from functools import lru_cache

from runner.providers.offline.dialogue.dialogue import CALL_SIGN, OWN_STORY, Dialogue, weight_of
from runner.providers.offline.dialogue.reasoning import ABOUT_TALK
from runner.providers.offline.language.cues import has, is_question, strength, strongest
from runner.providers.offline.language.fragments import roughness
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.scope import is_own
from runner.providers.offline.language.sentences import Sentence, trim, words

SUPPOSED = pattern("stance.supposed")
# Words of a stance, and words of reports on work, plans or the agenda.
_STAND = pattern("stance.stand")
# What comes before the subject of a clause.
OPENS = pattern("statements.opens")
THESIS = pattern("stance.thesis")
_CALLED_FOR = pattern("stance.called_for")
_AGENDA = pattern("stance.agenda")
_PAST = pattern("decisions.past")
_ANNOUNCES = pattern("stance.announces")


def fitness(dialogue: Dialogue, s: Sentence) -> float:
    """Return how well *s* states a position, up to 0.95: on the matter and with a stance."""
    stance = (
        0.25 * strength("proposal", s.text)
        + 0.25 * strength("disagreement", s.text)
        + 0.2 * strength("agreement", s.text)
        + 0.2 * strength("decision", s.text)
        + 0.3 * bool(_STAND.search(s.text))
        + (0.1 if strength("hedge", s.text) == 0.35 else 0.0)  # "I think", "I believe"
    )
    stance += 0.2 * bool(THESIS.search(s.text))
    tokens = words(s.text)
    plain = 0.1 * bool(CALL_SIGN.search(s.text)) + 0.1 * (
        bool(tokens) and tokens[0] in {"it", "that", "they", "she", "he"}
    )
    plain += roughness(s.text) + 0.3 * bool(_AGENDA.search(s.text) or ABOUT_TALK.search(s.text))
    plain += 0.2 * (s.index in dialogue.cut_off) + 0.25 * bool(OWN_STORY.search(trim(s.text)))
    return min(0.95, 0.8 * weight_of(dialogue, s) + 0.5 * min(stance, 0.55) - plain)


@lru_cache(maxsize=8192)
def takes_stance(s: Sentence) -> bool:
    """Return whether *s* expresses a stance, and not only somebody else's."""
    stand, objects = _STAND.search(s.text), strength("disagreement", s.text) > 0.8
    own = stand and is_own(s.text, stand.start())
    if _ANNOUNCES.match(trim(s.text)):
        return False
    return bool(own or objects or _consents(s) or _decides(s))


def _consents(s: Sentence) -> bool:
    """Return whether *s* opens with agreement, or the speaker says "I agree"."""
    hit = strongest("agreement", s.text)
    own = hit and (hit.phrase.lower().startswith("i ") or len(words(s.text[: hit.start])) < 4)
    return bool(hit and own and hit.strength > 0.8)


def necessity(s: Sentence) -> str:
    """Return the first word of obligation in *s* ("must", "should"), lower-case, or ""."""
    match = _CALLED_FOR.search(s.text)
    return match[0].split()[0].lower() if match else ""


def _decides(s: Sentence) -> bool:
    hit = strongest("decision", s.text)
    ours = hit and hit.phrase.lower().startswith(("we", "let"))  # others' decision is no stance
    ours = ours and not _PAST.search(s.text)
    return bool(hit and ours and OPENS.search(s.text[: hit.start]))


@lru_cache(maxsize=8192)
def stance_of(s: Sentence) -> int:
    """Return the explicit side of *s*: 1 for, -1 against, 0 neither.

    Praise and blame are not a side: their object is not parsed.
    """
    if has("conditional", s.text) or has("unsure", s.text) or is_question(s.text):
        return 1 if _consents(s) and has("conditional", s.text) else 0
    if strength("disagreement", s.text) > 0.8:
        return -1
    if _consents(s) or _decides(s):
        return 1
    return 0


def is_reserved(s: Sentence) -> bool:
    """Return whether *s* consents under a condition or warns of a possible event."""
    return bool(stance_of(s) and strength("conditional", s.text) > 0.8)
