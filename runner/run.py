"""Execute one run: every node called, every outcome recorded, whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from runner.answering import Answering
from runner.bench import benchmark, headline
from runner.client import Client
from runner.contexts import Contexts
from runner.errors import CallError, NotRunError, one_line
from runner.graph import Node
from runner.history import Seen, expected_durations, write_history
from runner.job import Job
from runner.known import Known
from runner.outcome import Outcome, failed, grounding_of, missing_of, verdict
from runner.plan import NodePlan, Plan, compare, make_plan, read_histories
from runner.priming import saved_usd
from runner.record import RunDirectory
from runner.recorder import Recorder
from runner.schedule import run_graph

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
    """One execution of a job through *clients* (by model name) into *directory*; use it once.

    *known* holds the answers that need not be asked for again.
    """

    def __init__(
        self,
        job: Job,
        clients: Mapping[str, Client],
        directory: RunDirectory,
        known: Known | None = None,
    ) -> None:
        self.job = job
        self.directory = directory
        self._recorder = Recorder(job, directory)
        self._contexts = Contexts(job, self._recorder.keep_context)
        self._histories = read_histories(job)
        limits = {name: s.max_tokens for name, s in job.settings.analyzers.items()}
        expected = expected_durations(self._histories[job.main.settings.name], limits)
        self._answers = Answering(
            job, clients, known or Known(), self._contexts, self._recorder, expected
        )

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
        grounding = grounding_of(outcomes)
        recorder.grounding = grounding["total"]
        measured = await asyncio.to_thread(
            benchmark,
            job.pipeline,
            recorder.timings,
            wall_s=wall_s,
            max_concurrent=job.settings.processing.max_concurrent,
            mode=job.settings.processing.mode,
            model=job.main.settings.name,
        )
        measured["run"]["cache_saving_usd"] = saved_usd(job, self._cached(outcomes))
        measured["run"]["grounding_rate"] = grounding["total"]["rate"]
        for name, figures in grounding["analyzers"].items():
            measured["analyzers"][name]["grounding_rate"] = figures["rate"]
        plan = await asyncio.to_thread(make_plan, job, self._histories)  # no call waited for it
        if not measured["run"]["reused"]:
            measured["plan"] = compare(plan, measured["run"])
        await self.directory.write_benchmark(measured)
        insights = await asyncio.to_thread(recorder.pages.insights, outcomes)
        await self.directory.write_pages({**insights, "grounding.json": grounding})
        await recorder.write_metadata(status, exit_code)
        await self.directory.journal.commit("run.finished", status=status, exit_code=exit_code)
        if status == "completed":
            await self.directory.complete()
        await self._remember(outcomes, plan)
        log.info("run.finished", status=status, **headline(measured["run"]))
        return RunResult(status, exit_code, outcomes, measured)

    async def _remember(self, outcomes: Mapping[str, Outcome], plan: Plan) -> None:
        """Keep what calls took for the next run; losing it costs a little speed only."""
        for model in self.job.models.values():
            name = model.settings.name
            seen = {
                node: self._seen(node, plan.nodes[node])
                for node, outcome in outcomes.items()
                if outcome.status == "ok"
                and outcome.model == name
                and self._is_new(node, outcome, plan.nodes[node])
            }
            try:
                await asyncio.to_thread(write_history, self.job.history, name, seen)
            except OSError as error:
                log.warning("history.failed", error=str(error))

    def _cached(self, outcomes: Mapping[str, Outcome]) -> dict[str, int]:
        """Return the tokens read from prompt caches, by model."""
        cached: dict[str, int] = {}
        for name, outcome in outcomes.items():
            tokens = self._recorder.timings[name].calls.usage.cached_tokens
            cached[outcome.model or ""] = cached.get(outcome.model or "", 0) + tokens
        return cached

    def _is_new(self, node: str, outcome: Outcome, planned: NodePlan) -> bool:
        """Return whether all calls that the plan had for *node* were made, and by its model."""
        calls = self._recorder.timings[node].calls
        replies = sum(attempt.outcome == "ok" for attempt in calls.attempts)
        return not outcome.reused and replies >= planned.calls and outcome.model == planned.model

    def _seen(self, node: str, plan: NodePlan) -> Seen:
        timing = self._recorder.timings[node]
        calls, usage = plan.calls, timing.calls.usage
        return Seen(
            latency_s=round(timing.duration.sum_s / calls, 4),
            reply_tokens=round(usage.completion_tokens / calls, 1),
            prompt_ratio=round(usage.prompt_tokens / plan.planned_tokens, 4),
        )

    async def _work(self, node: Node, upstream: Mapping[str, Outcome]) -> Outcome:
        """Answer one node; its failure is its outcome, never an exception."""
        recorder = self._recorder
        ready, calls = recorder.elapsed_s(), recorder.call_log(node)
        recorder.node_started(node)
        with structlog.contextvars.bound_contextvars(stage=node.stage):
            log.info("node.started", analyzer=node.name)
            try:
                recorder.check()
                outcome = await self._answers.answer(node, upstream, calls)
            except NotRunError as error:
                outcome = Outcome("not_run", kind=error.kind, error=str(error))
            except CallError as error:
                outcome = failed(error)
            except (Exception, SystemExit) as error:  # one node's bug must not stop its siblings
                log.exception("node.crashed", analyzer=node.name)
                message = one_line(f"{type(error).__name__}: {error}")
                outcome = Outcome("error", kind="internal", error=message)
            outcome = replace(outcome, missing={**missing_of(upstream), **outcome.missing})
            if outcome.answer is not None:
                chars = len(outcome.raw_output or "")
                self._contexts.prepare(node, outcome.answer, chars)
            recorder.node_ended(node, outcome, calls, ready)
        return outcome
