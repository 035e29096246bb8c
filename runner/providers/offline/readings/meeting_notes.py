"""Reading of meeting_notes: decisions, action items and open questions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from runner.providers.offline.dialogue.insights import (
    best_first,
    cite,
    discussed_only,
    insight,
    said,
    says,
    who,
)
from runner.providers.offline.document import Document
from runner.providers.offline.language.sentences import strip_fillers
from runner.providers.offline.language.wording import capital
from runner.providers.offline.synthesis.actions import Action
from runner.providers.offline.synthesis.decisions import Decision as Settled
from runner.providers.offline.synthesis.minutes import (
    Minutes,
    OpenQuestion,
    about,
    action_line,
    decision_line,
    most_discussed,
    take_minutes,
)

_MAX_INSIGHTS = 10


def read(document: Document) -> dict[str, object]:
    """Record decisions, undertakings and open points; pure and deterministic."""
    minutes = take_minutes(document)
    found = [pair for each in _LISTS.values() for pair in each.insights(minutes)]
    made = best_first(found, _MAX_INSIGHTS)
    sought = "decisions, undertakings or points left open"
    return {
        "insights": made or discussed_only(minutes.dialogue, sought),
        "structured_data": {
            "summary": _summary(minutes),
            **{name: each.items(minutes) for name, each in _LISTS.items()},
        },
    }


def read_minuted(name: str, document: Document) -> dict[str, object]:
    """Return the answer of the analyzer *name* of MINUTED; pure and deterministic."""
    minutes, kind = take_minutes(document), _LISTS[name]
    made = best_first(kind.insights(minutes))
    return {
        "insights": made or discussed_only(minutes.dialogue, kind.sought, *kind.near),
        "structured_data": {name: kind.items(minutes)},
    }


def _decision_item(decision: Settled) -> dict[str, object]:
    return {
        "what": capital(strip_fillers(decision.words)),
        "decided_by": list(decision.holders),
        "basis": decision.basis,
        "conditions": [said(each, 200) for each in decision.conditions],
        "evidence": cite(*decision.quoted),
    }


def _action_item(action: Action) -> dict[str, object]:
    return {
        "what": action.what,
        "owner": action.owner,
        "due": action.due,
        "firmness": action.firmness,
        "about": said(action.about, 160) if action.about else None,
        "evidence": cite(*action.quoted),
    }


def _question_item(question: OpenQuestion) -> dict[str, object]:
    return {
        "question": question.text,
        "raised_by": question.raised_by,
        "why_open": question.why,
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
        sentences.append(f'Open is "{first.text}" ({who(first.raised_by)}).')
    if not (minutes.decisions or minutes.actions or minutes.questions):
        sentences += most_discussed(minutes.dialogue)
    return " ".join(sentences) if minutes.dialogue.sentences else "Nothing is recognised."


_Scored = Iterator[tuple[float, dict[str, object]]]  # what an absent participant needs


def _decided(minutes: Minutes) -> _Scored:
    for decision in minutes.decisions[:3]:
        kind = "decision" if decision.basis != "reported" else "reported_decision"
        text = decision_line(decision)
        yield decision.score, insight(text, decision.score, kind, decision.quoted)
        for reply in decision.conditions:
            text, score = says(reply, 160, does="replies"), decision.score - 0.1
            yield score, insight(text, score, "condition", (reply, *decision.parts[:1]))


def _to_do(minutes: Minutes) -> _Scored:
    for action in minutes.actions[:4]:
        category = "action" if action.firmness == "firm" else f"{action.firmness}_action"
        yield action.score, insight(action_line(action), action.score, category, action.quoted)


def _left_open(minutes: Minutes) -> _Scored:
    for question in minutes.questions[:3]:
        text = f'{who(question.raised_by)} leaves a point open: "{question.text}". {question.why}'
        yield question.score, insight(text, question.score, "open_question", question.quoted)


@dataclass(frozen=True, slots=True)
class _List:
    """A list of the minutes: its insights and items, what it seeks, and cues of what is near."""

    insights: Callable[[Minutes], _Scored]
    items: Callable[[Minutes], list[dict[str, object]]]
    sought: str
    near: tuple[str, ...]


_LISTS: Mapping[str, _List] = {
    "decisions": _List(
        _decided, lambda m: [*map(_decision_item, m.decisions)], "decisions", ("proposal",)
    ),
    "action_items": _List(
        _to_do,
        lambda m: [*map(_action_item, m.actions)],
        "undertakings or requests",
        ("obligation", "request"),
    ),
    "open_questions": _List(
        _left_open,
        lambda m: [*map(_question_item, m.questions)],
        "open questions",
        ("unsure", "hedge"),
    ),
}
MINUTED = frozenset(_LISTS)  # analyzers that answer with one list of the minutes
