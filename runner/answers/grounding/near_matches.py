"""Near matches: the part of a transcript most similar to a quote without an exact match."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nsmallest

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from runner.answers.contradiction import aligned
from runner.answers.grounding.exact_matches import TranscriptWords, joined, words

MIN_WORDS = 3
MAX_WORDS, MAX_CHARS = 800, 4_000  # comparing takes time quadratic in the quote's length
RARE_WORDS = 8  # of a quote, looked up in the index
MAX_PLACES = 2_000  # of those words together
BLOCK_WORDS = 8  # starts within so many words count as one
MAX_WINDOW_WORDS = 4_000  # a segment without sentence ends and spaces has any length
WINDOWS = 6  # compared beyond the claimed segment and its neighbours
BY_CHARACTERS = 300  # the longest quote located by characters; longer ones are by words
WORDS_SHARE = 50.0  # a lower score by words is not refined
REACH_WORDS = 24  # the most words by which an end moves at once
BETWEEN_WORDS = 3  # that a quote leaves out near an end


@dataclass(frozen=True, slots=True)
class NearMatch:
    """Words *start* to *stop* (exclusive) and their similarity to a quote, 0 to 100."""

    start: int
    stop: int
    score: float


def nearest(
    transcript: TranscriptWords, target: Sequence[str], segment: int | None, enough: float
) -> NearMatch | None:
    """Return the match most like *target*, words as of `exact_matches.words`.

    Searches the claimed *segment* and its neighbours, and where rare words of the quote occur
    together. None when the quote has fewer than `MIN_WORDS` words, more than `MAX_WORDS` or more
    than `MAX_CHARS` characters, or when no score of *enough* can be reached; the score returned may
    still be lower.
    """
    if not MIN_WORDS <= len(target) <= MAX_WORDS or not transcript.words:
        return None
    quote = joined(target)
    if len(quote) > MAX_CHARS:
        return None
    best: NearMatch | None = None
    for start, stop in _windows(transcript, target, segment):
        floor = enough if best is None else max(enough, best.score)
        rough = _located(transcript, target, quote, (start, stop), floor)
        if rough is not None:
            refined = _refined(transcript, target, quote, rough)
            best = refined if best is None or refined.score > best.score else best
    return best


def difference(quote: str, said: str) -> str:
    """Return a word diff such as `we [-should-]{+shall+} wait`, *quote*'s words in brackets."""
    left, right = _shown(quote), _shown(said)
    out: list[str] = []
    for lost, new, kept in aligned([key for key, _ in left], [key for key, _ in right]):
        parts = left[lost], right[new], left[kept]
        removed, added, same = (joined([word for _, word in part]) for part in parts)
        change = (f"[-{removed}-]" if removed else "") + (f"{{+{added}+}}" if added else "")
        out += filter(None, (change, same))
    return " ".join(out)


def replaced_at_ends(
    quote: Sequence[str], said: Sequence[str], before: Sequence[str], after: Sequence[str]
) -> tuple[int, int]:
    """Return in place of how many words *before* and *after* those *said* the *quote* has others.

    Where its own words follow a little later, those between count, too.
    """
    steps = [step for step in Indel.opcodes(quote, said) if step.tag == "equal"]
    if not steps:
        return 0, 0
    first, last = steps[0], steps[-1]
    lead = quote[: first.src_start][first.dest_start :]
    tail = quote[last.src_end :][len(said) - last.dest_end :]
    return _replaced(lead, before[::-1]), _replaced(tail, after)


def _replaced(more: Sequence[str], beside: Sequence[str]) -> int:
    reach = beside[: len(more) + BETWEEN_WORDS]
    found = [place for place, word in enumerate(reach, 1) if word in more]
    is_wide = any(len(word) == 1 and not word.isascii() for word in more)
    return min(len(beside), max([len(more) + is_wide * BETWEEN_WORDS, *found]))


def _shown(text: str) -> list[tuple[str, str]]:
    """Return each word as it is compared, and as it is shown without outer punctuation."""
    pairs: list[tuple[str, str]] = []
    for token in text.split():
        keys = words(token)
        shown = [token.strip(".,;:!?…\"'“”‘’«»()[]{}<>*_—–-")] if len(keys) == 1 else keys
        pairs += zip(keys, shown, strict=True)
    return pairs


