"""Reading of disagreements: statements that another speaker objects to."""

from runner.providers.offline.dialogue.agreement import AdjacencyPair, find_objections
from runner.providers.offline.dialogue.dialogue import read_dialogue
from runner.providers.offline.dialogue.insights import cite, discussed_only, insight, says, who
from runner.providers.offline.document import Document
from runner.providers.offline.language.ranking import diverse

_MAX = 8


def read(document: Document) -> dict[str, object]:
    """Quote each statement with the objection to it; pure and deterministic."""
    dialogue = read_dialogue(document)
    pairs = diverse(
        find_objections(dialogue),
        _MAX,
        text=lambda pair: f"{pair.statement.text} {pair.reply.text}",
    )
    found = [
        insight(_text(pair), pair.score, "objection", (pair.statement, pair.reply))
        for pair in pairs
    ]
    return {
        "insights": found or discussed_only(dialogue, "disagreements", "negation"),
        "structured_data": {"disagreements": [_item(pair) for pair in pairs]},
    }


def _text(pair: AdjacencyPair) -> str:
    """Return the statement and the objection in the words of both speakers."""
    does = "objects" if pair.strength > 0.8 else f'answers ("{pair.phrase}")'
    return f"{says(pair.statement, 130)} {says(pair.reply, 130, does=does)}"


def _item(pair: AdjacencyPair) -> dict[str, object]:
    sides = [
        {"who": who(one.speaker), "position": one.text, "said": one.text}
        for one in (pair.statement, pair.reply)
    ]
    return {
        "matter": "An objection.",
        "sides": sides,
        "state": "unclear",
        "evidence": cite(pair.statement, pair.reply),
    }
