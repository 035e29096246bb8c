"""Reading of needs: what speakers say they need, want or wish for."""

from runner.providers.offline.dialogue.dialogue import read_dialogue
from runner.providers.offline.document import Document
from runner.providers.offline.synthesis.statements import (
    Statement,
    find_statements,
    insights_on,
    rows,
)

_CUES = {
    "must": "need_must",
    "want": "need_want",
    "wish": "need_wish",
}


def read(document: Document) -> dict[str, object]:
    """Quote the statements; pure and deterministic."""
    dialogue = read_dialogue(document)
    found = find_statements(dialogue, _CUES, 10)
    return {
        "insights": insights_on(dialogue, found, "needs or wishes"),
        "structured_data": {"needs": rows(found, _row)},
    }


def _row(one: Statement) -> dict[str, object]:
    return {"need": one.text, "strength": one.kind, "reason": None, "who": one.who}
