"""Reading of ask: the sentences relevant to one question, or a refusal."""

import re
from collections.abc import Mapping, Sequence, Set

from runner.answers.passages import coverage, inverse_frequencies
from runner.base.format import plural
from runner.providers.offline.dialogue.dialogue import (
    Dialogue,
    read_dialogue,
    replies,
    substantive_sentences,
)
from runner.providers.offline.dialogue.insights import cite, insight, says
from runner.providers.offline.document import Document
from runner.providers.offline.language.asking import asked_terms, respelt, terms_of
from runner.providers.offline.language.cues import has, is_question
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import Sentence, words

_QUESTION = re.compile(r"^# Question\n+(.+)$", re.MULTILINE)
_BARE = re.compile(r"[^:?]+\?")  # as in "Closing: What would you change? Probe: pay"
_MAX = 4  # quotes
_NEAR = 0.5  # of the best sentence's score
YES, PARTLY = 0.85, 0.7  # weighted shares of the question's terms in one place


def read(document: Document) -> dict[str, object]:
    """Quote what is relevant to the question, or refuse it; pure and deterministic.

    The answer is as complete as its terms occur together (`passages.coverage`); the sentences are
    those nearest to that place with the most terms. A question among them is followed by the reply
    to it, which is an insight without it; questions that nobody replies to answer only partly.
    If somebody asks just this question, the reply is the answer.
    """
    found = _QUESTION.search(document.question)
    question = found[1] if found else document.question
    rows = [terms_of(line.text) | terms_of(line.speaker or "") for line in document.lines]
    dialogue = read_dialogue(document)
    if replied := _replied(dialogue, question):
        return _answer(replied, replied, 1.0)
    said = {word for line in document.lines for word in words(line.text)}
    near = respelt(question, frozenset().union(*rows), said)
    asked = asked_terms(" ".join(near.get(word, word) for word in words(question)))
    shares = coverage(rows, asked)
    places = {line.segment: share for line, share in zip(document.lines, shares, strict=True)}
    most = max(places.values(), default=0.0)
    chosen = _sentences(dialogue, asked, places) if most >= PARTLY else []
    if not chosen:
        return _refusal(asked - frozenset().union(*rows))
    chosen = list(dict.fromkeys(each for s in chosen for each in (s, *_reply(dialogue, s))))[:_MAX]
    return _answer(chosen, [s for s in chosen if not is_question(s.text)], most)


def _answer(chosen: Sequence[Sentence], told: Sequence[Sentence], most: float) -> dict[str, object]:
    return {
        "insights": [insight(says(s), 0.8 * most, "answer", [s]) for s in told or chosen],
        "structured_data": {
            "answered": "yes" if told and most >= YES else "partly",
            "answer": " ".join(map(says, chosen[:2])),
            "quotes": cite(*chosen),
        },
    }


def _replied(dialogue: Dialogue, question: str) -> list[Sentence]:
    """Return what people reply who are asked just this *question*, such as one of a guide.

    Without the section and the probes that a guide adds to it, it must be asked only once.
    """
    asked = [s for s in dialogue.sentences if words(s.text) == words(question)]
    if not asked and (bare := _BARE.search(question)):
        asked = [s for s in dialogue.sentences if words(s.text) == words(bare[0])]
        asked *= len(asked) == 1
    turns = [
        turn
        for s in asked
        for turn in replies(dialogue, s)
        if _conversation(turn[0]) == _conversation(s)
    ]
    return [s for turn in turns for s in turn[: max(1, _MAX // len(turns))]][:_MAX]


def _reply(dialogue: Dialogue, s: Sentence) -> list[Sentence]:
    """Return the first sentence of the reply in the same conversation, if *s* is a question.

    A mere objection ("That is not correct.") is followed by what is right.
    """
    turns = replies(dialogue, s) if is_question(s.text) else []
    told = [turn for turn in turns if _conversation(turn[0]) == _conversation(s)]
    return [each for turn in told for each in turn[: 1 + has("disagreement", turn[0].text)]]


def _sentences(dialogue: Dialogue, asked: Set[str], places: Mapping[str, float]) -> list[Sentence]:
    """Return the sentences with terms of the question, those of the best places first.

    If no sentence has any, the question names speakers only: then theirs.
    """
    every = substantive_sentences(dialogue)
    found = {s: terms for s in every if (terms := asked & terms_of(s.text))}
    found = found or {s: terms for s in every if (terms := asked & terms_of(s.speaker or ""))}
    weights = inverse_frequencies([*found.values()], asked)

    def score(s: Sentence) -> float:
        own = sum(weights[term] for term in sorted(found[s]))
        return places[s.segment] * own / (sum(weights.values()) or 1.0)

    least = _NEAR * max(map(score, found), default=0.0)
    near = [s for s in found if score(s) >= least]
    return diverse(near, _MAX, score=score, text=lambda s: s.text, group=_conversation)


def _conversation(s: Sentence) -> str:
    """Return the label behind the speaker that names one of several conversations, or ''."""
    return (s.speaker or "").partition(" (")[2]


def _refusal(absent: Set[str]) -> dict[str, object]:
    some = plural(len(absent), "term")
    why = f" {some} of the question {'occurs' if len(absent) == 1 else 'occur'} nowhere."
    why = why if absent else ""
    text = f"No passage is recognised that answers the question.{why}"
    return {
        "insights": [insight(text, 0.5, "unanswered", [])],
        "structured_data": {"answered": "no", "answer": None, "quotes": []},
    }
