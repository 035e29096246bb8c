"""Agreement: replies that object to or accept what another speaker says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runner.providers.offline.dialogue.dialogue import Dialogue, weight_of
from runner.providers.offline.language.cues import Hit, has, is_question, strength, strongest
from runner.providers.offline.language.fragments import is_whole
from runner.providers.offline.language.lexicon import STOP_WORDS, pattern
from runner.providers.offline.language.scope import is_open
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_procedural,
    similarity,
    words,
)


@dataclass(frozen=True, slots=True)
class AdjacencyPair:
    """A statement and the reply of another speaker to it.

    *phrase* is the reply's cue as said; *score*, 0 to 1, joins its strength and the weight.
    """

    statement: Sentence
    reply: Sentence
    phrase: str
    strength: float
    score: float


def find_objections(dialogue: Dialogue) -> list[AdjacencyPair]:
    """Return replies that object to a statement of an earlier turn, in order.

    An objection is explicit ("I disagree"), or it opens with a word of disagreement ("No, it",
    "Yeah, but"); after a mere "But", it repeats two words from just before.
    """
    outright = [
        e for e in _pairs(dialogue, "disagreement", 3) if not has("agreement", e.reply.text)
    ]
    known = {e.reply.index for e in outright}
    turned = (_turned(dialogue, n) for n in range(1, len(dialogue.turns)))
    further = [e for e in turned if e and e.reply.index not in known]
    return sorted([*outright, *further], key=lambda e: e.reply.index)


_AGAINST = pattern("agreement.against")
_SIDES = re.compile(r"\b(?:yeah|yes|no|not|right|sure|true|i know|fair enough)\b", re.IGNORECASE)
_VOTE = re.compile(r"\b(?:support|vote for|accept)$", re.IGNORECASE)
_NO = re.compile(r"(?:actually,? )?no\b(?![\s,]+but\b)", re.IGNORECASE)


def _turned(dialogue: Dialogue, number: int) -> AdjacencyPair | None:
    """Return the objection that opens turn *number*, to the statement before it, or None."""
    turn, statement = dialogue.turns[number], _before(dialogue, number)
    reply = next((s for s in turn[:3] if len(words(s.text)) > 3), None)  # "Yeah. But it …"
    match = _AGAINST.match(reply.text.replace("’", "'")) if reply else None
    if not statement or not reply or not match or _is_unfit(dialogue, statement, reply):
        return None
    if _NO.match(reply.text[match.start("cue") :]) and has("negation", statement.text):
        return None  # "I don't like it." "No, it's ugly." agrees
    opening = " ".join([*(s.text for s in turn if s.index < reply.index), match[0]])
    shared = set(content_words(statement.text)) & set(content_words(reply.text))
    if len(shared) < 2 and not _SIDES.search(opening):  # "But" alone may add or go on
        return None
    score = 0.35 + 0.45 * weight_of(dialogue, statement, reply)
    return AdjacencyPair(statement, reply, match["cue"].strip(" ,"), 0.7, score)


def _before(dialogue: Dialogue, number: int) -> Sentence | None:
    """Return what another speaker last stated or asked, at most three turns before *number*."""
    for turn in reversed(dialogue.turns[max(0, number - 3) : number]):
        said = [s for s in turn if len(set(content_words(s.text))) > 1 or is_question(s.text)]
        if said:
            return said[-1] if turn[0].speaker != dialogue.turns[number][0].speaker else None
    return None


def _is_unfit(dialogue: Dialogue, statement: Sentence, reply: Sentence) -> bool:
    return (
        min(len(set(content_words(s.text))) for s in (statement, reply)) < 2
        or len(words(statement.text)) < 4
        or any(is_question(s.text) or is_procedural(s.text) for s in (statement, reply))
        or any(s.index in dialogue.cut_off for s in (statement, reply))
        or is_open(statement.text)
    )


def find_acceptances(dialogue: Dialogue) -> list[AdjacencyPair]:
    """Return replies that accept a statement of an earlier turn, in order."""
    against = ("disagreement", "contrast", "negation")
    return [
        e
        for e in _pairs(dialogue, "agreement", 2)
        if "live with" not in e.phrase.lower()
        if not any(has(kind, e.reply.text) for kind in against)
    ]


def _pairs(dialogue: Dialogue, kind: str, reach: int) -> Iterator[AdjacencyPair]:
    """Yield replies whose first *reach* sentences have an explicit cue of *kind*."""
    for number, turn in enumerate(dialogue.turns[1:], start=1):
        for reply in turn[:reach]:
            hit = strongest(kind, reply.text)
            if (
                not hit
                or hit.strength < 0.8
                or is_question(reply.text)
                or is_procedural(reply.text)
            ):
                continue
            statement = _answered(dialogue, number, reply)
            if statement and _VOTE.search(hit.phrase) and not has("proposal", statement.text):
                continue  # "I cannot support this", after a report
            if statement and (kind == "disagreement" or _agrees(statement, reply, hit)):
                score = 0.55 * hit.strength + 0.45 * weight_of(dialogue, statement, reply)
                yield AdjacencyPair(statement, reply, hit.phrase, hit.strength, score)
                break


def _agrees(statement: Sentence, reply: Sentence, hit: Hit) -> bool:
    """Return whether the agreement opens the reply, and the statement leaves nothing open."""
    open_matter = has("unsure", statement.text) or "question is" in statement.text
    other = open_matter or _OTHER_MATTER.match(reply.text[hit.end :])
    opening = len(words(reply.text[: hit.start])) <= 5
    return opening and not other and strength("agreement", statement.text) < 0.8


_EVALUATES = pattern("parts.worth")
# "I support the rezoning", "I'm in favour of it"
_OTHER_MATTER = pattern("agreement.other_matter")


def _answered(dialogue: Dialogue, number: int, reply: Sentence) -> Sentence | None:
    """Return the statement that *reply* is about, from up to four turns back.

    Agreements in between ("Agreed." "Agreed.") are skipped; a question is not a statement, so an
    answer is not an agreement.
    """
    named = _named(dialogue, number, reply)
    for turn in reversed(dialogue.turns[max(0, number - (8 if named else 4)) : number]):
        if named and turn[0].speaker != named:
            continue
        if turn[0].speaker == reply.speaker:
            return None
        said = [s for s in turn if len(words(s.text)) >= 5 and not is_procedural(s.text)]
        if said and is_question(said[-1].text):
            return None
        fit = [s for s in said[-2:] if is_whole(s.text)]
        fit = [s for s in fit if s.index not in dialogue.cut_off | dialogue.joking]
        fit = [s for s in fit if len(content_words(s.text)) >= 2 or _EVALUATES.search(s.text)]
        if fit:
            return max(fit, key=lambda s: (_fitness(dialogue, s, reply), s.index))
        if said:
            return None
    return None


def _named(dialogue: Dialogue, number: int, reply: Sentence) -> str | None:
    """Return the one earlier speaker whom *reply* calls by name, or None."""
    said = set(words(reply.text))
    spoken = {turn[0].speaker for turn in dialogue.turns[max(0, number - 8) : number]}
    called = sorted(
        name
        for name in spoken - {None, reply.speaker}
        if name and said & {w for w in words(name) if len(w) > 2 and w not in STOP_WORDS}
    )
    return called[0] if len(called) == 1 else None


def _fitness(dialogue: Dialogue, s: Sentence, reply: Sentence) -> float:
    proposed = 0.3 * strength("proposal", s.text) + 0.2 * strength("decision", s.text)
    return similarity(s.text, reply.text) + 0.5 * weight_of(dialogue, s) + proposed
