"""Reading of key_quotes: the weightiest sentences, from different speakers and stretches."""

from runner.providers.offline.dialogue.dialogue import read_dialogue, weight_of, weightiest
from runner.providers.offline.document import Document
from runner.providers.offline.language.fragments import is_whole
from runner.providers.offline.language.sentences import trim, words
from runner.providers.offline.synthesis.statements import Statement, insights_on, rows

_WHY = "Its words and what is said around it rank it among the weightiest statements."
_MAX = 8
_LENGTH = range(6, 36)  # words


def read(document: Document) -> dict[str, object]:
    """Quote the sentences; pure and deterministic."""
    dialogue = read_dialogue(document)
    found = [
        Statement(s, "central", max(0.05, weight_of(dialogue, s)))
        for s in weightiest(dialogue, 2 * _MAX)
        if len(words(s.text)) in _LENGTH and is_whole(trim(s.text))
    ][:_MAX]

    def row(one: Statement) -> dict[str, object]:
        return {"text": one.text, "who": one.who, "why": _WHY}

    return {
        "insights": insights_on(found, "quotable statements"),
        "structured_data": {"quotes": rows(found, row)},
    }
