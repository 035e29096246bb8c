"""Statements: sentences with the words of a question, quoted whole, and the readings of these."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from runner.providers.offline.dialogue.commitments import find_commitments
from runner.providers.offline.dialogue.dialogue import (
    Dialogue,
    focused,
    read_dialogue,
    weight_of,
    weightiest,
)
from runner.providers.offline.dialogue.insights import cite, insight, not_recognised, says
from runner.providers.offline.dialogue.stance import OPENS, fitness, stance_of, takes_stance
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, is_question, strongest
from runner.providers.offline.language.fragments import is_statement, is_whole, roughness
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import Sentence, trim, words


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence whose words show that it is of *kind*; *score* is 0 to 1."""

    sentence: Sentence
    kind: str
    score: float

    @property
    def text(self) -> str:
        """Its words."""
        return self.sentence.text

    @property
    def who(self) -> str | None:
        """Its speaker."""
        return self.sentence.speaker


def _stated(dialogue: Dialogue, cues: Mapping[str, str]) -> list[Statement]:
    """Return the whole statements with a cue, each of the first kind in *cues* whose cue it has."""
    found = []
    for s in dialogue.sentences:
        kind = next((name for name, cue in cues.items() if _says(cue, s.text)), None)
        if kind is None or s.index in dialogue.cut_off:
            continue
        if is_statement(s.text) or _is_all(cues[kind], s.text):
            score = 0.4 + 0.5 * weight_of(dialogue, s) - roughness(s.text)
            found.append(Statement(s, kind, max(0.05, score)))
    return found


def _says(cue: str, text: str) -> bool:
    """Return whether *text* has *cue*; one with a subject must open a clause."""
    if re.match(r"\W*(?:then|if)\b", text, re.IGNORECASE):
        return False  # of a case that is supposed
    hit = strongest(cue, text)
    subject = hit and re.match(r"(?:i|we|they|people)\b", hit.phrase, re.IGNORECASE)
    return bool(hit and (not subject or OPENS.search(text[: hit.start])))


def _is_all(cue: str, text: str) -> bool:
    """Return whether *cue*, of a mood, is the whole of *text*: "That's ridiculous.".

    "That's great." is mere manners, and of what was told or is needed so few words say nothing.
    """
    hit = strongest(cue, text) if cue.startswith("mood") and cue != "mood_pleased" else None
    return hit is not None and trim(text).rstrip("!").lower() == hit.phrase.lower()


def _varied(statements: Sequence[Statement], limit: int) -> list[Statement]:
    """Return up to *limit* statements that score high and differ, best first."""
    return diverse(statements, limit, text=lambda one: one.text, group=lambda one: one.who)


def _in_order(statements: Sequence[Statement], limit: int) -> list[Statement]:
    return sorted(_varied(statements, limit), key=lambda one: one.sentence.index)


# --- what each analyzer seeks -------------------------------------------------------------------


def _quotable(dialogue: Dialogue) -> list[Statement]:
    """Return the weightiest whole sentences of a fair length."""
    return [
        Statement(s, "central", max(0.05, weight_of(dialogue, s)))
        for s in weightiest(dialogue, 16)
        if 6 <= len(words(s.text)) < 36 and is_whole(trim(s.text))
    ][:8]


def _opinions(dialogue: Dialogue) -> list[Statement]:
    """Return the sentences with a speaker's stance, with their side if it is explicit."""
    stands = [
        Statement(s, _side(s), max(0.05, fitness(dialogue, s)))
        for s in focused(dialogue)
        if takes_stance(s) and is_statement(s.text) and not has("unsure", s.text)
    ]
    return _varied(stands, 12)


def _side(s: Sentence) -> str:
    """Return the explicit side of *s*: consent or objection without negation."""
    open_ = has("negation", s.text) or has("conditional", s.text)
    return "unclear" if open_ else {1: "for", -1: "against", 0: "unclear"}[stance_of(s)]


def _cues(prefix: str, kinds: str) -> dict[str, str]:
    """Return the cue of each of *kinds*, whose name is `PREFIX_KIND`."""
    return {kind: f"{prefix}_{kind}" for kind in kinds.split()}


_FAULTS = _cues("fault", "tried since symptom impact")
_MENDING = {"asked": "step_asked", "works": "works_now"}
_MIN_SHARE = 0.01


def _needs(one: Statement) -> str | None:
    """Return the speaker of a need, or None where others have it ("they want …")."""
    hit = strongest(f"need_{one.kind}", one.text)
    return None if hit and hit.phrase.lower().startswith(("they", "people")) else one.who


def _faults(dialogue: Dialogue) -> list[Statement]:
    """Return the sentences that name a fault, its time or its effect, in a talk about a fault.

    There at least 1 % of the sentences are of these kinds or about a repair, and of two kinds at
    least. Meetings and hearings that mention a failure have below 0.5 %.
    """
    told = _stated(dialogue, {**_FAULTS, **_MENDING})
    kinds = {one.kind for one in told}
    enough = len(told) >= _MIN_SHARE * len(dialogue.sentences) and len(kinds) > 1
    about_one = enough and not kinds.isdisjoint(("symptom", "since", "tried"))
    return _in_order(_stated(dialogue, _FAULTS), 10) if about_one else []


