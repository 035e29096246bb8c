"""Absent quotes of a grounded answer: finding, describing and removing them."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from runner.answers.grounding.exact_matches import ABSENT
from runner.base.errors import one_line

QUOTATIONS = "quotations in its text are not in the transcript"
_MAX_DESCRIBED = 5  # quotes named when a model is asked again


def find_absent(node: Any) -> list[Mapping[str, str]]:
    """Return all evidence in a grounded answer whose quote is absent from the transcript."""
    found = [node] if _is_absent(node) else []
    inner = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    return [*found, *chain.from_iterable(map(find_absent, inner))]


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
    kept: dict[str, Any] = _pruned(answer)
    kept["insights"] = [
        insight
        for insight, original in zip(kept["insights"], answer["insights"], strict=True)
        if insight["evidence"] or not original["evidence"]
    ]
    return kept


def _pruned(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _pruned(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_pruned(item) for item in node if not _is_absent(item)]
    return node


def _is_absent(node: Any) -> bool:
    return isinstance(node, Mapping) and "quote" in node and node.get("match") == ABSENT
