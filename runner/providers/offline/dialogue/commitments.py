"""Commitments: tasks that speakers accept or postpone, and questions without an answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runner.providers.offline.dialogue.dialogue import Dialogue, replies, weight_of
from runner.providers.offline.dialogue.reasoning import NOT_A_CONDITION
from runner.providers.offline.language.cues import has, is_question, strength, strongest
from runner.providers.offline.language.due_dates import due_in
from runner.providers.offline.language.fragments import roughness
from runner.providers.offline.language.lexicon import LOOSE_WORK, WORK, pattern
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_noun_like,
    is_procedural,
    trim,
    words,
)
from runner.providers.offline.language.wording import excerpt

Strength = Literal["firm", "conditional", "vague"]
UNDERTAKES = {
    "firm": "undertakes",
    "conditional": "agrees or undertakes under a condition",
    "vague": "may undertake",
}

# Words between the promise and its verb.
_PROMISE = pattern("commitments.promise")
ASK_YOU = pattern("commitments.ask_you")
_CONDITIONAL_YES = pattern("commitments.conditional_yes")
_REPORTED = pattern("commitments.reported")
_OPENS = pattern("commitments.opens")
_BOUND = pattern("commitments.bound")
_PAST_IF = pattern("commitments.past_if")
_HABITUAL = pattern("commitments.habitual")


@dataclass(frozen=True, slots=True)
class Commitment:
    """An undertaking in *sentence*; *text* is its wording from the promise on, verbatim."""

    sentence: Sentence
    text: str
    strength: Strength
    score: float


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """A question without an answer, or one that is *deferred*; its last sentence says so then."""

    deferred: bool
    quoted: tuple[Sentence, ...]
    score: float


def find_commitments(dialogue: Dialogue) -> list[Commitment]:
    """Return the undertakings in the order of the transcript."""
    found = (_commitment(dialogue, sentence) for sentence in dialogue.sentences)
    return [commitment for commitment in found if commitment]


def _commitment(dialogue: Dialogue, s: Sentence) -> Commitment | None:
    if s.index in dialogue.joking:
        return None
    if _CONDITIONAL_YES.search(trim(s.text)) and len(words(s.text)) > 3:
        return Commitment(s, trim(s.text), "conditional", 0.6 + 0.3 * weight_of(dialogue, s))
    if is_question(s.text) or is_procedural(s.text) or has("deferral", s.text):
        return None
    hit = strongest("commitment", s.text)
    if not hit or s.index in dialogue.cut_off or not is_work(act_of(s.text[hit.start :]), s.text):
        return None
    if not _OPENS.search(s.text[: hit.start]) or _HABITUAL.search(s.text[: hit.start]):
        return None  # "the things I'm going to do"
    if _REPORTED.search(s.text[: hit.start]) or s.text.rstrip().endswith(("''", "”", '"')):
        return None  # somebody else's words
    text = excerpt(s.text[hit.start :], 150)
    if not content_words(text) or len(words(text)) < 3:
        return None
    hedged = has("vague", text[:70]) or strength("unsure", text) > 0
    bound = _BOUND.search(text) and not NOT_A_CONDITION.search(text)
    if hit.strength < 0.6 and not hedged and not bound and has("negation", text):
        return None
    offered = hedged or hit.strength < 0.6  # "I can" offers, it does not promise
    firmness: Strength = (
        "conditional" if bound and not _PAST_IF.search(s.text) else "vague" if offered else "firm"
    )
    score = 0.65 * hit.strength + 0.35 * weight_of(dialogue, s) - roughness(s.text)
    return Commitment(s, text, firmness, score)


def act_of(said: str) -> str:
    """Return the task promised in *said*, without the words of the promise."""
    act = _PROMISE.sub("", said.replace("’", "'"), count=1)
    return trim(
        re.split(
            r",? (?:but|and) (?:i|we)(?:'ll| will|'m| am)\b|[.!?] ", own_part(act), flags=re.I
        )[0]
    ).removesuffix(" then")


def own_part(said: str) -> str:
    """Return *said* up to what it goes on to tell of others ("…, and you'll get a text")."""
    return _OF_OTHERS.split(said.replace("’", "'"))[0]


_OF_OTHERS = re.compile(
    r",? (?:but|and|so) (?:(?:you|they|he|she|it)\b|"
    r"(?:the|our|your|his|her) (?:\w+ ){1,2}(?:will|is|are|can)\b)",
    re.IGNORECASE,
)


def is_work(act: str, said: str = "") -> bool:
    """Return whether *act* is to be done outside the talk, by its verb and with an object.

    Ambiguous and unknown verbs count only if *said* has a date.
    """
    act = re.sub(r"^(?:be )?(?:u[mh]+ )*", "", act, flags=re.IGNORECASE)
    told = words(act)
    due, verbs = due_in(said), _bases(told[0]) if told else set()
    if len(told) < 2 or not content_words(act) or _REPEATED.search(act):
        return False
    if _IN_TALK.search(act) or (_AT_ONCE.search(said) and not due):
        return False
    dated = (
        due
        and not _PROGRAMME.search(said)
        and (is_noun_like(told[0]) or not LOOSE_WORK.isdisjoint(verbs))
    )
    return bool(dated or not WORK.isdisjoint(verbs) or _PHRASE.match(act))


def _bases(verb: str) -> set[str]:
    """Return the possible base forms of *verb*: itself and, for "writing", "writ" and "write"."""
    base = verb.removesuffix("ing")
    return {verb, base, f"{base}e", base[:-1]} if base != verb else {verb}


_PHRASE = pattern("commitments.phrase")
_REPEATED = re.compile(r"\b(\w+(?: \w+)?)(?: and)? \1\b", re.IGNORECASE)
_IN_TALK = pattern("commitments.in_talk")
# "Today we're going to look at …"
_PROGRAMME = pattern("commitments.programme")
_AT_ONCE = pattern("commitments.at_once")


def find_open_points(dialogue: Dialogue) -> list[OpenPoint]:
    """Return questions without a reply on the matter, and deferred matters."""
    found: list[OpenPoint] = []
    for s in dialogue.sentences:
        find = _unanswered if is_question(s.text) else _deferred
        if not is_procedural(s.text) and (quoted := find(dialogue, s)):
            score = 0.45 + 0.35 * weight_of(dialogue, *quoted)
            found.append(OpenPoint(find is _deferred, quoted, score))
    return found


_IGNORANT = pattern("commitments.ignorant")
_TAG = re.compile(r"[,\s](?:okay|ok|right|you know|yeah|correct|huh)\s*\?$", re.IGNORECASE)


def _unanswered(dialogue: Dialogue, s: Sentence) -> tuple[Sentence, ...]:
    """Return the question *s*, with the reply that evades it if there is one, or nothing."""
    last = re.split(r"[.;,]\s+", s.text)[-1] if len(words(s.text)) > 25 else s.text
    turn = dialogue.turns[dialogue.turn_of[s.index]]
    brief = len(set(content_words(last))) < 2 or len(words(last)) < 5
    if not content_words(last) or _TAG.search(s.text):
        return ()
    if (
        s.index in dialogue.cut_off
        or s.index < turn[-1].index
        or not s.speaker
        or len(set().union(*dialogue.called.values())) < 2
    ):
        return ()
    answers = [t for t in replies(dialogue, s, 3) if not all(is_procedural(p.text) for p in t)]
    if not answers:
        return () if brief else (s,)
    if _IGNORANT.match(answers[0][-1].text):
        return () if _answers(answers[1:2]) else (s, answers[0][-1])
    evading = next((p for p in answers[0][:3] if strength("evasion", p.text) > 0.8), None)
    return (s, evading) if evading and not brief else ()


def _answers(turns: Sequence[Sequence[Sentence]]) -> bool:
    """Return whether the first of *turns*, after an "I don't know", may answer in its place."""
    open_yet = ("deferral", "evasion", "unsure", "proposal")
    return any(
        not (is_question(t[0].text) or _IGNORANT.match(t[0].text))
        and not any(has(kind, s.text) for s in t[:2] for kind in open_yet)
        for t in turns
    )


def _deferred(dialogue: Dialogue, s: Sentence) -> tuple[Sentence, ...]:
    """Return a question of another speaker that *s* postpones, with *s*, or nothing."""
    hit = strongest("deferral", s.text)
    if not hit or len(words(s.text)) < 4 or len(words(s.text)) > 30:
        return ()
    earlier = dialogue.sentences[max(0, s.index - 3) : s.index]
    asked = next(
        (e for e in reversed(earlier) if is_question(e.text) and len(content_words(e.text)) > 1),
        None,
    )
    return (asked, s) if asked and asked.speaker != s.speaker else ()
