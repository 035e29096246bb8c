"""Grounder: checks whether the quotes of an answer are in the transcript, and in which segment."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise
from operator import add
from typing import Any

from runner.answers.contradiction import adds_numbers, contradicts, denials
from runner.answers.coverage import cited_segments
from runner.answers.grounding.cutting import cut, offsets, verbatim
from runner.answers.grounding.exact_matches import ABSENT, TranscriptWords, words
from runner.answers.grounding.near_matches import NearMatch, difference, nearest, replaced_at_ends
from runner.answers.grounding.quotations import quotations
from runner.base.json import rebuilt
from runner.base.statistics import rate
from runner.transcript.model import Segment

NEAR_SCORE = 85.0
MAX_PLACES = 200  # at which it is checked who says a quote

_EVIDENCE = {"segment", "quote"}
_MARKS = ("match", "segment", "moved_from", "said", "difference")  # of a check, in evidence
_ELLIPSIS = re.compile(r"…|\.{3,}|(?:\. ){2,}\.")
_LABELS = (  # of a speaker, a segment or both, as the prompt prints them and as models do
    re.compile(r"\A[\s\[({]*([^\]):：\n]{1,220})[\])}:：]"),  # [S0012 Ann Lee], Ann Lee:
    re.compile(r"[\[({—–]([^\[\](){}—–\n]{1,220})[\])}\s]*\Z"),  # (Ann Lee, S0012), — Ann Lee
    re.compile(r"\A[\s\[({]*(S[0-9]{4,12})\b"),  # {S0012 "…"}, as in a context
)
_PRINTED = re.compile(r"\[S[0-9]{4,12}[^\]\n]{0,220}\]")  # the label of a line within a quote
_NUMBER = re.compile(r"[0-9]{1,9}")
_SENTENCE_END = re.compile(r"(?<=[.!?…])(?:\s+|$)|(?<=[。！？])")
_SEAM_WORDS = 2  # next to an ellipsis


@dataclass(frozen=True, slots=True)
class QuoteCheck:
    """The result of checking one quote."""

    match: str  # exact, near or absent
    segment: str | None  # where the quote starts, None when absent
    moved_from: str | None  # the claimed id where that differs
    said: str | None = None  # the transcript's own words for a near quote
    difference: str | None = None  # a word diff such as `we [-should-]{+shall+} wait`


@dataclass(frozen=True)
class GroundingCounts:
    """Counts of one or more answers."""

    quotes: int = 0
    exact: int = 0
    near: int = 0
    absent: int = 0
    moved: int = 0
    insights: int = 0
    insights_grounded: int = 0  # by an exact or near quote
    quotations: int = 0  # in the answers' text, beside the quotes of their evidence
    quotations_absent: int = 0

    def __add__(self, other: GroundingCounts) -> GroundingCounts:
        return GroundingCounts(*map(add, vars(self).values(), vars(other).values()))

    def figures(self) -> dict[str, Any]:
        """Return all counts and, 0 to 1 or None, the shares of quotes and of insights."""
        return {
            **vars(self),
            "rate": rate(self.exact + self.near, self.quotes),
            "exact_rate": rate(self.exact, self.quotes),
            "insights_rate": rate(self.insights_grounded, self.insights),
            "quotations_rate": rate(self.quotations - self.quotations_absent, self.quotations),
        }


@dataclass(frozen=True, slots=True)
class _Quote:
    """A quote without labels: its words, and those of its speaker label, None without one."""

    text: str
    words: list[str]
    speaker: list[str] | None
    labels: int  # of further lines within it, which tell who says them


class Grounder:
    """Checks quotes against one transcript, which it indexes once in linear time and memory.

    *near_score* is the least similarity of a near quote, 0 to 100 (rapidfuzz ratio).
    """

    def __init__(self, segments: Sequence[Segment], near_score: float = NEAR_SCORE) -> None:
        self._segments = segments
        self._transcript = TranscriptWords(segments)
        self._near_score = near_score
        self._numbers = {segment.id: number for number, segment in enumerate(segments)}
        names = {segment.speaker for segment in segments if segment.speaker}
        self._names = {name: words(name) for name in names}

    def check(self, quote: str, segment: str) -> QuoteCheck:
        """Search the transcript for *quote*, which the answer attributes to *segment*."""
        claimed = self._claimed(segment)
        readings = self._readings(quote)
        ways = (
            filter(partial(self._is_fair, each), self._exact(each, claimed or 0))
            for each in readings
        )
        if hits := [self._transcript.segment_of(at[0][0]) for way in ways for at in islice(way, 1)]:
            number = min(hits, key=lambda number: abs(number - (claimed or 0)))
            return self._found("exact", number, segment)
        reading = readings[0]  # with its label, it would be like the words of another speaker
        near = nearest(self._transcript, reading.words, claimed, self._near_score)
        if near is not None and near.score >= self._near_score:
            number = self._transcript.segment_of(near.start)
            actual = self._original(*self._with_replaced_ends(reading.words, near))
            is_other = contradicts(reading.text, actual) or adds_numbers(reading.text, actual)
            ends = (near.start, near.start + 1), (near.stop - 1, near.stop)
            if self._speaks(reading, ends) and not is_other:
                diff = difference(reading.text, actual)
                return self._found("near", number, segment, actual, diff)
        return QuoteCheck(ABSENT, None, None)

    def ground(self, answer: Mapping[str, Any]) -> tuple[dict[str, Any], GroundingCounts]:
        """Return a copy of *answer* with the result of each check, and the counts.

        Evidence is every mapping in `insights` and `structured_data` with exactly the keys
        segment and quote, both strings. It gets `match` and, where set, `moved_from`, `said` and
        `difference`; its segment is corrected unless the quote is absent.
        """
        checks: list[QuoteCheck] = []
        parts = ("insights", "structured_data")
        checked = partial(self._checked, checks)
        grounded = {k: rebuilt(v, checked) if k in parts else v for k, v in answer.items()}
        matches, insights = [check.match for check in checks], grounded.get("insights", ())
        return grounded, GroundingCounts(
            quotes=len(checks),
            exact=matches.count("exact"),
            near=matches.count("near"),
            absent=matches.count(ABSENT),
            moved=sum(check.moved_from is not None for check in checks),
            insights=len(insights),
            insights_grounded=sum(any(cited_segments(insight)) for insight in insights),
        )

    def placed(self, quote: str, segment: str) -> list[tuple[str, int, int]]:
        """Return the position of *quote*: the ids of segments, with offsets in their texts.

        Offsets are in code points, the end exclusive. A part that continues in the next segment
        counts as two; a quote that *segment* contains letter for letter is placed there.
        """
        held = None if (n := self._claimed(segment)) is None else self._segments[n]
        if held is not None and (found := verbatim(held.text, quote)) is not None:
            return [(held.id, *found)]
        places = []
        tried = ((each, at) for each in self._readings(quote) for at in self._exact(each, n or 0))
        ways = (at for each, at in tried if each.speaker is None or self._is_fair(each, at))
        for start, stop in next(ways, []):
            for number, base, end in self._within(start, stop):
                held = self._segments[number]
                places.append((held.id, *offsets(held.text, base, end)))
        return places

    def _within(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Yield the segments that words *start* to *stop* touch, and which of their words."""
        first, last = self._transcript.segment_of(start), self._transcript.segment_of(stop - 1)
        for number in range(first, last + 1):
            base = self._transcript.first[number]
            end = min(stop, self._transcript.first[number + 1])
            if end > max(start, base):
                yield number, max(start - base, 0), end - base

    def absent_quotations(
        self, answer: Mapping[str, Any], verbatim: Collection[str] = ()
    ) -> tuple[int, list[str]]:
        """Return how many quotations *answer* has outside its evidence, and those not found."""
        found = list(quotations(answer, verbatim))
        absent = [quote for quote, at in found if self.check(quote, at).match == ABSENT]
        return len(found), absent

    def _checked(self, checks: list[QuoteCheck], value: Any) -> Any:
        """Return *value*, with the marks of its check if it is evidence."""
        if not isinstance(value, dict) or value.keys() != _EVIDENCE:
            return value
        if not all(isinstance(each, str) for each in value.values()):
            return value
        check = self.check(value["quote"], value["segment"])
        checks.append(check)
        marks = {name: mark for name in _MARKS if (mark := getattr(check, name)) is not None}
        return {**value, **marks}

    def _claimed(self, segment: str) -> int | None:
        """Return the number of the claimed segment, even for `S12` or `[S0012 Ann]`, or None."""
        number = self._numbers.get(segment)
        if number is None and (digits := _NUMBER.search(segment)):
            number = self._numbers.get(f"S{int(digits[0]):04d}")
        return number

    def _found(self, match: str, number: int, claimed: str, *marks: str) -> QuoteCheck:
        actual = self._segments[number].id
        return QuoteCheck(match, actual, None if actual == claimed else claimed, *marks)

    def _readings(self, quote: str) -> list[_Quote]:
        """Return *quote* without its speaker label, if it has one, and as it is."""
        for pattern in _LABELS:
            if (label := pattern.search(quote)) is None:
                continue
            name = words(label[1])
            ids = [word for word in name if word.upper() in self._numbers]
            name = [word for word in name if word not in ids]
            if name in self._names.values() or (ids and not name):
                text = quote[label.end() :] if label.start() == 0 else quote[: label.start()]
                text, labels = _PRINTED.subn(" ", text)
                without = _Quote(text, words(text), name or None, labels)
                return [without, _Quote(quote, words(quote), None, 0)]
        text, labels = _PRINTED.subn(" ", quote)
        return [_Quote(text, words(text), None, labels)]

    def _speaks(self, reading: _Quote, spans: Sequence[tuple[int, int]]) -> bool:
        """Return whether one person, that of its label, says *spans*, up to any further label."""
        numbers = [number for span in spans for number, *_ in self._within(*span)]
        said = numbers[:1] if reading.labels else numbers
        speaker, *others = {self._segments[number].speaker for number in said}
        return not others and reading.speaker in (None, self._names.get(speaker or ""))

    def _exact(self, reading: _Quote, segment: int) -> Iterator[list[tuple[int, int]]]:
        """Yield the words (end exclusive) of each part of *reading*, those near *segment* first."""
        for at in islice(self._transcript.nearest(reading.words, segment), MAX_PLACES):
            yield [(at, at + len(reading.words))]
        parts = [part for piece in _ELLIPSIS.split(reading.text) if (part := words(piece))]
        apart = len(parts) > 1 and min(map(len, parts)) > 1
        found = self._transcript.in_parts(parts, segment) if apart else ()
        for starts in islice(found, MAX_PLACES):
            yield [(at, at + len(part)) for at, part in zip(starts, parts, strict=True)]

    def _is_fair(self, reading: _Quote, spans: Sequence[tuple[int, int]]) -> bool:
        """Return whether one person says *spans*, and what is between them denies nothing."""
        for (_, start), (stop, _) in pairwise(spans):
            kept = self._original(start - 1, start), self._original(stop, stop + 1)
            first = self._original(start - 1, min(start + _SEAM_WORDS, stop))
            last = self._original(max(start, stop - _SEAM_WORDS), stop + 1)
            beside = _SENTENCE_END.split(first)[0], _SENTENCE_END.split(last)[-1]
            if sum(map(denials, beside)) > sum(map(denials, kept)):
                return False
        return self._speaks(reading, spans)

    def _with_replaced_ends(self, quote: Sequence[str], near: NearMatch) -> tuple[int, int]:
        """Return *near* with the words beside it that *quote* replaces, such as denials."""
        first = self._transcript.first[self._transcript.segment_of(near.start)]
        last = self._transcript.first[self._transcript.segment_of(near.stop - 1) + 1]
        ends = pairwise((first, near.start, near.stop, last))
        before, said, after = (self._transcript.words[start:stop] for start, stop in ends)
        lead, tail = replaced_at_ends(quote, said, before, after)
        led_by = self._original(near.start - lead, near.start)
        to_tail = self._original(near.stop - 1, near.stop + tail)
        start = near.start - len(words(_SENTENCE_END.split(led_by)[-1]))
        return start, near.stop - 1 + len(words(_SENTENCE_END.split(to_tail)[0]))

    def _original(self, start: int, stop: int) -> str:
        """Return the text of words *start* to *stop* (exclusive), as the segments have it."""
        within = self._within(start, stop)
        return " ".join(cut(self._segments[number].text, *part) for number, *part in within)
