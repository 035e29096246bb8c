"""Hedges: words by which a speaker claims less than the sentence says."""

import re
from dataclasses import dataclass

from runner.providers.offline.dialogue.dialogue import Dialogue, focused, weight_of
from runner.providers.offline.dialogue.insights import says, who
from runner.providers.offline.language.cues import hits, is_question, strongest
from runner.providers.offline.language.fragments import is_garbled, is_whole, roughness
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import Sentence, trim


@dataclass(frozen=True, slots=True)
class Hedge:
    """One hedge in *sentence*: its *cue* as said, what is *meant*, and *note*, a sentence on it.

    *score* combines the cue's strength and the weight, 0 to 1.
    """

    cue: str
    meant: str
    note: str
    sentence: Sentence
    score: float


# cue words of a hedge -> what the hedge does (meant), how the speaker uses it (note)
_HEDGES = (
    ("suppose|presume", "goes along without full conviction", "says it with reserve"),
    ("guess", "estimates instead of knowing", "estimates"),
    (
        "think|believe|opinion|view|feel",
        "gives an opinion, open to correction",
        "gives it as an opinion",
    ),
    ("hope|hopefully", "wishes for it and has no assurance of it", "hopes rather than knows"),
    (
        "seem|appear|look|apparent|evident",
        "reports an impression, not a check",
        "goes by impression",
    ),
    ("mostly|more or less|sense|way", "holds back part of the claim", "claims it only in part"),
    (
        "probab|likely|suspect",
        "expects it without having established it",
        "expects but has not shown",
    ),
    ("", "offers it as one possibility", "puts forward as a possibility only"),
)


def find_hedges(dialogue: Dialogue) -> list[Hedge]:
    """Return at most one hedge per sentence, in the order of the transcript."""
    pool = [s for s in focused(dialogue) if not (is_question(s.text) or is_garbled(s.text))]
    found = (_hedge(dialogue, s) for s in pool if is_whole(trim(s.text)))
    return [hedge for hedge in found if hedge]


def _hedge(dialogue: Dialogue, s: Sentence) -> Hedge | None:
    kinds = ("unsure", "own_knowledge", "hedge")
    if any(not is_outright(s.text, h.start) for kind in kinds for h in hits(kind, s.text)[:1]):
        return None
    name = who(s.speaker)
    if hit := strongest("unsure", s.text):
        meant = f'"{hit.phrase}" leaves the point open.'
        does, strength = f'leaves a point open ("{hit.phrase}")', hit.strength
    elif hit := strongest("own_knowledge", s.text):
        meant = f'Holds only within what {name} happens to know; "{hit.phrase}" says so.'
        does, strength = f'vouches no further than "{hit.phrase}"', hit.strength
    else:
        hit = strongest("hedge", s.text)
        if not hit or (hit.strength < 0.5 and not hit.phrase.lower().startswith("i ")):
            return None
        if s.text[: hit.start].lower().endswith(("you ", "should be ", "must ", "to ")):
            return None  # "you might note": a request
        phrase = hit.phrase.lower()
        means, uses = next((m, u) for found, m, u in _HEDGES if re.search(found, phrase))
        meant = f'With "{hit.phrase}" {name} {means}.'
        does, strength = f'{uses} ("{hit.phrase}")', hit.strength * 0.85
    score = 0.2 * strength + 0.8 * weight_of(dialogue, s) - roughness(s.text)
    score -= 0.15 * (s.index in dialogue.cut_off)
    return Hedge(hit.phrase, meant, says(s, 200, does=does), s, max(0.05, score))
