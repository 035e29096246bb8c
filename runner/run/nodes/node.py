"""Node execution: its material and context, its models in order, its parts."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import ClassVar

import structlog

from runner.answers.outcome import Outcome, failed_outcome, missing_reasons
from runner.answers.prompt_text import wrap
from runner.answers.second_answer import additions, merge_notes, silent_segments
from runner.base.errors import AnswerError, CallError, NotRunError
from runner.base.threads import offload
from runner.calls.call_log import CallLog
from runner.calls.schedule import gather_all
from runner.job.chunks import Chunk
from runner.job.graph import Node, asks_again
from runner.job.job import Job
from runner.job.parts import AGAIN, PART, failed_parts, inner_node, joining_material, owner_of
from runner.job.windows import Fit
from runner.record.recorder import Recorder
from runner.run.nodes.ask import Asker, Get, NotStoredError, Question
from runner.run.nodes.contexts import Contexts
from runner.run.nodes.fits import Fits, FitsByNode

RECUTS = 3  # times that a node's material is cut again for a smaller window than assumed
# Failures that another model would share, or that end the run.
_COMMON = frozenset(
    {"budget", "interrupted", "output", "internal", "context_empty", "upstream", "strict"}
)


class _TooLongError(Exception):
    """A prompt was too long for its model; *fit* is the next."""

    def __init__(self, fit: Fit) -> None:
        super().__init__()
        self.fit = fit


log = structlog.get_logger("colloquy.run")


@dataclass
class NodeRunner:
    """Answers the nodes of a run: the material, the models in order, and the parts."""

    recuts: ClassVar[int] = RECUTS
    job: Job
    asker: Asker
    contexts: Contexts
    recorder: Recorder
    fits: Fits
    _materials: dict[Chunk | None, str] = field(default_factory=dict)

    async def answer(self, node: Node, upstream: Mapping[str, Outcome], calls: CallLog) -> Outcome:
        """Return *node*'s outcome; raise CallError if the last model fails."""
        if (skipped := self.skipped(node, upstream)) is not None:
            return skipped
        *questions, final = self.questions(node, calls, self.fits.latest)
        if self.asker.stored and (questions or self.fits.have_changed):
            reused = await self.reused([*questions, final], upstream)
            earlier = [] if reused else [*self.fits.earlier, *await self.fits.of_earlier_runs()]
            for fits in earlier:
                reused = reused or await self.reused(self.questions(node, calls, fits), upstream)
            if reused is not None:
                return reused
        for question in questions:
            outcome = await self.attempt(question, upstream)
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

    def questions(self, node: Node, calls: CallLog, fits: FitsByNode) -> list[Question]:
        """Return the question of *node* to each of its models, in order."""
        chain, own = self.job.chain(node), owner_of(node)
        return [
            Question(node, m, calls, fits[own, m.name], m is chain[-1], self.recuts) for m in chain
        ]

    async def reused(
        self, questions: Sequence[Question], upstream: Mapping[str, Outcome]
    ) -> Outcome | None:
        """Return the first stored answer to *questions*; nothing is sent."""
        for question in questions:
            with suppress(NotStoredError, CallError):
                outcome = await self._read(question, upstream, self.asker.reuse)
                if outcome.answer is not None:
                    return outcome
        return None

    async def attempt(self, question: Question, upstream: Mapping[str, Outcome]) -> Outcome:
        """Ask a model that has a fallback; return a failure as an outcome."""
        try:
            return await self._read(question, upstream, self.asker.ask)
        except CallError as error:
            if isinstance(error, NotRunError) and error.kind in _COMMON:
                raise
            return failed_outcome(error)

    def skipped(self, node: Node, upstream: Mapping[str, Outcome]) -> Outcome | None:
        """Return the outcome of a node that must be skipped, else None."""
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
        """Return the outcome of *get* on the node's material, cut again if it is too long."""
        missing = missing_reasons(upstream)
        while True:
            context = ""
            if question.node.context and not (upstream and len(missing) == len(upstream)):
                context = await self._context(question, missing)
            try:
                outcome = await self._read_with(question, context, get)
                return await self._complete(question, outcome, get)
            except _TooLongError as error:
                question = replace(question, fit=error.fit, recuts=question.recuts - 1)

    async def _shorten(self, question: Question, outcome: Outcome) -> None:
        """Raise _TooLongError with a new fit if *outcome* shows that the window is too small."""
        old = outcome.kind != "context_exceeded" or outcome.reused or outcome.notes
        if old or not question.recuts:
            return
        fit = await self.fits.renewed(question.node, question.model, question.fit)
        if fit is not None:
            log.warning(
                "context.cut_again",
                analyzer=question.node.name,
                parts=len(fit.chunks) or None,
                context_tokens=fit.context or None,
                window=fit.window,
                error=outcome.error,
            )
            raise _TooLongError(fit)

    async def _context(self, question: Question, missing: Mapping[str, str]) -> str:
        node, budget = question.node, question.fit.context
        assert node.context is not None
        fitting = node.context.model_copy(update={"token_budget": budget})
        reduced = await self.contexts.context(replace(node, context=fitting), missing)
        if not reduced.text:
            raise CallError("context_empty", f"no finding fits into {budget} tokens")
        return wrap("context", reduced.text)

    async def _read_with(self, question: Question, context: str, get: Get) -> Outcome:
        """Ask about the transcript, whole or in parts, and *context*."""
        chunks = question.fit.chunks
        if len(chunks) > 1:
            return await self._read_parts(question, chunks, context, get)
        text = self._material(None) if question.node.transcript else ""
        outcome = await get(question, text + context)
        await self._shorten(question, outcome)
        return outcome

    async def _read_parts(
        self, question: Question, chunks: tuple[Chunk, ...], context: str, get: Get
    ) -> Outcome:
        """Ask about every part; join the answers by code or by another call."""
        outcomes: list[Outcome] = []

        async def read(chunk: Chunk) -> Outcome:
            node = inner_node(question.node, PART, chunk.number)
            return await self._read_part(question, node, self._material(chunk) + context, get)

        if question.recuts < RECUTS:  # after a refusal, one part tries the new cut
            outcomes.append(await read(chunks[0]))
            await self._shorten(question, outcomes[0])
        outcomes += await gather_all(map(read, chunks[len(outcomes) :]))
        for outcome in outcomes:
            await self._shorten(question, outcome)
        lost = failed_parts(outcomes)
        if len(lost) == len(outcomes):
            return replace(outcomes[0], missing=lost)
        if getattr(self.job.analyzers[question.node.name], "adds_up", False):
            outcome = await self.asker.validator.merge_parts(question.node, outcomes)
            if (before := self.asker.stored.previous) is not None:
                kept = await offload(before.record, question.node, outcome.key or "")
                outcome = replace(outcome, reused="run" if kept else None)
        else:
            outcome = await self._merge(question, outcomes, context, get)
        notes = {**outcome.notes, "parts": len(chunks)}
        if cut := sum(bool(part.notes.get("cut")) for part in outcomes):
            marks = [*notes.get("reply_notes", ()), f"the replies to {cut} parts were cut"]
            notes |= {"cut": True, "reply_notes": marks}
        return replace(outcome, missing=lost, notes=notes)

    async def _merge(
        self, question: Question, outcomes: Sequence[Outcome], context: str, get: Get
    ) -> Outcome:
        count = question.model.tokenizer.count
        material, reduced, settings = await offload(
            joining_material, self.job, question.node, question.fit, count, outcomes
        )
        name = f"{question.node.stage}.{question.node.name}.parts"
        self.recorder.keep_context(name, reduced, settings)
        outcome = await get(question, material + context)
        await self._shorten(question, outcome)
        return outcome

    async def _read_part(self, question: Question, node: Node, text: str, get: Get) -> Outcome:
        part = replace(question, node=node, calls=self.recorder.call_log(node))
        try:
            outcome = await get(part, text)
        except NotRunError:
            raise
        except CallError as error:
            outcome = failed_outcome(error)
        finally:
            question.calls.absorb(part.calls)
        self.recorder.part_ended(node, outcome, part.calls)
        return outcome

    async def _complete(self, question: Question, first: Outcome, get: Get) -> Outcome:
        """With `coverage.ask_again`, ask about the segments that *first* does not cite, and merge.

        A failure leaves *first* unchanged; the note `asked_again` says so.
        """
        node = question.node
        if first.answer is None:
            return first
        self.asker.pending.discard(node.name)
        if not asks_again(self.job.settings, node):
            return first
        silent = silent_segments(self.job.transcript.segments, first.answer)
        materials, left = dict[int, str](), set(silent)
        for chunk in question.fit.chunks or (None,):  # segments of two parts belong to the first
            if text := self.job.silent_material(chunk, left):
                materials[chunk.number if chunk else 1] = text
            left -= {each.id for each in self.job.segments_of(chunk)}
        if not materials:
            return first
        if first.reused is None:
            await self.recorder.keep_answer(node, first, question.calls)

        async def ask(number: int, text: str) -> Outcome:
            try:
                again = inner_node(node, AGAIN, number)
                return await self._read_part(replace(question, optional=True), again, text, get)
            except NotRunError as error:
                if error.kind != "budget":
                    raise
                return failed_outcome(error)

        outcomes = await gather_all(ask(number, text) for number, text in materials.items())
        return await self._with_more(node, first, outcomes, silent)

    async def _with_more(
        self, node: Node, first: Outcome, outcomes: Sequence[Outcome], silent: Collection[str]
    ) -> Outcome:
        """Return *first* merged with *outcomes*, and a note that counts the additions."""
        good = [each for each in outcomes if each.answer is not None]
        failed = ", ".join(dict.fromkeys(o.kind or o.status for o in outcomes if o.answer is None))
        joined = first
        try:
            if good:
                joined = await self.asker.validator.joined(node, [first, *good], silent)
        except AnswerError as error:  # such as a matrix that the additions would leave incomplete
            failed = error.kind
        assert first.answer is not None
        assert joined.answer is not None
        counts = additions(first.answer, joined.answer)
        note = {"segments": len(silent), "calls": len(outcomes), "found": counts, "failed": failed}
        log.info(
            "coverage.asked_again",
            analyzer=node.name,
            segments=len(silent),
            found=sum(counts.values()),
            failed=failed or None,
        )
        again = all(each.reused == first.reused for each in outcomes)
        return replace(
            first,
            answer=joined.answer,
            grounding=joined.grounding,
            reused=first.reused if again else None,
            notes=merge_notes(first.notes, joined.notes, note),
        )

    def _material(self, chunk: Chunk | None) -> str:
        if chunk not in self._materials:
            self._materials[chunk] = self.job.transcript_material(chunk)
        return self._materials[chunk]
