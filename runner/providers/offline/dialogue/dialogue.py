"""Dialogue: a transcript as sentences and turns, with centrality, term weights and topic."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from runner.providers.offline.document import Document
from runner.providers.offline.language.fragments import cut_off, is_garbled
from runner.providers.offline.language.ranking import centrality, term_weights
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_substantive,
    key_terms,
    sentences,
    strip_fillers,
    terms_in,
    words,
)

# How a chair or first speaker names the question of the day; the matter follows.
_FRAMES = (
    re.compile(
        r"\b(?:question|issue|decision|choice)s?(?: \w+){0,4}? (?:is|are|will be|before us is) "
        r"(?P<what>(?:whether|how|which|what|who|when|the|if)\b.{12,})|"
        r"\bquestion of (?P<of>(?:whether|how|what|which)\b.{12,})|"
        r"\b(?:ask|decide|determine|discuss|examin(?:e|ing)|settle|consider) "
        r"(?P<verb>whether\b.{12,})",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:we(?:'re| are) here|we (?:\w )?(?:have|need|want)|(?:our|the) (?:task|goal|aim|"
        r"purpose"
        r"|objective|mission)(?: \w+){0,3}? is) (?P<what>to (?:make|build|design|develop|choose|"
        r"decide|agree) .{6,})|"
        r"\b(?:hearing|meeting|session|interview) (?:today )?(?:is )?(?:on|about) "
        r"(?P<on>(?!the question)(?:\w+ ){2,}.{6,})",
        re.IGNORECASE,
    ),
)
CALL_SIGN = re.compile(r"\b[Tt]his is ((?:[A-Z][\w']+ ?){1,3})")
_OPENING = 100  # sentences at most, and 15 % of the talk, but 12 at least


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A transcript prepared for reading.

    *central* holds a centrality from 0 to 1 per sentence, *turns* the runs of one speaker,
    *turn_of* the turn of each sentence, *weights* the stems' weights, *names* the lower-case
    words of the speakers' labels and call signs, *called* the speakers by such a word, and
    *topic* up to six readable terms.
    *question* is the matter as an early speaker frames it, without fillers, or empty; *relevance*
    says from 0 to 1 how far each sentence is about question and topic; *cut_off* holds the
    sentences that begin or end in the middle, or are garbled.
    """

    sentences: tuple[Sentence, ...]
    central: tuple[float, ...]
    turns: tuple[tuple[Sentence, ...], ...]
    turn_of: tuple[int, ...]
    weights: Mapping[str, float]
    names: frozenset[str]
    called: Mapping[str, set[str]]
    topic: tuple[str, ...]
    question: str
    relevance: tuple[float, ...]
    cut_off: frozenset[int]


def read_dialogue(document: Document) -> Dialogue:
    """Split the lines of *document* into sentences and turns, and weigh them."""
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
    substantive = [s for s in found if is_substantive(s)] or list(found)
    central = tuple(centrality(found, weights))
    question, topic = (
        _question(found, central),
        tuple(key_terms(substantive, 6, _call_signs(found))),
    )
    called = defaultdict(set)
    for speaker in {s.speaker for s in found if s.speaker}:
        for word in words(speaker):
            called[word].add(speaker)
    return Dialogue(
        sentences=found,
        central=central,
        turns=tuple(tuple(turn) for turn in turns),
        turn_of=tuple(turn_of),
        weights=weights,
        names=_call_signs(found) | called.keys(),
        called=dict(called),
        topic=topic,
        question=question,
        relevance=_relevance(found, question, topic, weights),
        cut_off=cut_off(found) | {s.index for s in found if is_garbled(s.text)},
    )


def _call_signs(found: Sequence[Sentence]) -> frozenset[str]:
    """Return, in lower case, the call signs by which speakers identify themselves repeatedly."""
    called = Counter(w for s in found for m in CALL_SIGN.findall(s.text) for w in words(m))
    return frozenset(w for w, count in called.items() if count > 2)