def _windows(
    transcript: TranscriptWords, target: Sequence[str], segment: int | None
) -> list[tuple[int, int]]:
    """Return stretches that may contain *target*, those around the claimed *segment* first."""
    count, total = len(target), len(transcript)
    ends = len(transcript.first) - 1
    windows: list[tuple[int, int]] = []
    if segment is not None:
        for around in (0, 1):
            start = transcript.first[max(0, segment - around)]
            stop = transcript.first[min(ends, segment + around + 1)]
            windows.append((start, min(stop, start + MAX_WINDOW_WORDS) + count))
    slack = BLOCK_WORDS + count // 2
    for start in _starts(transcript, target, segment or 0, slack):
        windows.append((start - slack, start + BLOCK_WORDS + count + slack))
    inside = [(max(0, start), min(total, stop)) for start, stop in windows]
    return [(start, stop) for start, stop in inside if start < stop]


def _starts(
    transcript: TranscriptWords, target: Sequence[str], segment: int, slack: int
) -> list[int]:
    """Return the most likely first words of the quote, more than *slack* words apart.

    Each occurrence of a rare word votes, by inverse frequency; of equals the nearest comes first.
    """
    offsets: dict[str, int] = {}
    for offset, word in enumerate(target):
        if word in transcript.index:
            offsets.setdefault(word, offset)
    rare = nsmallest(RARE_WORDS, offsets, key=lambda word: (len(transcript.index[word]), word))
    claimed, left = transcript.first[segment], MAX_PLACES
    votes: dict[int, float] = {}
    for word in rare:
        places = transcript.index[word]
        weight = math.log(1 + len(transcript) / len(places))
        if len(places) > left:  # those around the claimed segment
            middle = bisect_left(places, claimed)
            begin = min(max(0, middle - left // 2), len(places) - left)
            places = places[begin : begin + left]
        for place in places:
            block = (place - offsets[word]) // BLOCK_WORDS
            votes[block] = votes.get(block, 0.0) + weight
        left -= len(places)
        if left <= 0:
            break
    home, chosen = claimed // BLOCK_WORDS, list[int]()
    best = nsmallest(WINDOWS**2, votes, key=lambda block: (-votes[block], abs(block - home), block))
    for start in (block * BLOCK_WORDS for block in best):
        if all(abs(start - other) > slack for other in chosen):
            chosen.append(start)
    return chosen[:WINDOWS]


def _located(
    transcript: TranscriptWords,
    target: Sequence[str],
    quote: str,
    window: tuple[int, int],
    floor: float,
) -> tuple[int, int] | None:
    """Return roughly the words of *window* that are most like the quote.

    None when no stretch of the window can score more than *floor*. A stretch t times as long as
    the quote scores at most 200 / (1 + t). A part of it as long as the quote then lacks at most
    t - 1 of the quote, so the alignment scores at least 3 - 200 / floor of 100.
    """
    start, stop = window
    if len(quote) > BY_CHARACTERS:
        window_words = transcript.words[start:stop]
        by_words = fuzz.partial_ratio_alignment(target, window_words, score_cutoff=WORDS_SHARE)
        if by_words is None:
            return None
        begin, end = start + by_words.dest_start, start + by_words.dest_end
        return begin, max(begin + 1, end)
    cutoff = max(0.0, 100 * (3 - 200 / floor)) if floor > 0 else 0.0
    text = transcript.span(start, stop)
    alignment = fuzz.partial_ratio_alignment(quote, text, score_cutoff=cutoff)
    if alignment is None:
        return None
    return transcript.words_at(start, alignment.dest_start, alignment.dest_end)


def _refined(
    transcript: TranscriptWords, target: Sequence[str], quote: str, rough: tuple[int, int]
) -> NearMatch:
    """Move both ends of *rough*, which is as long as the quote, to where similarity is greatest."""
    reach = min(REACH_WORDS, 2 + len(target) // 2)
    start, stop = rough
    score = fuzz.ratio(quote, transcript.span(start, stop))
    while True:
        before = score
        for place in range(max(0, start - reach), min(stop, start + reach + 1)):
            similarity = fuzz.ratio(quote, transcript.span(place, stop), score_cutoff=score)
            if similarity > score:
                start, score = place, similarity
        for place in range(max(start + 1, stop - reach), min(len(transcript), stop + reach) + 1):
            similarity = fuzz.ratio(quote, transcript.span(start, place), score_cutoff=score)
            if similarity > score:
                stop, score = place, similarity
        if score <= before:
            return NearMatch(start, stop, score)
