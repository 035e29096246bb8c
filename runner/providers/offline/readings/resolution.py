"""Reading of resolution: proposed or promised steps, and confirmations that it works."""

from runner.providers.offline.dialogue.commitments import find_commitments
from runner.providers.offline.dialogue.dialogue import Dialogue, read_dialogue
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, is_question
from runner.providers.offline.language.sentences import Sentence, words
from runner.providers.offline.language.wording import excerpt
from runner.providers.offline.synthesis.statements import (
    Statement,
    find_statements,
    insights_on,
    rows,
    varied,
)

_CUES = {
    "step": "step_asked",
}


def read(document: Document) -> dict[str, object]:
    """Quote the steps, and the last sentence that says that it works; pure and deterministic."""
    dialogue = read_dialogue(document)
    asked = find_statements(dialogue, _CUES, 10)
    taken = {one.sentence.index for one in asked}
    promised = [
        Statement(c.sentence, "step_promised", c.score)
        for c in find_commitments(dialogue)
        if c.strength == "firm" and c.sentence.index not in taken
    ]
    found = sorted(varied([*asked, *promised], 10), key=lambda one: one.sentence.index)
    works = _confirmed(dialogue)
    why = "No words that confirm a solution were recognised."
    if works is not None:
        why = f'{works.speaker or "The speaker"} says: "{excerpt(works.text, 160)}".'
    return {
        "insights": insights_on(found, "steps or promises"),
        "structured_data": {
            "steps": rows(found, _row),
            "status": "unclear" if works is None else "solved",
            "why": why,
        },
    }


def _confirmed(dialogue: Dialogue) -> Sentence | None:
    """Return the last plain statement that something works, in the second half of the talk."""
    half = len(dialogue.sentences) // 2
    said = [
        s
        for s in dialogue.sentences[half:]
        if has("works_now", s.text)
        and not is_question(s.text)
        and len(words(s.text)) < 13
        and s.index not in dialogue.cut_off
        and not any(has(kind, s.text) for kind in ("negation", "conditional", "hedge", "unsure"))
    ]
    return said[-1] if said else None


def _row(one: Statement) -> dict[str, object]:
    return {
        "step": one.text,
        "by": one.who if one.kind == "step_promised" else None,
        "result": None,
    }
