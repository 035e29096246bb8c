"""Verbatim: quotation marks in an answer only around words that its sources have."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from runner.providers.offline.document import Document
from runner.providers.offline.language.wording import INNER_MARK

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
    if isinstance(value, str) and value not in sources.whole:
        marked = _QUOTED.sub(lambda m: _marked(m[1].replace(INNER_MARK, '"'), sources), value)
        return marked.replace(INNER_MARK, '"')
    return value


def _marked(quoted: str, sources: "_Sources") -> str:
    whole = sources.has(quoted)
    parts = [quoted] if whole else _GAP.split(quoted)
    passages = [sources.passage(part) if part and not whole else part for part in parts]
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
        self.whole = "\n".join(self._texts)

    def has(self, quoted: str) -> bool:
        """Return whether a text has *quoted* exactly."""
        whole = rf"(?<!\w){re.escape(quoted)}(?!\w)"
        return bool(_WORD.search(quoted) and re.search(whole, self.whole))

    @cached_property
    def _words(self) -> list[list[tuple[str, int, int]]]:
        """For each text its words, folded, with their first and last offset."""
        return [[(_fold(m[0]), *m.span()) for m in _WORD.finditer(t)] for t in self._texts]

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
        spans = ((last - first, place, first, last) for place, first, last in self._spans(words))
        shortest = min(spans, default=None)
        return self._text(*shortest[1:], quoted) if shortest else None

    def _spans(self, words: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        """Yield (text, first word, last word) of the passages that have *words* in their order."""
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
