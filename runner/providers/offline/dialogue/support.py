"""Support: how well a spoken premise supports its conclusion."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runner.providers.offline.dialogue.agreement import find_objections
from runner.providers.offline.dialogue.dialogue import Dialogue, replies
from runner.providers.offline.dialogue.insights import who
from runner.providers.offline.dialogue.reasoning import Reasoning
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import Sentence, content_words, similarity
from runner.providers.offline.language.wording import excerpt, plain, tidy

Support = Literal["partial", "none"]

_ASSUMES = re.compile(
    r"\b(?:it|that|this|which|you|he|she|they)(?:'re|'s| all| is| are)? (?:assum(?:es?|ing)|"
    r"tak(?:es?|ing) for granted|presuppos(?:es?|ing)) (?:that )?"
    r"(?P<what>(?!for )[^.?!;]{10,120}?)(?=,? (?:and|but)\b|[.?!;]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class WeighedReason:
    """An argument with its *support* and the objections to it.

    *circular* says that the ground repeats the claim, *implied* is an unstated premise that another
    speaker names, with its sentence, *objection* a reply that disputes it.
    """

    reasoning: Reasoning
    support: Support
    circular: bool
    implied: tuple[str, Sentence] | None
    objection: Sentence | None

    @property
    def score(self) -> float:
        """0 to 1 for how much the argument matters: more where others question it."""
        questioned = 0.2 * bool(self.implied or self.objection)
        return min(0.95, self.reasoning.score + questioned)

    @property
    def quoted(self) -> tuple[Sentence, ...]:
        """The sentences of the argument and of the objections."""
        against = self.implied[1] if self.implied else self.objection
        return (*self.reasoning.quoted, against) if against else self.reasoning.quoted


def weigh_reasons(dialogue: Dialogue, reasonings: Sequence[Reasoning]) -> list[WeighedReason]:
    """Pair each argument with the replies to it."""
    objections = {e.statement.index: e.reply for e in find_objections(dialogue)}
    found: list[WeighedReason] = []
    for reasoning in reasonings:
        circular = similarity(reasoning.assertion, reasoning.premise) > 0.6
        implied = implied_by(dialogue, reasoning)
        against = next(
            (objections[q.index] for q in reasoning.quoted if q.index in objections), None
        )
        support: Support = "none" if circular else "partial"
        found.append(WeighedReason(reasoning, support, circular, implied, against))
    return found


def implied_by(dialogue: Dialogue, reasoning: Reasoning) -> tuple[str, Sentence] | None:
    """Return what another speaker, in the next two turns, says *reasoning* assumes."""
    stems = set(content_words(f"{reasoning.assertion} {reasoning.premise}"))
    for turn in replies(dialogue, reasoning.quoted[-1], 2):
        for s in turn:
            what = assumed_in(s.text)
            if stems & set(content_words(what)):
                return plain(what), s
    return None


def assumed_in(text: str) -> str:
    """Return what *text* says that another's reasoning assumes, verbatim, or ""."""
    match = _ASSUMES.search(text)
    return match["what"] if match and is_outright(text, match.start()) else ""


def ground_of(reasoning: Reasoning) -> str:
    """Return the premise as a statement; for a condition, only the supposition."""
    supposed = re.sub(
        r"^(?:only if|if|provided that|as long as) ",
        "",
        reasoning.premise,
        flags=re.IGNORECASE,
    )
    return f"On condition: {supposed}." if reasoning.relation == "conditional" else plain(supposed)


def in_words(weighed: WeighedReason) -> str:
    """Return the speaker, the connective and the words of an argument, and who objects."""
    reasoning = weighed.reasoning
    label = "a condition" if reasoning.relation == "conditional" else "a reason"
    said = " … ".join(excerpt(s.text, 200) for s in reasoning.quoted)
    text = f'{who(reasoning.speaker)} gives {label} ("{reasoning.connective}"): "{said}".'
    other = weighed.implied[1] if weighed.implied else weighed.objection
    if other is None:
        return tidy(text)
    return tidy(f'{text} {who(other.speaker)} replies: "{excerpt(other.text, 120)}".')
