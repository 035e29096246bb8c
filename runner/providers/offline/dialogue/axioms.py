"""Axioms: postulates of a dialogue, and inferences from them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runner.providers.offline.dialogue.dialogue import (
    CALL_SIGN,
    OWN_STORY,
    Dialogue,
    focused,
    weight_of,
    whole_sentences,
)
from runner.providers.offline.dialogue.reasoning import ABOUT_TALK, PRONOUN_START, Reasoning
from runner.providers.offline.language.cues import has, is_reported, strength, strongest
from runner.providers.offline.language.fragments import is_statement, roughness
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import Sentence, similarity, trim, words
from runner.providers.offline.language.wording import excerpt, plain

Kind = Literal["fact", "assumption", "definition", "rule"]

_RULE = pattern("axioms.rule")
# A private duty or a guess is not a rule.
_MILD = pattern("axioms.mild")


@dataclass(frozen=True, slots=True)
class Postulate:
    """A premise without proof: *statement* in clean words, its *sentence* as said."""

    kind: Kind
    statement: str
    sentence: Sentence
    score: float


def find_postulates(dialogue: Dialogue, theorems: Sequence[Reasoning], n: int) -> list[Postulate]:
    """Return the premises of *theorems* and up to *n* further grounds of different kinds."""
    stated = [_premise(t) for t in theorems]
    used = {q.index for t in theorems for q in t.quoted}
    pool: list[Postulate] = []
    for said in (focused(dialogue), whole_sentences(dialogue)):
        pool = pool or [g for s in said if s.index not in used and (g := _postulate(dialogue, s))]
    premises = [g.statement for g in stated]
    more = diverse(
        [g for g in pool if all(similarity(g.statement, p) < 0.5 for p in premises)],
        n,
        text=lambda g: g.statement,
        group=lambda g: (g.kind, g.sentence.speaker),
    )
    return [*stated, *sorted(more, key=lambda g: -g.score)]


def _premise(theorem: Reasoning) -> Postulate:
    sentence = next((q for q in theorem.quoted if theorem.premise in q.text), theorem.quoted[-1])
    if theorem.relation == "conditional":
        return Postulate("assumption", premise_of(theorem), sentence, theorem.score * 0.8)
    ruled = _RULE.search(theorem.premise) and not _MILD.search(theorem.premise)
    kind: Kind = "rule" if ruled else "assumption"
    if is_reported(theorem.premise) and not has("negation", theorem.premise[:20]):
        kind = "fact"
    return Postulate(kind, premise_of(theorem), sentence, theorem.score * 0.8)


def premise_of(theorem: Reasoning) -> str:
    """Return the premise as a statement; for a condition, the supposition."""
    supposed = re.sub(
        r"^(?:only if|if|provided that|as long as) ", "", theorem.premise, flags=re.IGNORECASE
    )
    return f"Supposed: {supposed}." if theorem.relation == "conditional" else plain(theorem.premise)


def _postulate(dialogue: Dialogue, s: Sentence) -> Postulate | None:
    asks = has("unsure", s.text) or s.text.lower().startswith(("what", "which", "who"))
    if not is_statement(s.text) or strength("conditional", s.text) > 0.8 or asks:
        return None
    if len(words(s.text)) > 45 or strength("hedge", s.text) > 0.5 or has("request", s.text):
        return None
    kind, force = _kind(s)
    if force < 0.5 or ABOUT_TALK.search(trim(s.text)) or CALL_SIGN.search(s.text):
        return None
    hedge = strongest("hedge", s.text)
    opinion = hedge and hedge.phrase.lower().startswith("i ")
    story = OWN_STORY.search(s.text) and not re.search(r"\d", s.text)
    if kind == "fact" and (opinion or story or PRONOUN_START.search(trim(s.text))):
        return None
    statement = plain(s.text)
    return Postulate(
        kind, statement, s, 0.2 * force + 0.8 * weight_of(dialogue, s) - roughness(s.text)
    )


def _kind(s: Sentence) -> tuple[Kind, float]:
    evidence = 0.8 if is_reported(s.text) and not has("commitment", s.text) else 0.0
    defined = strongest("definition", s.text)
    taken = strongest("assumption", s.text)
    mild = taken and taken.strength < 0.6 and taken.start > 12  # "…, I believe, …" in passing
    options: list[tuple[float, Kind]] = [
        (defined.strength if defined and defined.start < 40 else 0.0, "definition"),
        (taken.strength * 0.95 if taken and not mild else 0.0, "assumption"),
        (_rule_strength(s), "rule"),
        (evidence * 0.85, "fact"),
    ]
    force, kind = max(options, key=lambda option: option[0])
    return kind, force


def _rule_strength(s: Sentence) -> float:
    ruled = _RULE.search(s.text)
    if not ruled or _MILD.search(s.text) or not is_outright(s.text, ruled.start()):
        return 0.0
    return 0.75 if strength("hedge", s.text) < 0.5 else 0.0


def postulates_of(theorem: Reasoning, grounds: Sequence[Postulate]) -> list[str]:
    """Return the ids (P1, P2, …) of the *grounds* of *theorem*."""
    own = premise_of(theorem)
    return [f"P{n}" for n, ground in enumerate(grounds, start=1) if ground.statement == own]


def gap_of(theorem: Reasoning) -> str:
    """Return what *theorem* still needs as proof, if its words show it."""
    ground = excerpt(theorem.premise, 100)
    if theorem.relation == "conditional":
        return f'That the condition comes about: "{ground}".'
    if unsure := strongest("unsure", theorem.premise):
        return f'The ground is itself unsure ("{unsure.phrase}").'
    hedge = strongest("hedge", theorem.assertion)
    if hedge and hedge.strength > 0.5:
        return f'The conclusion is hedged ("{hedge.phrase}") and not yet established.'
    return "Not recognised."
