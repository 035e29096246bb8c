"""Reading of executive_summary: headline, key points, risks and next steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runner.answers.findings import Citation, Finding
from runner.providers.offline.dialogue.dialogue import most_central
from runner.providers.offline.dialogue.insights import no_cue, who
from runner.providers.offline.document import Document
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import Sentence, trim
from runner.providers.offline.language.wording import capital, evidence, excerpt, insight_of, tidy
from runner.providers.offline.synthesis.decisions import rule_in
from runner.providers.offline.synthesis.due_dates import due_in
from runner.providers.offline.synthesis.minutes import (
    Minutes,
    as_object,
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
    steps = _steps(minutes, findings)
    subject = subject_of(minutes.dialogue, findings)
    data = {
        "headline": _headline(minutes, points, subject),
        "summary": _summary(minutes, points, risks, steps, subject),
        "key_points": [_row(p) for p in points],
        "risks": [_row(p) for p in risks],
        "next_steps": [_step_row(s) for s in steps],
    }
    made = list(_insights(points, risks, steps))
    found = made or [no_cue(minutes.dialogue, "decisions, risks or next steps")]
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


def _headline(minutes: Minutes, points: Sequence[KeyPoint], subject: str) -> str:
    """Return the headline: the decision, else the open question, else the weightiest point."""
    agreed = next((d for d in minutes.decisions if d.basis != "reported"), None)
    if agreed:
        held = agreed.basis == "agreed" and (
            any(a.condition for a in agreed.assents) or rule_in(agreed.parts)
        )
        how = "Agreed under conditions" if held else capital(agreed.basis)
        return f"{how}: {excerpt(agreed.parts[0].text, 140)}"
    if subject.startswith(("whether ", "how ", "which ", "what ", "who ")):
        return f"Not decided: {excerpt(subject, 170)}"
    if subject:
        return f"No decision recognised on {excerpt(as_object(subject), 150)}"
    return excerpt(points[0].text, 150) if points else "Nothing recognised"


def _summary(
    minutes: Minutes,
    points: Sequence[KeyPoint],
    risks: Sequence[KeyPoint],
    steps: Sequence[_Step],
    subject: str,
) -> str:
    """Return matter, outcome, weightiest finding, chief risk, open point and first step as text."""
    sentences = [f"The talk is about {as_object(subject)}."] if subject else []
    decided = [d for d in minutes.decisions if d.basis != "reported"][:1]
    sentences += [decision_line(d) for d in decided] or ["No decision is recognised."]
    if not any(rule_in(d.parts) for d in decided):  # a rule is a sentence of its own
        sentences += [p.text for p in points if p.text not in sentences][:1]
    used = {c for p in points if p.text in sentences for c in p.evidence}
    sentences += [p.text for p in risks if not used & set(p.evidence)][:1]
    if minutes.questions:
        first = minutes.questions[0]
        sentences.append(f'Open is "{first.text}" ({who(first.raised_by)}).')
    elif (centre := most_central(minutes.dialogue)) and len(sentences) < 3:
        sentences.append(
            f'Most central is what {who(centre.speaker)} says: "{excerpt(centre.text)}".'
        )
    taken = next((s for s in steps if s.owner), None)
    if taken:
        due = f", {taken.due}" if taken.due and taken.due not in taken.step else ""
        act = taken.step[:1].lower() + taken.step[1:]
        sentences.append(f"First to act is {taken.owner}: {act}{due}.")
    return tidy(" ".join(sentences)) if minutes.dialogue.sentences else "Nothing is recognised."


def _steps(minutes: Minutes, findings: Sequence[Finding]) -> list[_Step]:
    """Return the next steps: undertakings, conditions, answers to open points, then advice."""
    found = [*_undertaken(minutes), *_conditions(minutes), *_answers(minutes), *_advised(findings)]
    chosen = diverse(
        found, _LIMITS["next_steps"], score=lambda s: s.score, text=lambda s: s.step, trade=0.85
    )
    return sorted(chosen, key=lambda s: -s.score)


def _undertaken(minutes: Minutes) -> Iterator[_Step]:
    for action in minutes.actions[:5]:
        about = action.about
        reason = f"{action.owner or who(action.quoted[0].speaker)} announces it."
        if action.firmness == "requested":
            reason = f"{who(action.quoted[0].speaker)} asks for it."
        elif about and excerpt(trim(about.text), 60) in action.what:
            reason = f"{who(about.speaker)} brings it up."
        elif about and about.speaker == action.owner:
            reason = f'It bears on "{excerpt(about.text, 120)}".'
        elif about:
            verb = "asks" if about.text.rstrip().endswith("?") else "says"
            reason = f'{who(about.speaker)} {verb}: "{excerpt(trim(about.text), 140)}".'
        score = 0.4 + 0.6 * action.score
        yield _Step(action.what, action.owner, action.due, reason, _of(*action.quoted), score)


def _of(*quoted: Sentence) -> tuple[Citation, ...]:
    return tuple((s.segment, s.text) for s in quoted)


def _conditions(minutes: Minutes) -> Iterator[_Step]:
    """Yield what has to be settled for an agreement to hold."""
    for decision in minutes.decisions[:2]:
        for assent in decision.assents:
            if assent.condition:
                step = f'Clear the condition "{assent.condition}".'
                reason = f"{who(assent.by)} agrees only under it."
                due = due_in(assent.condition)
                yield _Step(step, None, due, reason, _of(assent.reply, decision.parts[0]), 0.85)
        link = rule_in(decision.parts) if decision.basis == "agreed" else None
        if link:
            step = f'Keep it from coming to this: "{link[0]}".'
            reason = f'The agreed rule is then: "{link[1].rstrip(".")}".'
            part = next(p for p in decision.parts if link[0] in p.text)
            yield _Step(step, None, due_in(link[0]), reason, _of(part), 0.9)


def _answers(minutes: Minutes) -> Iterator[_Step]:
    for question in minutes.questions[:3]:
        verb = "Answer" if question.text.rstrip().endswith("?") else "Clear up"
        step = f'{verb}: "{question.text}"'
        score = 0.3 + 0.6 * question.score
        yield _Step(step, None, None, question.why, _of(*question.quoted), score)


def _advised(findings: Sequence[Finding]) -> Iterator[_Step]:
    """Yield what earlier analyzers advise, citing what their risks and factors cite."""
    for key, analyzer in (("next_steps", "patentability"), ("leverage", "determining_factors")):
        own = [f for f in findings if f.analyzer == analyzer and f.evidence]
        for f in [f for f in findings if f.key == key and f.analyzer == analyzer][:2]:
            if f.text.startswith("Nothing"):
                continue
            cites = f.evidence or next((o.evidence[:1] for o in own if _shares(o, f)), ())
            if cites:
                kind = "next step" if key == "next_steps" else "lever"
                reason = f"{analyzer} names it as a {kind}."
                yield _Step(f.text, None, None, reason, cites, 0.45)


def _shares(cited: Finding, advice: Finding) -> bool:
    """Return whether the advice quotes words that *cited* cites."""
    return any(quote.rstrip(".")[:40] in advice.text for _, quote in cited.evidence)


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
