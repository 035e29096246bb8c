"""Action items: undertakings and accepted requests, with owner and due date."""

import re
from dataclasses import dataclass
from typing import Literal

from runner.providers.offline.dialogue.commitments import Commitment, find_commitments
from runner.providers.offline.dialogue.dialogue import Dialogue, replies, weight_of
from runner.providers.offline.language.cues import has, is_question, strength
from runner.providers.offline.language.fragments import roughness
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_procedural,
    strip_fillers,
    trim,
    words,
)
from runner.providers.offline.language.wording import capital, excerpt
from runner.providers.offline.synthesis.decisions import condition_of, distance
from runner.providers.offline.synthesis.due_dates import due_in
from runner.providers.offline.synthesis.requests import (
    ASK_YOU,
    ASKED_OF,
    asked_before,
    asks,
    assigned,
)

Firmness = Literal["firm", "conditional", "vague", "requested"]

_LEAD = re.compile(
    r"^(?:i|we)(?:'ll| will| shall|'m going to| am going to|'re going to| are going to|'m gonna|"
    r"'re gonna| can| could| would be (?:glad|happy) to|'d be (?:glad|happy) to| plan to|"
    r" intend to| promise to)(?: (?:also|then|definitely|certainly|personally|just|probably|"
    r"maybe))* ",
    re.IGNORECASE,
)
_INNER = re.compile(
    r"\b(?:i|we)(?:'ll| will|'m going to| am going to|'m gonna|'re going to) ", re.IGNORECASE
)
_RESERVE = re.compile(r",? (?:but|though|although|because|since|so that|so i)\b.*$", re.IGNORECASE)
# To ask a third person is an undertaking; to ask the listener, or a question, is talk.
_ASK_ELSEWHERE = re.compile(
    r"\bi(?:'ll| will|'m going to| am going to) (?:also |then |just )?(?:ask|tell|chase) "
    r"(?!you\b|for unanimous|the (?:chair|gentle|witness|panel|question)|(?:a|one|this|that|"
    r"another|some|my|the same) |everyone|everybody|any)(?P<whom>[\w' ]{3,})",
    re.IGNORECASE,
)
_FOLLOW_UP = re.compile(
    r"\b(?:i|we)(?:'ll| will| would be (?:glad|happy) to|'d be (?:glad|happy) to) (?:also |then )?"
    r"(?:get (?:(?:it|that|this|them) )?(?:back )?to you|follow up (?:with|on)|"
    r"answer (?:you|it|that) in writing|respond (?:to you )?in writing|send you)\b[^.?!]*",
    re.IGNORECASE,
)
_GO = re.compile(
    r"^\W*(?:please do|yes,? please|do that|please|do it|go for it|perfect|good|great|"
    r"excellent|thank you|thanks|that would (?:be (?:great|good|helpful)|help)|sounds good)\b",
    re.IGNORECASE,
)
_YES = re.compile(
    r"^\W*(?:(?:yes|yeah|yep|sure|okay|ok|certainly|absolutely|of course|will do|no problem|"
    r"happy to|definitely|right)\b[\s,.!]*)+",
    re.IGNORECASE,
)
_FILLER = re.compile(r"^\W*(?:um+|uh+|oh|ah|well|so)\W+", re.IGNORECASE)
_POINTING = re.compile(
    r"\b(?:it|them|him|her|find out|do so)\b|\b(?:this|that|these|those)(?=[.,;]|$| (?:to|for|as|"
    r"and|tonight|today|tomorrow|now|by|on|in|with|up|out|off|first|next|this)\b)",
    re.IGNORECASE,
)
_NO_ACT = re.compile(
    r"^(?:live|accept|stop sharing|look forward|follow you|be\b|love|like|start by|get into|"
    r"appreciate|do (?:this|that|it)\b[^\w]*$|say\b|speak(?:ing)? |agree|join you|yield|go\b(?! to|"
    r"and)|put it|take (?:it|that|them) as|understand|show up|explain|see\b|hear|use (?:my|the|"
    r"this) time|highlight|touch\b(?! base)|jump|kick|wrap|bring up|stand by|give (?:you|it) (?:a|"
    r"the)|"
    r"read\b|call (?:on|it)|skip|echo|second|acknowledge|commend|oppose|support|vote|defend|"
    r"do (?:my|our) best|have\b|turn\b|let\b|tell|ask (?:a|one|the|my|this|that|some|you) ?"
    r"(?:\w+ )?(?:question|quick)?|hold|pass\b|get (?:to|through|back into)|fix my|do one|go\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Action:
    """Something to be done.

    *what* is the act, *said* the words of the undertaking or request, verbatim, *owner* and *due*
    as said or None, *about* the sentence that it answers or points to, *condition* a clause it
    hangs on; *score* is 0 to 1.
    """

    what: str
    said: str
    owner: str | None
    due: str | None
    firmness: Firmness
    condition: str | None
    about: Sentence | None
    quoted: tuple[Sentence, ...]
    score: float


def find_actions(dialogue: Dialogue) -> list[Action]:
    """Return what was undertaken or requested, weightiest first."""
    also = _also_undertaken(dialogue)
    known = {p.sentence.index for p in also}
    commitments = [*(p for p in find_commitments(dialogue) if p.sentence.index not in known), *also]
    promised = [a for p in commitments if (a := _from_commitment(dialogue, p))]
    taken = {s.index for action in promised for s in action.quoted}
    asked = (
        a for s in dialogue.sentences if s.index not in taken and (a := _from_request(dialogue, s))
    )
    return sorted((*promised, *asked), key=lambda a: (-a.score, a.quoted[0].index))


def _also_undertaken(dialogue: Dialogue) -> list[Commitment]:
    """Return undertakings to ask an absent person or to answer later.

    find_commitments omits them, since "I'll ask" and "get back to you" are mostly phrases.
    """
    found = []
    for s in dialogue.sentences:
        text = s.text.replace("’", "'")
        elsewhere, later = _ASK_ELSEWHERE.search(text), _FOLLOW_UP.search(text)
        there = elsewhere and dialogue.names & {w for w in words(elsewhere["whom"]) if len(w) > 3}
        match = later or (None if there else elsewhere)
        if match and not is_question(text) and not (is_procedural(text) and not later):
            said = s.text[match.start() :].rstrip(". ")
            score = 0.55 + 0.35 * dialogue.central[s.index] - roughness(text)
            found.append(Commitment(s, said, "firm", score))
    return found


def _from_commitment(dialogue: Dialogue, commitment: Commitment) -> Action | None:
    s = commitment.sentence
    later = _FOLLOW_UP.search(s.text.replace("’", "'"))
    if strength("agreement", s.text) > 0.8 or (has("evasion", s.text) and not later):
        return None  # consent, or an answer put off
    what = act_of(commitment.text)
    if _NO_ACT.match(what) or len(words(what)) < 2:
        return None
    about = asked_before(dialogue, s)
    asked = about is not None
    if about is None and later:
        about = _question_before(dialogue, s)
    if about is None and _POINTING.search(what):
        about = _pointed_at(dialogue, s)
    go_ahead = _go_ahead(dialogue, s)
    weak = re.match(r"(?:i|we) (?:can|could)\b", commitment.text, re.IGNORECASE)
    own = re.match(r"i\b", commitment.text, re.IGNORECASE)
    owner = s.speaker if own or go_ahead or asked else None
    if (weak and not (asked or go_ahead)) or not (own or owner or _is_clear(dialogue, s, what)):
        return None
    firmness: Firmness = (
        "firm" if go_ahead and commitment.strength == "vague" else commitment.strength
    )
    due = due_in(commitment.text) or (due_in(about.text) if about and asked else None)
    score = (
        commitment.score
        + 0.12 * bool(due)
        + 0.1 * asked
        + 0.1 * bool(go_ahead)
        - _poor(dialogue, s, what)
    )
    quoted = tuple(part for part in (s, about, go_ahead) if part)
    condition = condition_of(commitment.text) if commitment.strength == "conditional" else None
    bare = len(set(content_words(what)) - {"start", "find", "do"}) < 2
    if about and bare and _POINTING.search(what):
        what = f'{what}: "{excerpt(trim(about.text), 120)}"'
    said = trim(commitment.text)
    return Action(what, said, owner, due, firmness, condition, about, quoted, min(0.95, score))


def _is_clear(dialogue: Dialogue, s: Sentence, what: str) -> bool:
    """Return whether a plan without owner is specific: with a date, or enough content words."""
    rough = s.index in dialogue.cut_off or roughness(s.text) > 0.1
    return bool(due_in(what)) or (len(set(content_words(what))) > 4 and not rough)


def _poor(dialogue: Dialogue, s: Sentence, what: str) -> float:
    """Return the penalty for a fragment or an act with little content."""
    thin = 0.1 * (len(set(content_words(what))) < 3)
    return thin + 0.2 * (s.index in dialogue.cut_off)


def act_of(text: str) -> str:
    """Return the act of a commitment: "Call and write" for "I'll call and I'll write"."""
    core = _LEAD.sub("", text.replace("’", "'"), count=1)
    return capital(_RESERVE.sub("", strip_fillers(_INNER.sub("", core))))


def _question_before(dialogue: Dialogue, s: Sentence) -> Sentence | None:
    """Return the last question of the previous turn, which *s* promises to answer later."""
    here = dialogue.turn_of[s.index]
    before = dialogue.turns[here - 1] if here else ()
    asked = [q for q in before if is_question(q.text) and len(set(content_words(q.text))) > 2]
    return asked[-1] if asked else None


def _pointed_at(dialogue: Dialogue, s: Sentence) -> Sentence | None:
    """Return the sentence that "it" or "that" in *s* most likely refers to, or None."""
    turn = dialogue.turns[dialogue.turn_of[s.index]]
    own = [e for e in turn if e.index < s.index]
    before = dialogue.turns[dialogue.turn_of[s.index] - 1] if dialogue.turn_of[s.index] else ()
    before = before if before and distance(before[-1], turn[0]) <= 1 else ()
    for e in (*reversed(own[-2:]), *reversed(before[-4:])):
        fit = e.index not in dialogue.cut_off and distance(e, s) <= 1 and not is_procedural(e.text)
        if fit and len(set(content_words(e.text))) > 2:
            return e
    return None


def _go_ahead(dialogue: Dialogue, s: Sentence) -> Sentence | None:
    """Return the next speaker's go-ahead to an offer ("Please do."), or None."""
    turn = dialogue.turns[dialogue.turn_of[s.index]]
    nexts = replies(dialogue, s)
    if s is not turn[-1] or not nexts or not re.search(r"\b(?:can|could)\b", s.text, re.I):
        return None
    first = nexts[0][0]
    return first if _GO.match(first.text) and len(words(first.text)) < 8 else None


def _from_request(dialogue: Dialogue, s: Sentence) -> Action | None:
    """Return a request that the next speaker accepts or that is put to a group, or None."""
    if is_procedural(s.text) or s.index in dialogue.cut_off:
        return None
    text = s.text.replace("’", "'")
    due = due_in(text)
    group = ASKED_OF.search(text) or assigned(dialogue, text, due)
    score = 0.5 + 0.2 * weight_of(dialogue, s) + 0.1 * bool(due) - roughness(text)
    if group and not is_question(text):
        what = capital(excerpt(strip_fillers(group["act"]), 150))
        said = excerpt(text[group.start() :], 150)
        return Action(what, said, group["who"], due, "requested", None, None, (s,), score)
    match = ASK_YOU.search(text)
    nexts = replies(dialogue, s)
    last = dialogue.turns[dialogue.turn_of[s.index]][-1]
    if not match or not asks(text, match) or not nexts or last.index - s.index > 1:
        return None
    reply = nexts[0][0]
    if not _YES.match(_FILLER.sub("", reply.text)) or has("disagreement", reply.text):
        return None
    what = capital(excerpt(strip_fillers(match["act"]).rstrip("? "), 150))
    if _NO_ACT.match(what) or len(set(content_words(what))) < 2:
        return None
    said, due = excerpt(reply.text, 110), due_in(reply.text) or due
    return Action(what, said, reply.speaker, due, "firm", None, s, (s, reply), score)
