"""Reasoning: conclusions and premises, distinguished by the connective between them."""

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from runner.providers.offline.dialogue.dialogue import OWN_STORY, Dialogue, focused, weight_of
from runner.providers.offline.language.cues import hits, is_question, strength
from runner.providers.offline.language.fragments import is_closed, is_garbled, is_whole, roughness
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.scope import is_outright, stands_alone
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_procedural,
    trim,
    words,
)
from runner.providers.offline.language.wording import plain

Relation = Literal["causal", "deductive", "conditional"]

IF_THEN = pattern("reasoning.if_then")
_IF_LATE = pattern("reasoning.if_late")
NOT_A_CONDITION = pattern("reasoning.not_a_condition")
_OTHERWISE = re.compile(r"\b(?:otherwise|or else|if not)\b", re.IGNORECASE)
_ABOUT_SELF = pattern("reasoning.about_self")
# Talk about the conversation itself, and reported speech of others.
ABOUT_TALK = pattern("reasoning.about_talk")
_TRAILING = pattern("reasoning.trailing")
_JOINING = re.compile(r"(?:but|and|or|which|who|that)\b", re.IGNORECASE)
PRONOUN_START = pattern("reasoning.pronoun_start")


@dataclass(frozen=True, slots=True)
class Reasoning:
    """One argument: *assertion* on the ground of *premise*, both verbatim but trimmed.

    *connective* is the cue as said, *quoted* the sentences that hold it, *score* 0 to 1 how much
    the argument matters.
    """

    speaker: str | None
    assertion: str
    premise: str
    relation: Relation
    connective: str
    quoted: tuple[Sentence, ...]
    score: float

    @property
    def ground(self) -> str:
        """The premise as a statement; of a condition, the supposition."""
        supposed = re.sub(
            r"^(?:only if|if|provided that|as long as) ", "", self.premise, flags=re.I
        )
        return f"Supposed: {supposed}." if self.relation == "conditional" else plain(self.premise)


def find_reasoning(dialogue: Dialogue) -> list[Reasoning]:
    """Return the arguments in the order of the transcript, at most one per sentence."""
    found: list[Reasoning] = []
    for s in focused(dialogue):
        if len(words(s.text)) < 6 or is_procedural(s.text) or is_question(s.text):
            continue
        if s.index in dialogue.cut_off:  # half of the argument may be missing
            continue
        parts = _backward(dialogue, s) or _forward(dialogue, s) or _conditional(s)
        if parts and _is_sound(s, parts):
            found.append(_made(dialogue, s, parts))
    return found


class _Parts(NamedTuple):
    """The parts of an argument; *force* is the strength of its connective."""

    assertion: str
    premise: str
    relation: Relation
    connective: str
    quoted: tuple[Sentence, ...]
    force: float

    @property
    def sides(self) -> tuple[str, str]:
        """Assertion and premise, trimmed."""
        return trim(self.assertion), trim(self.premise)


def _backward(dialogue: Dialogue, s: Sentence) -> _Parts | None:
    """Parse "A because B": the premise follows the cue."""
    for hit in hits("causal_back", s.text):
        before, after = s.text[: hit.start], s.text[hit.end :]
        if len(content_words(before)) >= 2 and len(words(before)) >= 4:
            claim = _TRAILING.sub("", _last_clause(before))
            return _Parts(claim, after, "causal", hit.phrase, (s,), hit.strength)
        comma = after.find(", ")
        then = after[comma + 2 :]
        if (
            comma > 10 and not before.strip(" ,").split()[1:] and is_whole(trim(then))
        ):  # "Because B, A"
            return _Parts(then, after[:comma], "causal", hit.phrase, (s,), hit.strength)
        previous = None if words(before) else _previous(dialogue, s)
        if previous:
            return _Parts(
                previous.text, after, "causal", hit.phrase, (previous, s), hit.strength * 0.8
            )
    return None


def _forward(dialogue: Dialogue, s: Sentence) -> _Parts | None:
    """Parse "B, therefore A": the conclusion follows the cue."""
    for hit in hits("causal_forward", s.text):
        before, after = s.text[: hit.start], s.text[hit.end :]
        if hit.strength < 0.8:
            continue
        if len(content_words(before)) >= 2 and len(words(before)) >= 4:
            return _Parts(after, before, "deductive", hit.phrase, (s,), hit.strength)
        previous = None if words(before) else _previous(dialogue, s)
        if previous:
            return _Parts(
                after, previous.text, "deductive", hit.phrase, (previous, s), hit.strength * 0.8
            )
    return None


