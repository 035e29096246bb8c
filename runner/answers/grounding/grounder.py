"""Whether the quotes of an answer stand in the transcript, and in which segment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import chain, islice
from typing import Any

from runner.answers.grounding.near import difference, nearest_span
from runner.answers.grounding.quotes import ABSENT, Spoken, words
from runner.transcript import Segment

NEAR_SCORE = 85.0
MAX_LABELLED = 200  # places at which a labelled quote's speaker is looked for

_EVIDENCE = {"segment", "quote"}
_ELLIPSIS = re.compile(r"…|\.{3,}|(?:\. ){2,}\.")
# "Ann Lee:", or a line's head as the prompt prints it: "[S0012 Ann Lee]".
_LABEL = re.compile(r"[^\]:：\n]{1,220}[\]:：]")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found for one quote.

    *match* is `exact`, `near` or `absent`; *segment* is where the quote starts, None when
    absent; *moved_from* is the claimed id when that was another; *score* is 0 to 100, 100 for
    exact and 0 where nothing was worth comparing; *said* and *difference* are for near ones the
    transcript's own words and a word diff such as `we [-should-]{+shall+} wait`.
    """

    match: str
    segment: str | None
    moved_from: str | None
    score: float
    said: str | None = None
    difference: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one or more answers; *insights_grounded* have at least one exact or near quote."""

    quotes: int = 0
    exact: int = 0
    near: int = 0
    absent: int = 0
    moved: int = 0
    insights: int = 0
    insights_grounded: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def rate(self) -> float | None:
        """The share of quotes that are exact or near, 0 to 1; None without quotes."""
        return _share(self.exact + self.near, self.quotes)

    def figures(self) -> dict[str, Any]:
        """Return all counts and, 0 to 1 or None, the shares of quotes and of insights."""
        return {
            "quotes": self.quotes,
            "exact": self.exact,
            "near": self.near,
            "absent": self.absent,
            "moved": self.moved,
            "rate": self.rate,
            "exact_rate": _share(self.exact, self.quotes),
            "insights": self.insights,
            "insights_grounded": self.insights_grounded,
            "insights_rate": _share(self.insights_grounded, self.insights),
        }


@dataclass(frozen=True, slots=True)
class _Reading:
    """A quote's text, its words, and those of the speaker it names; None when it names none."""

    text: str
    words: list[str]
    speaker: list[str] | None


