"""Risks and key points: warnings and decisions of the transcript, and the findings' best quotes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runner.answers.findings import Citation, Finding
from runner.providers.offline.dialogue.dialogue import (
    in_focus,
    weight_of,
    weightiest,
    whole_sentences,
)
from runner.providers.offline.dialogue.insights import DISCUSSED, says
from runner.providers.offline.language.cues import has
from runner.providers.offline.language.fragments import is_statement, roughness
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import Sentence
from runner.providers.offline.synthesis.minutes import Minutes, decision_line

TRANSCRIPT = "transcript"
_WARNS = pattern("risks.warns")
_NO_RISK = pattern("risks.no_risk")

# Categories of insights that state no finding.
UNTOLD = (DISCUSSED, "cited", "no_cue", "no_findings", "language", "uncertain")


@dataclass(frozen=True, slots=True)
class KeyPoint:
    """One point with its source (an analyzer, or transcript), citations and weight, 0 to 1."""

    text: str
    source: str
    evidence: tuple[Citation, ...]
    score: float


def find_risks(minutes: Minutes, n: int) -> list[KeyPoint]:
    """Return up to *n* statements with an outright warning, weightiest first."""
    dialogue = minutes.dialogue
    warnings = [s for s in whole_sentences(dialogue) if _warns(s.text.replace("’", "'"))]
    found = [
        _point(s, min(0.95, 0.45 + 0.35 * weight_of(dialogue, s) - roughness(s.text)))
        for s in in_focus(dialogue, warnings, lambda s: [s])
    ]
    return diverse(found, n, text=lambda p: p.text)


def _warns(text: str) -> bool:
    match = _WARNS.search(text)
    if not match or not is_statement(text, verb=False) or has("unsure", text):
        return False
    return is_outright(text, match.start()) and not _NO_RISK.search(text[: match.end()])


def _point(s: Sentence, score: float) -> KeyPoint:
    return KeyPoint(says(s, 200), TRANSCRIPT, ((s.segment, s.text),), score)


def find_points(minutes: Minutes, findings: Sequence[Finding], n: int) -> list[KeyPoint]:
    """Return up to *n* key points: decisions, insights, the most central statements."""
    found = [*_decided(minutes), *_insights(findings)]
    if len(found) < n:
        found += _central(minutes, n)
    chosen = diverse(
        found,
        n,
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


def _insights(findings: Sequence[Finding]) -> Iterator[KeyPoint]:
    for f in findings:
        known = f.analyzer == "action_items" or f.category in UNTOLD
        if f.key == "insights" and not known and f.evidence and f.text:
            yield KeyPoint(f.text, f.analyzer, f.evidence, 0.35 + 0.4 * (f.confidence or 0.0))


def _central(minutes: Minutes, n: int) -> list[KeyPoint]:
    """Return the most central statements, for when the findings give too few points."""
    ranked = weightiest(minutes.dialogue, n)
    return [_point(s, 0.4 - 0.25 * place / n) for place, s in enumerate(ranked)]
