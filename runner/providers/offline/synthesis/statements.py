"""Statements: sentences with the words of a question, quoted whole."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from runner.providers.offline.dialogue.dialogue import (
    Dialogue,
    read_dialogue,
    weight_of,
    whole_sentences,
)
from runner.providers.offline.dialogue.insights import cite, insight, not_recognised, who
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import strongest
from runner.providers.offline.language.fragments import is_statement, roughness
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import Sentence
from runner.providers.offline.language.wording import excerpt

Row = Callable[["Statement"], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence whose words show that it is of *kind*; *score* is 0 to 1."""

    sentence: Sentence
    kind: str
    score: float

    @property
    def text(self) -> str:
        """Its words."""
        return self.sentence.text

    @property
    def who(self) -> str | None:
        """Its speaker."""
        return self.sentence.speaker


def find_statements(dialogue: Dialogue, cues: Mapping[str, str], limit: int) -> list[Statement]:
    """Return up to *limit* whole statements in order; *cues* maps kinds to those of their cues.

    A statement has the first kind with a cue in it.
    """
    found = []
    for s in whole_sentences(dialogue):
        if not is_statement(s.text):
            continue
        kind = next((name for name, cue in cues.items() if _says(cue, s.text)), None)
        if kind is not None:
            score = 0.4 + 0.5 * weight_of(dialogue, s) - roughness(s.text)
            found.append(Statement(s, kind, max(0.05, score)))
    return sorted(varied(found, limit), key=lambda one: one.sentence.index)


def _says(cue: str, text: str) -> bool:
    """Return whether *text* has *cue*; one with a subject must open a clause."""
    hit = strongest(cue, text)
    subject = hit and re.match(r"(?:i|we|they|people)\b", hit.phrase, re.IGNORECASE)
    if re.match(r"\W*(?:then|if)\b", text, re.IGNORECASE):
        return False  # of a case that is supposed
    return bool(hit and (not subject or _OPENS.search(text[: hit.start])))


_OPENS = pattern("statements.opens")


def varied(statements: Sequence[Statement], limit: int) -> list[Statement]:
    """Return up to *limit* statements that score high and differ, best first."""
    return diverse(
        statements,
        limit,
        text=lambda one: one.text,
        group=lambda one: one.who,
    )


def insights_on(statements: Sequence[Statement], sought: str) -> list[dict[str, object]]:
    """Return an insight per statement, best first, or one that nothing *sought* was found."""
    best = sorted(statements, key=lambda one: -one.score)
    found = [
        insight(
            f'{who(one.who)}: "{excerpt(one.text, 180)}".', one.score, one.kind, (one.sentence,)
        )
        for one in best[:8]
    ]
    return found or not_recognised(sought)


def rows(statements: Sequence[Statement], row: Row) -> list[dict[str, object]]:
    """Return the result of *row* for each statement, with its evidence."""
    return [{**row(one), "evidence": cite(one.sentence)} for one in statements]


# Of the readings that quote statements by their cues: what they seek, the key of their list, the
# cues by kind, and a row.
_STATED: Mapping[str, tuple[str, str, Mapping[str, str], Row]] = {
    "needs": (
        "needs or wishes",
        "needs",
        {"must": "need_must", "want": "need_want", "wish": "need_wish"},
        lambda one: {"need": one.text, "strength": one.kind, "reason": None, "who": one.who},
    ),
    "experiences": (
        "experiences",
        "experiences",
        {
            "workaround": "told_workaround",
            "problem": "told_problem",
            "success": "told_success",
            "habit": "told_habit",
        },
        lambda one: {"what": one.text, "kind": one.kind, "who": one.who, "context": None},
    ),
    "testimony": (
        "statements with a basis or a figure",
        "claims",
        {"own_experience": "basis_own", "hearsay": "basis_hearsay", "data": "basis_data"},
        lambda one: {"claim": one.text, "witness": one.who, "basis": one.kind},
    ),
    "customer_mood": (
        "feelings",
        "moments",
        {
            kind: f"mood_{kind}"
            for kind in ("angry", "frustrated", "worried", "relieved", "pleased")
        },
        lambda one: {"mood": one.kind, "cause": one.text, "who": one.who},
    ),
}
STATED = frozenset(_STATED)


def read_stated(name: str, document: Document) -> dict[str, object]:
    """Return the answer of the analyzer *name* of STATED; pure and deterministic."""
    sought, key, cues, row = _STATED[name]
    dialogue = read_dialogue(document)
    found = find_statements(dialogue, cues, 12 if name == "testimony" else 10)
    return {
        "insights": insights_on(found, sought),
        "structured_data": {key: rows(found, row)},
    }
