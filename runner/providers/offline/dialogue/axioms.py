"""Axioms: postulates of a dialogue, and guesses."""

import re
from collections.abc import Collection, Sequence
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
from runner.providers.offline.language.cues import Hit, has, hits, is_reported, strength, strongest
from runner.providers.offline.language.fragments import is_statement, roughness
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    similarity,
    trim,
    words,
)
from runner.providers.offline.language.wording import plain

Kind = Literal["fact", "assumption", "rule"]

_RULE = pattern("axioms.rule")
# A private duty or a guess is not a rule.
_MILD = pattern("axioms.mild")
_RELATIVE = pattern("axioms.relative")
_INDEFINITE = re.compile(r" (?:some|any)(?:thing|one|body|where)\b", re.IGNORECASE)
_WISHED = pattern("axioms.wished")


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
    said = theorem.premise
    sentence = next((q for q in theorem.quoted if said in q.text), theorem.quoted[-1])
    kind: Kind = "assumption"
    if theorem.relation != "conditional":
        if is_reported(said) and not has("negation", said[:20]):
            kind = "fact"
        elif _RULE.search(said) and not _MILD.search(said):
            kind = "rule"
    return Postulate(kind, theorem.ground, sentence, theorem.score * 0.8)


def _postulate(dialogue: Dialogue, s: Sentence) -> Postulate | None:
    asks = has("unsure", s.text) or s.text.lower().startswith(("what", "which", "who"))
    if not is_statement(s.text) or strength("conditional", s.text) > 0.8 or asks:
        return None
    if len(words(s.text)) > 45 or strength("hedge", s.text) > 0.5 or has("request", s.text):
        return None
    kind = _kind(s.text)
    if kind is None or ABOUT_TALK.search(trim(s.text)) or CALL_SIGN.search(s.text):
        return None
    hedge = strongest("hedge", s.text)
    opinion = hedge and hedge.phrase.lower().startswith("i ")
    story = OWN_STORY.search(s.text) and not re.search(r"\d", s.text)
    if kind == "fact" and (opinion or story or PRONOUN_START.search(trim(s.text))):
        return None
    score = 0.15 + 0.8 * weight_of(dialogue, s) - roughness(s.text)
    return Postulate(kind, plain(s.text), s, score)


def _kind(text: str) -> Kind | None:
    rule = _RULE.search(text)
    if rule and not _MILD.search(text) and is_outright(text, rule.start()):
        return "rule"
    return "fact" if is_reported(text) and not has("commitment", text) else None


@dataclass(frozen=True, slots=True)
class Conjecture:
    """A claim put forward as possible by *phrase*."""

    sentence: Sentence
    phrase: str
    score: float


def find_conjectures(dialogue: Dialogue, used: Collection[int], n: int) -> list[Conjecture]:
    """Return up to *n* conjectures outside the sentences *used*, the weightiest first."""
    found: list[Conjecture] = []
    for s in focused(dialogue):
        hit = strongest("conjecture", s.text)
        if s.index in used or not hit or not _guesses(s.text, hit):
            continue
        score = 0.3 * hit.strength + 0.65 * weight_of(dialogue, s) - roughness(s.text)
        if score > 0.3:
            found.append(Conjecture(s, hit.phrase, score))
    return diverse(found, n, text=lambda g: g.sentence.text, group=lambda g: g.sentence.speaker)


def _guesses(text: str, hit: Hit) -> bool:
    """Return whether *text* guesses at the matter: not at a detail, and no wish or proposal."""
    before = text[: hit.start]
    in_passing = hit.strength < 0.7 and len(words(before)) > 5  # "…, maybe"
    relative = _RELATIVE.search(before) or hit.phrase.lower().startswith(("that ", "which "))
    other = _WISHED.search(text) or ABOUT_TALK.search(text) or _INDEFINITE.match(text[hit.end :])
    outright = is_outright(text, hits("conjecture", text)[0].start)
    stated = outright and is_statement(text) and len(content_words(text)) > 1
    return bool(stated and not (in_passing or relative or other))
