"""Reading of customer_mood: sentences that name a feeling."""

from runner.providers.offline.dialogue.dialogue import read_dialogue
from runner.providers.offline.document import Document
from runner.providers.offline.synthesis.statements import (
    Statement,
    find_statements,
    insights_on,
    rows,
)

_CUES = {
    "angry": "mood_angry",
    "frustrated": "mood_frustrated",
    "worried": "mood_worried",
    "relieved": "mood_relieved",
    "pleased": "mood_pleased",
}


def read(document: Document) -> dict[str, object]:
    """Quote the statements; pure and deterministic."""
    dialogue = read_dialogue(document)
    found = find_statements(dialogue, _CUES, 10)
    return {
        "insights": insights_on(dialogue, found, "feelings"),
        "structured_data": {"moments": rows(found, _row)},
    }


def _row(one: Statement) -> dict[str, object]:
    return {"mood": one.kind, "cause": one.text, "who": one.who}
