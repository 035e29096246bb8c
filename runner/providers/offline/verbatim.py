"""Verbatim: quotation marks in an answer only around words that its sources have."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from runner.providers.offline.document import Document

_QUOTED = re.compile(r'"([^"]*)"')
_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_GAP = re.compile(r"\s*(?:…|\.\.\.)\s*")
_KEPT = frozenset({"quote", "segment", "code"})  # evidence, which grounding checks, and names
_FURTHER_WORDS = 6  # words that a quotation may omit, besides as many as it has


def checked(answer: Any, document: Document) -> Any:
    """Return *answer* with every quotation in its strings verbatim, or without its marks.

    A quotation from which a reading left words out, such as fillers, becomes the whole passage
    from its first word to its last, as the source has it. Evidence is left as it is.
    """
    return _checked(answer, _Sources(document))


def _checked(value: Any, sources: "_Sources") -> Any:
    if isinstance(value, dict):
        return {k: v if k in _KEPT else _checked(v, sources) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_checked(item, sources) for item in value]
    if isinstance(value, str):
        return _QUOTED.sub(lambda match: _marked(match[1], sources), value)
    return value


def _marked(quoted: str, sources: "_Sources") -> str:
    if sources.has(quoted):
        return f'"{quoted}"'
    passages = [sources.passage(part) if part else part for part in _GAP.split(quoted)]
    if None in passages or not any(passages):
        return quoted
    joined = " … ".join(str(passage) for passage in passages)
    text = joined.strip() if len(passages) > 1 else joined
    return f"“{text}”" if '"' in text else f'"{text}"'


class _Sources:
    """The texts that an answer may quote: transcript lines and the evidence of findings."""

    def __init__(self, document: Document) -> None:
        evidence = (quote for f in document.findings for _, quote in f.evidence)
        self._texts = list(dict.fromkeys([*(line.text for line in document.lines), *evidence]))

    def has(self, quoted: str) -> bool:
        """Return whether a text has *quoted* exactly."""
        if not _WORD.search(quoted):
            return False
        whole = re.compile(rf"(?<!\w){re.escape(quoted)}(?!\w)")
        return any(quoted in text and whole.search(text) for text in self._texts)

    @cached_property
    def _words(self) -> list[list[tuple[str, int, int]]]:
        """For each text its words, folded, with their first and last offset."""
        return [[(_fold(m[0]), *m.span()) for m in _WORD.finditer(t)] for t in self._texts]

    @cached_property
    def _index(self) -> tuple[str, list[int]]:
        """All words of all texts as one string, and where each text begins in it."""
        rows = [f" {' '.join(word for word, *_ in row)} \n" for row in self._words]
        starts, end = [], 0
        for row in rows:
            starts.append(end)
            end += len(row)
        return "".join(rows), starts

    @cached_property
    def _holders(self) -> dict[str, list[int]]:
        """For each word the texts that have it."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(self._words):
            for word in {word for word, *_ in row}:
                found[word].append(place)
        return found

    def passage(self, quoted: str) -> str | None:
        """Return the shortest passage that has the words of *quoted* in their order, or None."""
        words = [_fold(word) for word in _WORD.findall(quoted)]
        if not words:
            return None
        whole, starts = self._index
        at = whole.find(f" {' '.join(words)} ")
        if at >= 0:
            place = bisect_right(starts, at) - 1
            first = whole.count(" ", starts[place], at)
            return self._text(place, first, first + len(words) - 1, quoted)
        spans = [(b - a, place, a, b) for place, a, b in self._with_gaps(words)]
        return self._text(*min(spans)[1:], quoted) if spans else None

    def _with_gaps(self, words: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        """Yield (text, first word, last word) of passages that have *words* among others."""
        rarest = min(words, key=lambda word: len(self._holders.get(word, ())))
        most = 2 * len(words) + _FURTHER_WORDS
        for place in self._holders.get(rarest, ()):
            row = [word for word, *_ in self._words[place]]
            for first in (i for i, word in enumerate(row) if word == words[0]):
                following = iter(range(first, min(len(row), first + most)))
                ends = [next((i for i in following if row[i] == word), None) for word in words]
                if ends[-1] is not None:
                    yield place, first, ends[-1]

    def _text(self, place: int, first: int, last: int, quoted: str) -> str:
        """Return the passage as it is written, or *quoted* where that already is a part of it."""
        text, row = self._texts[place], self._words[place]
        start, end = row[first][1], row[last][2]
        if (at := text.find(quoted, max(0, start - len(quoted)))) >= 0 and at <= start:
            return quoted
        stop = re.match(r"\s?[.?!]+" if quoted[-1:] in ".?!" else r"", text[end:])
        return text[start : end + (len(stop[0]) if stop else 0)]


def _fold(word: str) -> str:
    return word.casefold().replace("’", "'")
