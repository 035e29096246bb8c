"""A transcript prepared for reading: its sentences, turns, weights and topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from runner.offline.document import Document
from runner.offline.rank import centrality, term_weights
from runner.offline.text import (
    Sentence,
    content_words,
    is_substantive,
    key_terms,
    sentences,
    terms_in,
    words,
)


@dataclass(frozen=True, slots=True)
class Talk:
    """A prepared transcript.

    *central* holds a centrality from 0 to 1 per sentence, *turns* the runs of one speaker,
    *turn_of* the turn of each sentence, *weights* the stems' weights, *names* the lower-case
    words of the speakers' labels and *topic* up to six readable terms.
    """

    sentences: tuple[Sentence, ...]
    central: tuple[float, ...]
    turns: tuple[tuple[Sentence, ...], ...]
    turn_of: tuple[int, ...]
    weights: Mapping[str, float]
    names: frozenset[str]
    topic: tuple[str, ...]


def read_talk(document: Document) -> Talk:
    """Prepare the lines of *document*."""
    found = sentences(document.lines)
    weights = term_weights(found)
    turns: list[list[Sentence]] = []
    turn_of: list[int] = []
    for sentence in found:
        last = turns[-1][-1] if turns else None
        same = last and last.speaker == sentence.speaker
        if last and same and (sentence.speaker or last.segment == sentence.segment):
            turns[-1].append(sentence)
        else:
            turns.append([sentence])
        turn_of.append(len(turns) - 1)
    telling = [s for s in found if is_substantive(s)] or list(found)
    return Talk(
        sentences=found,
        central=tuple(centrality(found, weights)),
        turns=tuple(tuple(turn) for turn in turns),
        turn_of=tuple(turn_of),
        weights=weights,
        names=frozenset(w for s in found if s.speaker for w in words(s.speaker)),
        topic=tuple(key_terms(telling, 6)),
    )


def telling(talk: Talk) -> list[Sentence]:
    """Return the sentences that say something about the matter."""
    return [sentence for sentence in talk.sentences if is_substantive(sentence)]


def most_central(talk: Talk) -> Sentence | None:
    """Return the most central sentence, a substantive one if there is any; None if empty."""
    pool = telling(talk) or list(talk.sentences)
    return max(pool, key=lambda s: talk.central[s.index], default=None)


def speakers(talk: Talk) -> list[str]:
    """Return the named speakers by how many content words they say, most first."""
    said: Counter[str] = Counter()
    for sentence in telling(talk):
        if sentence.speaker:
            said[sentence.speaker] += len(content_words(sentence.text))
    return [name for name, _ in said.most_common()]


def replies(talk: Talk, sentence: Sentence, n: int = 1) -> list[tuple[Sentence, ...]]:
    """Return the next *n* turns after *sentence*'s that another speaker takes."""
    here = talk.turn_of[sentence.index]
    after = talk.turns[here + 1 : here + 1 + 2 * n]
    return [turn for turn in after if turn[0].speaker != sentence.speaker][:n]


def matter(talk: Talk, texts: Iterable[str]) -> str:
    """Name what *texts* are about by their heaviest noun-like term; empty if there is none."""
    scores: dict[str, float] = {}
    shown: dict[str, str] = {}
    for text in texts:
        for key, term in terms_in(text, talk.names).items():
            parts = [talk.weights.get(part, 0.0) for part in key.split()]
            scores[key] = scores.get(key, 0.0) + sum(parts) / (1.2 if len(parts) > 1 else 1.0)
            shown[key] = term
    best = max(scores, key=lambda key: (scores[key], key), default=None)
    return shown[best] if best else ""
