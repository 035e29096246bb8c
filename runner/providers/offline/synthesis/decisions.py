"""Decisions: plans that others accept, and decisions that a speaker reports."""

import re
from dataclasses import dataclass
from typing import Literal

from runner.providers.offline.dialogue.dialogue import Dialogue, replies, weight_of
from runner.providers.offline.dialogue.stance import SUPPOSED
from runner.providers.offline.language.cues import has, is_question, strength, strongest
from runner.providers.offline.language.fragments import has_verb, is_garbled, is_whole, roughness
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.scope import is_open, is_outright
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_procedural,
    trim,
    words,
)

Basis = Literal["agreed", "announced", "reported"]

# "rubber it is then"
_IT_IS = pattern("decisions.it_is")
_PLAN = pattern("decisions.plan", "decisions.it_is")
_NO_PLAN = pattern("decisions.no_plan")
_CARRIED = pattern("decisions.carried")  # "Carried."
_SETTLED = pattern("decisions.settled", "decisions.carried")
# "Motion carries, three to two", "the library budget is adopted"
_VOTED = pattern("decisions.voted")
_LONGEST_RESULT = 20  # words
_MOVED = pattern("decisions.moved")
# "I withdraw the motion", "I accept that as friendly"
_ENDS_A_MOTION = pattern("decisions.not_put", "decisions.voted", "decisions.carried")
_DEBATE = 60  # turns from a motion to its vote
# The end of a choice: "so we'll use the tin roof", "we'll stick with the net".
_CHOOSES = pattern("decisions.chooses", "decisions.it_is")
_NO_CHOICE = pattern("decisions.no_choice")
_OF_THE_TALK = pattern("decisions.of_the_talk")
_PAST = pattern("decisions.past")
_POINTING = re.compile(r"^\W*(?:it|that|this)\b", re.IGNORECASE)
_AHEAD = re.compile(r"\b(?:will|won't|going to|goes? ahead)\b", re.IGNORECASE)
_ASSENT = pattern("decisions.assent")
_TAKEN_UP = pattern("decisions.taken_up")
_AGREED = pattern("decisions.agreed")
_OBJECTIONS = pattern("decisions.objections")
_UNOPPOSED = pattern("decisions.unopposed")
_LOST = re.compile(r"\b(?:fails?|rejected|defeated|lost|denied)\b", re.IGNORECASE)
_ALL = re.compile(r"\b(?:every(?:one|body)|all|agreed)\b", re.IGNORECASE)
_REACH = 5  # turns in which others may still accept
_FAR = 3  # segments between one acceptance and the next


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision in *parts*, sentences of one turn: *by* stated it, *assents* are the replies."""

    parts: tuple[Sentence, ...]
    by: str | None
    basis: Basis
    assents: tuple[Sentence, ...]
    score: float

    @property
    def words(self) -> str:
        """Its words; of one that is reported those it points to, with the result if that is no."""
        first = self.basis == "reported" and not _LOST.search(self.parts[-1].text)
        return " ".join(part.text for part in (self.parts[:1] if first else self.parts))

    @property
    def holders(self) -> tuple[str, ...]:
        """The speakers who stated and accepted it; empty for a reported decision."""
        if self.basis != "agreed":
            return ()
        names = (self.by, *(reply.speaker for reply in self.assents))
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def quoted(self) -> tuple[Sentence, ...]:
        """The sentences it rests on."""
        return (*self.parts, *self.assents)

    @property
    def conditions(self) -> tuple[Sentence, ...]:
        """The replies that accept it under a condition."""
        return tuple(reply for reply in self.assents if has("conditional", reply.text))


def find_decisions(dialogue: Dialogue) -> list[Decision]:
    """Return the decisions, weightiest first."""
    numbers = range(len(dialogue.turns))
    found = [d for n in numbers if (d := _agreed(dialogue, n) or _taken_up(dialogue, n))]
    taken = {part.index for d in found for part in d.parts}
    reported = [
        d for s in dialogue.sentences if s.index not in taken and (d := _reported(dialogue, s))
    ]
    return sorted((*found, *reported), key=lambda d: (-d.score, d.parts[0].index))


def _agreed(dialogue: Dialogue, number: int) -> Decision | None:
    """Return the decision in turn *number*: its plans, accepted by the next speakers; or None."""
    turn = dialogue.turns[number]
    objections = _OBJECTIONS.match(turn[-1].text)
    polled = objections or _AGREED.match(turn[-1].text)
    put = turn[-2:-1] if polled and (objections or _ALL.search(polled[0])) else ()
    parts = [s for s in turn[-5:] if is_plan(s)]
    parts = parts or [s for s in put if _is_put(s) or (objections and is_proposal(s))]
    parts = [s for s in parts if s.index not in dialogue.joking]
    if not parts:
        return None
    settled = any(map(is_settling, parts)) or bool(polled)
    assents = _assents(dialogue, number, objections=bool(objections))
    strong = [reply for reply in assents if strength("agreement", reply.text) > 0.8]
    if not strong and not (assents and settled):
        return None
    best = weight_of(dialogue, *parts) - min(roughness(s.text) for s in parts)
    named = len({reply.speaker for reply in assents})
    score = min(0.95, 0.4 + 0.2 * settled + 0.1 * min(named, 3) + 0.2 * best)
    return Decision(tuple(parts[:3]), turn[0].speaker, "agreed", tuple(assents), score)


def _taken_up(dialogue: Dialogue, number: int) -> Decision | None:
    """Return the decision in turn *number*: a proposal that the next speaker takes up, or None."""
    turn, *later = dialogue.turns[number : number + 3]
    if not _assents(dialogue, number):
        return None
    if any(has("disagreement", s.text) or has("contrast", s.text) for s in later[-1][:2]):
        return None
    replies = [s for s in later[0][:2] if _TAKEN_UP.search(s.text.replace("’", "'"))]
    parts = [s for s in turn[-2:] if is_proposal(s) and s.index not in dialogue.joking]
    if not replies or not parts or is_question(replies[0].text):
        return None
    score = 0.5 + 0.2 * (weight_of(dialogue, parts[-1]) - roughness(parts[-1].text))
    return Decision((parts[-1],), turn[0].speaker, "agreed", (replies[0],), score)


def is_proposal(s: Sentence) -> bool:
    """Return whether *s* proposes an action of the group, also by a question."""
    text = s.text.replace("’", "'")
    if not has("proposal", text) or is_procedural(text) or _OF_THE_TALK.search(text):
        return False
    return len(content_words(text)) > 1 and not is_garbled(text) and not has("negation", text)


def _is_put(s: Sentence) -> bool:
    """Return whether *s* is a matter without a verb to put to all: "So the 19th then."."""
    text = s.text.replace("’", "'")
    other = is_open(text) or is_procedural(text) or _OF_THE_TALK.search(text)
    told = has_verb(text) or has("negation", text) or is_garbled(text)
    return len(words(trim(text))) > 1 and not (other or told)


def is_settling(s: Sentence) -> bool:
    """Return whether the words of the plan *s* end a choice."""
    text = s.text.replace("’", "'")
    choice = _CHOOSES.search(text) and not _OF_THE_TALK.search(text)
    return bool(choice or strength("decision", text) or _SETTLED.search(text))


def is_plan(s: Sentence) -> bool:
    """Return whether *s* states an action of the group, without a doubt or a question."""
    text = s.text.replace("’", "'")
    if _CHOOSES.match(trim(text)):
        text = text.rstrip("? ")  # "So we're going with rubber?"
    match = _PLAN.search(text)
    if not match or is_question(text) or is_procedural(text) or len(words(text)) < 4:
        return False
    loose = (
        "``" in text
        or '"' in text
        or not is_outright(text, match.start())
        or is_garbled(text)
        or _NO_PLAN.search(text)
        or _NO_CHOICE.search(text)
    )
    doubted = has("unsure", text) or has("deferral", text) or strength("hedge", text) > 0.5
    old = _SETTLED.search(text) and _PAST.search(text)  # "It was decided last year that …"
    if loose or doubted or old or SUPPOSED.search(text[: match.start()]):
        return False
    core = re.sub(r"[ ,]+then\W*$", "", trim(text))
    return is_whole(core, verb=False) or bool(_IT_IS.search(core))


def _assents(dialogue: Dialogue, number: int, *, objections: bool = False) -> list[Sentence]:
    """Collect the acceptances directly after turn *number*; "none" if it asks for *objections*."""
    by = dialogue.turns[number][0].speaker
    last, found = dialogue.turns[number][-1], list[Sentence]()
    for turn in dialogue.turns[number + 1 : number + 1 + _REACH]:
        first = turn[0]
        accepted = _UNOPPOSED.match(first.text) if objections else _accepts(first)
        if distance(last, first) > _FAR or first.speaker == by or not accepted:
            break
        if first.index in dialogue.joking:
            break
        found.append(first)
        last = turn[-1]
    return found


def _accepts(s: Sentence) -> bool:
    if is_question(s.text) or has("disagreement", s.text) or has("contrast", s.text):
        return False
    hit = strongest("agreement", s.text)
    opening = hit is not None and len(words(s.text[: hit.start])) <= 3 and hit.strength > 0.8
    return opening or bool(_ASSENT.match(s.text))


def _reported(dialogue: Dialogue, s: Sentence) -> Decision | None:
    """Return the decision that *s* reports, or None; "it was decided" refers to an earlier plan."""
    text = trim(s.text.replace("’", "'"))
    voted = _VOTED.search(text) if len(words(text)) <= _LONGEST_RESULT else None
    chosen = _chosen(dialogue, s, text)
    match = voted or _SETTLED.search(text) or chosen
    if not match or is_question(text) or is_procedural(text):
        return None
    if has("negation", match[0] if voted else text):  # "carries, three to nothing"
        return None
    before = text[: match.start()]
    if not is_outright(text, len(before)) or SUPPOSED.search(before):
        return None
    if is_garbled(text) or _PAST.search(text):
        return None
    whole = len(set(content_words(text[match.end() :]))) > 1  # "it's decided, we stay with …"
    pointing = (_POINTING.match(text) or len(words(text)) < 3) and not whole  # "Carried."
    if voted:
        pointing = bool(voted["moved"]) and len(set(content_words(voted[0]))) < 4
    what = None
    if pointing:
        motions = _pending(dialogue, s) if voted or _CARRIED.match(text) else []
        what = motions[0] if len(motions) == 1 else None if motions else _meant_by_it(dialogue, s)
    # What others decided long ago is the matter, not a decision of this talk.
    own = re.search(r"\bwe\b|\bour\b", text[match.start() :], re.I) and is_whole(text, verb=False)
    ours = voted or chosen or own
    if s.index in dialogue.cut_off | dialogue.joking or not (what if pointing else ours):
        return None
    if len(set(content_words((what or s).text))) < 2 and not chosen:
        return None
    parts = (what, s) if what else (s,)
    score = min(0.9, 0.35 + 0.3 * weight_of(dialogue, *parts) - roughness(s.text))
    return Decision(parts, s.speaker, "reported" if pointing else "announced", (), score)


def _chosen(dialogue: Dialogue, s: Sentence, text: str) -> re.Match[str] | None:
    """Return the choice in *text* ("the net it is, but …") that the next speaker does not deny."""
    if (choice := _IT_IS.search(text)) is None:
        return None
    reply = next((turn[0].text for turn in replies(dialogue, s)), "")
    against = ("disagreement", "contrast", "negation")
    return None if any(has(kind, reply) for kind in against) else choice


def _pending(dialogue: Dialogue, result: Sentence) -> list[Sentence]:
    """Return the motions before *result* that it may be the vote on: neither decided nor dropped.

    More than one is in doubt, unless the result names it ("the motion to table fails").
    """
    here, pending = dialogue.turn_of[result.index], list[Sentence]()
    for s in (s for turn in dialogue.turns[max(0, here - _DEBATE) : here + 1] for s in turn):
        text = s.text.replace("’", "'")
        if s.index >= result.index:
            break
        if _MOVED.search(text) and not is_question(text):
            pending.append(s)
        elif pending and (end := _ENDS_A_MOTION.search(text)) and is_outright(text, end.start()):
            ended = _named(pending, text) or pending[-1:]
            pending = [motion for motion in pending if motion not in ended]
    return _named(pending, result.text) or pending


def _named(motions: list[Sentence], result: str) -> list[Sentence]:
    """Return those of *motions* whose words *result* has, by their first letters, if it is one."""
    told, *moved = (
        {word[:5] for word in content_words(text)} - {"motio"}
        for text in (result, *(motion.text for motion in motions))
    )
    named = [motion for motion, words_ in zip(motions, moved, strict=True) if told & words_]
    return named if len(named) == 1 else []


def _meant_by_it(dialogue: Dialogue, s: Sentence) -> Sentence | None:
    """Return the last announcement or proposal before *s*, at most three turns back.

    None if somebody objects or asks after it.
    """
    here = dialogue.turn_of[s.index]
    earlier = [e for turn in dialogue.turns[max(0, here - 3) : here + 1] for e in turn]
    for e in reversed([e for e in earlier if e.index < s.index]):
        told = len(content_words(e.text)) > 1
        if told and (is_question(e.text) or has("disagreement", e.text)):
            return None
        ahead = e.speaker == s.speaker and _AHEAD.search(e.text)
        if is_plan(e) or (told and (ahead or has("proposal", e.text))):
            return e
    return None


def distance(a: Sentence, b: Sentence) -> int:
    """Return the distance of two sentences in segments; ids are S and a number."""
    return abs(int(b.segment[1:]) - int(a.segment[1:]))
