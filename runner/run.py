"""Execute one run: every node called, every outcome recorded, whatever fails."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Coroutine, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import structlog

from runner.analyzer import Analyzer, Material
from runner.bench import NodeTiming, benchmark, totals
from runner.client import CallLog, Client
from runner.context import Item, Reduced, answer_items, reduce_context
from runner.errors import AnswerError, CallError, one_line
from runner.graph import Node, Stage
from runner.history import expected_durations, read_history, write_history
from runner.job import Job, wrap
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
from runner.transport import Completion, Request

log = structlog.get_logger("colloquy.run")

INLINE_CHARS = 50_000  # a shorter reply is read in about a millisecond, a thread costs more


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
        self._items: dict[str, asyncio.Task[tuple[Item, ...]]] = {}
        self._contexts: dict[tuple[Any, ...], asyncio.Task[Reduced]] = {}
        self._writes: list[asyncio.Task[None]] = []
        self._transcript = job.transcript_material()
        self._versions = versions()
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
        except BaseException as error:
            ended = "interrupted" if isinstance(error, asyncio.CancelledError) else "failed"
            await asyncio.shield(self._write_metadata(ended))
            raise
        return await self._finish(outcomes, self._elapsed())

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
        latency = {
            name: self._timings[name].calls.latency_s
            for name, outcome in outcomes.items()
            if outcome.status == "ok"
        }
        await asyncio.to_thread(write_history, self._history, job.settings.model.name, latency)
        if status == "completed":
            await self.directory.complete()
        log.info("run.finished", status=status, **_headline(measured["run"]))
        return RunResult(status, exit_code, outcomes, measured)

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
                self._prepare_items(node, outcome.answer)
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
            reduced = await self._context(node, upstream)
            if not reduced.text:
                budget = node.context.token_budget
                raise CallError("context_empty", f"no finding fits into {budget} tokens")
            text = wrap("context", reduced.text)
        return await self._ask(node, Material(text, self.job.variables(node)), calls)

    async def _ask(self, node: Node, material: Material, calls: CallLog) -> Outcome:
        analyzer = self.job.analyzers[node.name]
        settings = self.job.settings.analyzers[node.name]
        stated = self.job.with_schema_text
        request = Request(
            node=node.name,
            messages=analyzer.messages(material, with_schema=stated),
            max_tokens=settings.max_tokens,
            temperature=settings.temperature,
            schema=None if stated else analyzer.schema,
        )
        completion = await self.client.complete(
            request, self._slots[node.stage], calls, self._ranks[node.name]
        )
        check_complete(completion)
        if len(completion.text) < INLINE_CHARS:
            return self._read(node, completion)
        return await asyncio.to_thread(self._read, node, completion)

    def _read(self, node: Node, completion: Completion) -> Outcome:
        """Turn a reply into an outcome: validated, with no more insights than were asked for."""
        answer, repaired = self.job.analyzers[node.name].read(completion.text)
        stored = answer.model_dump(mode="json")
        limit = self.job.settings.output.max_insights_per_analyzer
        notes = {
            "json_repaired": repaired,
            "insights_dropped": max(0, len(stored["insights"]) - limit),
            "finish_reason": completion.finish_reason,
        }
        stored["insights"] = stored["insights"][:limit]
        return Outcome("ok", answer=stored, raw_output=completion.text, notes=notes)

    def _prepare_items(self, node: Node, answer: Mapping[str, Any]) -> None:
        """Cut an answer into items while other calls are still out, if a context will want them."""
        if any(other.context and node.name in other.needs for other in self.job.pipeline.nodes):
            count = self.job.tokenizer.count
            cut = asyncio.to_thread(answer_items, node.name, answer, count)
            self._items[node.name] = asyncio.create_task(cut)

    async def _context(self, node: Node, upstream: Mapping[str, Outcome]) -> Reduced:
        """Return the node's context; nodes with the same needs and settings share one."""
        assert node.context is not None
        key = (node.stage, node.needs, node.context.model_dump_json())
        if key not in self._contexts:
            self._contexts[key] = asyncio.create_task(self._reduce(node, upstream))
        return await self._contexts[key]

    async def _reduce(self, node: Node, upstream: Mapping[str, Outcome]) -> Reduced:
        assert node.context is not None
        stages = dict.fromkeys(self._stage_of(name).name for name in node.needs)
        reduced = await asyncio.to_thread(
            reduce_context,
            f"Findings of {', '.join(stages)}",
            {n: await self._items[n] for n, outcome in upstream.items() if outcome.answer},
            missing_of(upstream),
            node.context,
            self.job.tokenizer.count,
            self.job.transcript.segments,
        )
        shared = node.context == self.job.settings.stages[node.stage].context
        name = node.stage if shared and self._needs_all(node) else f"{node.stage}.{node.name}"
        self._write(self.directory.write_context(name, reduced, node.context))
        log.info(
            "context.reduced",
            context=name,
            tokens=reduced.tokens,
            token_budget=node.context.token_budget,
            items_kept=len(reduced.kept),
            items_dropped=len(reduced.dropped),
        )
        return reduced

    async def _commit(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        analyzer = self.job.analyzers[node.name]
        record = node_record(
            node,
            outcome,
            calls,
            model=self.job.settings.model.name,
            prompt_sha256=analyzer.prompt_digest,
        )
        page = await asyncio.to_thread(_page, analyzer, node, outcome)
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
        stage = self._stage_of(node.name)
        first = all(self._statuses[member.name] == "pending" for member in stage.nodes)
        self._statuses[node.name] = "running"
        if first:
            log.info("stage.started", stage=stage.name, analyzers=len(stage.nodes))
            self._write(self._write_metadata("running"))

    def _note_stage_end(self, node: Node) -> None:
        stage = self._stage_of(node.name)
        if all(member.name in self._timings for member in stage.nodes):
            log.info("stage.finished", stage=stage.name, elapsed_s=round(self._elapsed(), 3))
            self._write(self._write_metadata("running"))

    async def _write_metadata(self, status: str, exit_code: int | None = None) -> None:
        job = self.job
        stages = {
            stage.name: {
                "needs": list(stage.needs),
                "analyzers": {n.name: self._statuses[n.name] for n in stage.nodes},
            }
            for stage in job.pipeline.stages
        }
        await self.directory.write_metadata(
            {
                "status": status,
                "exit_code": exit_code,
                "started_at": self._started_at,
                "updated_at": now_iso(),
                "transcript": {
                    "name": job.transcript.name,
                    "format": job.transcript.format,
                    "sha256": job.transcript.sha256,
                    "segments": len(job.transcript.segments),
                },
                "model": job.settings.model.name,
                "tokenizer": asdict(job.tokenizer),
                "config_digest": job.config_digest,
                "versions": dict(self._versions),
                "stages": stages,
                "totals": totals([timing.calls for timing in self._timings.values()]),
            }
        )

    def _log_outcome(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        facts = {"analyzer": node.name, "latency_s": round(calls.latency_s, 3)}
        if outcome.answer is not None:
            log.info("node.finished", insights=len(outcome.answer["insights"]), **facts)
        elif outcome.status == "skipped":
            log.warning("node.skipped", reason=outcome.error, **facts)
        else:
            log.error("node.failed", kind=outcome.kind, error=outcome.error, **facts)

    def _stage_of(self, node: str) -> Stage:
        stages = self.job.pipeline.stages
        return next(s for s in stages if any(member.name == node for member in s.nodes))

    def _needs_all(self, node: Node) -> bool:
        needed = self._stage_of(node.name).needs
        every = [n.name for s in self.job.pipeline.stages if s.name in needed for n in s.nodes]
        return set(node.needs) == set(every)

    def _elapsed(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    @property
    def _history(self) -> Any:
        return self.job.root / "history.json"


@lru_cache
def versions() -> Mapping[str, str]:
    """Return the versions that a reader of the run may ask for; reading them takes 10 ms."""
    names = ("colloquy", "litellm", "hydra-core", "pydantic", "tiktoken")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def _page(analyzer: Analyzer, node: Node, outcome: Outcome) -> str:
    """Render the node's page; a fault in rendering must not lose an answer that was paid for."""
    if outcome.answer is None:
        return outcome_page(node, outcome, "")
    try:
        body = analyzer.markdown(outcome.answer)
    except Exception:
        log.exception("page.failed", analyzer=node.name)
        body = f"# {node.name}\n\nThis answer could not be shown; it is in {node.name}.json.\n"
    return outcome_page(node, outcome, body)


def _headline(run: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("succeeded", "total", "prompt_tokens", "completion_tokens", "cost_usd")
    figures = {key: run[key] for key in keys}
    speed_up = run["speed_up"] and round(run["speed_up"], 2)  # None when no time passed
    return {**figures, "wall_s": round(run["wall_s"], 3), "speed_up": speed_up}
