"""Reading of experiences: what speakers tell of themselves."""

from runner.providers.offline.dialogue.dialogue import read_dialogue
from runner.providers.offline.document import Document
from runner.providers.offline.synthesis.statements import (
    Statement,
    find_statements,
    insights_on,
    rows,
)

_CUES = {
    "workaround": "told_workaround",
    "problem": "told_problem",
    "success": "told_success",
    "habit": "told_habit",
}


def read(document: Document) -> dict[str, object]:
    """Quote the statements; pure and deterministic."""
    dialogue = read_dialogue(document)
    found = find_statements(dialogue, _CUES, 10)
    return {
        "insights": insights_on(dialogue, found, "experiences"),
        "structured_data": {"experiences": rows(found, _row)},
    }


def _row(one: Statement) -> dict[str, object]:
    return {"what": one.text, "kind": one.kind, "who": one.who, "context": None}
