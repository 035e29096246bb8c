"""Reading of findings: statements of interviewees, of the kinds that interviews compare."""

from collections import Counter

from runner.providers.offline.dialogue.dialogue import (
    Dialogue,
    read_dialogue,
    weight_of,
    whole_sentences,
)
from runner.providers.offline.dialogue.insights import insight, not_recognised
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, is_question
from runner.providers.offline.language.fragments import is_whole, roughness
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import Sentence, is_procedural, terms_in, trim
from runner.providers.offline.language.wording import plain

_MAX = 20
_KINDS = {
    "need": ("need_must", "need_want", "need_wish"),
    "experience": ("told_workaround", "told_problem", "told_success", "told_habit"),
}
_NOUNS = 2  # at least, so that a reader without the transcript understands it
_POINTS = pattern("findings.points")
_ASKS = 0.5  # share of questions among the sentences of an interviewer


def read(document: Document) -> dict[str, object]:
    """Quote needs, experiences and central statements of all but the interviewer; pure."""
    dialogue = read_dialogue(document)
    asking = _interviewers(dialogue)
    pool = [
        s
        for s in whole_sentences(dialogue)
        if s.speaker not in asking
        and not (is_question(s.text) or is_procedural(s.text))
        and _is_specific(trim(s.text))
    ]
    scores = {s.index: _score(dialogue, s) for s in pool}
    chosen = diverse(pool, _MAX, score=lambda s: scores[s.index], text=lambda s: s.text)
    found = [insight(plain(s.text), scores[s.index], kind_of(s), (s,)) for s in chosen]
    return {"insights": found or not_recognised("findings"), "structured_data": {}}


def kind_of(s: Sentence) -> str:
    """Return the kind of a statement, by its cues."""
    kinds = (name for name, cues in _KINDS.items() if any(has(cue, s.text) for cue in cues))
    return next(kinds, "statement")


def _is_specific(text: str) -> bool:
    """Return whether *text* has two nouns, and its first word does not refer back."""
    nouns = [key for key in terms_in(text) if " " not in key]
    return len(nouns) >= _NOUNS and not _POINTS.match(text)


def _score(dialogue: Dialogue, s: Sentence) -> float:
    told = 0.2 if kind_of(s) != "statement" else 0.0
    doubt = roughness(s.text) + (0.0 if is_whole(trim(s.text)) else 0.15)
    return max(0.05, 0.3 + told + 0.4 * weight_of(dialogue, s) - doubt)


def _interviewers(dialogue: Dialogue) -> set[str | None]:
    """Return the named speakers who mostly ask questions, never all speakers."""
    every = Counter(s.speaker for s in dialogue.sentences)
    asked = Counter(s.speaker for s in dialogue.sentences if is_question(s.text))
    found: set[str | None] = {n for n in every if n and asked[n] > _ASKS * every[n]}
    return found if len(found) < len(every) else set()
