"""How one node gets its answer: what it reads, whom it asks, in how many parts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
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
from runner.record.reuse import StoredAnswers
from runner.run.ask import Asker, Question
from runner.run.contexts import Contexts

TRIM = 0.8  # of its budget is a context cut to, once, when a model finds it too long
# Faults that another model would have too, or that end the run.
_COMMON = frozenset(
    {"budget", "interrupted", "output", "internal", "context_empty", "upstream", "strict"}
)

# Answers one question on a text: `Asker.ask`, or from what is stored.
Get = Callable[[Question, str], Awaitable[Outcome]]

log = structlog.get_logger("colloquy.run")


class _NotStoredError(Exception):
    """No stored answer to this call."""


class Answering:
    """Answers nodes through *clients*, by model name; *expected_s* is by node name.

    *place* is the run's among others that it shares slots with, None where it has its own.
    """

    def __init__(
        self,
        job: Job,
        clients: Mapping[str, Client],
        known: StoredAnswers,
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
        """Return *node*'s outcome; raise CallError where there is only the error to report."""
        if (skipped := self._skipped(node, upstream)) is not None:
            return skipped
        *models, last = self.job.chain(node)
        if models and self._known and (stored := await self._stored(node, upstream, calls)):
            return stored
        for model in models:
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
        question = Question(node, last, calls, self.job.fit(node, last), last=True)
        return await self._read(question, upstream, self._asker.ask)

    async def _stored(
        self, node: Node, upstream: Mapping[str, Outcome], calls: CallLog
    ) -> Outcome | None:
        """Return a stored answer of any of *node*'s models; nothing is sent."""
        for model in self.job.chain(node):
            question = Question(node, model, calls, self.job.fit(node, model), last=True)
            with suppress(_NotStoredError, CallError):
                outcome = await self._read(question, upstream, self._reuse)
                if outcome.answer is not None:
                    return outcome
        return None

    async def _reuse(self, question: Question, text: str) -> Outcome:
        outcome = await self._asker.reuse(question, text)
        if outcome is None:
            raise _NotStoredError
        return outcome

    async def _try(
        self, node: Node, model: Model, upstream: Mapping[str, Outcome], calls: CallLog
    ) -> Outcome:
        """Ask a model that has fallbacks: its failure becomes an outcome."""
        question = Question(node, model, calls, self.job.fit(node, model), last=False)
        try:
            return await self._read(question, upstream, self._asker.ask)
        except NotRunError as error:
            if error.kind in _COMMON:
                raise
            return failed_outcome(error)
        except CallError as error:
            return failed_outcome(error)

    def _skipped(self, node: Node, upstream: Mapping[str, Outcome]) -> Outcome | None:
        """Return the outcome of a node that is not called, None if it is to be called."""
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

    async def _read(self, question: Question, upstream: Mapping[str, Outcome], get: Get) -> Outcome:
        """Return what *get* answers on the node's material, its context reduced to fit."""
        missing = missing_reasons(upstream)
        lost = bool(upstream) and len(missing) == len(upstream)
        if question.node.context is None or lost:
            return await self._read_with(question, "", get)
        context, tokens = await self._context(question, missing, question.fit.context)
        first = await self._read_with(question, context, get)
        if first.kind != "context_exceeded" or first.reused or first.notes:
            return first
        log.warning("context.trimmed", analyzer=question.node.name, factor=TRIM, error=first.error)
        smaller, _ = await self._context(question, missing, int(tokens * TRIM))
        second = await self._read_with(question, smaller, get)
        if len(question.fit.chunks) > 1:
            return second
        return replace(second, key=first.key)  # by which it is looked for when taken up again

    async def _context(
        self, question: Question, missing: Mapping[str, str], budget: int
    ) -> tuple[str, int]:
        """Return the context within *budget* tokens, and how many it has."""
        node = question.node
        assert node.context is not None
        fitting = node.context.model_copy(update={"token_budget": budget})
        reduced = await self._contexts.context(replace(node, context=fitting), missing)
        if not reduced.text:
            raise CallError("context_empty", f"no finding fits into {budget} tokens")
        return wrap("context", reduced.text), reduced.tokens

    async def _read_with(self, question: Question, context: str, get: Get) -> Outcome:
        """Read the transcript, whole or in parts, and *context*."""
        chunks = question.fit.chunks
        if len(chunks) > 1:
            return await self._read_parts(question, chunks, context, get)
        text = self._material(None) if question.node.transcript else ""
        return await get(question, text + context)

    async def _read_parts(
        self, question: Question, chunks: tuple[Chunk, ...], context: str, get: Get
    ) -> Outcome:
        """Ask the question of every part, then once more of what the parts gave."""
        outcomes = await gather_all(
            self._read_part(question, chunk, context, get) for chunk in chunks
        )
        lost = failed_parts(outcomes)
        if len(lost) == len(outcomes):
            return replace(outcomes[0], missing=lost)
        count = question.model.tokenizer.line_counter()
        material, reduced, settings = await offload(
            joined, self.job, question.node, question.fit, count, outcomes
        )
        name = f"{question.node.stage}.{question.node.name}.parts"
        self._recorder.keep_context(name, reduced, settings)
        outcome = await get(question, material + context)
        return replace(outcome, missing=lost, notes={**outcome.notes, "parts": len(chunks)})

    async def _read_part(self, question: Question, chunk: Chunk, context: str, get: Get) -> Outcome:
        node = part_node(question.node, chunk.number)
        part = replace(question, node=node, calls=self._recorder.call_log(node))
        try:
            outcome = await get(part, self._material(chunk) + context)
        except NotRunError:
            raise
        except CallError as error:
            outcome = failed_outcome(error)
        finally:
            question.calls.absorb(part.calls)
        self._recorder.part_ended(node, outcome, part.calls)
        return outcome

    def _material(self, chunk: Chunk | None) -> str:
        if chunk not in self._materials:
            self._materials[chunk] = self.job.transcript_material(chunk)
        return self._materials[chunk]
