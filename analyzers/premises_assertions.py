"""What is asserted, and on which premises.

After S. Toulmin, "The Uses of Argument" (1958): claim, grounds, and the warrant between them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, cast

from pydantic import Field

from runner.answer import Evidence, Strict
from runner.offline.cues import has, is_question, strength, strongest
from runner.offline.document import Document
from runner.offline.exchanges import find_objections
from runner.offline.inference import Clash, Reasoning, find_clashes, find_reasoning
from runner.offline.rank import diverse
from runner.offline.shape import is_whole, roughness
from runner.offline.talk import Talk, read_talk, telling
from runner.offline.text import Sentence
from runner.offline.wording import cite, excerpt, insight, no_cue, plain, who

_MOST = {"arguments": 12, "unsupported": 6, "contradictions": 3, "insights": 10}


class Premise(Strict):
    """A ground offered for an assertion, or needed by it."""

    text: str
    kind: Literal["stated", "implied"]


class Argument(Strict):
    """An assertion with its premises."""

    speaker: str | None
    assertion: str
    premises: list[Premise]
    support: Literal["strong", "partial", "none"] = Field(
        description="How far the premises carry the assertion."
    )
    evidence: list[Evidence]


class Contradiction(Strict):
    """Two assertions that cannot both stand as they are put."""

    first: str
    second: str
    explanation: str
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `premises_assertions`."""

    arguments: list[Argument]
    unsupported: list[str] = Field(description="Assertions made with no ground at all.")
    contradictions: list[Contradiction]


def read(document: Document) -> dict[str, object]:
    """Read arguments off connectives and claims off modals and boosters; pure, deterministic."""
    talk = read_talk(document)
    arguments = diverse(
        find_reasoning(talk),
        _MOST["arguments"],
        score=lambda r: r.score,
        text=lambda r: f"{r.assertion} {r.premise}",
        group=lambda r: r.speaker,
    )
    used = {q.index for r in arguments for q in r.quoted}
    bare = _unsupported(talk, used)
    clashes = _contradictions(talk)
    found = _insights(talk, arguments, bare, clashes)
    return {
        "insights": found or [no_cue(talk, "reasons, conclusions or strong claims")],
        "structured_data": {
            "arguments": [_argument_item(reasoning) for reasoning in arguments],
            "unsupported": [_labelled(s) for s in bare],
            "contradictions": [_clash_item(clash) for clash in clashes],
        },
    }


_DENIAL = re.compile(
    r"disagree|not (?:true|correct|right|accurate|agree)|wrong|false|don't agree|differ|object|"
    r"dispute",
    re.IGNORECASE,
)


def _contradictions(talk: Talk) -> list[Clash]:
    """Return outright denials by another speaker, then pairs that differ in negation only."""
    denied = sorted(find_objections(talk), key=lambda e: -e.score)
    outright = [
        Clash(e.statement, e.reply, (e.phrase,), e.score)
        for e in denied
        if _DENIAL.search(e.phrase)
    ]
    return [*outright, *find_clashes(talk)][: _MOST["contradictions"]]


def _support(reasoning: Reasoning) -> str:
    """Judge the ground: facts or figures carry it, a condition or a plain reason partly."""
    if reasoning.relation != "conditional" and reasoning.evidence > 0.5:
        return "strong"
    unsure = max(strength("unsure", reasoning.premise), strength("hedge", reasoning.premise))
    return "none" if unsure > 0.5 and not reasoning.evidence else "partial"


def _argument_item(reasoning: Reasoning) -> dict[str, object]:
    return {
        "speaker": reasoning.speaker,
        "assertion": plain(reasoning.assertion),
        "premises": [{"text": _ground(reasoning), "kind": "stated"}],
        "support": _support(reasoning),
        "evidence": cite(*reasoning.quoted),
    }


def _unsupported(talk: Talk, used: set[int]) -> list[Sentence]:
    """Return strong claims with no reason, figure or example in or next to them."""
    pool = [s for s in telling(talk) if s.index not in used and _claims(s)]
    bare = [s for s in pool if not any(_grounds(n) for n in _beside(talk, s))]
    return diverse(
        bare,
        _MOST["unsupported"],
        score=lambda s: 0.5 * _force(s) + 0.5 * talk.central[s.index] - roughness(s.text),
        text=lambda s: s.text,
        group=lambda s: s.speaker,
    )


def _claims(s: Sentence) -> bool:
    """A claim is forceful, unhedged and not the speaker's own experience."""
    if is_question(s.text) or not is_whole(s.text) or _OWN_STORY.search(s.text):
        return False
    return _force(s) >= 0.6 and strength("hedge", s.text) < 0.5


def _force(s: Sentence) -> float:
    needed = 0.7 if _NEEDED.search(s.text) else 0.0
    return max(strength("booster", s.text), needed)


