"""Reading of meeting_notes: decisions, action items and open questions."""

from collections.abc import Iterator, Sequence

from runner.providers.offline.dialogue.dialogue import weightiest
from runner.providers.offline.dialogue.insights import cite, insight, no_cue, who
from runner.providers.offline.document import Document
from runner.providers.offline.language.sentences import strip_fillers, trim
from runner.providers.offline.language.wording import excerpt, listed, tidy
from runner.providers.offline.synthesis.actions import Action
from runner.providers.offline.synthesis.decisions import Decision as Settled
from runner.providers.offline.synthesis.minutes import (
    Minutes,
    OpenQuestion,
    about,
    action_line,
    decision_line,
    reservations,
    take_minutes,
)

_MAX_INSIGHTS = 10


def read(document: Document) -> dict[str, object]:
    """Record decisions, undertakings and open points; pure and deterministic."""
    minutes = take_minutes(document)
    found = sorted(insights_of(minutes), key=lambda pair: -pair[0])
    made = [one for _, one in found[:_MAX_INSIGHTS]]
    sought = "decisions, undertakings or open questions"
    return {
        "insights": made or no_cue(minutes.dialogue, sought),
        "structured_data": {
            "summary": _summary(minutes),
            "decisions": [decision_item(d) for d in minutes.decisions],
            "action_items": [action_item(a) for a in minutes.actions],
            "open_questions": [question_item(q) for q in minutes.questions],
        },
    }


def decision_item(decision: Settled) -> dict[str, object]:
    """Return *decision* as an item of the answer."""
    parts = decision.parts[:1] if decision.basis == "reported" else decision.parts
    return {
        "what": " ".join(strip_fillers(part.text) for part in parts),
        "decided_by": list(decision.holders),
        "basis": decision.basis,
        "conditions": reservations(decision),
        "evidence": cite(*decision.quoted),
    }


def action_item(action: Action) -> dict[str, object]:
    """Return *action* as an item of the answer."""
    about = action.about
    shown = f'{who(about.speaker)}: "{excerpt(trim(about.text), 160)}"' if about else None
    return {
        "what": action.what,
        "owner": action.owner,
        "due": action.due,
        "firmness": action.firmness,
        "about": shown,
        "evidence": cite(*action.quoted),
    }


def question_item(question: OpenQuestion) -> dict[str, object]:
    """Return *question* as an item of the answer."""
    return {
        "question": question.text,
        "raised_by": question.raised_by,
        "why_open": tidy(question.why),
        "evidence": cite(*question.quoted),
    }


def _summary(minutes: Minutes) -> str:
    """Return the summary: subject, decisions, first action and open question."""
    sentences = about(minutes.dialogue)
    agreed = [d for d in minutes.decisions if d.basis != "reported"]
    sentences += [decision_line(d) for d in (agreed or minutes.decisions)[:2]]
    sentences += ["No decision is recognised."] if not minutes.decisions else []
    if minutes.actions:
        owned = sum(a.owner is not None for a in minutes.actions)
        dated = sum(a.due is not None for a in minutes.actions)
        total = len(minutes.actions)
        items = "action item is" if total == 1 else "action items are"
        sentences.append(
            f"{total} {items} noted, {owned} with an owner and {dated} with a date; the clearest: "
            f"{action_line(minutes.actions[0])}"
        )
    if minutes.questions:
        first = minutes.questions[0]
        sentences.append(f'Open stays "{first.text}" ({who(first.raised_by)}).')
    if not (minutes.decisions or minutes.actions or minutes.questions):
        sentences += [f'Weightiest is "{excerpt(s.text)}".' for s in weightiest(minutes.dialogue)]
    return tidy(" ".join(sentences)) if minutes.dialogue.sentences else "Nothing is recognised."


def insights_of(minutes: Minutes) -> Iterator[tuple[float, dict[str, object]]]:
    """Yield (score, insight) for the points that an absent participant needs."""
    for decision in minutes.decisions[:3]:
        kind = "decision" if decision.basis != "reported" else "reported_decision"
        text = decision_line(decision)
        yield decision.score, insight(text, decision.score, kind, decision.quoted)
        for assent in decision.assents:
            if assent.condition:
                text = f'{who(assent.by)} replies: "{excerpt(assent.reply.text, 160)}".'
                score = decision.score - 0.1
                yield score, insight(text, score, "condition", (assent.reply, *decision.parts[:1]))
    for action in minutes.actions[:4]:
        category = "action" if action.firmness == "firm" else f"{action.firmness}_action"
        yield action.score, insight(action_line(action), action.score, category, action.quoted)
    yield from _gaps(minutes.actions)
    for question in minutes.questions[:3]:
        text = f'{who(question.raised_by)} leaves a point open: "{question.text}". {question.why}'
        yield question.score, insight(text, question.score, "open_question", question.quoted)


def _gaps(actions: Sequence[Action]) -> Iterator[tuple[float, dict[str, object]]]:
    """Yield insights on action items without a date or an owner."""
    for lack, missing in (
        ("date", [a for a in actions if a.due is None]),
        ("owner", [a for a in actions if a.owner is None]),
    ):
        if missing and len(actions) > 1:
            said = listed(f'"{excerpt(a.what, 70)}"' for a in missing[:3])
            text = f"No {lack} is recognised for {len(missing)} of {len(actions)}: {said}."
            evidence = [a.quoted[0] for a in missing[:3]]
            yield 0.5, insight(text, 0.6, f"missing_{lack}", evidence)
