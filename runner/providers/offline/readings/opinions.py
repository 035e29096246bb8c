"""Reading of opinions: sentences with a speaker's stance."""

from runner.providers.offline.dialogue.dialogue import focused, read_dialogue
from runner.providers.offline.dialogue.stance import fitness, stance_of, takes_stance
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has
from runner.providers.offline.language.fragments import is_statement
from runner.providers.offline.language.sentences import Sentence
from runner.providers.offline.synthesis.statements import Statement, insights_on, rows, varied

_MAX = 12


def read(document: Document) -> dict[str, object]:
    """Quote the sentences, with their side if it is explicit; pure and deterministic."""
    dialogue = read_dialogue(document)
    stands = [
        Statement(s, _side(s), max(0.05, fitness(dialogue, s)))
        for s in focused(dialogue)
        if takes_stance(s) and is_statement(s.text) and not has("unsure", s.text)
    ]
    found = varied(stands, _MAX)

    def row(one: Statement) -> dict[str, object]:
        stance = {"opinion": one.text, "about": "not recognised", "stance": one.kind}
        return {**stance, "reason": None, "who": one.who}

    return {
        "insights": insights_on(found, "opinions"),
        "structured_data": {"opinions": rows(found, row)},
    }


def _side(s: Sentence) -> str:
    """Return the explicit side of *s*: consent or objection without negation."""
    if has("negation", s.text) or has("conditional", s.text):
        return "unclear"
    return {1: "for", -1: "against", 0: "unclear"}[stance_of(s)]
