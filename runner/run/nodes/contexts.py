"""Contexts of a run: answers are cut early, and reduced once for all nodes that share them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from runner.answers.context import Item, ReducedContext, answer_items, reduce_context
from runner.answers.outcome import Outcome
from runner.base.threads import offload
from runner.config.schema import ContextSettings
from runner.job.graph import Node
from runner.job.job import Job

_CUTTING = 5  # cost of cutting a reply, relative to other text
Keep = Callable[[str, ReducedContext, ContextSettings], None]


class Contexts:
    """Builds contexts; *keep* is called with the name, content and settings of each."""

    def __init__(self, job: Job, keep: Keep) -> None:
        self._job, self._keep = job, keep
        self._chars = sum(len(segment.text) for segment in job.transcript.segments)
        self._count = job.main.tokenizer.count
        self._items: dict[str, asyncio.Task[tuple[Item, ...]]] = {}
        self._reduced: dict[tuple[Any, ...], asyncio.Task[ReducedContext]] = {}

    def prepare(self, node: Node, outcome: Outcome) -> None:
        """Cut an answer into items, if a context needs it, while other calls are in flight."""
        if any(other.context and node.name in other.needs for other in self._job.pipeline.nodes):
            chars = _CUTTING * len(outcome.raw_output or "")
            cut = offload(self._cut, node.name, outcome.answer, chars=chars)
            self._items[node.name] = asyncio.create_task(cut)

    def _cut(self, name: str, answer: Any) -> tuple[Item, ...]:
        return answer_items(name, self._job.redaction.masked(answer), self._count)

    async def context(self, node: Node, missing: Mapping[str, str]) -> ReducedContext:
        """Return *node*'s context; *missing* are its predecessors without an answer."""
        assert node.context is not None
        key = (node.stage, frozenset(node.needs), node.context.model_dump_json())
        if key not in self._reduced:
            self._reduced[key] = asyncio.create_task(self._reduce(node, missing))
        return await self._reduced[key]

    async def _reduce(self, node: Node, missing: Mapping[str, str]) -> ReducedContext:
        assert node.context is not None
        stages = dict.fromkeys(n.stage for n in self._job.pipeline.nodes if n.name in node.needs)
        items = {name: await self._items[name] for name in node.needs if name not in missing}
        chars = sum(len(item.line) for group in items.values() for item in group)
        chars += self._chars if node.context.transcript_tokens else 0
        title = f"Findings of {', '.join(stages)}"
        shown = self._job.shown.segments
        reduced = await offload(
            reduce_context, title, items, missing, node.context, self._count, shown, chars=chars
        )
        self._keep(self._name(node), reduced, node.context)
        return reduced

    def _name(self, node: Node) -> str:
        """Return the stage's name for its common context, else `STAGE.ANALYZER`."""
        pipeline = self._job.pipeline
        stages = pipeline.stage_of(node).needs
        needs = {other.name for other in pipeline.nodes if other.stage in stages}
        common = node.context == self._job.settings.stages[node.stage].context
        return node.stage if common and set(node.needs) == needs else f"{node.stage}.{node.name}"