def _question(found: Sequence[Sentence], central: Sequence[float]) -> str:
    """Return the matter that an early speaker frames most clearly as the question, or ""."""
    opening = found[: max(12, min(_OPENING, len(found) * 15 // 100))]
    best, top = "", 0.0
    for s in opening:
        text = strip_fillers(s.text).rstrip(".?! ")
        for rank, frame in enumerate(_FRAMES):
            match = frame.search(text)
            if not match or s.text.rstrip().endswith("?"):
                continue
            what = next(g for g in match.groups() if g)
            open_matter = 0.15 * what.lower().startswith(("whether", "how"))
            score = 0.6 - 0.3 * rank + 0.6 * central[s.index] + open_matter
            if score > top and len(content_words(what)) > 1 and len(what) < 220:
                best, top = what, score
    return re.sub(r",? and (?:that is|this is|it is|i|so)\b.*$", "", best, flags=re.IGNORECASE)


def _relevance(
    found: Sequence[Sentence], question: str, topic: Sequence[str], weights: Mapping[str, float]
) -> tuple[float, ...]:
    """Return how far each sentence is about the question, and half as much about the topic."""
    asked = set(content_words(question))
    about = {
        w: weights.get(w, 0.0) * (0.5 if asked else 1.0) for t in topic for w in content_words(t)
    }
    about |= {w: weights.get(w, 0.0) for w in asked}
    full = sum(sorted(about.values(), reverse=True)[:3]) or 1.0
    return tuple(
        min(1.0, sum(about[w] for w in sorted(about.keys() & set(content_words(s.text)))) / full)
        for s in found
    )


def substantive_sentences(dialogue: Dialogue) -> list[Sentence]:
    """Return the sentences with content, without backchannels and rituals."""
    return [sentence for sentence in dialogue.sentences if is_substantive(sentence)]


def whole_sentences(dialogue: Dialogue) -> list[Sentence]:
    """Return the sentences with content that are whole, or all with content if fewer than 4 are."""
    substantive = substantive_sentences(dialogue)
    whole = [s for s in substantive if s.index not in dialogue.cut_off]
    return whole if len(whole) >= 4 else substantive


def weight_of(dialogue: Dialogue, s: Sentence) -> float:
    """Return the weight of *s*, 0 to 1: the mean of its centrality and its relevance."""
    return 0.5 * dialogue.central[s.index] + 0.5 * dialogue.relevance[s.index]


def most_central(dialogue: Dialogue) -> Sentence | None:
    """Return the most central sentence, one with content if there is any; None if empty."""
    pool = substantive_sentences(dialogue) or list(dialogue.sentences)
    return max(pool, key=lambda s: dialogue.central[s.index], default=None)


def speakers(dialogue: Dialogue) -> list[str]:
    """Return the named speakers by how many content words they say, most first."""
    said: Counter[str] = Counter()
    for sentence in substantive_sentences(dialogue):
        if sentence.speaker:
            said[sentence.speaker] += len(content_words(sentence.text))
    return [name for name, _ in said.most_common()]


def replies(dialogue: Dialogue, sentence: Sentence, n: int = 1) -> list[tuple[Sentence, ...]]:
    """Return the next *n* turns after *sentence*'s that another speaker takes."""
    here = dialogue.turn_of[sentence.index]
    after = dialogue.turns[here + 1 : here + 1 + 2 * n]
    return [turn for turn in after if turn[0].speaker != sentence.speaker][:n]


def matter(dialogue: Dialogue, texts: Iterable[str]) -> str:
    """Return the heaviest noun-like term of *texts*, which names their matter, or ""."""
    scores: dict[str, float] = {}
    shown: dict[str, str] = {}
    for text in texts:
        for key, term in terms_in(text, dialogue.names).items():
            parts = [dialogue.weights.get(part, 0.0) for part in key.split()]
            scores[key] = scores.get(key, 0.0) + sum(parts) / (1.2 if len(parts) > 1 else 1.0)
            shown[key] = term
    best = max(scores, key=lambda key: (scores[key], key), default=None)
    return shown[best] if best else ""
