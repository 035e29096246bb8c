"""Grounds, conclusions and guesses: what the axiomatic reading of a talk is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runner.offline.cues import Hit, has, is_question, strength, strongest
from runner.offline.inference import IF_THEN, NOT_A_CONDITION, Reasoning
from runner.offline.rank import diverse
from runner.offline.shape import is_whole, roughness
from runner.offline.talk import Talk, matter, telling
from runner.offline.text import Sentence, clauses, content_words, is_procedural, similarity, words
from runner.offline.wording import excerpt, plain

Kind = Literal["fact", "assumption", "definition", "rule"]

_RULE = re.compile(
    r"(?<!whether )(?<!not )(?<!n't )\b(?:must|shall|has to|have to|required to|not allowed|"
    r"allowed to|"
    r"(?:we|you|they|one|everyone|there) needs? to|nobody can|ought to|"
    r"(?:it|we|there|they|this|that|people|nobody|you|\w+s) should(?:n't| not)?)\b",
    re.IGNORECASE,
)
_EFFECT = re.compile(
    r"\b(?:(?:could|might|may|would) (?:\w+ly )?)(?:cause|lead|make|affect|help|result|create|"
    r"increase|"
    r"reduce|hurt|harm|improve|go|bring|put)\b",
    re.IGNORECASE,
)
_BEING = re.compile(
    r"\b(?:could|might|may) (?:also |simply |just |well )?be\b|\bprobably\b|\bguess\b",
    re.IGNORECASE,
)
_AHEAD = re.compile(
    r"\b(?:will|would|going to|'ll|next|soon|eventually|future|should)\b", re.IGNORECASE
)
_RELATIVE = re.compile(
    r"\b(?:which|who|what|they|that|whoever|how|ask|wish|you|if)\s+$|\b(?:ask|asks|see|know) ",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ground:
    """Something built on without proof: *statement* in clean words, its *sentence* as said."""

    kind: Kind
    statement: str
    sentence: Sentence
    score: float


@dataclass(frozen=True, slots=True)
class Guess:
    """A claim put forward as possible by *phrase*, and an observation that would *test* it."""

    sentence: Sentence
    phrase: str
    test: str
    score: float


def find_grounds(talk: Talk, theorems: Sequence[Reasoning], n: int) -> list[Ground]:
    """Return the premises of *theorems* and up to *n* further grounds of different kinds."""
    stated = [_premise(t) for t in theorems]
    used = {q.index for t in theorems for q in t.quoted}
    pool = [g for s in telling(talk) if s.index not in used and (g := _ground(talk, s))]
    more = diverse(
        pool,
        n,
        score=lambda g: g.score,
        text=lambda g: g.statement,
        group=lambda g: (g.kind, g.sentence.speaker),
    )
    return [*stated, *sorted(more, key=lambda g: -g.score)]


def _premise(theorem: Reasoning) -> Ground:
    sentence = next((q for q in theorem.quoted if theorem.premise in q.text), theorem.quoted[-1])
    if theorem.relation == "conditional":
        return Ground("assumption", premise_of(theorem), sentence, theorem.score * 0.8)
    kind: Kind = "rule" if _RULE.search(theorem.premise) else "assumption"
    if theorem.evidence > 0.5 and not has("negation", theorem.premise[:20]):
        kind = "fact"
    return Ground(kind, premise_of(theorem), sentence, theorem.score * 0.8)


def premise_of(theorem: Reasoning) -> str:
    """Return the premise as a statement; of a condition what it supposes."""
    supposed = re.sub(
        r"^(?:only if|if|provided that|as long as) ", "", theorem.premise, flags=re.IGNORECASE
    )
    return f"Supposed: {supposed}." if theorem.relation == "conditional" else plain(theorem.premise)


def _ground(talk: Talk, s: Sentence) -> Ground | None:
    if is_question(s.text) or not is_whole(s.text) or strength("conditional", s.text) > 0.8:
        return None
    if len(words(s.text)) > 45 or strength("hedge", s.text) > 0.5 or has("request", s.text):
        return None
    kind, force = _kind(s)
    if force < 0.5:
        return None
    return Ground(
        kind, plain(s.text), s, 0.5 * force + 0.45 * talk.central[s.index] - roughness(s.text)
    )


def _kind(s: Sentence) -> tuple[Kind, float]:
    told = strength("evidence", s.text) if not has("commitment", s.text) else 0.0
    defined = strongest("definition", s.text)
    options: list[tuple[float, Kind]] = [
        (defined.strength if defined and defined.start < 40 else 0.0, "definition"),
        (strength("assumption", s.text) * 0.95, "assumption"),
        (0.75 if _RULE.search(s.text) and not has("unsure", s.text) else 0.0, "rule"),
        (told * 0.85, "fact"),
    ]
    force, kind = max(options, key=lambda option: option[0])
    return kind, force


def grounds_of(theorem: Reasoning, grounds: Sequence[Ground]) -> list[str]:
    """Return the ids (P1, P2, …) of the *grounds* that *theorem* rests on: its own, then kin."""
    own = premise_of(theorem)
    stems = set(content_words(f"{theorem.premise} {theorem.assertion}"))
    found: list[str] = []
    for number, ground in enumerate(grounds, start=1):
        shared = stems & set(content_words(ground.statement))
        likeness = similarity(ground.statement, f"{theorem.premise} {theorem.assertion}")
        if ground.statement == own or (len(shared) >= 3 and likeness > 0.35):
            found.append(f"P{number}")
    return found


def inference_of(theorem: Reasoning) -> str:
    """Name the kind of inference by the connective and by what the premise is."""
    if theorem.relation == "conditional":
        return "conditional"
    if re.search(r"\b(?:just like|the same as|similar to|as with|likewise)\b", theorem.premise):
        return "analogical"
    if theorem.relation == "deductive":
        return "deductive"
    counted = re.search(
        r"\b(?:every time|each time|always|usually|so far|all four|times)\b", theorem.premise
    )
    return "inductive" if counted else "causal"


def gap_of(theorem: Reasoning) -> str:
    """Say what would still have to be shown for *theorem*, or 'none'."""
    ground = excerpt(theorem.premise, 100)
    if theorem.relation == "conditional":
        return f'That the condition comes about: "{ground}".'
    hedge = strongest("unsure", theorem.premise) or strongest("hedge", theorem.assertion)
    if hedge and hedge.strength > 0.5:
        return f'The conclusion is hedged ("{hedge.phrase}") and not yet established.'
    if theorem.evidence > 0.5:
        return "none"
    if strength("obligation", theorem.assertion) or strength("proposal", theorem.assertion):
        return f'That "{ground}" is enough to call for it.'
    if re.search(r"\b(?:was|were|had|did|\w{3,}ed)\b", theorem.premise):
        return f'A record that "{ground}".'
    return f'How it is known that "{ground}".'


def find_guesses(talk: Talk, used: set[int], n: int) -> list[Guess]:
    """Return up to *n* conjectures outside the sentences *used*, the weightiest first."""
    found: list[Guess] = []
    for s in talk.sentences:
        hit = strongest("conjecture", s.text)
        if not hit or s.index in used or is_question(s.text) or not is_whole(s.text):
            continue
        relative = _RELATIVE.search(s.text[: hit.start]) or re.match("(?:that|which) ", hit.phrase)
        if relative or len(content_words(s.text)) < 2 or is_procedural(s.text):
            continue
        score = 0.5 * hit.strength + 0.4 * talk.central[s.index] - roughness(s.text)
        found.append(Guess(s, hit.phrase, _test(talk, s, hit), score))
    return diverse(
        [guess for guess in found if guess.score > 0.3],
        n,
        score=lambda g: g.score,
        text=lambda g: g.sentence.text,
        group=lambda g: g.sentence.speaker,
    )


def _test(talk: Talk, s: Sentence, hit: Hit) -> str:
    """Word an observation that would decide *s* from what it says before and after the cue."""
    condition = None if NOT_A_CONDITION.search(s.text) else IF_THEN.search(s.text)
    if condition:
        ground, then = excerpt(condition["if"], 90), excerpt(condition["then"], 90)
        return f'Watch a case of "{ground}" and see whether "{then}".'
    claim = _clause_at(s.text, hit)
    before, after = claim[: claim.find(hit.phrase)], s.text[hit.start :]
    term = matter(talk, [s.text]) or "the matter"
    if _EFFECT.match(hit.phrase) and len(words(before)) > 2:
        return f'Look up past cases of "{excerpt(before, 90)}": how many "{excerpt(after, 90)}"?'
    if _BEING.search(hit.phrase) and len(words(s.text)) < 12 and (named := matter(talk, [after])):
        return f"Take {named} away or replace it; if nothing changes, the guess is wrong."
    if _AHEAD.search(claim):
        return f'Set a date and check then whether it has come about: "{excerpt(claim, 100)}".'
    return f"Look up what is recorded about {term} and whether it bears this out."


def _clause_at(text: str, hit: Hit) -> str:
    """Return the clause of *text* around *hit*, or all of *text* where the clause is short."""
    for clause in clauses(text):
        start = text.find(clause)
        if start <= hit.start < start + len(clause) and len(words(clause)) > 5:
            return clause
    return text
