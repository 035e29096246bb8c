"""Execute one run: every node called, every outcome recorded, whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import orjson
import structlog

from runner.analyzer import Analyzer, Material
from runner.bench import NodeTiming, benchmark, headline, totals
from runner.client import CallLog, Client
from runner.context import Reduced
from runner.contexts import Contexts
from runner.errors import AnswerError, CallError, one_line
from runner.graph import Node
from runner.history import expected_durations, read_history, write_history
from runner.job import Job, wrap
from runner.metadata import describe_run, versions
from runner.offload import compute
from runner.outcome import (
    Outcome,
    check_complete,
    missing_of,
    node_record,
    outcome_page,
    verdict,
)
from runner.record import RunDirectory, now_iso
from runner.schedule import make_slots, ranks, run_graph
from runner.settings import ContextSettings
from runner.transport import Completion, Request

log = structlog.get_logger("colloquy.run")


@dataclass(frozen=True, slots=True)
class RunResult:
    """Outcomes by node name, the exit code they amount to, and benchmark.json's content."""

    status: str
    exit_code: int
    outcomes: Mapping[str, Outcome]
    benchmark: Mapping[str, Any]


class Run:
    """One execution of a job through *client* into *directory*; use it once."""

    def __init__(self, job: Job, client: Client, directory: RunDirectory) -> None:
        self.job = job
        self.client = client
        self.directory = directory
        processing = job.settings.processing
        model = job.settings.model.name
        limits = {name: s.max_tokens for name, s in job.settings.analyzers.items()}
        expected = expected_durations(read_history(self._history, model), limits)
        self._slots = make_slots(job.pipeline, processing.max_concurrent, processing.mode)
        self._ranks = ranks(job.pipeline, expected, processing.mode)
        self._timings: dict[str, NodeTiming] = {}
        self._contexts = Contexts(job, self._keep_context)
        self._writes: list[asyncio.Task[None]] = []
        self._transcript = job.transcript_material()
        versions()  # read before the clock starts
        self._began = 0.0
        self._started_at = now_iso()
        self._statuses: dict[str, str] = {node.name: "pending" for node in job.pipeline.nodes}

    async def execute(self) -> RunResult:
        """Run the pipeline to its end; raise only on a bug, a full disk or cancellation."""
        job = self.job
        self._write(self.directory.journal("run.started", config_digest=job.config_digest))
        self._write(self.directory.write_transcript(job.transcript))
        log.info(
            "run.started",
            transcript=job.transcript.name,
            segments=len(job.transcript.segments),
            analyzers=len(job.pipeline.nodes),
            model=job.settings.model.name,
        )
        self._began = asyncio.get_running_loop().time()
        try:
            outcomes = await run_graph(job.pipeline, self._work)
            return await self._finish(outcomes, self._elapsed())
        except BaseException as error:
            # What has arrived is paid for: it reaches the disk before anything else happens.
            await asyncio.gather(*self._writes, return_exceptions=True)
            ended = "interrupted" if isinstance(error, asyncio.CancelledError) else "failed"
            with suppress(OSError):  # the disk may be what failed
                await asyncio.shield(self._write_metadata(ended))
            raise

    async def _finish(self, outcomes: Mapping[str, Outcome], wall_s: float) -> RunResult:
        job = self.job
        await asyncio.gather(*self._writes)
        status, exit_code = verdict(outcomes)
        measured = await asyncio.to_thread(
            benchmark,
            job.pipeline,
            self._timings,
            wall_s=wall_s,
            max_concurrent=job.settings.processing.max_concurrent,
            mode=job.settings.processing.mode,
            model=job.settings.model.name,
        )
        await self.directory.write_benchmark(measured)
        await self._write_metadata(status, exit_code)
        await self.directory.journal("run.finished", status=status, exit_code=exit_code)
        if status == "completed":
            await self.directory.complete()
        await self._remember(outcomes)
        log.info("run.finished", status=status, **headline(measured["run"]))
        return RunResult(status, exit_code, outcomes, measured)

    async def _remember(self, outcomes: Mapping[str, Outcome]) -> None:
        """Keep latencies for the next run; losing them costs it a little speed only."""
        latency = {
            name: self._timings[name].calls.latency_s
            for name, outcome in outcomes.items()
            if outcome.status == "ok"
        }
        model = self.job.settings.model.name
        try:
            await asyncio.to_thread(write_history, self._history, model, latency)
        except OSError as error:
            log.warning("history.failed", error=str(error))

    async def _work(self, node: Node, upstream: Mapping[str, Outcome]) -> Outcome:
        """Answer one node; its failure is its outcome, never an exception."""
        ready = self._elapsed()
        calls = CallLog()
        self._check_writes()
        self._note_stage(node)
        with structlog.contextvars.bound_contextvars(stage=node.stage):
            log.info("node.started", analyzer=node.name)
            try:
                outcome = await self._answer(node, upstream, calls)
            except CallError as error:
                raw = error.text if isinstance(error, AnswerError) else None
                outcome = Outcome("error", kind=error.kind, error=str(error), raw_output=raw)
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
            self._log_outcome(node, outcome, calls)
        self._statuses[node.name] = outcome.status
        self._timings[node.name] = NodeTiming(outcome.status, ready, self._elapsed(), calls)
        # Written at once, but what needs this answer does not wait for the disk.
        self._write(self._commit(node, outcome, calls))
        self._note_stage_end(node)
        return outcome

    async def _answer(self, node: Node, upstream: Mapping[str, Outcome], calls: CallLog) -> Outcome:
        if node.context is None:
            text = self._transcript
        elif all(outcome.answer is None for outcome in upstream.values()):
            reasons = ", ".join(f"{n} ({why})" for n, why in missing_of(upstream).items())
            return Outcome("skipped", kind="upstream", error=f"nothing to read: {reasons}")
        else:
            reduced = await self._contexts.context(node, missing_of(upstream))
            if not reduced.text:
                budget = node.context.token_budget
                raise CallError("context_empty", f"no finding fits into {budget} tokens")
            text = wrap("context", reduced.text)
        return await self._ask(node, Material(text, self.job.variables(node)), calls)

    async def _ask(self, node: Node, material: Material, calls: CallLog) -> Outcome:
        analyzer = self.job.analyzers[node.name]
        settings = self.job.settings.analyzers[node.name]
        request = Request(
            node=node.name,
            messages=analyzer.messages(material, with_schema=self.job.schema_in_prompt),
            max_tokens=settings.max_tokens,
            temperature=settings.temperature,
            schema=analyzer.schema if self.job.schema_beside else None,
        )
        completion = await self.client.complete(
            request, self._slots[node.stage], calls, self._ranks[node.name]
        )
        check_complete(completion)
        return await compute(len(completion.text), self._read, node, completion)

    def _read(self, node: Node, completion: Completion) -> Outcome:
        """Turn a reply into an outcome: validated, with no more insights than were asked for."""
        try:
            answer, repaired = self.job.analyzers[node.name].read(completion.text)
            stored = answer.model_dump(mode="json")
            orjson.dumps(stored)  # an integer of more than 64 bits could not be written
        except CallError:
            raise
        except Exception as error:  # a user's own shape may do anything
            message = f"{type(error).__name__}: {error}"
            raise AnswerError("invalid_output", message, text=completion.text) from error
        limit = self.job.settings.output.max_insights_per_analyzer
        notes = {
            "json_repaired": repaired,
            "insights_dropped": max(0, len(stored["insights"]) - limit),
            "finish_reason": completion.finish_reason,
        }
        stored["insights"] = stored["insights"][:limit]
        return Outcome("ok", answer=stored, raw_output=completion.text, notes=notes)

    def _keep_context(self, name: str, reduced: Reduced, settings: ContextSettings) -> None:
        self._write(self.directory.write_context(name, reduced, settings))
        log.info(
            "context.reduced",
            context=name,
            tokens=reduced.tokens,
            token_budget=settings.token_budget,
            items_kept=len(reduced.kept),
            items_dropped=len(reduced.dropped),
        )

    async def _commit(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        analyzer, model = self.job.analyzers[node.name], self.job.settings.model.name
        record = node_record(
            node,
            outcome,
            calls,
            model=model,
            prompt_sha256=analyzer.prompt_digest,
        )
        page = await asyncio.to_thread(_page, analyzer, node, outcome, model)
        await self.directory.write_node(node.stage, node.name, record, page)
        await self.directory.journal(
            "node.committed", analyzer=node.name, status=outcome.status, **totals([calls])
        )

    def _write(self, writing: Coroutine[Any, Any, None]) -> None:
        """Start a write that no call has to wait for; its failure stops the run."""
        self._writes.append(asyncio.create_task(writing))

    def _check_writes(self) -> None:
        """Raise the first failed write, so that nothing more is paid for and then lost."""
        for write in self._writes:
            if write.done() and (error := write.exception()) is not None:
                raise error

    def _note_stage(self, node: Node) -> None:
        """Record that a stage began, without making its first node wait for the disk."""
        stage = self.job.pipeline.stage_of(node)
        first = all(self._statuses[member.name] == "pending" for member in stage.nodes)
        self._statuses[node.name] = "running"
        if first:
            log.info("stage.started", stage=stage.name, analyzers=len(stage.nodes))
            self._write(self._write_metadata("running"))

    def _note_stage_end(self, node: Node) -> None:
        stage = self.job.pipeline.stage_of(node)
        if all(member.name in self._timings for member in stage.nodes):
            log.info("stage.finished", stage=stage.name, elapsed_s=round(self._elapsed(), 3))
            self._write(self._write_metadata("running"))

    async def _write_metadata(self, status: str, exit_code: int | None = None) -> None:
        calls = [timing.calls for timing in self._timings.values()]
        about = describe_run(self.job, self._statuses, calls)
        times = {"started_at": self._started_at, "updated_at": now_iso()}
        await self.directory.write_metadata(
            {"status": status, "exit_code": exit_code, **times, **about}
        )

    def _log_outcome(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        facts = {"analyzer": node.name, "latency_s": round(calls.latency_s, 3)}
        if outcome.answer is not None:
            log.info("node.finished", insights=len(outcome.answer["insights"]), **facts)
        elif outcome.status == "skipped":
            log.warning("node.skipped", reason=outcome.error, **facts)
        else:
            log.error("node.failed", kind=outcome.kind, error=outcome.error, **facts)

    def _elapsed(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    @property
    def _history(self) -> Any:
        return self.job.root / "history.json"


def _page(analyzer: Analyzer, node: Node, outcome: Outcome, model: str) -> str:
    """Render the node's page; a fault in rendering must not lose an answer that was paid for."""
    if outcome.answer is None:
        return outcome_page(node, outcome, "", model)
    try:
        body = analyzer.markdown(outcome.answer)
    except Exception:
        log.exception("page.failed", analyzer=node.name)
        body = f"# {node.name}\n\nThis answer could not be shown; it is in {node.name}.json.\n"
    return outcome_page(node, outcome, body, model)