def _conditional(s: Sentence) -> _Parts | None:
    if NOT_A_CONDITION.search(s.text) or _OTHERWISE.search(s.text):
        return None
    match = IF_THEN.search(s.text) or _IF_LATE.search(s.text)
    if not match or strength("commitment", match["then"]) > 0.8:
        return None
    return _Parts(match["then"], match["if"], "conditional", match["if"].split()[0], (s,), 0.7)


def _previous(dialogue: Dialogue, s: Sentence) -> Sentence | None:
    """Return the sentence before *s* in the same turn if it can carry half an argument."""
    if not s.index:
        return None
    before = dialogue.sentences[s.index - 1]
    same = dialogue.turn_of[before.index] == dialogue.turn_of[s.index]
    fit = len(content_words(before.text)) >= 3 and not is_question(before.text)
    fit = fit and before.index not in dialogue.cut_off
    return before if same and fit and not is_procedural(before.text) else None


def _last_clause(before: str) -> str:
    """Return the clause that the ground supports, without a long lead-in."""
    parts = re.split(
        r";\s+|\s[–—]\s|,\s+(?:and|but)\s+(?=(?:i|we|it|they|you|he|she|the|that|there)\b)",
        before,
        flags=re.IGNORECASE,
    )
    return (
        parts[-1] if len(content_words(parts[-1])) >= 2 and len(words(parts[-1])) >= 4 else before
    )


def _is_sound(s: Sentence, parts: _Parts) -> bool:
    """Return whether both sides are whole, said in earnest, and about the matter."""
    sides, conditional = parts.sides, parts.relation == "conditional"
    if is_garbled(s.text) or not all(_is_said(side, parts) for side in sides):
        return False
    bare = re.sub(r"^(?:only )?if ", "", sides[1], flags=re.IGNORECASE)
    amounts = [len(content_words(side)) for side in (sides[0], bare)]
    if min(amounts) < (2 if len(parts.quoted) == 1 else 1) or sum(amounts) < 4:
        return False
    # A connective joins clauses; a verb must prove it only without a stop at the end.
    unsure = not is_closed(s.text)
    bare = re.sub(r"^provided that ", "", bare)
    nominal = parts.connective.strip().lower().endswith((" of", " to"))  # "because of the weather"
    if not (is_whole(sides[0], verb=unsure) and is_whole(bare, verb=unsure or nominal)):
        return False
    if any(_ABOUT_SELF.search(side) or ABOUT_TALK.search(side) for side in sides):
        return False
    told = all(OWN_STORY.search(side) for side in sides)  # what somebody did, not what holds
    open_ = sides[0].lower().startswith(("if ", "when ", "whether ")) and ", " not in sides[0]
    return not (told or open_ or (conditional and _JOINING.match(parts.assertion.strip())))


def _made(dialogue: Dialogue, s: Sentence, parts: _Parts) -> Reasoning:
    sides = parts.sides
    weak = sum(  # a side that refers elsewhere, or says little
        0.1 * bool(PRONOUN_START.search(side)) + 0.05 * (len(content_words(side)) < 3)
        for side in sides
    )
    weak += 0.15 * bool(OWN_STORY.search(sides[0])) + roughness(s.text)
    score = 0.2 * parts.force + 0.8 * weight_of(dialogue, *parts.quoted)
    score += 0.1 * strength("evidence", sides[1]) - weak
    claim = trim(s.text) if parts.relation == "conditional" else sides[0]
    connective = parts.connective.strip(" ,")
    return Reasoning(s.speaker, claim, sides[1], parts.relation, connective, parts.quoted, score)


def _is_said(side: str, parts: _Parts) -> bool:
    """Return whether *side* may be stated without the rest of its sentence.

    The sides of a condition may not; the whole sentence is stated instead.
    """
    text = next((q.text for q in parts.quoted if side in q.text), "")
    if parts.relation == "conditional":
        start = re.search(r"\b(?:only if|if|unless|provided|as long as)\b", text)
        return is_outright(text, min(start.start(), text.find(side)) if start else 0)
    return stands_alone(text, side)
