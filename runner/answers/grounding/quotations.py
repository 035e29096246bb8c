"""Quotations in the text of an answer, and absent quotes: finding, describing and removing them."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from runner.answers.grounding.exact_matches import ABSENT, words
from runner.base.errors import one_line
from runner.base.format import first_of
from runner.base.json import inside, mappings, rebuilt, text

MIN_WORDS = 3  # in quotation marks; fewer are a term or a distance rather than a quotation
_EVIDENCE = frozenset({"segment", "quote"})
# Quotation marks of many languages: the opening one, and those that close it.
_PAIRS = (
    '“”“"', '„“”"', "‟”“", "””", "«»", "»«»", "‹›", "›‹›", "❝❞", "〝〞〟", "＂＂",
    "「」", "『』", "‚‘’",
)  # fmt: skip
_MARKS = re.compile(
    r'"(?<!\w")([^"]{1,2000})["”](?!\w)|״(?<!\w״)([^״]{1,2000})["״](?!\w)|``([^`]{1,2000}?)\'\''
    # the closing mark is an apostrophe, too
    r"|‘(?<!\w‘)((?:[^‘’]|’(?=\w)){1,2000})’(?!\w)|'(?<!\w')(?!(?i:tis|til|twas|em|cause|n)\b)(?=[^\W\d])((?:[^']|'(?=\w)){1,2000})'(?!\w)|"
    + "|".join(f"{pair[0]}([^{pair}]{{1,2000}})[{pair[1:]}]" for pair in _PAIRS)
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
            if len(words(quoted)) >= MIN_WORDS:
                yield quoted, segment
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _within(item, segment, verbatim)
    elif isinstance(value, dict):
        if value.keys() >= _EVIDENCE:
            return
        first = next(iter(mappings(value.get("evidence"))), {})
        segment = text(first.get("segment")) or segment
        for key, item in value.items():
            if key in verbatim and isinstance(item, str):
                if item:
                    yield item, segment
            else:
                yield from _within(item, segment, verbatim)


QUOTATIONS = "quotations in its text are not in the transcript"
_MAX_DESCRIBED = 5  # quotes named when a model is asked again


def find_absent(node: Any) -> list[Mapping[str, str]]:
    """Return all evidence in a grounded answer whose quote is absent from the transcript."""
    return list(filter(_is_absent, inside(node)))


def describe_absent(absent: Sequence[Mapping[str, str]]) -> str:
    """Return the fault of an answer that has *absent* evidence."""
    named = [f"{each['segment']}: {one_line(each['quote'], 80)!r}" for each in absent]
    shown = first_of(named, _MAX_DESCRIBED, "; ")
    return f"quotes that are not in the transcript word for word: {shown}"


def describe_quotations(absent: Sequence[str], total: int) -> str:
    """Return that *absent* of *total* quotations in an answer's text were not found."""
    named = [repr(one_line(quote, 80)) for quote in absent]
    return f"{len(absent)} of {total} {QUOTATIONS}: {first_of(named, _MAX_DESCRIBED, '; ')}"


def drop_absent(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return *answer* without absent quotes, and without insights that have no other evidence."""
    kept: dict[str, Any] = rebuilt(
        answer, lambda v: [e for e in v if not _is_absent(e)] if isinstance(v, list) else v
    )
    kept["insights"] = [
        insight
        for insight, original in zip(kept["insights"], answer["insights"], strict=True)
        if insight["evidence"] or not original["evidence"]
    ]
    return kept


def _is_absent(node: Any) -> bool:
    return isinstance(node, Mapping) and "quote" in node and node.get("match") == ABSENT
