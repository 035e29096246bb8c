"""Dialogue: a transcript as sentences and turns, with centrality, term weights and topic."""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, is_question
from runner.providers.offline.language.fragments import cut_off, is_garbled, is_statement, quoted
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.ranking import centrality, diverse, term_weights
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_substantive,
    key_terms,
    sentences,
    strip_fillers,
    words,
)

T = TypeVar("T")

# Words before the matter when a chair or first speaker names the question.
_FRAME = pattern("dialogue.frame")
# Cues of a stretch in which people discuss, and of one in which they run the talk or plan it.
_DISCUSSES = ("hedge", "negation", "disagreement", "agreement", "causal_back", "contrast")
_RUNS = ("procedural", "commitment", "request")
_STRETCH = 20  # turns on either side
_FOCUS, _MIN_FOCUS = 0.3, 100  # share of the turns to choose from, and the least number of them
_APART = 0.04  # share of a talk from one stretch to the next
_OPENS, _CLOSES = 0.1, 0.4  # shares of a longer talk at its opening and its close
OWN_STORY = pattern("dialogue.own_story")
CALL_SIGN = re.compile(r"\b[Tt]his is ((?:[A-Z][\w']+ ?){1,3})")
_LAUGHS, _SARCASM = pattern("scope.laughs"), pattern("scope.sarcasm")
_TAKES_BACK = pattern("scope.takes_back")  # "scrap that", "don't bother"
_LONG_TURN = 4  # sentences, not all of which are a joke if one is laughed about
_JOINED_IN = 2  # turns before laughter that may be a joke
_OPENING = 100  # sentences at most, and 15 % of the talk, but 12 at least


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A transcript prepared for reading.

    *turns* are the runs of one speaker, *turn_of* the turn of each sentence, *weights* the
    stems' weights, *names* the lower-case words of the speakers' labels and call signs, *called*
    the speakers by such a word, and *topic* up to six frequent terms.
    *question* is the matter as an early speaker frames it, without fillers, or empty; *weight* is
    the weight of each sentence, 0 to 1, by its stretch and its centrality (TextRank); *cut_off*
    holds the sentences that begin or end in the middle, are garbled, in fun or in a quotation;
    *joking* those that may be a joke or are taken back; *focus* those in the stretches that are
    discussed most.
    """

    sentences: tuple[Sentence, ...]
    turns: tuple[tuple[Sentence, ...], ...]
    turn_of: tuple[int, ...]
    weights: Mapping[str, float]
    names: frozenset[str]
    called: Mapping[str, set[str]]
    topic: tuple[str, ...]
    question: str
    weight: tuple[float, ...]
    cut_off: frozenset[int]
    joking: frozenset[int]
    focus: frozenset[int]


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
    discussed, weight = _weigh(found, turns, turn_of, weights)
    jokes, joking = _jokes(document, turns)
    called = defaultdict(set)
    for speaker in {s.speaker for s in found if s.speaker}:
        for word in words(speaker):
            called[word].add(speaker)
    return Dialogue(
        sentences=found,
        turns=tuple(tuple(turn) for turn in turns),
        turn_of=tuple(turn_of),
        weights=weights,
        names=_call_signs(found) | called.keys(),
        called=dict(called),
        topic=tuple(key_terms(substantive, 6, _call_signs(found))),
        question=_question(found),
        weight=weight,
        cut_off=cut_off(found)
        | {s.index for s in found if is_garbled(s.text) or _SARCASM.search(s.text)}
        | (quoted(found) | jokes),
        joking=joking,
        focus=frozenset(
            s.index
            for s, turn in zip(found, turn_of, strict=True)
            if discussed[turn] >= 1 - max(_FOCUS, _MIN_FOCUS / len(turns))
        ),
    )


def _call_signs(found: Sequence[Sentence]) -> frozenset[str]:
    """Return, in lower case, the call signs by which speakers identify themselves repeatedly."""
    called = Counter(w for s in found for m in CALL_SIGN.findall(s.text) for w in words(m))
    return frozenset(w for w, count in called.items() if count > 2)


def _question(found: Sequence[Sentence]) -> str:
    """Return the matter that a speaker first frames as the question of the talk, or ""."""
    opening = found[: max(12, min(_OPENING, len(found) * 15 // 100))]
    for s in opening:
        text = strip_fillers(s.text).rstrip(".?! ")
        match = _FRAME.search(text)
        if match and not s.text.rstrip().endswith("?") and is_outright(text, match.start()):
            what = match["what"] or match["here"]
            what = re.sub(r",? and (?:that is|this is|it is|i|so)\b.*$", "", what, flags=re.I)
            if len(content_words(what)) > 1 and len(what) < 220 and not is_garbled(s.text):
                return what
    return ""


def _weigh(
    found: Sequence[Sentence],
    turns: Sequence[Sequence[Sentence]],
    turn_of: Sequence[int],
    weights: Mapping[str, float],
) -> tuple[list[float], tuple[float, ...]]:
    """Return the discussion rank of each turn, and the weight of each sentence.

    The weight is half the former; the rest are the centrality ranks of turn and sentence.
    """
    discussed, own = _discussed(turns), _ranks(centrality(found, weights))
    whole = [Sentence(" ".join(s.text for s in turn), "", None, n) for n, turn in enumerate(turns)]
    spoken = _ranks(centrality(whole, term_weights(whole)))
    parts = zip(turn_of, own, strict=True)
    return discussed, tuple(0.5 * discussed[t] + 0.3 * spoken[t] + 0.2 * rank for t, rank in parts)


def _discussed(turns: Sequence[Sequence[Sentence]]) -> list[float]:
    """Return how much each turn is part of a discussion, as a rank from 0 to 1.

    That is the mean of two ranks: by the cues of discussion around the turn, and, in a talk of
    more than _MIN_FOCUS turns, by its distance from both ends, as people open and close a talk with
    its procedure (position as in Edmundson 1969). docs/offline.md has the measurements.
    """
    total = len(turns)
    cues = _ranks(_discussion(turns))
    if total <= _MIN_FOCUS:
        return cues
    places = [(here + 0.5) / total for here in range(total)]
    inside = _ranks([min(1.0, place / _OPENS, (1 - place) / _CLOSES) for place in places])
    return _ranks([a + b for a, b in zip(cues, inside, strict=True)])


def _discussion(turns: Sequence[Sequence[Sentence]]) -> list[float]:
    """Return how far the stretch around each turn is discussion.

    A turn counts its kinds of cue; turns near by count more (a triangle of _STRETCH turns).
    People later ask about the arguments of a meeting, not about greetings, plans and thanks.
    """
    texts = [" ".join(s.text for s in turn) for turn in turns]
    balance = [
        sum(has(kind, text) for kind in _DISCUSSES) - sum(has(kind, text) for kind in _RUNS)
        for text in texts
    ]
    smooth = []
    for here in range(len(turns)):
        near = range(max(0, here - _STRETCH), min(len(turns), here + _STRETCH + 1))
        share = [1 - abs(here - other) / (_STRETCH + 1) for other in near]
        total = sum(balance[other] * part for other, part in zip(near, share, strict=True))
        smooth.append(total / sum(share))
    return smooth


def _ranks(values: Sequence[float]) -> list[float]:
    """Return for each value the share of the others that are smaller."""
    order, most = sorted(values), max(1, len(values) - 1)
    return [bisect_left(order, value) / most for value in values]


def _jokes(
    document: Document, turns: Sequence[Sequence[Sentence]]
) -> tuple[frozenset[int], frozenset[int]]:
    """Return the sentences of short turns with laughter, and all that may not be meant.

    Those are also the ends of the turns before laughter or words that take back, and what follows
    sarcasm.
    """
    laughing = {line.segment for line in document.lines if _LAUGHS.search(line.text)}
    brief = [turn for turn in turns if len(turn) < _LONG_TURN]
    own = frozenset(s.index for turn in brief for s in turn if s.segment in laughing)
    ironic = {s.index for turn in turns for s in turn if _SARCASM.search(s.text)}
    jokes = own | ironic | {s.index for turn in turns for s in turn[1:] if s.index - 1 in ironic}
    for number, turn in enumerate(turns):
        back = max((s.index for s in turn if _TAKES_BACK.search(s.text)), default=0)
        if back or any(s.segment in laughing for s in turn):
            before = turns[max(0, number - _JOINED_IN) : number]
            jokes |= {s.index for other in before for s in other[-2:]}
            jokes |= {s.index for s in turn if s.index < back or _LAUGHS.search(s.text)}
    return own, frozenset(jokes)


def substantive_sentences(dialogue: Dialogue) -> list[Sentence]:
    """Return the sentences with content, without backchannels and rituals."""
    return [sentence for sentence in dialogue.sentences if is_substantive(sentence)]


def whole_sentences(dialogue: Dialogue) -> list[Sentence]:
    """Return the sentences with content that are whole, or all with content if fewer than 4 are."""
    substantive = substantive_sentences(dialogue)
    whole = [s for s in substantive if s.index not in dialogue.cut_off]
    return whole if len(whole) >= 4 else substantive


def focused(dialogue: Dialogue) -> list[Sentence]:
    """Return the whole sentences of the stretches that are discussed most."""
    return [s for s in whole_sentences(dialogue) if s.index in dialogue.focus]


def in_focus(
    dialogue: Dialogue, items: Sequence[T], quoted: Callable[[T], Iterable[Sentence]]
) -> Sequence[T]:
    """Return the *items* whose sentences are in the most-discussed stretches.

    If none does, these are all *items*.
    """
    kept = [item for item in items if all(s.index in dialogue.focus for s in quoted(item))]
    return kept or items


def weight_of(dialogue: Dialogue, *quoted: Sentence) -> float:
    """Return the largest weight of *quoted*, 0 to 1."""
    return max(dialogue.weight[s.index] for s in quoted)


def weightiest(dialogue: Dialogue, n: int = 1, kinds: Sequence[str] = ()) -> list[Sentence]:
    """Return up to *n* of the weightiest statements, whole ones if there are any, that differ.

    They come from several stretches of the talk; those with a reason, a contrast, a duty or an
    amount are preferred, and those with a cue of *kinds*.
    """
    stated = [s for s in focused(dialogue) if not is_question(s.text)]
    whole = [s for s in stated if is_statement(s.text, verb=False)]
    return diverse(
        [s for s in whole if len(set(content_words(s.text))) > 3 or _AMOUNT.search(s.text)]
        or stated,
        n,
        score=lambda s: weight_of(dialogue, s) + _gain(s.text, kinds),
        text=lambda s: s.text,
        group=lambda s: s.speaker,
        place=lambda s: s.index / (_APART * len(dialogue.sentences)),
    )


def _gain(text: str, kinds: Sequence[str]) -> float:
    """Return how much *text* says beyond its place in the talk, -0.2 to 0.8 (docs/offline.md)."""
    if _OF_THE_TALK.search(text):
        return 0.0
    reasons = has("causal_back", text) or has("causal_forward", text)
    matters = has("obligation", text) or bool(_AMOUNT.search(text))
    near = any(has(kind, text) for kind in kinds)
    own = bool(OWN_STORY.search(text))
    return 0.2 * (sum((reasons, has("contrast", text), matters, near)) - own)


_OF_THE_TALK = pattern("dialogue.of_the_talk")
_AMOUNT = pattern("dialogue.amount")


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
