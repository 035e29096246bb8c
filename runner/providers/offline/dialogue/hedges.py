"""Implicature: hedges, indirect requests, emphasis and what follows "but"."""

import re
from dataclasses import dataclass

from runner.providers.offline.dialogue.commitments import ASK_YOU, is_work
from runner.providers.offline.dialogue.dialogue import Dialogue, focused, weight_of
from runner.providers.offline.dialogue.insights import says, who
from runner.providers.offline.language.cues import has, hits, is_question, strongest
from runner.providers.offline.language.fragments import is_garbled, is_whole, roughness
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import Sentence, content_words, trim, words
from runner.providers.offline.language.wording import excerpt


@dataclass(frozen=True, slots=True)
class Gap:
    """One gap in *sentence*: its *cue* as said, what is *meant*, and *note*, a sentence on it.

    *score* combines the cue's strength and the weight, 0 to 1.
    """

    signal: str
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


_Found = tuple[str, str, str, str, float]  # signal, cue, meant, what the speaker does, strength


def find_gaps(dialogue: Dialogue) -> list[Gap]:
    """Return at most one gap per sentence, in the order of the transcript."""
    found: list[Gap] = []
    for s in focused(dialogue):
        asked = is_question(s.text)
        if is_garbled(s.text) or not (asked or is_whole(trim(s.text))):
            continue
        finders = (_request,) if asked else (_contrast, _hedged, _emphasis)
        if read := next((made for find in finders if (made := find(s))), None):
            signal, cue, meant, does, strength = read
            note = says(s, 250 if signal == "contrast" else 150, does=does)
            score = 0.2 * strength + 0.8 * weight_of(dialogue, s) - roughness(s.text)
            score -= 0.15 * (s.index in dialogue.cut_off)
            found.append(Gap(signal, cue, meant, note, s, max(0.05, score)))
    return found


def _request(s: Sentence) -> _Found | None:
    match = ASK_YOU.search(s.text)
    if not has("request", s.text) or has("negation", s.text[:12]) or not match:
        return None
    if not is_work(match["act"], s.text):
        return None
    meant = "A question that may ask for something to be done."
    return "indirect_request", match[0], meant, "may ask for something by a question", 0.75


def _contrast(s: Sentence) -> _Found | None:
    hit = next((h for h in hits("contrast", s.text) if h.strength > 0.8), None)
    if not hit or _TOLD.search(s.text[: hit.start]):  # "Mr. Hart just told me, yes, but …"
        return None
    but = _BUT.search(s.text, hit.start)
    point = excerpt(s.text[but.end() if but else hit.end :], 130)
    if len(content_words(point)) < 2 or len(words(point)) < 4:
        return None
    if not but and not words(s.text[: hit.start]):  # "I'm not saying that …" limits nothing
        return None
    turn = "but" if but else hit.phrase
    meant = f'What follows "{turn}" limits what comes before it.'
    return "contrast", turn, meant, f'turns at "{turn}"', hit.strength


_BUT = re.compile(r"\bbut\b", re.IGNORECASE)
_TOLD = re.compile(r"\b(?:told|said|says|asked|argued?|claims?)\b", re.IGNORECASE)


def _hedged(s: Sentence) -> _Found | None:
    kinds = ("unsure", "own_knowledge", "hedge")
    if any(not is_outright(s.text, h.start) for kind in kinds for h in hits(kind, s.text)[:1]):
        return None
    name = who(s.speaker)
    if hit := strongest("unsure", s.text):
        does = f'leaves a point open ("{hit.phrase}")'
        return "hedge", hit.phrase, f'"{hit.phrase}" leaves the point open.', does, hit.strength
    if hit := strongest("own_knowledge", s.text):
        meant = f'Holds only within what {name} happens to know; "{hit.phrase}" says so.'
        does = f'vouches no further than "{hit.phrase}"'
        return "hedge", hit.phrase, meant, does, hit.strength
    cue = strongest("hedge", s.text)
    if not cue or (cue.strength < 0.5 and not cue.phrase.lower().startswith("i ")):
        return None
    if s.text[: cue.start].lower().endswith(("you ", "should be ", "must ", "to ")):
        return None  # "you might note": a request
    means, uses = next((m, u) for found, m, u in _HEDGES if re.search(found, cue.phrase.lower()))
    meant = f'With "{cue.phrase}" {name} {means}.'
    return "hedge", cue.phrase, meant, f'{uses} ("{cue.phrase}")', cue.strength * 0.85


def _emphasis(s: Sentence) -> _Found | None:
    if hit := strongest("candour", s.text):
        does = f'announces plain words ("{hit.phrase}")'
        meant = f'"{hit.phrase}" announces plain words.'
        return "emphasis", hit.phrase, meant, does, hit.strength
    cue = strongest("booster", s.text)
    if not cue or cue.strength < 0.8 or cue.phrase.lower() in ("absolutely", "full stop"):
        return None
    does = f'puts it as certain ("{cue.phrase}")'
    return "emphasis", cue.phrase, f'"{cue.phrase}" puts it as certain.', does, cue.strength * 0.8
