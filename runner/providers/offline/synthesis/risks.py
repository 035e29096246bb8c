"""Risks and key points: warnings of the transcript and the weightiest findings."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runner.answers.findings import Citation, Finding
from runner.providers.offline.argument.causality import conditional
from runner.providers.offline.dialogue.dialogue import weight_of
from runner.providers.offline.dialogue.insights import who
from runner.providers.offline.language.cues import has, is_question, polarity, strength
from runner.providers.offline.language.fragments import is_whole, roughness
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_procedural,
    similarity,
    trim,
)
from runner.providers.offline.language.wording import capital, excerpt, tidy
from runner.providers.offline.synthesis.minutes import Minutes, decision_line
from runner.providers.offline.synthesis.threads import TRANSCRIPT, number

_WARNS = re.compile(
    r"\b(?:otherwise|(?:can|could|may|might|will|would) (?:\w+ )?(?:destroy|lose|harm|"
    r"damage|undermine|weaken|flood|kill|cost us|hurt|ruin|threaten|delay|jeopardi[sz]e|crash|"
    r"lead to (?:\w+ )?(?:loss|failure|crisis|conflict))|at risk|in danger|"
    r"end of (?:this|the) project)\b",
    re.IGNORECASE,
)
_OURS = re.compile(r"\b(?:we|us|our)\b|\bthere(?:'s| is| will be) no\b", re.IGNORECASE)
# No conditions ("if not impossible"), and clauses that need their sentence.
_LOOSE_IF = re.compile(r"(?:not|so|possible|necessary|any|anything|at all)\b", re.IGNORECASE)
_LOOSE_THEN = re.compile(
    r"(?:that|it|this|which|they|particularly|especially|even|and|or|but)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class KeyPoint:
    """One point with its source (an analyzer, or transcript), citations and weight, 0 to 1."""

    text: str
    source: str
    evidence: tuple[Citation, ...]
    score: float


def find_risks(minutes: Minutes, findings: Sequence[Finding], n: int) -> list[KeyPoint]:
    """Return up to *n* risks, the weightiest first."""
    found = [*_spoken(minutes), *_found(findings)]
    chosen = diverse(found, n, score=lambda p: p.score, text=lambda p: p.text + _quotes(p))
    return sorted(chosen, key=lambda p: -p.score)


def _quotes(point: KeyPoint) -> str:
    """Return the first quote of *point*; points on the same words count as alike."""
    return f" {point.evidence[0][1]}" if point.evidence else ""


def _spoken(minutes: Minutes) -> Iterator[KeyPoint]:
    """Yield warnings of speakers: a condition with an unwelcome consequence, or a plain threat."""
    dialogue = minutes.dialogue
    settled = {s.index for d in minutes.decisions if d.basis == "agreed" for s in d.quoted}
    for s in dialogue.sentences:
        if s.index in settled or is_question(s.text) or is_procedural(s.text):
            continue
        if (
            s.index in dialogue.cut_off
            or has("unsure", s.text)
            or len(set(content_words(s.text))) < 4
        ):
            continue
        text = _warning(s)
        if text:
            score = 0.45 + 0.35 * weight_of(dialogue, s) - roughness(s.text)
            score += 0.1 * bool(_WARNS.search(s.text))
            yield KeyPoint(tidy(text), TRANSCRIPT, ((s.segment, s.text),), min(0.95, score))


def _warning(s: Sentence) -> str:
    """Return *s* worded as a warning, or "" if it is none."""
    link = conditional(s.text)
    name = who(s.speaker)
    if link and is_whole(link[1], verb=False):
        light, called_for = polarity(link[1]), strength("obligation", link[1]) >= 0.6
        lacking = has("negation", link[1]) and bool(_OURS.search(link[1]))
        loose = _LOOSE_IF.match(link[0]) or _LOOSE_THEN.match(link[1])
        if not loose and not called_for and (light < 0 or (lacking and not light)):
            return f'If "{excerpt(link[0], 110)}", {name} expects: "{excerpt(link[1], 140)}".'
    if _WARNS.search(s.text) and is_whole(trim(s.text)) and polarity(s.text) <= 0:
        return f'{name} warns: "{excerpt(s.text, 180)}".'
    return ""


def _found(findings: Sequence[Finding]) -> Iterator[KeyPoint]:
    """Yield risks that earlier analyzers name: to a patent, and restraining factors."""
    for f in findings:
        if f.key == "risks" and f.evidence and f.fields.get("text"):
            yield KeyPoint(capital(f.fields["text"]), f.analyzer, f.evidence, 0.6)
        if f.key == "factors" and f.fields.get("direction") == "restrains" and f.evidence:
            weight = number(f.fields.get("strength", "1"))
            text = f"{capital(f.fields.get('name', ''))} holds it back: {f.fields.get('mechanism')}"
            yield KeyPoint(tidy(text), f.analyzer, f.evidence, 0.3 + 0.08 * weight)


def find_points(minutes: Minutes, findings: Sequence[Finding], n: int) -> list[KeyPoint]:
    """Return up to *n* key points in the order of their consequence."""
    found = [*_decided(minutes), *_weighed(findings), *_insights(findings)]
    if len(found) < n:
        found += _central(minutes)
    chosen = diverse(
        found,
        n,
        score=lambda p: p.score,
        text=lambda p: p.text,
        group=lambda p: p.source,
        trade=0.8,
    )
    return sorted(chosen, key=lambda p: -p.score)


def _decided(minutes: Minutes) -> Iterator[KeyPoint]:
    for decision in minutes.decisions[:3]:
        cites = tuple((s.segment, s.text) for s in decision.quoted)
        score = {"agreed": 0.98, "announced": 0.85, "reported": 0.8}[decision.basis]
        yield KeyPoint(decision_line(decision), TRANSCRIPT, cites, score)


def _weighed(findings: Sequence[Finding]) -> Iterator[KeyPoint]:
    """Yield the ranked rival answers and the factors with the most weight."""
    yield from _ranked(findings)
    factors = [f for f in findings if f.key == "factors" and f.evidence]
    for f in factors[:2]:
        weight = number(f.fields.get("strength", "1"))
        role = f.fields.get("role", "contributing")
        lead = f"{capital(f.fields.get('name', ''))} weighs {weight:g} of 5 ({role}): "
        text = lead + f.fields.get("mechanism", "")
        yield KeyPoint(tidy(text), f.analyzer, f.evidence, 0.4 + 0.06 * weight)


def _ranked(findings: Sequence[Finding]) -> Iterator[KeyPoint]:
    """Yield the least and the most disconfirmed rival answer, except for bare denials."""
    statements = {
        f.fields.get("id"): _bare(f.fields.get("statement", ""))
        for f in findings
        if f.key == "hypotheses"
    }
    ranked = [f.fields for f in findings if f.key == "ranking"]
    scores = [number(fields.get("inconsistency", "0")) for fields in ranked]
    if len(ranked) < 2 or scores[0] >= scores[-1]:
        return
    best, worst = (statements.get(ranked[i].get("hypothesis"), "") for i in (0, -1))
    against = ranked[-1].get("against", "").split("; ")
    items = [f for f in findings if f.key == "evidence" and f.fields.get("id") in against]
    cites = tuple(c for f in items[:2] for c in f.evidence[:1])
    if best and worst and cites and similarity(best, worst) < 0.8:
        text = f'Of the rival answers, least speaks against "{best}" and most against "{worst}".'
        yield KeyPoint(tidy(text), "competing_hypotheses", cites, 0.72)


def _bare(statement: str) -> str:
    """Return *statement* without its holder and with single marks for what it quotes."""
    bare = re.sub(r" \([^()]*\)$", "", statement.rstrip("."))
    return excerpt(bare.replace('"', "'"), 120)


_TELLING = {
    "shared_ground": 0.5,
    "tension": 0.55,
    "contradiction": 0.58,
    "reconstruction": 0.45,
    "fundamental": 0.5,
    "candidate": 0.5,
    "public_disclosure": 0.6,
    "euphemism": 0.5,
    "perspective": 0.45,
    "argument": 0.4,
}


def _insights(findings: Sequence[Finding]) -> Iterator[KeyPoint]:
    for f in findings:
        base = _TELLING.get(f.category or "")
        telling = not re.search(r"takes no side|without taking sides", f.text)
        if f.key == "insights" and base and f.evidence and f.text and telling:
            yield KeyPoint(f.text, f.analyzer, f.evidence, base + 0.2 * (f.confidence or 0.0))


def _central(minutes: Minutes) -> Iterator[KeyPoint]:
    """Yield the most central statements, for when the findings give too few points."""
    dialogue = minutes.dialogue
    fit = [s for s in dialogue.sentences if is_whole(trim(s.text)) and not is_procedural(s.text)]
    fit = [
        s for s in fit if s.index not in dialogue.cut_off and len(set(content_words(s.text))) > 3
    ]
    for s in diverse(fit, 5, score=lambda s: weight_of(dialogue, s), text=lambda s: s.text):
        text = f'{who(s.speaker)}: "{excerpt(s.text, 180)}".'
        yield KeyPoint(tidy(text), TRANSCRIPT, ((s.segment, s.text),), 0.4 * weight_of(dialogue, s))
