"""Exact matches: words in the form in which quotes are compared, and an index of them."""

import re
import sys
import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, chain, islice, pairwise

from runner.transcript.model import Segment

ABSENT = "absent"  # the value of `match` for a quote that is nowhere in the transcript
MAX_HITS = 10_000  # outside the claimed segment
REACH_SEGMENTS = 3  # the last part of a quote with an ellipsis starts at most so much later

# Scripts written without spaces: Thai, Lao, Burmese, Khmer, kana, Bopomofo and Han, without their
# punctuation; each of their characters is a word.
_WIDE = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59\u0e81-\u0edf\u1000-\u1049\u1050-\u109d"
    "\u1780-\u17d3\u17d7\u17dc\u17dd\u17e0-\u17e9\u3005-\u3007\u3041-\u309a\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
WORD = re.compile(rf"[{_WIDE}]|[^\W{_WIDE}]+")  # as it is counted where forms do not matter
_IS_WIDE = re.compile(f"[{_WIDE}]")
_WIDE_GAP = re.compile(f"(?<=[{_WIDE}]) (?=[{_WIDE}])")
_APOSTROPHES = "'`‘’‛′ʹʻʼ׳"
_ASCII_APOSTROPHE = re.compile(r"['`](?<=[a-z0-9].)(?=[a-z0-9])")
_ASCII_WORD = re.compile(r"[a-z0-9]+")
# Invisible: soft hyphens, joiners, direction marks, fillers, variation selectors and tags.
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
# Vowels and tatweel of Arabic, points of Hebrew: written or not, and never part of a letter.
_POINTS = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0656-\u065f\u0670]"
)
# unicodedata sorts a run of combining marks in quadratic time; the Stream-Safe Text Format of
# Unicode (UAX #15, section 13) ends such runs at 30.
_MARK_RUN = re.compile(r"([^\w\s\x00-\x7f]{30})[^\w\s\x00-\x7f]+")
# It also takes quadratic time where one character becomes many.
_CHUNK = re.compile(r"[\s\S]{1,8000}(?!\S)|[\s\S]{1,8000}")


def words(text: str) -> list[str]:
    """Return the words of *text* in order, in the form in which they are compared.

    Compatibility forms, case, punctuation, white space, vowel points and invisible characters make
    no difference. Apostrophes inside words are dropped; any other character that is no letter, mark
    or digit separates words. Takes time linear in the text.
    """
    if text.isascii():
        return _ASCII_WORD.findall(_ASCII_APOSTROPHE.sub("", text.lower()))
    if len(text) > 8_000:
        return [word for chunk in _CHUNK.findall(text) for word in words(chunk)]
    apostrophe, word = _patterns()
    shown = _HIDDEN.sub("", _MARK_RUN.sub(r"\1", text)).replace("´", "'")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())
    # Case folding does not equate the Turkish ı and İ with i.
    folded = _POINTS.sub("", folded.replace("ı", "i").replace("i\u0307", "i"))
    return word.findall(apostrophe.sub("", folded))


def joined(parts: Sequence[str]) -> str:
    """Return *parts*, words as of `words`, as one text: spaces between all but wide ones."""
    text = " ".join(parts)
    return text if text.isascii() else _WIDE_GAP.sub("", text)


