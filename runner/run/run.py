"""Run of one transcript: executes every node and records every outcome, even after failures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import structlog

from runner.answers.checks import CheckResult
from runner.answers.coverage import coverage_figures
from runner.answers.grounding.grounder import GroundingCounts
from runner.answers.outcome import (
    ANSWERED,
    Outcome,
    cut_answers,
    grounding_figures,
    missing_reasons,
    quotes_found,
    run_status,
)
from runner.base.errors import EXIT_PARTIAL, exit_code_of
from runner.base.format import plural
from runner.base.loop_lag import Lag
from runner.base.threads import offload
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.schedule import Place, run_graph
from runner.job.graph import Node
from runner.job.job import Job
from runner.job.prefix_policy import saved_usd
from runner.record.benchmark import benchmark, headline
from runner.record.history import Histories, expected_durations
from runner.record.recorder import Recorder
from runner.record.reuse import StoredAnswers
from runner.record.run_directory import RunDirectory
from runner.run.averages import remember_calls
from runner.run.nodes.ask import Asker
from runner.run.nodes.contexts import Contexts
from runner.run.nodes.escalation import EscalatingNodes
from runner.run.nodes.evaluation import check
from runner.run.nodes.fits import Fits
from runner.run.nodes.judging import Judging
from runner.run.plan.plan import compare, make_plan, read_histories
from runner.run.stop import Stop

log = structlog.get_logger("colloquy.run")


@dataclass(frozen=True, slots=True)
class RunResult:
    """Outcomes by node name, the run's exit code, and benchmark.json's content.

    *quotes* states how many quotes are in the transcript, None without any; *checked*: failed
    checks degrade it.
    """

    status: str
    exit_code: int
    outcomes: Mapping[str, Outcome]
    benchmark: Mapping[str, Any]
    quotes: str | None = None
    checked: bool = False

    @property
    def lacks(self) -> str | None:
        """Why it is degraded: absent quotes or failed checks; None if it is not."""
        failed = self.benchmark["run"].get("failed_checks") if self.checked else 0
        why = f"{plural(failed, 'check')} failed" if failed else f"only {self.quotes}"
        return why if self.status == "degraded" else None


@dataclass(frozen=True, slots=True)
class Member:
    """A run of a batch: its *place* in the queue, and `plan.read_histories`.

    Only a *sampled* one makes a plan and updates the history.
    """

    place: Place
    histories: Histories
    sampled: bool


@dataclass(eq=False)
class Run:
    """One execution of a job through *clients* (by model name) into *directory*; use it once.

    *stored* are the answers that may be reused, *lag* measures the event loop; *member* is None
    for a single run; *stop* the signals received; *before* are calls made for its first node.
    """

    job: Job
    clients: Mapping[str, Client]
    directory: RunDirectory
    stored: StoredAnswers | None = None
    lag: Lag | None = None
    member: Member | None = None
    stop: Stop = field(default_factory=Stop)
    before: CallLog | None = None

    def __post_init__(self) -> None:
        job, stored, member = self.job, self.stored or StoredAnswers(), self.member
        self._recorder = Recorder(job, self.directory, stored)
        self._contexts = Contexts(job, self._recorder.keep_context)
        self._histories = read_histories(job) if member is None else member.histories
        nodes = job.pipeline.nodes
        seen = {n.name: self._histories[job.chain(n)[0].settings.name].get(n.name) for n in nodes}
        limits = {n.name: job.settings.analyzers[n.name].max_tokens for n in nodes}
        averages = {name: each for name, each in seen.items() if each is not None}
        place = None if member is None else member.place
        expected = expected_durations(seen, limits)
        asker = Asker(job, self.clients, stored, expected, place, averages)
        self._judging = Judging(job, asker, self._recorder)
        self._previous = stored.previous
        self._fits = Fits(job, self.directory, stored.previous)
        self._nodes = EscalatingNodes(job, asker, self._contexts, self._recorder, self._fits)

    async def execute(self) -> RunResult:
        """Run the pipeline to its end; raise only on a bug, a full disk or cancellation."""
        recorder = self._recorder
        recorder.begin()
        try:
            if self._previous is not None:
                await offload(self._previous.keep_dropped, self.job.pipeline.nodes)
            await self._fits.begin()
            outcomes = await run_graph(self.job.pipeline, self._work)
            wall_s = recorder.elapsed_s()
            return await self._finish(outcomes, wall_s, await self._judging.results(outcomes))
        except BaseException as error:
            # Replies that have arrived are paid for: they reach the disk first.
            await recorder.break_off(error, self.stop.code_or(exit_code_of(error)))
            raise
        finally:
            self.directory.drop_drafts()

    async def _finish(
        self, outcomes: Mapping[str, Outcome], wall_s: float, judged: Sequence[CheckResult]
    ) -> RunResult:
        job, recorder = self.job, self._recorder
        await recorder.settle()
        status, exit_code = run_status(outcomes, job.settings.grounding.min_rate)
        grounding, coverage = grounding_figures(outcomes), await self._coverage(outcomes)
        recorder.grounding, recorder.cut = grounding["total"], cut_answers(outcomes)
        measured = await self._measure(outcomes, wall_s, grounding, coverage)
        checked = await check(job, outcomes, measured, coverage, judged, self._judging.figures)
        wrong = job.expected.body.fail and measured["run"].get("failed_checks")
        if degrades := bool(wrong and status == "completed"):
            status, exit_code = "degraded", EXIT_PARTIAL
        plan = None
        if self.member is None or self.member.sampled:
            plan = await offload(make_plan, job, self._histories)
        if plan is not None:
            most = {"max_tokens": "most_tokens", "max_cost_usd": "cost_high_usd"}
            measured["most"] = {cap: plan.total(figure) for cap, figure in most.items()}
            if not measured["run"]["reused"]:
                measured["plan"] = compare(plan, measured["run"])
        quality = {"grounding.json": grounding, "coverage.json": coverage}
        await self.directory.write_pages({"logs/benchmark.json": measured, **quality, **checked})
        await self.directory.write_pages(partial(recorder.pages.insights, outcomes))
        if self.member is None or status == "interrupted":  # now it is decided
            exit_code = self.stop.code_or(exit_code)
        await recorder.write_metadata(status, exit_code)
        await self.directory.flush()
        await self.directory.journal.commit("run.finished", status=status, exit_code=exit_code)
        if status in ANSWERED:
            await self.directory.complete()
        if plan is not None:
            await remember_calls(job, recorder.timings, outcomes, plan)
        counts = sum((o.grounding for o in outcomes.values() if o.grounding), GroundingCounts())
        quotes, run = quotes_found(counts), measured["run"]
        figures = headline(run, self._judging.calls.usage)
        shown = {"quotes": quotes, "coverage": run["coverage"], **figures}
        log.info("run.finished", status=status, **shown)
        return RunResult(status, exit_code, outcomes, measured, quotes, degrades)

    async def _measure(
        self,
        outcomes: Mapping[str, Outcome],
        wall_s: float,
        grounding: Mapping[str, Any],
        coverage: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return benchmark.json's content without the plan."""
        job = self.job
        lag, alone = None if self.lag is None else self.lag.figures(), self.member is None
        of = job, self._recorder.timings, wall_s, lag
        chars = None if alone else 0  # a member has no ideal to compute
        measured = await offload(benchmark, *of, alone=alone, chars=chars)
        cached = Counter[str]()  # tokens read from prompt caches, by model
        for name, outcome in outcomes.items():
            cached[outcome.model or ""] += self._recorder.timings[name].calls.usage.cached_tokens
        measured["run"]["cache_saving_usd"] = saved_usd(job, cached)
        measured["run"]["grounding_rate"] = grounding["total"]["rate"]
        for name, figures in grounding["analyzers"].items():
            measured["analyzers"][name]["grounding_rate"] = figures["rate"]
        measured["run"]["coverage"] = coverage["total"]["cited"]["token_rate"]
        for name, figures in coverage["analyzers"].items():
            measured["analyzers"][name]["coverage"] = figures["token_rate"]
        return measured

    async def _coverage(self, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
        answers = {name: o.answer for name, o in outcomes.items() if o.answer is not None}
        segments = self.job.transcript.segments
        of = segments, answers, self._recorder.used_segments, self.job.main.tokenizer.count
        chars = sum(len(each.text) for each in segments)
        figures = await offload(coverage_figures, *of, chars=chars)
        again = {n: o.notes["asked_again"] for n, o in outcomes.items() if "asked_again" in o.notes}
        return {**figures, "asked_again": again}

    async def _work(self, node: Node, upstream: Mapping[str, Outcome]) -> Outcome:
        """Answer one node; return a failure as its outcome, never as an exception."""
        recorder = self._recorder
        ready, calls = recorder.elapsed_s(), recorder.call_log(node)
        recorder.node_started(node)
        with structlog.contextvars.bound_contextvars(stage=node.stage):
            log.info("node.started", analyzer=node.name)
            outcome = await self._nodes.settled(node, upstream, calls)
            outcome = replace(outcome, missing={**missing_reasons(upstream), **outcome.missing})
            if outcome.answer is not None:
                self._contexts.prepare(node, outcome)
            if self.before is not None and node is self.job.pipeline.nodes[0]:
                calls.absorb(self.before)
            recorder.node_ended(node, outcome, calls, ready)
        return outcome
