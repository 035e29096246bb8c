"""Quotes that do not stand in the transcript: found in a grounded answer, told, left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.answers.grounding.quotes import ABSENT
from runner.base.errors import one_line

_TOLD = 5  # quotes that are named when a model is asked again


def invented_quotes(node: Any) -> list[Mapping[str, str]]:
    """Return all evidence in a grounded answer whose quote is absent from the transcript."""
    return list(_invented(node))


def told(invented: list[Mapping[str, str]]) -> str:
    """Return what is wrong with an answer that holds *invented* quotes."""
    named = "; ".join(f"{e['segment']}: {one_line(e['quote'], 80)!r}" for e in invented[:_TOLD])
    more = len(invented) - _TOLD
    rest = f"; and {more} more" if more > 0 else ""
    return f"quotes that do not stand in the transcript word for word: {named}{rest}"


def without_invented(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return *answer* without absent quotes, and without insights that rested on nothing else."""
    kept: dict[str, Any] = _pruned(answer)
    before = answer["insights"]
    kept["insights"] = [
        insight
        for insight, original in zip(kept["insights"], before, strict=True)
        if insight["evidence"] or not original["evidence"]
    ]
    return kept


def _invented(node: Any) -> Iterator[Mapping[str, str]]:
    if isinstance(node, Mapping):
        if _is_absent(node):
            yield node
        for value in node.values():
            yield from _invented(value)
    elif isinstance(node, list):
        for item in node:
            yield from _invented(item)


def _pruned(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _pruned(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_pruned(item) for item in node if not _is_absent(item)]
    return node


def _is_absent(node: Any) -> bool:
    return isinstance(node, Mapping) and "quote" in node and node.get("match") == ABSENT