_OWN_STORY = re.compile(r"^\W*(?:i|we)(?:'ve| have| was| were| had)\b", re.IGNORECASE)
_NEEDED = re.compile(
    r"\b(?:must|should(?:n't)?|ought to|is (?:essential|crucial|necessary|critical))\b",
    re.IGNORECASE,
)


def _grounds(s: Sentence) -> bool:
    kinds = ("causal_back", "causal_forward", "evidence", "conditional", "request")
    return any(has(kind, s.text) for kind in kinds)


def _beside(talk: Talk, s: Sentence) -> list[Sentence]:
    near = talk.sentences[max(0, s.index - 1) : s.index + 2]
    return [n for n in near if talk.turn_of[n.index] == talk.turn_of[s.index]]


def _labelled(s: Sentence) -> str:
    return f"{s.speaker}: {plain(s.text)}" if s.speaker else plain(s.text)


def _clash_item(clash: Clash) -> dict[str, object]:
    return {
        "first": _labelled(clash.first),
        "second": _labelled(clash.second),
        "explanation": _explained(clash),
        "evidence": cite(clash.first, clash.second),
    }


def _explained(clash: Clash) -> str:
    if len(clash.shared) == 1:
        name = who(clash.second.speaker)
        return f'{name} denies it in reply ("{clash.shared[0]}").'
    denial = strongest("negation", clash.second.text) or strongest("negation", clash.first.text)
    told = f'"{denial.phrase}"' if denial else "a negation"
    return f"Both are about {', '.join(clash.shared[:4])}; {told} stands in one only."


_CARRIED = {
    "strong": "one that can be checked",
    "partial": "stated but not shown",
    "none": "itself unsure",
}


def _insights(
    talk: Talk, arguments: Sequence[Reasoning], bare: Sequence[Sentence], clashes: Sequence[Clash]
) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for clash in clashes[:2]:
        text = (
            f'{who(clash.first.speaker)} says "{excerpt(clash.first.text, 120)}", but '
            f'{who(clash.second.speaker)} says "{excerpt(clash.second.text, 120)}".'
        )
        quoted = (clash.first, clash.second)
        found.append(insight(text, 0.7 * clash.likeness, "contradiction", quoted))
    for reasoning in arguments[: 6 if bare else 9]:
        found.append(insight(_told(reasoning), reasoning.score, "argument", reasoning.quoted))
    for s in bare[:3]:
        force = _force(s)
        needed = _NEEDED.search(s.text)
        cue = strongest("booster", s.text)
        strong = cue.phrase if cue and cue.strength == force else needed[0] if needed else ""
        phrase = f' ("{strong}")' if strong else ""
        text = (
            f'{who(s.speaker)} asserts strongly{phrase} and gives no ground: "{excerpt(s.text)}".'
        )
        score = 0.4 * force + 0.4 * talk.central[s.index]
        found.append(insight(text, score, "unsupported", (s,)))
    if len(found) < 4:
        found += _plain_statements(talk, 4 - len(found) + 1)
    return sorted(found, key=lambda made: -cast("float", made["confidence"]))[: _MOST["insights"]]


def _plain_statements(talk: Talk, n: int) -> list[dict[str, object]]:
    """Where hardly anything is argued, show what is simply stated: reports and figures."""
    pool = [
        s
        for s in telling(talk)
        if not is_question(s.text) and is_whole(s.text) and not _force(s) >= 0.6
    ]
    chosen = diverse(
        pool,
        n,
        score=lambda s: (
            0.6 * talk.central[s.index] + 0.4 * strength("evidence", s.text) - roughness(s.text)
        ),
        text=lambda s: s.text,
        group=lambda s: s.speaker,
    )
    return [
        insight(
            f'{who(s.speaker)} states without giving a reason: "{excerpt(s.text)}".',
            0.2 + 0.3 * talk.central[s.index],
            "assertion",
            (s,),
        )
        for s in chosen
    ]


def _ground(reasoning: Reasoning) -> str:
    """Return the premise as a statement; of a condition only what is supposed."""
    supposed = re.sub(
        r"^(?:only if|if|provided that|as long as) ", "", reasoning.premise, flags=re.IGNORECASE
    )
    return f"On condition: {supposed}." if reasoning.relation == "conditional" else plain(supposed)


def _told(reasoning: Reasoning) -> str:
    name = who(reasoning.speaker)
    claim, ground = excerpt(reasoning.assertion, 130), excerpt(reasoning.premise, 130)
    if reasoning.relation == "conditional":
        return f'{name} makes "{claim}" depend on a condition: "{ground}".'
    if reasoning.relation == "deductive":
        return f'{name} concludes "{claim}" from "{ground}".'
    if reasoning.connective.lower().startswith(("otherwise", "or")):
        return f'{name} backs "{claim}" with what would happen else: "{ground}".'
    return f'{name} gives a reason for "{claim}", {_CARRIED[_support(reasoning)]}: "{ground}".'