def _problem(_: Dialogue, found: Sequence[Statement]) -> Mapping[str, object]:
    told = [[one for one in found if one.kind == kind] for kind in ("symptom", "since", "impact")]
    best = max(next(filter(None, told), []), key=lambda one: one.score, default=None)
    return {"problem": says(best.sentence, 240) if best else ""}


def _steps(dialogue: Dialogue) -> list[Statement]:
    """Return the steps that somebody is asked for or promises."""
    asked = _in_order(_stated(dialogue, {"step": "step_asked"}), 10)
    taken = {one.sentence.index for one in asked}
    promised = [
        Statement(c.sentence, "step_promised", c.score)
        for c in find_commitments(dialogue)
        if c.strength == "firm" and c.sentence.index not in taken
    ]
    return _in_order([*asked, *promised], 10)


def _solved(dialogue: Dialogue, _: Sequence[Statement]) -> Mapping[str, object]:
    """Return whether a plain statement in the second half of the talk says that it works."""
    doubts = ("negation", "conditional", "hedge", "unsure")
    for s in reversed(dialogue.sentences[len(dialogue.sentences) // 2 :]):
        plain = s.index not in dialogue.cut_off and len(words(s.text)) < 13
        works = plain and has("works_now", s.text) and not is_question(s.text)
        if works and not any(has(kind, s.text) for kind in doubts):
            return {"status": "solved", "why": says(s, 160, does="says")}
    return {"status": "unclear", "why": "No words that confirm a solution were recognised."}


@dataclass(frozen=True, slots=True)
class _Stated:
    """What a reading seeks, how it finds it, its list's key and row, and further fields."""

    sought: str
    find: Callable[[Dialogue], list[Statement]]
    key: str
    row: Callable[[Statement], Mapping[str, object]]
    more: Callable[[Dialogue, Sequence[Statement]], Mapping[str, object]] = lambda *_: {}


def _by_cues(prefix: str, kinds: str, limit: int = 10) -> Callable[[Dialogue], list[Statement]]:
    return lambda dialogue: _in_order(_stated(dialogue, _cues(prefix, kinds)), limit)


def _row(
    text: str, kind: str, speaker: str = "who", **more: object
) -> Callable[[Statement], Mapping[str, object]]:
    """Return what makes a row with the keys *text*, *kind* and *speaker*, and *more*."""
    return lambda one: {text: one.text, kind: one.kind, speaker: one.who, **more}


_STATED: Mapping[str, _Stated] = {
    "needs": _Stated(
        "needs or wishes",
        _by_cues("need", "must want wish"),
        "needs",
        lambda one: {"need": one.text, "strength": one.kind, "who": _needs(one), "reason": None},
    ),
    "experiences": _Stated(
        "experiences",
        _by_cues("told", "workaround problem success habit"),
        "experiences",
        _row("what", "kind", context=None),
    ),
    "testimony": _Stated(
        "statements with a basis or a figure",
        _by_cues("basis", "own_experience hearsay data", 12),
        "claims",
        _row("claim", "basis", "witness"),
    ),
    "customer_mood": _Stated(
        "feelings",
        _by_cues("mood", "angry frustrated worried relieved pleased"),
        "moments",
        _row("cause", "mood"),
    ),
    "key_quotes": _Stated(
        "quotable statements",
        _quotable,
        "quotes",
        lambda one: {"text": one.text, "who": one.who, "why": ""},
    ),
    "opinions": _Stated(
        "opinions",
        _opinions,
        "opinions",
        _row("opinion", "stance", about="not recognised", reason=None),
    ),
    "customer_problem": _Stated(
        "faults",
        _faults,
        "details",
        _row("text", "kind"),
        _problem,
    ),
    "resolution": _Stated(
        "steps or promises",
        _steps,
        "steps",
        lambda one: {
            "step": one.text,
            "by": one.who if one.kind == "step_promised" else None,
            "result": None,
        },
        _solved,
    ),
}
STATED = frozenset(_STATED)


def read_stated(name: str, document: Document) -> dict[str, object]:
    """Return the answer of the analyzer *name* of STATED; pure and deterministic."""
    kind, dialogue = _STATED[name], read_dialogue(document)
    found = kind.find(dialogue)
    best = sorted(found, key=lambda one: -one.score)[:8]
    insights = [
        insight(says(one.sentence, 180), one.score, one.kind, (one.sentence,)) for one in best
    ]
    rows = [{**kind.row(one), "evidence": cite(one.sentence)} for one in found]
    return {
        "insights": insights or not_recognised(kind.sought),
        "structured_data": {**kind.more(dialogue, found), kind.key: rows},
    }
