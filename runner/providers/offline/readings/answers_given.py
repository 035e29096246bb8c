"""Reading of answers_given: questions, with the turn that follows each."""

from collections.abc import Sequence

from runner.providers.offline.dialogue.dialogue import (
    Dialogue,
    read_dialogue,
    replies,
    substantive_sentences,
    weight_of,
)
from runner.providers.offline.dialogue.insights import cite, insight, no_cue, who
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, is_question, strength
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import Sentence, is_procedural, words
from runner.providers.offline.language.wording import excerpt

_MOST = 10


def read(document: Document) -> dict[str, object]:
    """Quote each question and the reply to it; pure and deterministic."""
    dialogue = read_dialogue(document)
    asked = [s for s in substantive_sentences(dialogue) if _is_put(s)]
    chosen = diverse(asked, _MOST, score=lambda s: weight_of(dialogue, s), text=lambda s: s.text)
    in_order = sorted(chosen, key=lambda s: s.index)
    found = [
        insight(_text(s, _reply(dialogue, s)), 0.3 + 0.5 * weight_of(dialogue, s), "question", [s])
        for s in chosen
    ]
    return {
        "insights": found[:8] or [no_cue(dialogue, "questions")],
        "structured_data": {"exchanges": [_item(dialogue, s) for s in in_order]},
    }


def _is_put(s: Sentence) -> bool:
    """Return whether *s* asks for something and is long enough to say for what."""
    plain = not is_procedural(s.text) and not has("rhetorical", s.text)
    return (
        s.text.rstrip().endswith("?") and is_question(s.text) and len(words(s.text)) > 4 and plain
    )


def _reply(dialogue: Dialogue, s: Sentence) -> Sequence[Sentence]:
    reply = next(iter(replies(dialogue, s)), ())
    return () if reply and is_procedural(reply[0].text) else reply


def _text(s: Sentence, reply: Sequence[Sentence]) -> str:
    asks = f'{who(s.speaker)} asks: "{excerpt(s.text, 140)}"'
    if not reply:
        return f"{asks} No reply is recognised."
    return f'{asks} {who(reply[0].speaker)}: "{excerpt(reply[0].text, 140)}".'


def _item(dialogue: Dialogue, s: Sentence) -> dict[str, object]:
    reply = _reply(dialogue, s)
    verdict = "unclear" if reply else "unanswered"
    if any(strength("deferral", one.text) > 0.7 for one in reply[:2]):
        verdict = "deferred"
    return {
        "question": s.text,
        "asked_by": s.speaker,
        "answer": reply[0].text if reply else None,
        "answered_by": reply[0].speaker if reply else None,
        "verdict": verdict,
        "evidence": cite(s, *reply[:1]),
    }
