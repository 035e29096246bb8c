"""Reading of premises_assertions: arguments and unsupported assertions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from runner.providers.offline.dialogue.agreement import find_objections
from runner.providers.offline.dialogue.dialogue import (
    OWN_STORY,
    Dialogue,
    focused,
    read_dialogue,
    weight_of,
    weightiest,
)
from runner.providers.offline.dialogue.insights import cite, discussed_only, insight, says, who
from runner.providers.offline.dialogue.reasoning import ABOUT_TALK, Reasoning, find_reasoning
from runner.providers.offline.dialogue.stance import necessity
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, is_question, strength, strongest
from runner.providers.offline.language.fragments import is_garbled, is_whole, roughness
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.scope import is_open
from runner.providers.offline.language.sentences import Sentence
from runner.providers.offline.language.wording import excerpt, plain

_LIMITS = {"arguments": 7, "unsupported": 3, "insights": 10}


@dataclass(frozen=True, slots=True)
class _Argument:
    """An argument with the reply that disputes it, or None."""

    reasoning: Reasoning
    objection: Sentence | None

    @property
    def score(self) -> float:
        """0 to 1 for how much the argument matters: more where somebody disputes it."""
        return min(0.95, self.reasoning.score + 0.2 * bool(self.objection))

    @property
    def quoted(self) -> tuple[Sentence, ...]:
        """The sentences of the argument and of the reply."""
        return (*self.reasoning.quoted, *([self.objection] if self.objection else []))

    @property
    def in_words(self) -> str:
        """The speaker, the connective and the words, and who objects."""
        reasoning, other = self.reasoning, self.objection
        label = "a condition" if reasoning.relation == "conditional" else "a reason"
        words = " … ".join(excerpt(s.text, 200) for s in reasoning.quoted)
        text = f'{who(reasoning.speaker)} gives {label} ("{reasoning.connective}"): "{words}".'
        return f"{text} {says(other, 120, does='replies')}" if other else text


def read(document: Document) -> dict[str, object]:
    """Find arguments by connectives, claims by modals and boosters; pure and deterministic."""
    dialogue = read_dialogue(document)
    replied = {e.statement.index: e.reply for e in find_objections(dialogue)}
    found_all = [
        _Argument(r, next((replied[q.index] for q in r.quoted if q.index in replied), None))
        for r in find_reasoning(dialogue)
    ]
    arguments = diverse(
        [w for w in found_all if w.score > 0.3] or found_all,
        _LIMITS["arguments"],
        text=lambda w: f"{w.reasoning.assertion} {w.reasoning.premise}",
        group=lambda w: w.reasoning.speaker,
    )
    used = {q.index for w in arguments for q in w.quoted}
    bare = _unsupported(dialogue, used)
    found = _insights(dialogue, arguments, bare)
    return {
        "insights": found or discussed_only(dialogue, "reasons, conclusions or strong claims"),
        "structured_data": {
            "arguments": [_argument_item(weighed) for weighed in arguments],
            "unsupported": [{"text": _labelled(s), "evidence": cite(s)} for s in bare],
            "contradictions": [],
        },
    }


def _argument_item(weighed: _Argument) -> dict[str, object]:
    reasoning = weighed.reasoning
    words = reasoning.premise if any(reasoning.premise in q.text for q in weighed.quoted) else ""
    return {
        "speaker": reasoning.speaker,
        "assertion": plain(reasoning.assertion),
        "premises": [{"text": reasoning.ground, "kind": "stated", "said": words}],
        **dict.fromkeys(("warrant", "qualifier", "rebuttal"), "not recognised"),
        "support": "unclear",
        "evidence": cite(*weighed.quoted),
    }


def _unsupported(dialogue: Dialogue, used: set[int]) -> list[Sentence]:
    """Return strong claims with no reason, figure or example in or next to them."""
    pool = [s for s in focused(dialogue) if s.index not in used and _claims(s)]
    bare = [s for s in pool if not any(_grounds(n) for n in _beside(dialogue, s))]
    return diverse(
        bare,
        _LIMITS["unsupported"],
        score=lambda s: 0.5 * _force(s) + 0.5 * weight_of(dialogue, s) - roughness(s.text),
        text=lambda s: s.text,
        group=lambda s: s.speaker,
    )


def _claims(s: Sentence) -> bool:
    """A claim is forceful, unhedged and not the speaker's own experience."""
    if is_question(s.text) or not is_whole(s.text) or OWN_STORY.search(s.text):
        return False
    if ABOUT_TALK.search(s.text) or strength("agreement", s.text) > 0.8 or _REPORTED.search(s.text):
        return False
    softened = is_open(s.text) or has("unsure", s.text) or has("commitment", s.text)
    softened = softened or is_garbled(s.text)
    return _force(s) >= 0.6 and strength("hedge", s.text) < 0.5 and not softened


_NORMS = ("must", "should", "ought")


def _force(s: Sentence) -> float:
    needed = 0.7 if necessity(s) in _NORMS else 0.0
    return max(strength("booster", s.text), needed)


_REPORTED = pattern("premises_assertions.reported")


def _grounds(s: Sentence) -> bool:
    kinds = ("causal_back", "causal_forward", "evidence", "conditional", "request")
    return any(has(kind, s.text) for kind in kinds)


def _beside(dialogue: Dialogue, s: Sentence) -> list[Sentence]:
    near = dialogue.sentences[max(0, s.index - 1) : s.index + 2]
    return [n for n in near if dialogue.turn_of[n.index] == dialogue.turn_of[s.index]]


def _labelled(s: Sentence) -> str:
    return f"{s.speaker}: {plain(s.text)}" if s.speaker else plain(s.text)


def _insights(
    dialogue: Dialogue,
    arguments: Sequence[_Argument],
    bare: Sequence[Sentence],
) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    ranked = sorted(arguments, key=lambda w: -w.score)
    for weighed in ranked[: 6 if bare else 9]:
        found.append(insight(weighed.in_words, weighed.score, "argument", weighed.quoted))
    for s in bare:
        cue = strongest("booster", s.text)
        word = necessity(s) or (cue.phrase if cue else "")
        does = f'("{word}"), with no reason recognised beside it'
        score = 0.4 * _force(s) + 0.4 * weight_of(dialogue, s)
        found.append(insight(says(s, does=does), score, "unsupported", (s,)))
    if len(found) < 4:
        used = {q.index for w in arguments for q in w.quoted} | {s.index for s in bare}
        plainest = [s for s in weightiest(dialogue, 4 + len(used)) if s.index not in used]
        for s in plainest[: 4 - len(found)]:
            score = 0.2 + 0.3 * weight_of(dialogue, s)
            found.append(insight(says(s), score, "assertion", (s,)))
    return sorted(found, key=lambda made: -cast("float", made["confidence"]))[: _LIMITS["insights"]]