@lru_cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of an apostrophe inside a word and of a word, in any script."""
    marks = "".join(
        c for c in map(chr, range(0x300, 0x1F000)) if unicodedata.category(c).startswith("M")
    )
    spaced = re.sub(f"[{_WIDE}]", "", marks)
    letter = rf"[^\W_{_WIDE}{_APOSTROPHES}]"
    # The apostrophe comes first, so that the search skips to it before any look-behind.
    apostrophe = rf"[{_APOSTROPHES}](?:(?<={letter}.)|(?<=[{spaced}].))(?={letter})"
    word = rf"[{_WIDE}]|{letter}+(?:[{spaced}]+{letter}*)*"
    return re.compile(apostrophe), re.compile(word)


class TranscriptWords:
    """Index of the words of all segments, numbered through the whole transcript."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        by_segment = [list(map(sys.intern, words(segment.text))) for segment in segments]
        self.words = list(chain.from_iterable(by_segment))
        # The first word of each segment and, last, the number of words.
        self.first = array("L", accumulate(map(len, by_segment), initial=0))
        self.index: dict[str, list[int]] = {}  # the occurrences of each word, ascending
        for at, word in enumerate(self.words):
            self.index.setdefault(word, []).append(at)
        body = joined(self.words)
        self.text = f" {body} "
        self._starts = array("L", self._offsets())  # of words in the text, then one past its end

    def __len__(self) -> int:
        return len(self.words)

    def segment_of(self, at: int) -> int:
        """Return the number of the segment that word *at* belongs to."""
        return bisect_right(self.first, at) - 1

    def span(self, start: int, stop: int) -> str:
        """Return words *start* to *stop* (exclusive) joined."""
        return self.text[self._starts[start] : self._starts[stop]].rstrip(" ")

    def words_at(self, start: int, begin: int, end: int) -> tuple[int, int]:
        """Return the words that characters *begin* to *end*, counted from word *start*, touch."""
        base = self._starts[start]
        first = min(bisect_right(self._starts, base + begin) - 1, len(self) - 1)
        return first, max(first + 1, min(bisect_left(self._starts, base + end), len(self)))

    def nearest(self, target: Sequence[str], segment: int) -> Iterator[int]:
        """Yield the first word of each occurrence of *target*, the nearest to *segment* first."""
        if not target or not all(map(self.index.__contains__, target)):
            return

        needle, last = _needle(target), len(self.first) - 2
        yield from self._hits(needle, segment, segment)  # most quotes are there

        def distance(at: int) -> tuple[int, bool]:
            gap = self.segment_of(at) - segment
            return abs(gap), gap >= 0

        others = chain(self._hits(needle, 0, segment - 1), self._hits(needle, segment + 1, last))
        yield from sorted(islice(others, MAX_HITS), key=distance)

    def in_parts(self, parts: Sequence[Sequence[str]], segment: int) -> Iterator[list[int]]:
        """Yield the first words of *parts* where they occur in order, with other words between.

        All within `REACH_SEGMENTS` after the first one's segment; one a segment, the nearest first.
        """
        occurrences = [self.index.get(word, []) for part in parts for word in part]
        needles = [_needle(part) for part in parts]
        rarest = {self.segment_of(at) for at in min(occurrences, key=len, default=[])}
        starts = {max(0, number - back) for number in rarest for back in range(REACH_SEGMENTS + 1)}
        for start in sorted(starts, key=lambda number: (abs(number - segment), number)):
            if found := self._in_order(needles, start):
                yield found

    def _in_order(self, needles: Sequence[str], segment: int) -> list[int]:
        """Return the first words of *needles*, the first in *segment*, empty if any is missing."""
        stop = self._starts[self.first[min(segment + REACH_SEGMENTS + 1, len(self.first) - 1)]]
        found = list(islice(self._hits(needles[0], segment, segment), 1))
        for before, needle in pairwise(needles if found else ()):
            begin = self._starts[found[-1]] + len(before.strip(" "))
            hit = self.text.find(needle, begin, stop)
            if hit < 0:
                return []
            found.append(bisect_left(self._starts, hit + needle.startswith(" ")))
        return found

    def _hits(self, needle: str, first: int, last: int) -> Iterator[int]:
        """Yield the words of segments *first* to *last* with which *needle* begins, in order."""
        if first > last:
            return
        lead = needle.startswith(" ")
        begin = self._starts[self.first[first]] - lead
        end = self._starts[self.first[last + 1]] - lead - 1 + len(needle)
        while (begin := self.text.find(needle, begin, end)) >= 0:
            yield bisect_left(self._starts, begin + lead)
            begin += 1

    def _offsets(self) -> Iterator[int]:
        if not _IS_WIDE.search(self.text):
            yield from accumulate((len(word) + 1 for word in self.words), initial=1)
            return
        offset, after_wide = 1, True
        for word in self.words:
            wide = _IS_WIDE.match(word) is not None
            offset += offset > 1 and not (wide and after_wide)
            yield offset
            offset, after_wide = offset + len(word), wide
        yield offset + 1


def _needle(target: Sequence[str]) -> str:
    """Return the text to search for *target* at word boundaries; wide characters need no spaces."""
    text = joined(target)
    if text.isascii():
        return f" {text} "
    before = "" if _IS_WIDE.match(target[0]) else " "
    after = "" if _IS_WIDE.match(target[-1]) else " "
    return f"{before}{text}{after}"
