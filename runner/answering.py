"""How one node gets its answer: what it reads, whom it asks, in how many parts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import structlog

from runner.analyzer import Material
from runner.ask import Conversation
from runner.chunks import Chunk
from runner.client import CallLog, Client
from runner.contexts import Contexts
from runner.errors import AnswerError, CallError, NotRunError
from runner.graph import Node
from runner.grounding import Grounder
from runner.invented import invented_quotes, told, without_invented
from runner.job import Job, wrap
from runner.keys import request_key
from runner.known import Known
from runner.models import Model
from runner.offload import compute
from runner.outcome import Outcome, failed, missing_of, read_reply
from runner.parts import joined, lost_parts, owner_of, part_node
from runner.prime import Primer
from runner.priming import prefix_of, primed_stages
from runner.recorder import Recorder
from runner.schedule import gather_all, make_slots, ranks
from runner.transport import Completion, Request
from runner.windows import Fit

TRIM = 0.8  # of its budget is a context cut to, once, when a model finds it too long
# Faults that another model would have too, or that end the run.
_COMMON = frozenset(
    {"budget", "interrupted", "output", "internal", "context_empty", "upstream", "strict"}
)

log = structlog.get_logger("colloquy.run")


@dataclass(frozen=True, slots=True)
class _Turn:
    """One node asked of one model; *last* says that there is no other to ask."""

    node: Node
    model: Model
    calls: CallLog
    fit: Fit
    last: bool


class Answering:
    """Answers nodes through *clients*, by model name; *expected_s* is by node name."""

    def __init__(
        self,
        job: Job,
        clients: Mapping[str, Client],
        known: Known,
        contexts: Contexts,
        recorder: Recorder,
        expected_s: Mapping[str, float],
    ) -> None:
        self.job = job
        self._clients = clients
        self._known = known
        self._contexts = contexts
        self._recorder = recorder
        self._expected_s = expected_s
        processing = job.settings.processing
        self._slots = make_slots(job.pipeline, processing.max_concurrent, processing.mode)
        self._ranks = ranks(job.pipeline, expected_s, processing.mode)
        self._primer = Primer()
        self._primed = primed_stages(job)
        self._materials: dict[Chunk | None, str] = {}
        self._grounder: asyncio.Task[Grounder] | None = None

    async def answer(self, node: Node, upstream: Mapping[str, Outcome], calls: CallLog) -> Outcome:
        """Return *node*'s outcome; raise CallError where it has no more to tell than that."""
        if (nothing := self._not_due(node, upstream)) is not None:
            return nothing
        *firsts, last = self.job.chain(node)
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
        turn = _Turn(node, last, calls, self.job.fit(node, last), last=True)
        return await self._read(turn, upstream)

    async def _try(
        self, node: Node, model: Model, upstream: Mapping[str, Outcome], calls: CallLog
    ) -> Outcome:
        """Ask a model that others stand behind: its failure is no more than an outcome."""
        turn = _Turn(node, model, calls, self.job.fit(node, model), last=False)
        try:
            return await self._read(turn, upstream)
        except NotRunError as error:
            if error.kind in _COMMON:
                raise
            return failed(error)
        except CallError as error:
            return failed(error)

    def _not_due(self, node: Node, upstream: Mapping[str, Outcome]) -> Outcome | None:
        """Return the outcome of a node that is not to be called, None where it is."""
        ended = next((o for o in upstream.values() if o.status == "not_run"), None)
        if ended is not None:
            return Outcome("not_run", kind=ended.kind, error=ended.error)
        reasons = ", ".join(f"{n} ({why})" for n, why in missing_of(upstream).items())
        lost = upstream and all(outcome.answer is None for outcome in upstream.values())
        if lost and not node.transcript:
            return Outcome("skipped", kind="upstream", error=f"nothing to read: {reasons}")
        if reasons and self.job.settings.stages[node.stage].strict:
            return Outcome("skipped", kind="strict", error=f"incomplete without {reasons}")
        return None

    async def _read(self, turn: _Turn, upstream: Mapping[str, Outcome]) -> Outcome:
        missing = missing_of(upstream)
        lost = bool(upstream) and len(missing) == len(upstream)
        if turn.node.context is None or lost:
            return await self._read_with(turn, "")
        budget = turn.fit.context
        first = await self._read_with(turn, await self._context(turn, missing, budget))
        if first.kind != "context_exceeded" or first.reused or first.notes:
            return first
        log.warning("context.trimmed", analyzer=turn.node.name, factor=TRIM, error=first.error)
        smaller = await self._context(turn, missing, int(budget * TRIM))
        second = await self._read_with(turn, smaller)
        return replace(second, key=first.key)  # by which it is looked for when taken up again

    async def _context(self, turn: _Turn, missing: Mapping[str, str], budget: int) -> str:
        node = turn.node
        assert node.context is not None
        fitting = node.context.model_copy(update={"token_budget": budget})
        reduced = await self._contexts.context(replace(node, context=fitting), missing)
        if not reduced.text:
            raise CallError("context_empty", f"no finding fits into {budget} tokens")
        return wrap("context", reduced.text)

    async def _read_with(self, turn: _Turn, context: str) -> Outcome:
        """Read the transcript, whole or in parts, and *context*."""
        chunks = turn.fit.chunks
        if len(chunks) > 1:
            return await self._read_parts(turn, chunks, context)
        text = self._material(None) if turn.node.transcript else ""
        return await self._ask(turn, text + context)

    async def _read_parts(self, turn: _Turn, chunks: tuple[Chunk, ...], context: str) -> Outcome:
        """Ask the question of every part, then once more of what the parts gave."""
        outcomes = await gather_all(self._read_part(turn, chunk, context) for chunk in chunks)
        lost = lost_parts(outcomes)
        if len(lost) == len(outcomes):
            return replace(outcomes[0], missing=lost)
        chars = sum(len(outcome.raw_output or "") for outcome in outcomes)
        count = turn.model.tokenizer.count
        material, reduced, settings = await compute(
            chars, joined, self.job, turn.node, turn.fit, count, outcomes
        )
        name = f"{turn.node.stage}.{turn.node.name}.parts"
        self._recorder.keep_context(name, reduced, settings)
        outcome = await self._ask(turn, material + context)
        return replace(outcome, missing=lost, notes={**outcome.notes, "parts": len(chunks)})

    async def _read_part(self, turn: _Turn, chunk: Chunk, context: str) -> Outcome:
        node = part_node(turn.node, chunk.number)
        part = replace(turn, node=node, calls=self._recorder.call_log(node))
        try:
            outcome = await self._ask(part, self._material(chunk) + context)
        except NotRunError:
            raise
        except CallError as error:
            outcome = failed(error)
        finally:
            turn.calls.absorb(part.calls)
        self._recorder.part_ended(node, outcome, part.calls)
        return outcome

    def _material(self, chunk: Chunk | None) -> str:
        if chunk not in self._materials:
            self._materials[chunk] = self.job.transcript_material(chunk)
        return self._materials[chunk]

    async def _ask(self, turn: _Turn, text: str) -> Outcome:
        """Return the answer on *text*: an earlier one to the same call, or a new one."""
        node, model = turn.node, turn.model
        request = self._request(turn, text)
        key = request_key(request, model.settings, self.job.settings.repeat)
        validate = partial(self._validate, await self._ready_grounder())
        if self._known:
            known = await asyncio.to_thread(self._known.find, node, key, validate)
            if known is not None:
                return replace(known, model=model.settings.name)
        talk = Conversation(
            self.job.analyzers[request.node], request, model.facts.max_output_tokens
        )

        async def call(asked: Request) -> Completion:
            return await self._call(turn, asked)

        ungrounded: list[tuple[Outcome, Completion]] = []

        async def read(said: Completion) -> tuple[Outcome, Completion]:
            outcome = await compute(len(said.text), validate, node, said)
            if self.job.settings.grounding.require == "ask" and not ungrounded:
                invented = invented_quotes(outcome.answer or {})
                if invented:
                    ungrounded.append((outcome, said))
                    raise AnswerError("ungrounded", told(invented), text=said.text)
            return outcome, said

        try:
            outcome, reply = await talk.answer(call, read)
        except NotRunError:
            raise
        except CallError as error:
            if not ungrounded:
                return replace(failed(error, key, talk.notes()), model=model.settings.name)
            outcome, reply = ungrounded[0]  # better than none: its quotes are marked
        if self._known:
            await asyncio.to_thread(self._known.keep, key, model.settings.name, reply)
        notes = {**outcome.notes, **talk.notes()}
        return replace(outcome, key=key, model=model.settings.name, notes=notes)

    async def _call(self, turn: _Turn, asked: Request) -> Completion:
        """Make one call of the conversation, after the one that warms its prefix."""
        name = asked.node
        slots, rank = self._slots[turn.node.stage], self._ranks[name]
        client, patient = self._clients[turn.model.name], turn.last
        if (turn.node.stage, turn.model.name) not in self._primed:
            return await client.complete(asked, slots, turn.calls, rank, patient=patient)
        prefix = prefix_of(turn.model, asked)
        async with self._primer.turn(prefix, self._expected_s[name]):
            return await client.complete(asked, slots, turn.calls, rank, patient=patient)

    def _request(self, turn: _Turn, text: str) -> Request:
        """Return the request of *turn* with *text* as its material."""
        job, model, name = self.job, turn.model, owner_of(turn.node)
        analyzer, settings = job.analyzers[name], job.settings.analyzers[name]
        material = Material(text, job.variables[name])
        return Request(
            node=name,
            messages=analyzer.messages(material, with_schema=model.schema_in_prompt),
            max_tokens=turn.fit.reply,
            temperature=model.temperature(settings, job.settings.model),
            schema=analyzer.schema if model.schema_beside else None,
            cache=model.facts.cache_marks and (turn.node.stage, model.name) in self._primed,
        )

    def _validate(self, grounder: Grounder, node: Node, reply: Completion) -> Outcome:
        limit = self.job.settings.output.max_insights_per_analyzer
        outcome = read_reply(self.job.analyzers[owner_of(node)], reply, limit)
        answer, counts = grounder.ground(outcome.answer or {})
        if self.job.settings.grounding.require == "drop":
            answer = without_invented(answer)
        return replace(outcome, answer=answer, grounding=counts)

    async def _ready_grounder(self) -> Grounder:
        """Return what checks quotes; it is made once, off the event loop where that takes long."""
        if self._grounder is None:
            segments, near = self.job.transcript.segments, self.job.settings.grounding.near_score
            chars = 10 * sum(len(segment.text) for segment in segments)  # an index costs more
            self._grounder = asyncio.create_task(compute(chars, Grounder, segments, near))
        return await asyncio.shield(self._grounder)