class Grounder:
    """Checks quotes against one transcript; indexes it once, in linear time and memory.

    *near_score*, 0 to 100, is the least likeness (rapidfuzz ratio) of a near quote.
    """

    def __init__(self, segments: Sequence[Segment], near_score: float = NEAR_SCORE) -> None:
        self._segments = segments
        self._spoken = Spoken(segments)
        self._near_score = near_score
        self._numbers = {segment.id: number for number, segment in enumerate(segments)}
        names = {segment.speaker for segment in segments if segment.speaker}
        self._names = {name: words(name) for name in names}

    def check(self, quote: str, segment: str) -> Checked:
        """Look for *quote*, which is said to stand in *segment*."""
        claimed = self._claimed(segment)
        readings = self._readings(quote)
        places = [self._exact(reading, claimed or 0) for reading in readings]
        found = [self._spoken.segment_of(place) for place in places if place is not None]
        if found:
            place = min(found, key=lambda number: abs(number - (claimed or 0)))
            return Checked("exact", *self._moved(place, segment), 100.0)
        best = 0.0
        for reading in readings:
            span = nearest_span(self._spoken, reading.words, claimed, self._near_score)
            if span is None:
                continue
            place = self._spoken.segment_of(span.start)
            if self._speaks(reading.speaker, place):
                best = max(best, span.score)
                if span.score >= self._near_score:
                    said = self._said(span.start, span.stop)
                    diff = difference(reading.text, said, words)
                    return Checked("near", *self._moved(place, segment), span.score, said, diff)
        return Checked(ABSENT, None, None, best)

    def ground(self, answer: Mapping[str, Any]) -> tuple[dict[str, Any], Counts]:
        """Return a copy of *answer* whose evidence is marked, and the counts.

        Evidence is every mapping in `insights` and `structured_data` with exactly the keys
        segment and quote, both strings. It gets `match` and, where set, `moved_from`, `said` and
        `difference`; its segment is repaired unless the quote is absent.
        """
        grounded = dict(answer)
        seen: list[Checked] = []
        insights = answer.get("insights")
        total = held = 0
        if isinstance(insights, list | tuple):
            copies = []
            for insight in insights:
                before = len(seen)
                copies.append(self._copy(insight, seen))
                held += any(each.match != ABSENT for each in seen[before:])
            grounded["insights"], total = copies, len(copies)
        if "structured_data" in answer:
            grounded["structured_data"] = self._copy(answer["structured_data"], seen)
        return grounded, _counted(seen, total, held)

    def _copy(self, value: Any, seen: list[Checked]) -> Any:
        if isinstance(value, list | tuple):
            return [self._copy(item, seen) for item in value]
        if not isinstance(value, Mapping):
            return value
        if value.keys() != _EVIDENCE or not all(isinstance(v, str) for v in value.values()):
            return {key: self._copy(item, seen) for key, item in value.items()}
        checked = self.check(value["quote"], value["segment"])
        seen.append(checked)
        marks = {
            "segment": checked.segment or value["segment"],
            "match": checked.match,
            "moved_from": checked.moved_from,
            "said": checked.said,
            "difference": checked.difference,
        }
        return {**value, **{key: mark for key, mark in marks.items() if mark is not None}}

    def _claimed(self, segment: str) -> int | None:
        """Return the number of the claimed segment, also of `S12` or `[S0012 Ann]` for S0012."""
        known = self._numbers.get(segment)
        if known is None and (digits := _NUMBER.search(segment)):
            known = self._numbers.get(f"S{int(digits[0]):04d}")
        return known

    def _moved(self, number: int, claimed: str) -> tuple[str, str | None]:
        found = self._segments[number].id
        return found, None if found == claimed else claimed

    def _readings(self, quote: str) -> list[_Reading]:
        """Return how to read *quote*: without its speaker label, if it has one, and as it is."""
        whole = _Reading(quote, words(quote), None)
        label = _LABEL.match(quote)
        if label is None:
            return [whole]
        name = words(label[0])
        numbered = bool(name) and name[0].upper() in self._numbers
        name = name[1:] if numbered else name
        if name in self._names.values() or (numbered and not name):
            text = quote[label.end() :]
            return [_Reading(text, words(text), name or None), whole]
        return [whole]

    def _speaks(self, name: list[str] | None, number: int) -> bool:
        return name is None or self._names.get(self._segments[number].speaker or "") == name

    def _exact(self, reading: _Reading, segment: int) -> int | None:
        """Return the word at which the quote starts, as near to *segment* as can be, or None."""
        found = self._spoken.nearest(reading.words, segment)
        limited = islice(found, MAX_LABELLED if reading.speaker else 1)
        for place in chain(limited, self._apart(reading.text, segment)):
            if self._speaks(reading.speaker, self._spoken.segment_of(place)):
                return place
        return None

    def _apart(self, text: str, segment: int) -> Iterator[int]:
        """Yield where the parts of a quote with an ellipsis stand, each of two words or more."""
        pieces = _ELLIPSIS.split(text)
        parts = [part for piece in pieces if (part := words(piece))] if len(pieces) > 1 else []
        if len(parts) > 1 and min(map(len, parts)) > 1:
            yield from self._spoken.in_parts(parts, segment)

    def _said(self, start: int, stop: int) -> str:
        """Return the text of words *start* up to *stop*, as the segments have it."""
        first, last = self._spoken.segment_of(start), self._spoken.segment_of(stop - 1)
        pieces = []
        for number in range(first, last + 1):
            base = self._spoken.first[number]
            end = min(stop, self._spoken.first[number + 1])
            if end > max(start, base):
                pieces.append(_cut(self._segments[number].text, max(start - base, 0), end - base))
        return " ".join(pieces)


def _counted(seen: Sequence[Checked], insights: int, grounded: int) -> Counts:
    matches = [each.match for each in seen]
    return Counts(
        quotes=len(seen),
        exact=matches.count("exact"),
        near=matches.count("near"),
        absent=matches.count(ABSENT),
        moved=sum(each.moved_from is not None for each in seen),
        insights=insights,
        insights_grounded=grounded,
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _cut(text: str, start: int, stop: int) -> str:
    """Return the part of *text* that holds its words *start* up to *stop*."""
    kept: list[str] = []
    at = 0
    for token in text.split():
        count = len(words(token))
        first, last = max(0, start - at), min(count, stop - at)
        at += count
        if first < last:
            kept.append(token if last - first == count else _trimmed(token, first, last))
        if at >= stop:
            break
    return " ".join(kept)


def _trimmed(token: str, start: int, stop: int) -> str:
    """Return the part of *token*, which has no white space, with its words *start* up to *stop*."""
    end = _count_reached(token, stop)
    begin = _count_reached(token, start) if start else 0
    return token[begin:end].rstrip("-–—/([“‘")


def _count_reached(token: str, count: int) -> int:
    """Return the end of word *count* in *token*: the last place before another word begins."""
    low, high = 0, len(token)
    while low < high:
        middle = (low + high + 1) // 2
        if len(words(token[:middle])) <= count:
            low = middle
        else:
            high = middle - 1
    return low
