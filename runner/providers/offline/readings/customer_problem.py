"""Reading of customer_problem: sentences that name a fault, its time or its effect.

Only for a talk about a fault: at least 1 % of the sentences are of these kinds or about a repair,
and of two kinds at least. Meetings and hearings that mention a failure have below 0.5 %.
"""

from runner.providers.offline.dialogue.dialogue import Dialogue, read_dialogue
from runner.providers.offline.dialogue.insights import who
from runner.providers.offline.document import Document
from runner.providers.offline.language.wording import excerpt
from runner.providers.offline.synthesis.statements import (
    Statement,
    find_statements,
    insights_on,
    rows,
)

_CUES = {
    "tried": "fault_tried",
    "since": "fault_since",
    "symptom": "fault_symptom",
    "impact": "fault_impact",
}
_MENDING = {"asked": "step_asked", "works": "works_now"}
_MIN_SHARE = 0.01


def read(document: Document) -> dict[str, object]:
    """Quote the sentences; the best one is the problem. Pure and deterministic."""
    dialogue = read_dialogue(document)
    found = find_statements(dialogue, _CUES, 10) if _is_about_a_fault(dialogue) else []
    symptoms = [one for one in found if one.kind == "symptom"]
    best = max(symptoms, key=lambda one: one.score, default=None)
    problem = "Not recognised."
    if best is not None:
        problem = f'{who(best.who)}: "{excerpt(best.text, 240)}".'
    return {
        "insights": insights_on(found, "faults"),
        "structured_data": {"problem": problem, "details": rows(found, _row)},
    }


def _is_about_a_fault(dialogue: Dialogue) -> bool:
    told = find_statements(dialogue, {**_CUES, **_MENDING}, len(dialogue.sentences))
    kinds = {one.kind for one in told}
    enough = len(told) >= _MIN_SHARE * len(dialogue.sentences)
    return enough and len(kinds) > 1 and not kinds.isdisjoint(("symptom", "since", "tried"))


def _row(one: Statement) -> dict[str, object]:
    return {"text": one.text, "kind": one.kind, "who": one.who}
