"""Reading of executive_summary: headline, key points, risks and next steps."""

from collections.abc import Iterator, Sequence

from runner.providers.offline.dialogue.insights import cite, discussed_only, says, who
from runner.providers.offline.document import Document
from runner.providers.offline.language.sentences import trim
from runner.providers.offline.language.wording import capital, evidence, excerpt, insight_of
from runner.providers.offline.synthesis.actions import Action
from runner.providers.offline.synthesis.decisions import Decision
from runner.providers.offline.synthesis.minutes import (
    Minutes,
    about,
    action_line,
    decision_line,
    most_discussed,
    subject_of,
    take_minutes,
)
from runner.providers.offline.synthesis.risks import KeyPoint, find_points, find_risks

_LIMITS = {"key_points": 6, "risks": 5, "next_steps": 5}


def read(document: Document) -> dict[str, object]:
    """Choose the weightiest points of minutes and findings; pure and deterministic."""
    minutes = take_minutes(document)
    findings = document.findings
    points = find_points(minutes, findings, _LIMITS["key_points"])
    risks = find_risks(minutes, _LIMITS["risks"])
    steps = minutes.actions[: _LIMITS["next_steps"]]
    subject = subject_of(minutes.dialogue)
    data = {
        "headline": _headline(minutes, subject),
        "summary": _summary(minutes, points, risks, steps),
        "key_points": [_row(p) for p in points],
        "risks": [_row(p) for p in risks],
        "next_steps": [_step_row(s) for s in steps],
    }
    made = list(_insights(points, risks, steps))
    found = made or discussed_only(minutes.dialogue, "decisions, risks or next steps")
    return {"insights": found, "structured_data": data}


def _row(point: KeyPoint) -> dict[str, object]:
    return {"text": point.text, "source": point.source, "evidence": evidence(point.evidence)[:5]}


def _step_row(action: Action) -> dict[str, object]:
    return {
        "step": action.what,
        "owner": action.owner,
        "due": action.due,
        "reason": _reason(action),
        "evidence": cite(*action.quoted)[:5],
    }


def _headline(minutes: Minutes, subject: str) -> str:
    """Return the headline: the decision, else what the talk is about."""
    for decision in _chief(minutes):
        how = "Agreed under conditions" if decision.conditions else capital(decision.basis)
        return f"{how}: {excerpt(decision.words, 200)}"
    if minutes.dialogue.question:
        return f"No decision recognised: {excerpt(subject, 170)}"
    return f"No decision recognised; {subject}" if subject else "Nothing recognised"


def _chief(minutes: Minutes) -> list[Decision]:
    """Return the weightiest decision, one that is only reported if there is no other."""
    return sorted(minutes.decisions, key=lambda d: d.basis == "reported")[:1]


def _summary(
    minutes: Minutes,
    points: Sequence[KeyPoint],
    risks: Sequence[KeyPoint],
    steps: Sequence[Action],
) -> str:
    """Return matter, outcome, weightiest finding, chief risk, open point and first step as text."""
    sentences = about(minutes.dialogue)
    sentences += map(decision_line, _chief(minutes))
    sentences += [] if minutes.decisions else ["No decision is recognised."]
    sentences += [p.text for p in points if p.text not in sentences][:1]
    used = {c for p in points if p.text in sentences for c in p.evidence}
    sentences += [p.text for p in risks if not used & set(p.evidence)][:1]
    if minutes.questions and (first := minutes.questions[0]).text not in " ".join(sentences):
        sentences.append(f'Open is "{first.text}" ({who(first.raised_by)}).')
    elif len(sentences) < 3:
        sentences += most_discussed(minutes.dialogue)
    sentences += [action_line(step) for step in steps if step.owner][:1]
    return " ".join(sentences) if minutes.dialogue.sentences else "Nothing is recognised."


def _reason(action: Action) -> str:
    """Return the words that ask for the step or undertake it."""
    first, about = action.quoted[0], action.about
    if about and excerpt(trim(about.text), 60) in action.what:
        return f"{who(about.speaker)} brings it up."
    asked = action.firmness == "requested" or (about and about.text.rstrip().endswith("?"))
    return says(about or first, 140, does="asks" if asked else "")


def _insights(
    points: Sequence[KeyPoint], risks: Sequence[KeyPoint], steps: Sequence[Action]
) -> Iterator[dict[str, object]]:
    """Yield the weightiest points, risks and steps."""
    for kind, named in (("key_point", points[:4]), ("risk", risks[:2])):
        for p in named:
            yield insight_of(p.text, p.score, kind, evidence(p.evidence)[:5])
    for step in steps[:3]:
        score = 0.4 + 0.6 * step.score
        yield insight_of(action_line(step), score, "next_step", cite(*step.quoted)[:5])
