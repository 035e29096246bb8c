"""Quotations in the text of an answer: words in quotation marks, and fields of verbatim words."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from runner.answers.grounding.quotes import words

LEAST_WORDS = 3  # in quotation marks; fewer are a term or a distance rather than a quotation
_EVIDENCE = frozenset({"segment", "quote"})
_MARKS = re.compile(
    r'"(?<!\w")([^"]{1,2000})"(?!\w)|“([^“”]{1,2000})”|„([^„“”]{1,2000})[“”]|«([^«»]{1,2000})»|»([^«»]{1,2000})«'
    r"|「([^「」]{1,2000})」|『([^『』]{1,2000})』"
)


def quotations(answer: Mapping[str, Any], verbatim: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield (words, segment) of each quotation in *answer* outside its evidence.

    A quotation is text in quotation marks, of three words at least, in any text, and the
    whole of a field of `structured_data` whose name is in *verbatim*. Its segment is the first
    that is cited beside it, "" where none is.
    """
    yield from _within(answer.get("insights"), "", ())
    yield from _within(answer.get("structured_data"), "", verbatim)


def _within(value: object, segment: str, verbatim: Collection[str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        for match in _MARKS.finditer(value):
            quoted = match[match.lastindex or 0]
            if len(words(quoted)) >= LEAST_WORDS:
                yield quoted, segment
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _within(item, segment, verbatim)
    elif isinstance(value, Mapping):
        if value.keys() >= _EVIDENCE:
            return
        segment = _cited(value) or segment
        for key, item in value.items():
            if key in verbatim and isinstance(item, str):
                if item:
                    yield item, segment
            else:
                yield from _within(item, segment, verbatim)


def _cited(value: Mapping[Any, Any]) -> str:
    evidence = value.get("evidence")
    first = evidence[0] if isinstance(evidence, list | tuple) and evidence else None
    segment = first.get("segment") if isinstance(first, Mapping) else None
    return segment if isinstance(segment, str) else ""
