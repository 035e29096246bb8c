"""Execute one run: every node called, every outcome recorded, whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from runner.analyzer import Material
from runner.ask import Conversation
from runner.bench import benchmark, headline
from runner.client import CallLog, Client
from runner.contexts import Contexts
from runner.errors import CallError, NotRunError, one_line
from runner.graph import Node
from runner.history import expected_durations, read_history, write_history
from runner.job import Job, wrap
from runner.keys import request_key
from runner.known import Known
from runner.offload import compute
from runner.outcome import Outcome, failed, missing_of, read_reply, verdict
from runner.record import RunDirectory
from runner.recorder import Recorder
from runner.schedule import make_slots, ranks, run_graph
from runner.transport import Completion, Request

TRIM = 0.8  # of its budget is a context cut to, once, when a model finds it too long

log = structlog.get_logger("colloquy.run")


@dataclass(frozen=True, slots=True)
class RunResult:
    """Outcomes by node name, the exit code they amount to, and benchmark.json's content."""

    status: str
    exit_code: int
    outcomes: Mapping[str, Outcome]
    benchmark: Mapping[str, Any]


class Run:
    """One execution of a job through *client* into *directory*; use it once.

    *known* holds the answers that need not be asked for again.
    """

    def __init__(
        self,
        job: Job,
        client: Client,
        directory: RunDirectory,
        known: Known | None = None,
    ) -> None:
        self.job = job
        self.client = client
        self.directory = directory
        self.known = known or Known()
        processing = job.settings.processing
        model = job.settings.model.name
        limits = {name: s.max_tokens for name, s in job.settings.analyzers.items()}
        expected = expected_durations(read_history(self._history, model), limits)
        self._slots = make_slots(job.pipeline, processing.max_concurrent, processing.mode)
        self._ranks = ranks(job.pipeline, expected, processing.mode)
        self._recorder = Recorder(job, directory)
        self._contexts = Contexts(job, self._recorder.keep_context)
        self._transcript = job.transcript_material()

    async def execute(self) -> RunResult:
        """Run the pipeline to its end; raise only on a bug, a full disk or cancellation."""
        recorder = self._recorder
        recorder.begin()
        try:
            outcomes = await run_graph(self.job.pipeline, self._work)
            return await self._finish(outcomes, recorder.elapsed_s())
        except BaseException as error:
            # What has arrived is paid for: it reaches the disk before anything else happens.
            await recorder.break_off(error)
            raise

    async def _finish(self, outcomes: Mapping[str, Outcome], wall_s: float) -> RunResult:
        job, recorder = self.job, self._recorder
        await recorder.settle()
        status, exit_code = verdict(outcomes)
        measured = await asyncio.to_thread(
            benchmark,
            job.pipeline,
            recorder.timings,
            wall_s=wall_s,
            max_concurrent=job.settings.processing.max_concurrent,
            mode=job.settings.processing.mode,
            model=job.settings.model.name,
        )
        await self.directory.write_benchmark(measured)
        await recorder.write_metadata(status, exit_code)
        await self.directory.journal.commit("run.finished", status=status, exit_code=exit_code)
        if status == "completed":
            await self.directory.complete()
        await self._remember(outcomes)
        log.info("run.finished", status=status, **headline(measured["run"]))
        return RunResult(status, exit_code, outcomes, measured)

    async def _remember(self, outcomes: Mapping[str, Outcome]) -> None:
        """Keep latencies for the next run; losing them costs it a little speed only."""
        latency = {
            name: self._recorder.timings[name].calls.latency_s
            for name, outcome in outcomes.items()
            if outcome.status == "ok" and not outcome.reused
        }
        model = self.job.settings.model.name
        try:
            await asyncio.to_thread(write_history, self._history, model, latency)
        except OSError as error:
            log.warning("history.failed", error=str(error))

    async def _work(self, node: Node, upstream: Mapping[str, Outcome]) -> Outcome:
        """Answer one node; its failure is its outcome, never an exception."""
        recorder = self._recorder
        ready, calls = recorder.elapsed_s(), recorder.call_log(node)
        recorder.node_started(node)
        with structlog.contextvars.bound_contextvars(stage=node.stage):
            log.info("node.started", analyzer=node.name)
            try:
                outcome = await self._answer(node, upstream, calls)
            except NotRunError as error:
                outcome = Outcome("not_run", kind=error.kind, error=str(error))
            except CallError as error:
                outcome = failed(error)
            except OSError:
                raise  # the disk, not the node: the run cannot go on
            except Exception as error:  # one node's bug must not stop its siblings
                log.exception("node.crashed", analyzer=node.name)
                message = one_line(f"{type(error).__name__}: {error}")
                outcome = Outcome("error", kind="internal", error=message)
            outcome = replace(outcome, missing=missing_of(upstream))
            if outcome.answer is not None:
                chars = len(outcome.raw_output or "")
                self._contexts.prepare(node, outcome.answer, chars)
            recorder.node_ended(node, outcome, calls, ready)
        return outcome

    async def _answer(self, node: Node, upstream: Mapping[str, Outcome], calls: CallLog) -> Outcome:
        if (nothing := self._not_due(node, upstream)) is not None:
            return nothing
        if node.context is None:
            return await self._ask(node, self._transcript, calls)
        missing = missing_of(upstream)
        first = await self._ask(node, await self._context(node, missing), calls)
        if first.kind != "context_exceeded" or first.reused or first.notes:
            return first
        log.warning("context.trimmed", analyzer=node.name, factor=TRIM, error=first.error)
        budget = int(node.context.token_budget * TRIM)
        smaller = node.context.model_copy(update={"token_budget": budget})
        node = replace(node, context=smaller)
        second = await self._ask(node, await self._context(node, missing), calls)
        return replace(second, key=first.key)  # by which it is looked for when taken up again

    def _not_due(self, node: Node, upstream: Mapping[str, Outcome]) -> Outcome | None:
        """Return the outcome of a node that is not to be called, None where it is."""
        ended = next((o for o in upstream.values() if o.status == "not_run"), None)
        if ended is not None:
            return Outcome("not_run", kind=ended.kind, error=ended.error)
        reasons = ", ".join(f"{n} ({why})" for n, why in missing_of(upstream).items())
        if upstream and all(outcome.answer is None for outcome in upstream.values()):
            return Outcome("skipped", kind="upstream", error=f"nothing to read: {reasons}")
        if reasons and self.job.settings.stages[node.stage].strict:
            return Outcome("skipped", kind="strict", error=f"incomplete without {reasons}")
        return None

    async def _context(self, node: Node, missing: Mapping[str, str]) -> str:
        assert node.context is not None
        reduced = await self._contexts.context(node, missing)
        if not reduced.text:
            budget = node.context.token_budget
            raise CallError("context_empty", f"no finding fits into {budget} tokens")
        return wrap("context", reduced.text)

    async def _ask(self, node: Node, text: str, calls: CallLog) -> Outcome:
        """Return *node*'s answer on *text*: an earlier one to the same call, or a new one."""
        settings, analyzer = self.job.settings, self.job.analyzers[node.name]
        request = self._request(node, text)
        key = request_key(request, settings.model, settings.repeat)
        if self.known:
            known = await asyncio.to_thread(self.known.find, node, key, self._read)
            if known is not None:
                return known
        talk = Conversation(analyzer, request, self.job.facts.max_output_tokens)

        async def call(asked: Request) -> Completion:
            slots, rank = self._slots[node.stage], self._ranks[node.name]
            return await self.client.complete(asked, slots, calls, rank)

        async def read(said: Completion) -> tuple[Outcome, Completion]:
            return await compute(len(said.text), self._read, node, said), said

        try:
            outcome, reply = await talk.answer(call, read)
        except NotRunError:
            raise
        except CallError as error:
            return failed(error, key, talk.notes())
        if self.known:
            await asyncio.to_thread(self.known.keep, key, settings.model.name, reply)
        return replace(outcome, key=key, notes={**outcome.notes, **talk.notes()})

    def _request(self, node: Node, text: str) -> Request:
        analyzer, settings = self.job.analyzers[node.name], self.job.settings.analyzers[node.name]
        material = Material(text, self.job.variables(node))
        return Request(
            node=node.name,
            messages=analyzer.messages(material, with_schema=self.job.schema_in_prompt),
            max_tokens=settings.max_tokens,
            temperature=settings.temperature,
            schema=analyzer.schema if self.job.schema_beside else None,
        )

    def _read(self, node: Node, reply: Completion) -> Outcome:
        limit = self.job.settings.output.max_insights_per_analyzer
        return read_reply(self.job.analyzers[node.name], reply, limit)

    @property
    def _history(self) -> Any:
        return self.job.root / "history.json"
