"""Absent quotes of a grounded answer: finding, describing and removing them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.answers.grounding.quotes import ABSENT
from runner.base.errors import one_line

_MAX_DESCRIBED = 5  # quotes named when a model is asked again


def find_absent(node: Any) -> list[Mapping[str, str]]:
    """Return all evidence in a grounded answer whose quote is absent from the transcript."""
    return list(_walk(node))


def describe_absent(absent: list[Mapping[str, str]]) -> str:
    """Return what is wrong with an answer that has *absent* evidence."""
    named = "; ".join(
        f"{e['segment']}: {one_line(e['quote'], 80)!r}" for e in absent[:_MAX_DESCRIBED]
    )
    more = len(absent) - _MAX_DESCRIBED
    rest = f"; and {more} more" if more > 0 else ""
    return f"quotes that are not in the transcript word for word: {named}{rest}"


def drop_absent(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return *answer* without absent quotes, and without insights that have no other evidence."""
    kept: dict[str, Any] = _pruned(answer)
    kept["insights"] = [
        insight
        for insight, original in zip(kept["insights"], answer["insights"], strict=True)
        if insight["evidence"] or not original["evidence"]
    ]
    return kept


def _walk(node: Any) -> Iterator[Mapping[str, str]]:
    if isinstance(node, Mapping):
        if _is_absent(node):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _walk(item)


def _pruned(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _pruned(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_pruned(item) for item in node if not _is_absent(item)]
    return node


def _is_absent(node: Any) -> bool:
    return isinstance(node, Mapping) and "quote" in node and node.get("match") == ABSENT
