"""Implicature: hedges, indirect requests, emphasis and what stands after "but"."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from runner.providers.offline.dialogue.commitments import ASK_YOU, is_work
from runner.providers.offline.dialogue.dialogue import Dialogue, focused, weight_of
from runner.providers.offline.dialogue.insights import who
from runner.providers.offline.language.cues import Hit, has, hits, is_question, strongest
from runner.providers.offline.language.fragments import is_garbled, roughness
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_procedural,
    is_substantive,
    trim,
    words,
)
from runner.providers.offline.language.wording import excerpt


@dataclass(frozen=True, slots=True)
class Gap:
    """One gap: the words *said* (verbatim), what is *meant*, and *note*, a sentence on it.

    *quoted* is the evidence, *score* 0 to 1 combines the cue's strength and the weight.
    """

    signal: str
    said: str
    meant: str
    note: str
    quoted: tuple[Sentence, ...]
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


def find_gaps(dialogue: Dialogue) -> list[Gap]:
    """Return at most one gap per sentence, in the order of the transcript."""
    found: list[Gap] = []
    for sentence in focused(dialogue):
        gap = next((g for find in _FINDERS if (g := find(dialogue, sentence))), None)
        if gap and not is_procedural(sentence.text) and not is_garbled(sentence.text):
            found.append(gap)
    return found


def _score(dialogue: Dialogue, sentence: Sentence, strength: float) -> float:
    torn = 0.15 * (sentence.index in dialogue.cut_off)
    score = 0.2 * strength + 0.8 * weight_of(dialogue, sentence) - roughness(sentence.text) - torn
    return max(0.05, score)


def _gap(
    dialogue: Dialogue, s: Sentence, signal: str, meant: str, note: str, strength: float
) -> Gap:
    return Gap(signal, trim(s.text), meant, note, (s,), _score(dialogue, s, strength))


def _request(dialogue: Dialogue, s: Sentence) -> Gap | None:
    if not is_substantive(s) or not has("request", s.text) or has("negation", s.text[:12]):
        return None
    match = ASK_YOU.search(s.text)
    if not match or not is_question(s.text) or not is_work(match["act"], s.text):
        return None
    note = f'{who(s.speaker)} may ask for something by a question: "{excerpt(s.text)}".'
    meant = "A question that may ask for something to be done."
    return _gap(dialogue, s, "indirect_request", meant, note, 0.75)


def _contrast(dialogue: Dialogue, s: Sentence) -> Gap | None:
    hit = next((h for h in hits("contrast", s.text) if h.strength > 0.8), None)
    if not hit or not is_substantive(s) or is_question(s.text):
        return None
    if _TOLD.search(s.text[: hit.start]):  # "Mr. Hart just told me, yes, but …"
        return None
    rest = s.text[hit.end :]
    but = re.search(r"\bbut\b", s.text[hit.start :], re.IGNORECASE)
    if but:
        rest = s.text[hit.start + but.end() :]
    point = excerpt(rest, 130)
    if len(content_words(point)) < 2 or len(words(point)) < 4:
        return None
    if not but and not words(s.text[: hit.start]):  # "I'm not saying that …" limits nothing
        return None
    turn = "but" if but else hit.phrase
    meant = f'What stands after "{turn}" limits what stands before it.'
    note = f'{who(s.speaker)} turns at "{turn}": "{excerpt(s.text, 250)}".'
    return _gap(dialogue, s, "contrast", meant, note, hit.strength)


_TOLD = re.compile(r"\b(?:told|said|says|asked|argued?|claims?)\b", re.IGNORECASE)


def _hedged(dialogue: Dialogue, s: Sentence) -> Gap | None:
    if not is_substantive(s) or is_question(s.text):
        return None
    kinds = ("unsure", "own_knowledge", "hedge")
    if any(not is_outright(s.text, h.start) for kind in kinds for h in hits(kind, s.text)[:1]):
        return None
    if hit := strongest("unsure", s.text):
        return _unsure(dialogue, s, hit)
    if hit := strongest("own_knowledge", s.text):
        meant = f'Holds only within what {who(s.speaker)} happens to know; "{hit.phrase}" says so.'
        note = f'{who(s.speaker)} vouches no further than "{hit.phrase}": "{excerpt(s.text)}".'
        return _gap(dialogue, s, "hedge", meant, note, hit.strength)
    cue = strongest("hedge", s.text)
    if not cue or (cue.strength < 0.5 and not cue.phrase.lower().startswith("i ")):
        return None
    before = s.text[: cue.start].lower()
    if before.endswith(("you ", "should be ", "must ", "to ")):  # "you might note": a request
        return None
    does, uses = next((d, u) for words_, d, u in _HEDGES if re.search(words_, cue.phrase.lower()))
    meant = f'With "{cue.phrase}" {who(s.speaker)} {does}.'
    note = f'{who(s.speaker)} {uses} ("{cue.phrase}"): "{excerpt(s.text)}".'
    return _gap(dialogue, s, "hedge", meant, note, cue.strength * 0.85)


def _unsure(dialogue: Dialogue, s: Sentence, hit: Hit) -> Gap:
    meant = f'"{hit.phrase}" leaves the point open.'
    note = f'{who(s.speaker)} leaves a point open ("{hit.phrase}"): "{excerpt(s.text)}".'
    return _gap(dialogue, s, "hedge", meant, note, hit.strength)


def _emphasis(dialogue: Dialogue, s: Sentence) -> Gap | None:
    if not is_substantive(s) or is_question(s.text):
        return None
    if hit := strongest("candour", s.text):
        meant = f'"{hit.phrase}" announces plain words.'
        note = f'{who(s.speaker)} announces plain words ("{hit.phrase}"): "{excerpt(s.text)}".'
        return _gap(dialogue, s, "emphasis", meant, note, hit.strength)
    cue = strongest("booster", s.text)
    if not cue or cue.strength < 0.8 or cue.phrase.lower() in ("absolutely", "full stop"):
        return None
    meant = f'"{cue.phrase}" puts it as certain.'
    note = f'{who(s.speaker)} puts it as certain ("{cue.phrase}"): "{excerpt(s.text)}".'
    return _gap(dialogue, s, "emphasis", meant, note, cue.strength * 0.8)


_FINDERS: tuple[Callable[[Dialogue, Sentence], Gap | None], ...]
_FINDERS = (_contrast, _request, _hedged, _emphasis)
