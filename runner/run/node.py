"""How one node gets its answer: what it reads, whom it asks, in how many parts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import structlog

from runner.answers.outcome import Outcome, failed_outcome, missing_reasons
from runner.base.errors import CallError, NotRunError
from runner.base.threads import offload
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.schedule import Place, gather_all
from runner.job.chunks import Chunk
from runner.job.graph import Node
from runner.job.job import Job, wrap
from runner.job.models import Model
from runner.job.parts import failed_parts, joined, part_node
from runner.record.recorder import Recorder
from runner.record.reuse import Known
from runner.run.ask import Asker, NotKnownError, Turn
from runner.run.contexts import Contexts

TRIM = 0.8  # of its budget is a context cut to, once, when a model finds it too long
# Faults that another model would have too, or that end the run.
_COMMON = frozenset(
    {"budget", "interrupted", "output", "internal", "context_empty", "upstream", "strict"}
)

log = structlog.get_logger("colloquy.run")


class Answering:
    """Answers nodes through *clients*, by model name; *expected_s* is by node name.

    *place* is the run's among others that it shares slots with, None where it has its own.
    """

    def __init__(
        self,
        job: Job,
        clients: Mapping[str, Client],
        known: Known,
        contexts: Contexts,
        recorder: Recorder,
        expected_s: Mapping[str, float],
        place: Place | None = None,
    ) -> None:
        self.job = job
        self._known = known
        self._contexts = contexts
        self._recorder = recorder
        self._asker = Asker(job, clients, known, recorder, expected_s, place)
        self._materials: dict[Chunk | None, str] = {}

    async def answer(self, node: Node, upstream: Mapping[str, Outcome], calls: CallLog) -> Outcome:
        """Return *node*'s outcome; raise CallError where it has no more to tell than that."""
        if (nothing := self._not_due(node, upstream)) is not None:
            return nothing
        *firsts, last = self.job.chain(node)
        if firsts and self._known and (found := await self._found(node, upstream, calls)):
            return found
        for model in firsts:
            outcome = await self._try(node, model, upstream, calls)
            if outcome.answer is not None or outcome.kind in _COMMON:
                return outcome
            log.warning(
                "model.failed",
                analyzer=node.name,
                model=model.settings.name,
                kind=outcome.kind,
                error=outcome.error,
            )
        turn = Turn(node, last, calls, self.job.fit(node, last), last=True)
        return await self._read(turn, upstream)

    async def _found(
        self, node: Node, upstream: Mapping[str, Outcome], calls: CallLog
    ) -> Outcome | None:
        """Return an answer that any of *node*'s models has given before: nobody is asked."""
        for model in self.job.chain(node):
            fit = self.job.fit(node, model)
            turn = Turn(node, model, calls, fit, last=True, asking=False)
            with suppress(NotKnownError, CallError):
                found = await self._read(turn, upstream)
                if found.answer is not None:
                    return found
        return None

    async def _try(
        self, node: Node, model: Model, upstream: Mapping[str, Outcome], calls: CallLog
    ) -> Outcome:
        """Ask a model that others stand behind: its failure is no more than an outcome."""
        turn = Turn(node, model, calls, self.job.fit(node, model), last=False)
        try:
            return await self._read(turn, upstream)
        except NotRunError as error:
            if error.kind in _COMMON:
                raise
            return failed_outcome(error)
        except CallError as error:
            return failed_outcome(error)

    def _not_due(self, node: Node, upstream: Mapping[str, Outcome]) -> Outcome | None:
        """Return the outcome of a node that is not to be called, None where it is."""
        ended = next((o for o in upstream.values() if o.status == "not_run"), None)
        if ended is not None:
            return Outcome("not_run", kind=ended.kind, error=ended.error)
        reasons = ", ".join(f"{n} ({why})" for n, why in missing_reasons(upstream).items())
        lost = upstream and all(outcome.answer is None for outcome in upstream.values())
        if lost and not node.transcript:
            return Outcome("skipped", kind="upstream", error=f"nothing to read: {reasons}")
        if reasons and self.job.settings.stages[node.stage].strict:
            return Outcome("skipped", kind="strict", error=f"incomplete without {reasons}")
        return None

    async def _read(self, turn: Turn, upstream: Mapping[str, Outcome]) -> Outcome:
        missing = missing_reasons(upstream)
        lost = bool(upstream) and len(missing) == len(upstream)
        if turn.node.context is None or lost:
            return await self._read_with(turn, "")
        context, tokens = await self._context(turn, missing, turn.fit.context)
        first = await self._read_with(turn, context)
        if first.kind != "context_exceeded" or first.reused or first.notes:
            return first
        log.warning("context.trimmed", analyzer=turn.node.name, factor=TRIM, error=first.error)
        smaller, _ = await self._context(turn, missing, int(tokens * TRIM))
        second = await self._read_with(turn, smaller)
        if len(turn.fit.chunks) > 1:
            return second
        return replace(second, key=first.key)  # by which it is looked for when taken up again

    async def _context(
        self, turn: Turn, missing: Mapping[str, str], budget: int
    ) -> tuple[str, int]:
        """Return the context within *budget* tokens, and how many it has."""
        node = turn.node
        assert node.context is not None
        fitting = node.context.model_copy(update={"token_budget": budget})
        reduced = await self._contexts.context(replace(node, context=fitting), missing)
        if not reduced.text:
            raise CallError("context_empty", f"no finding fits into {budget} tokens")
        return wrap("context", reduced.text), reduced.tokens

    async def _read_with(self, turn: Turn, context: str) -> Outcome:
        """Read the transcript, whole or in parts, and *context*."""
        chunks = turn.fit.chunks
        if len(chunks) > 1:
            return await self._read_parts(turn, chunks, context)
        text = self._material(None) if turn.node.transcript else ""
        return await self._asker.ask(turn, text + context)

    async def _read_parts(self, turn: Turn, chunks: tuple[Chunk, ...], context: str) -> Outcome:
        """Ask the question of every part, then once more of what the parts gave."""
        outcomes = await gather_all(self._read_part(turn, chunk, context) for chunk in chunks)
        lost = failed_parts(outcomes)
        if len(lost) == len(outcomes):
            return replace(outcomes[0], missing=lost)
        count = turn.model.tokenizer.line_counter()
        material, reduced, settings = await offload(
            joined, self.job, turn.node, turn.fit, count, outcomes
        )
        name = f"{turn.node.stage}.{turn.node.name}.parts"
        self._recorder.keep_context(name, reduced, settings)
        outcome = await self._asker.ask(turn, material + context)
        return replace(outcome, missing=lost, notes={**outcome.notes, "parts": len(chunks)})

    async def _read_part(self, turn: Turn, chunk: Chunk, context: str) -> Outcome:
        node = part_node(turn.node, chunk.number)
        part = replace(turn, node=node, calls=self._recorder.call_log(node))
        try:
            outcome = await self._asker.ask(part, self._material(chunk) + context)
        except NotRunError:
            raise
        except CallError as error:
            outcome = failed_outcome(error)
        finally:
            turn.calls.absorb(part.calls)
        self._recorder.part_ended(node, outcome, part.calls)
        return outcome

    def _material(self, chunk: Chunk | None) -> str:
        if chunk not in self._materials:
            self._materials[chunk] = self.job.transcript_material(chunk)
        return self._materials[chunk]
