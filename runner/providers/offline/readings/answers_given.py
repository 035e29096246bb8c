"""Reading of answers_given: questions, with the next speaker's reply."""

import re

from runner.providers.offline.dialogue.dialogue import (
    Dialogue,
    read_dialogue,
    replies,
    substantive_sentences,
    weight_of,
)
from runner.providers.offline.dialogue.insights import cite, insight, not_recognised, said
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, is_question, strength
from runner.providers.offline.language.fragments import is_garbled
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import Sentence, is_procedural, trim, words

_MAX = 10


def read(document: Document) -> dict[str, object]:
    """Quote each question and the reply to it; pure and deterministic."""
    dialogue = read_dialogue(document)
    pairs = [
        (s, reply)
        for s in substantive_sentences(dialogue)
        if _is_put(dialogue, s) and (reply := _reply(dialogue, s))
    ]
    chosen = diverse(
        pairs, _MAX, score=lambda p: weight_of(dialogue, p[0]), text=lambda p: p[0].text
    )
    in_order = sorted(chosen, key=lambda pair: pair[0].index)
    found = [
        insight(_text(*pair), 0.3 + 0.5 * weight_of(dialogue, pair[0]), "question", pair)
        for pair in chosen
    ]
    return {
        "insights": found[:8] or not_recognised("questions"),
        "structured_data": {"exchanges": [_item(*pair) for pair in in_order]},
    }


def _is_put(dialogue: Dialogue, s: Sentence) -> bool:
    """Return whether *s* closes a turn with a complete question."""
    plain = not is_procedural(s.text) and not has("rhetorical", s.text)
    last = dialogue.turns[dialogue.turn_of[s.index]][-1] is s and s.index not in dialogue.cut_off
    asked = s.text.rstrip().endswith("?") and is_question(s.text) and len(words(s.text)) > 4
    return bool(s.speaker and asked and plain and last)


def _reply(dialogue: Dialogue, s: Sentence) -> Sentence | None:
    """Return the next speaker's first sentence, if it has content and is not a question."""
    first = next(iter(replies(dialogue, s)), (None,))[0]
    if first is None or is_procedural(first.text) or is_question(first.text):
        return None
    if is_garbled(first.text):
        return None
    return first if len(words(trim(first.text))) > 2 or _YES_NO.match(first.text) else None


_YES_NO = re.compile(r"^\W*(?:yes|no|yep|nope|correct|exactly|right)\b", re.IGNORECASE)


def _text(s: Sentence, reply: Sentence) -> str:
    return f"{said(s, 140, does='asks')} {said(reply, 140)}."


def _item(s: Sentence, reply: Sentence) -> dict[str, object]:
    return {
        "question": s.text,
        "asked_by": s.speaker,
        "answer": reply.text,
        "answered_by": reply.speaker,
        "verdict": "deferred" if strength("deferral", reply.text) > 0.7 else "unclear",
        "evidence": cite(s, reply),
    }
