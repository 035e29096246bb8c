"""Reading of customer_problem: sentences that name a fault, its time or its effect."""

from runner.providers.offline.dialogue.dialogue import read_dialogue
from runner.providers.offline.dialogue.insights import who
from runner.providers.offline.document import Document
from runner.providers.offline.language.wording import excerpt, tidy
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


def read(document: Document) -> dict[str, object]:
    """Quote the sentences; the best of them stands for the problem. Pure and deterministic."""
    dialogue = read_dialogue(document)
    found = find_statements(dialogue, _CUES, 10)
    symptoms = [one for one in found if one.kind == "symptom"]
    best = max(symptoms, key=lambda one: one.score, default=None)
    problem = "No sentence with the words of a fault was recognised."
    if best is not None:
        problem = tidy(f'{who(best.who)}: "{excerpt(best.text, 240)}".')
    return {
        "insights": insights_on(dialogue, found, "faults"),
        "structured_data": {"problem": problem, "details": rows(found, _row)},
    }


def _row(one: Statement) -> dict[str, object]:
    return {"text": one.text, "kind": one.kind, "who": one.who}
