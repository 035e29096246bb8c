"""The contexts of one run: cut early, reduced once, shared by all nodes that read the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from runner.answers.context import Item, Reduced, answer_items, reduce_context
from runner.answers.outcome import Outcome
from runner.base.threads import offload
from runner.config.schema import ContextSettings
from runner.job.graph import Node
from runner.job.job import Job

_CUTTING = 5  # times the work on a reply's text: insights are compared, tokens counted

Keep = Callable[[str, Reduced, ContextSettings], None]


class Contexts:
    """Builds contexts; *keep* is told each one's name, content and settings."""

    def __init__(self, job: Job, keep: Keep) -> None:
        self._job = job
        self._keep = keep
        self._chars = sum(len(segment.text) for segment in job.transcript.segments)
        self._count = job.tokenizer.line_counter()
        self._items: dict[str, asyncio.Task[tuple[Item, ...]]] = {}
        self._reduced: dict[tuple[Any, ...], asyncio.Task[Reduced]] = {}

    def prepare(self, node: Node, outcome: Outcome) -> None:
        """Cut an answer into items while other calls are out.

        Nothing is done where no context will want them.
        """
        if any(other.context and node.name in other.needs for other in self._job.pipeline.nodes):
            chars = _CUTTING * len(outcome.raw_output or "")
            cut = offload(answer_items, node.name, outcome.answer, self._count, chars=chars)
            self._items[node.name] = asyncio.create_task(cut)

    async def context(self, node: Node, missing: Mapping[str, str]) -> Reduced:
        """Return *node*'s context; *missing* are those of its needs that gave no answer."""
        assert node.context is not None
        key = (node.stage, frozenset(node.needs), node.context.model_dump_json())
        if key not in self._reduced:
            self._reduced[key] = asyncio.create_task(self._reduce(node, missing))
        return await self._reduced[key]

    async def _reduce(self, node: Node, missing: Mapping[str, str]) -> Reduced:
        assert node.context is not None
        stages = dict.fromkeys(n.stage for n in self._job.pipeline.nodes if n.name in node.needs)
        items = {name: await self._items[name] for name in node.needs if name not in missing}
        reduced = await offload(
            reduce_context,
            f"Findings of {', '.join(stages)}",
            items,
            missing,
            node.context,
            self._count,
            self._job.transcript.segments,
            chars=sum(len(item.line) for found in items.values() for item in found)
            + (node.context.transcript_tokens and self._chars),
        )
        self._keep(self._name(node), reduced, node.context)
        return reduced

    def _name(self, node: Node) -> str:
        """Name a context after its stage, or after the one analyzer that wants it otherwise."""
        pipeline = self._job.pipeline
        needed = pipeline.stage_of(node).needs
        every = {other.name for other in pipeline.nodes if other.stage in needed}
        shared = node.context == self._job.settings.stages[node.stage].context
        whole = shared and set(node.needs) == every
        return node.stage if whole else f"{node.stage}.{node.name}"
