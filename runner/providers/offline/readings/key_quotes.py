"""Reading of key_quotes: the most central sentences, from different speakers."""

from runner.providers.offline.dialogue.dialogue import (
    focused,
    read_dialogue,
    weight_of,
)
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import is_question
from runner.providers.offline.language.fragments import is_whole, roughness
from runner.providers.offline.language.sentences import is_procedural, trim, words
from runner.providers.offline.synthesis.statements import Statement, insights_on, rows, varied

_WHY = "By its words and the stretch around it, it is among the weightiest statements."
_MAX = 8
_LENGTH = range(6, 36)  # words


def read(document: Document) -> dict[str, object]:
    """Quote the sentences; pure and deterministic."""
    dialogue = read_dialogue(document)
    fit = [
        Statement(s, "central", max(0.05, weight_of(dialogue, s) - roughness(s.text)))
        for s in focused(dialogue)
        if len(words(s.text)) in _LENGTH
        and is_whole(trim(s.text))
        and not is_question(s.text)
        and not is_procedural(s.text)
    ]
    found = varied(fit, _MAX)

    def row(one: Statement) -> dict[str, object]:
        return {"text": one.text, "who": one.who, "why": _WHY}

    return {
        "insights": insights_on(found, "quotable statements"),
        "structured_data": {"quotes": rows(found, row)},
    }
