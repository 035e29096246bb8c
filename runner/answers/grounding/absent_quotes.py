"""Absent quotes of a grounded answer: finding, describing and removing them."""

from collections.abc import Mapping, Sequence
from typing import Any

from runner.answers.grounding.quotes import ABSENT
from runner.base.errors import one_line
from runner.base.json import inside, rebuilt

QUOTATIONS = "quotations in its text are not in the transcript"
_MAX_DESCRIBED = 5  # quotes named when a model is asked again


def find_absent(node: Any) -> list[Mapping[str, str]]:
    """Return all evidence in a grounded answer whose quote is absent from the transcript."""
    return list(filter(_is_absent, inside(node)))


def describe_absent(absent: list[Mapping[str, str]]) -> str:
    """Return the fault of an answer that has *absent* evidence."""
    shown, more = absent[:_MAX_DESCRIBED], len(absent) - _MAX_DESCRIBED
    named = "; ".join(f"{e['segment']}: {one_line(e['quote'], 80)!r}" for e in shown)
    rest = f"; and {more} more" if more > 0 else ""
    return f"quotes that are not in the transcript word for word: {named}{rest}"


def describe_quotations(absent: Sequence[str], total: int) -> str:
    """Return that *absent* of *total* quotations in an answer's text were not found."""
    named = "; ".join(repr(one_line(quote, 80)) for quote in absent[:_MAX_DESCRIBED])
    more = len(absent) - _MAX_DESCRIBED
    rest = f"; and {more} more" if more > 0 else ""
    return f"{len(absent)} of {total} {QUOTATIONS}: {named}{rest}"


def drop_absent(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return *answer* without absent quotes, and without insights that have no other evidence."""
    kept: dict[str, Any] = rebuilt(answer, _without_absent)
    kept["insights"] = [
        insight
        for insight, original in zip(kept["insights"], answer["insights"], strict=True)
        if insight["evidence"] or not original["evidence"]
    ]
    return kept


def _without_absent(node: Any) -> Any:
    return [each for each in node if not _is_absent(each)] if isinstance(node, list) else node


def _is_absent(node: Any) -> bool:
    return isinstance(node, Mapping) and "quote" in node and node.get("match") == ABSENT
