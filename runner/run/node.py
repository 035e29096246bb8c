"""Node execution: its material and context, its models in order, its parts."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import structlog

from runner.answers.outcome import Outcome, failed_outcome, missing_reasons
from runner.base.errors import CallError, NotRunError
from runner.base.threads import offload
from runner.calls.call_log import CallLog
from runner.calls.schedule import gather_all
from runner.job.chunks import Chunk
from runner.job.graph import Node
from runner.job.job import Job, wrap
from runner.job.parts import failed_parts, joined, part_node
from runner.record.recorder import Recorder
from runner.run.ask import Asker, NotStoredError, Question
from runner.run.contexts import Contexts

TRIM = 0.8  # factor on a context's budget, applied once, when a model finds it too long
# Failures that another model would have too, or that end the run.
_COMMON = frozenset(
    {"budget", "interrupted", "output", "internal", "context_empty", "upstream", "strict"}
)

Get = Callable[[Question, str], Awaitable[Outcome]]  # answers a question on a text

log = structlog.get_logger("colloquy.run")


@dataclass
class NodeRunner:
    """Answers the nodes of a run: the material, the models in order, and the parts."""

    job: Job
    asker: Asker
    contexts: Contexts
    recorder: Recorder
    _materials: dict[Chunk | None, str] = field(default_factory=dict)

    async def answer(self, node: Node, upstream: Mapping[str, Outcome], calls: CallLog) -> Outcome:
        """Return *node*'s outcome; raise CallError where the last model fails."""
        if (skipped := self._skipped(node, upstream)) is not None:
            return skipped
        *models, last = self.job.chain(node)
        questions = [Question(node, m, calls, self.job.fit(node, m), last=False) for m in models]
        final = Question(node, last, calls, self.job.fit(node, last), last=True)
        if questions and self.asker.stored:
            reused = await self._reused([*questions, final], upstream)
            if reused is not None:
                return reused
        for question in questions:
            outcome = await self._try(question, upstream)
            if outcome.answer is not None or outcome.kind in _COMMON:
                return outcome
            log.warning(
                "model.failed",
                analyzer=node.name,
                model=question.model.settings.name,
                kind=outcome.kind,
                error=outcome.error,
            )
        return await self._read(final, upstream, self.asker.ask)

    async def _reused(
        self, questions: Sequence[Question], upstream: Mapping[str, Outcome]
    ) -> Outcome | None:
        """Return the first stored answer to *questions*; nothing is sent."""
        for question in questions:
            with suppress(NotStoredError, CallError):
                outcome = await self._read(question, upstream, self.asker.reuse)
                if outcome.answer is not None:
                    return outcome
        return None

    async def _try(self, question: Question, upstream: Mapping[str, Outcome]) -> Outcome:
        """Ask a model that has a fallback: its failure becomes an outcome."""
        try:
            return await self._read(question, upstream, self.asker.ask)
        except CallError as error:
            if isinstance(error, NotRunError) and error.kind in _COMMON:
                raise
            return failed_outcome(error)

    def _skipped(self, node: Node, upstream: Mapping[str, Outcome]) -> Outcome | None:
        """Return the outcome of a node that must not be called, else None."""
        blocker = next((o for o in upstream.values() if o.status == "not_run"), None)
        if blocker is not None:
            return Outcome("not_run", kind=blocker.kind, error=blocker.error)
        reasons = ", ".join(f"{n} ({why})" for n, why in missing_reasons(upstream).items())
        lost = all(outcome.answer is None for outcome in upstream.values())
        if upstream and lost and not node.transcript:
            return Outcome("skipped", kind="upstream", error=f"nothing to read: {reasons}")
        if reasons and self.job.settings.stages[node.stage].strict:
            return Outcome("skipped", kind="strict", error=f"incomplete without {reasons}")
        return None

    async def _read(self, question: Question, upstream: Mapping[str, Outcome], get: Get) -> Outcome:
        """Return the outcome of *get* on the node's material, its context reduced to fit."""
        missing = missing_reasons(upstream)
        if question.node.context is None or (upstream and len(missing) == len(upstream)):
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
        return replace(second, key=first.key)  # a resumed run looks it up by this key

    async def _context(
        self, question: Question, missing: Mapping[str, str], budget: int
    ) -> tuple[str, int]:
        """Return the context within *budget* tokens, and its tokens."""
        node = question.node
        assert node.context is not None
        fitting = node.context.model_copy(update={"token_budget": budget})
        reduced = await self.contexts.context(replace(node, context=fitting), missing)
        if not reduced.text:
            raise CallError("context_empty", f"no finding fits into {budget} tokens")
        return wrap("context", reduced.text), reduced.tokens

    async def _read_with(self, question: Question, context: str, get: Get) -> Outcome:
        """Ask about the transcript, whole or in parts, and *context*."""
        chunks = question.fit.chunks
        if len(chunks) > 1:
            return await self._read_parts(question, chunks, context, get)
        text = self._material(None) if question.node.transcript else ""
        return await get(question, text + context)

    async def _read_parts(
        self, question: Question, chunks: tuple[Chunk, ...], context: str, get: Get
    ) -> Outcome:
        """Ask about every part, then about the joined answers of the parts."""
        parts = (self._read_part(question, chunk, context, get) for chunk in chunks)
        outcomes = await gather_all(parts)
        lost = failed_parts(outcomes)
        if len(lost) == len(outcomes):
            return replace(outcomes[0], missing=lost)
        count = question.model.tokenizer.line_counter()
        material, reduced, settings = await offload(
            joined, self.job, question.node, question.fit, count, outcomes
        )
        name = f"{question.node.stage}.{question.node.name}.parts"
        self.recorder.keep_context(name, reduced, settings)
        outcome = await get(question, material + context)
        notes = {**outcome.notes, "parts": len(chunks)}
        if cut := sum(bool(part.notes.get("cut")) for part in outcomes):
            marks = [*notes.get("reply_notes", ()), f"the replies to {cut} parts were cut"]
            notes |= {"cut": True, "reply_notes": marks}
        return replace(outcome, missing=lost, notes=notes)

    async def _read_part(self, question: Question, chunk: Chunk, context: str, get: Get) -> Outcome:
        node = part_node(question.node, chunk.number)
        part = replace(question, node=node, calls=self.recorder.call_log(node))
        try:
            outcome = await get(part, self._material(chunk) + context)
        except NotRunError:
            raise
        except CallError as error:
            outcome = failed_outcome(error)
        finally:
            question.calls.absorb(part.calls)
        self.recorder.part_ended(node, outcome, part.calls)
        return outcome

    def _material(self, chunk: Chunk | None) -> str:
        if chunk not in self._materials:
            self._materials[chunk] = self.job.transcript_material(chunk)
        return self._materials[chunk]
