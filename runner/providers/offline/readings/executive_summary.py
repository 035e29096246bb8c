"""Reading of executive_summary: headline, key points, risks and next steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runner.answers.findings import Citation
from runner.providers.offline.dialogue.dialogue import weightiest
from runner.providers.offline.dialogue.insights import no_cue, who
from runner.providers.offline.document import Document
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import Sentence, trim
from runner.providers.offline.language.wording import capital, evidence, excerpt, insight_of, tidy
from runner.providers.offline.synthesis.minutes import (
    Minutes,
    about,
    decision_line,
    subject_of,
    take_minutes,
)
from runner.providers.offline.synthesis.risks import KeyPoint, find_points, find_risks

_LIMITS = {"key_points": 6, "risks": 5, "next_steps": 7}


@dataclass(frozen=True, slots=True)
class _Step:
    step: str
    owner: str | None
    due: str | None
    reason: str
    evidence: tuple[Citation, ...]
    score: float


def read(document: Document) -> dict[str, object]:
    """Choose the weightiest points of minutes and findings; pure and deterministic."""
    minutes = take_minutes(document)
    findings = document.findings
    points = find_points(minutes, findings, _LIMITS["key_points"])
    risks = find_risks(minutes, findings, _LIMITS["risks"])
    steps = _steps(minutes)
    subject = subject_of(minutes.dialogue)
    data = {
        "headline": _headline(minutes, subject),
        "summary": _summary(minutes, points, risks, steps),
        "key_points": [_row(p) for p in points],
        "risks": [_row(p) for p in risks],
        "next_steps": [_step_row(s) for s in steps],
    }
    made = list(_insights(points, risks, steps))
    found = made or no_cue(minutes.dialogue, "decisions, risks or next steps")
    return {"insights": found, "structured_data": data}


def _row(point: KeyPoint) -> dict[str, object]:
    return {"text": point.text, "source": point.source, "evidence": evidence(point.evidence)[:5]}


def _step_row(step: _Step) -> dict[str, object]:
    return {
        "step": step.step,
        "owner": step.owner,
        "due": step.due,
        "reason": tidy(step.reason),
        "evidence": evidence(step.evidence)[:5],
    }


def _headline(minutes: Minutes, subject: str) -> str:
    """Return the headline: the decision, else what the talk is about."""
    agreed = next((d for d in minutes.decisions if d.basis != "reported"), None)
    if agreed:
        held = any(a.condition for a in agreed.assents)
        how = "Agreed under conditions" if held else capital(agreed.basis)
        return f"{how}: {excerpt(agreed.parts[0].text, 200)}"
    if minutes.dialogue.question:
        return f"No decision recognised: {excerpt(subject, 170)}"
    return f"No decision recognised; {subject}" if subject else "Nothing recognised"


def _summary(
    minutes: Minutes,
    points: Sequence[KeyPoint],
    risks: Sequence[KeyPoint],
    steps: Sequence[_Step],
) -> str:
    """Return matter, outcome, weightiest finding, chief risk, open point and first step as text."""
    sentences = about(minutes.dialogue)
    decided = [d for d in minutes.decisions if d.basis != "reported"][:1]
    sentences += [decision_line(d) for d in decided] or ["No decision is recognised."]
    sentences += [p.text for p in points if p.text not in sentences][:1]
    used = {c for p in points if p.text in sentences for c in p.evidence}
    sentences += [p.text for p in risks if not used & set(p.evidence)][:1]
    if minutes.questions:
        first = minutes.questions[0]
        sentences.append(f'Open is "{first.text}" ({who(first.raised_by)}).')
    elif len(sentences) < 3:
        sentences += [
            f'{who(s.speaker)} says, where it is discussed most: "{excerpt(s.text)}".'
            for s in weightiest(minutes.dialogue)
        ]
    taken = next((s for s in steps if s.owner), None)
    if taken:
        sentences.append(f'{taken.owner} says: "{excerpt(taken.evidence[0][1], 160)}".')
    return tidy(" ".join(sentences)) if minutes.dialogue.sentences else "Nothing is recognised."


def _steps(minutes: Minutes) -> list[_Step]:
    """Return the next steps: what was undertaken or asked for."""
    chosen = diverse(
        list(_undertaken(minutes)),
        _LIMITS["next_steps"],
        score=lambda s: s.score,
        text=lambda s: s.step,
        trade=0.85,
    )
    return sorted(chosen, key=lambda s: -s.score)


def _undertaken(minutes: Minutes) -> Iterator[_Step]:
    for action in minutes.actions[:5]:
        about = action.about
        said = action.quoted[0]
        verb = " asks" if action.firmness == "requested" else ""
        reason = f'{who(said.speaker)}{verb}: "{excerpt(said.text, 140)}".'
        if about and excerpt(trim(about.text), 60) in action.what:
            reason = f"{who(about.speaker)} brings it up."
        elif about:
            verb = "asks" if about.text.rstrip().endswith("?") else "says"
            reason = f'{who(about.speaker)} {verb}: "{excerpt(trim(about.text), 140)}".'
        score = 0.4 + 0.6 * action.score
        yield _Step(action.what, action.owner, action.due, reason, _of(*action.quoted), score)


def _of(*quoted: Sentence) -> tuple[Citation, ...]:
    return tuple((s.segment, s.text) for s in quoted)


def _insights(
    points: Sequence[KeyPoint], risks: Sequence[KeyPoint], steps: Sequence[_Step]
) -> Iterator[dict[str, object]]:
    """Yield the weightiest points, risks and steps."""
    rows = [(p.text, p.score, "key_point", p.evidence) for p in points[:4]]
    rows += [(p.text, p.score, "risk", p.evidence) for p in risks[:2]]
    for step in steps[:3]:
        due = step.due if step.due and step.due not in step.step else None
        by = ", ".join(t for t in (step.owner, due) if t)
        text = f"{step.step.rstrip('.')}{f' ({by})' if by else ''}. {step.reason}"
        rows.append((text, step.score, "next_step", step.evidence))
    for text, score, category, citations in rows:
        yield insight_of(text, score, category, evidence(citations)[:5])
