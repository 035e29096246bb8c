"""Reading of testimony: statements that name their basis or a figure."""

from runner.providers.offline.dialogue.dialogue import read_dialogue
from runner.providers.offline.document import Document
from runner.providers.offline.synthesis.statements import (
    Statement,
    find_statements,
    insights_on,
    rows,
)

_CUES = {
    "own_experience": "basis_own",
    "hearsay": "basis_hearsay",
    "data": "basis_data",
}


def read(document: Document) -> dict[str, object]:
    """Quote the statements; pure and deterministic."""
    dialogue = read_dialogue(document)
    found = find_statements(dialogue, _CUES, 12)
    return {
        "insights": insights_on(dialogue, found, "statements with a basis or a figure"),
        "structured_data": {"claims": rows(found, _row)},
    }


def _row(one: Statement) -> dict[str, object]:
    return {"claim": one.text, "witness": one.who, "basis": one.kind}
