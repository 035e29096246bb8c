"""Reading of opinions: sentences with a speaker's stance."""

from runner.providers.offline.dialogue.dialogue import focused, read_dialogue
from runner.providers.offline.dialogue.stance import fitness, takes_stance
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, is_question, strength
from runner.providers.offline.language.fragments import is_whole
from runner.providers.offline.language.sentences import Sentence, trim
from runner.providers.offline.synthesis.statements import Statement, insights_on, rows, varied

_MAX = 12


def read(document: Document) -> dict[str, object]:
    """Quote the sentences, with their side if it is explicit; pure and deterministic."""
    dialogue = read_dialogue(document)
    stands = [
        Statement(s, _side(s), max(0.05, fitness(dialogue, s)))
        for s in focused(dialogue)
        if takes_stance(s)
        and not is_question(s.text)
        and is_whole(trim(s.text))
        and not has("unsure", s.text)
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
    sides = {"for": strength("agreement", s.text), "against": strength("disagreement", s.text)}
    plain = [side for side, value in sides.items() if value > 0.8]
    return plain[0] if len(plain) == 1 else "unclear"
