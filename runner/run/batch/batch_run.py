"""Batch execution: a window of concurrent runs over the files, in order."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

import structlog

from runner.base.errors import (
    EXIT_BUG,
    ColloquyError,
    ConfigError,
    NotRunError,
    TranscriptError,
    exit_code_of,
)
from runner.base.loop_lag import Lag
from runner.base.text import now_iso
from runner.base.threads import offload
from runner.base.usage import sum_usd
from runner.calls.admission.limits import Admission
from runner.calls.client import Client
from runner.calls.schedule import Place, gather_all, make_slots
from runner.job.build import for_transcript
from runner.job.graph import Pipeline
from runner.job.job import BatchJob, Job
from runner.record.batch_directory import Results, write_insights
from runner.record.journal import Spent
from runner.record.member_directory import MemberDirectory
from runner.record.result_row import UNREADABLE, ResultRow, completed_before
from runner.record.reuse import StoredAnswers
from runner.record.run_directory import RunDirectory
from runner.run.batch.active_runs import BatchResult, count_waiting, runs_at_once
from runner.run.batch.console import BatchConsole
from runner.run.batch.summary import Measures, batch_benchmark, batch_metadata
from runner.run.batch.tally import ENDING, Tally, row_of, unanswered_row
from runner.run.cli.command_line import worst_exit_code
from runner.run.collection.collect import DONE, CollectionResult, collect
from runner.run.plan.plan import read_histories
from runner.run.run import Member, Run
from runner.run.stop import Stop
from runner.transcript.inputs import Input

READERS = 2  # files read, and their tokens counted, at the same time
SAMPLE = 100  # one run of so many updates the history
TICK_S = 0.5
SAVE_S = 10.0  # between writes of metadata.json
_RANK = 1e6  # distance between runs; larger than the ranks within one

log = structlog.get_logger("colloquy.batch")


@dataclass(eq=False)
class Batch:
    """Runs *job* over its inputs through *clients* into *directory*; use it once.

    *stored* are the answers that may be reused. Completed runs of the same file, questions and
    checks are kept.
    """

    job: BatchJob
    clients: Mapping[str, Client]
    directory: RunDirectory
    stored: StoredAnswers
    console: BatchConsole
    admission: Admission
    stop: Stop
    lag: Lag | None = None

    def __post_init__(self) -> None:
        job = self.job
        processing = job.settings.processing
        every = Pipeline((*job.pipeline.stages, *job.collection.stages))
        self._slots = make_slots(every, processing.max_concurrent, processing.mode)
        self._histories = read_histories(job)
        self._statuses: Counter[str] | None = None  # over all sessions; None until the end
        self._tally = Tally(len(job.inputs))
        self._measures = Measures(every, self._slots)
        self._collected: CollectionResult | None = None
        self._results = Results(self.directory.path)
        self._reading = asyncio.Semaphore(READERS)
        self._queue = iter(enumerate(job.inputs.longest_first()))
        self._clock = asyncio.get_running_loop().time
        self._began, self._started_at = self._clock(), now_iso()
        self.active = runs_at_once(job, self.clients.values())
        self._fault: OSError | None = None
        self._gave_up = False

    async def execute(self) -> BatchResult:
        """Run all files; raise only on a full disk or cancellation, once all started runs ended."""
        await self.directory.journal.commit(
            "batch.started", config_digest=self.job.config_digest, files=self._tally.total
        )
        note = self.job.note
        log.info("batch.started", files=self._tally.total, active=self.active, note=note or None)
        self.console.note(note)
        try:
            with self.console.shown():
                async with self._progress():
                    await gather_all(self._work() for _ in range(self.active))
            return await self._finish()
        except BaseException as error:
            status = "interrupted" if isinstance(error, asyncio.CancelledError) else "failed"
            directory = self.directory
            directory.release_reserve()
            for rescue in (directory.journal.recover, directory.uncomplete, self._close_results):
                with suppress(OSError):  # the disk may have failed
                    rescue()
            with suppress(OSError):
                code = self.stop.code_or(exit_code_of(error))
                await asyncio.shield(self._save(status, code))
            raise
        finally:
            self._results.close()

    async def _work(self) -> None:
        for number, file in self._queue:
            if self._is_over():
                return
            try:
                row = await self._row(number, file)
                if row is None:
                    return
                self._results.add(row)
            except OSError as error:
                self._end(error)
                return
            self._count(row)

    async def _row(self, number: int, file: Input) -> ResultRow | None:
        """Return the row of a file, complete, unreadable or run now; None if the batch is over."""
        try:
            async with self._reading:
                if self._is_over():
                    return None
                if self.stored.previous is not None:
                    row = await offload(completed_before, self.directory.path, self.job, file)
                    if row is not None:
                        return row
                job, directory = await offload(self._open, file)
        except (TranscriptError, ConfigError) as error:
            why = file.fault(error)
            log.warning("input.unreadable", transcript=file.name, error=why)
            return unanswered_row(self.job, file, UNREADABLE, error.exit_code, why)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug in one file must not stop the others
            return self._crashed(file, error)
        return None if self._is_over() else await self._run(number, file, job, directory)

    def _crashed(self, file: Input, error: Exception, spent: Spent | None = None) -> ResultRow:
        log.exception("run.crashed", transcript=file.name)
        code = error.exit_code if isinstance(error, ColloquyError) else EXIT_BUG
        message = f"{type(error).__name__}: {error}"
        return unanswered_row(self.job, file, "failed", code, message, spent)

    def _open(self, file: Input) -> tuple[Job, MemberDirectory]:
        """Read a file; one that cannot be read gets no run directory."""
        job = for_transcript(self.job, file)
        stages = [stage.name for stage in job.pipeline.stages]
        return job, MemberDirectory(self.directory, file.run, stages)

    async def _run(
        self, number: int, file: Input, job: Job, directory: MemberDirectory
    ) -> ResultRow:
        place = Place(self._slots, _RANK * number, len(self.job.inputs) - number - 1)
        member = Member(place, self._histories, sampled=number % SAMPLE == 0)
        previous, spent = self.stored.previous, directory.journal.spent
        if previous is not None:
            previous = replace(previous, path=directory.path)
        stored = replace(self.stored, previous=previous)
        with structlog.contextvars.bound_contextvars(run=directory.path.name):
            try:
                run = Run(job, self.clients, directory, stored, member=member, stop=self.stop)
                result = await run.execute()
            except OSError:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                return self._crashed(file, error, spent)
        self._measures.add(result.benchmark["analyzers"])
        return row_of(file, job, result, spent)

    def _count(self, row: ResultRow) -> None:
        self._tally.add(row)
        if row.status not in ("completed", "interrupted"):
            self.console.fault(row)
        tally, limit = self._tally, self.job.settings.batch.max_failure_ratio
        if not self._gave_up and tally.too_many_failures(limit):
            self._gave_up = True
            log.error("batch.given_up", failed=tally.unanswered, done=tally.done)
            unanswered = f"{tally.unanswered} of {tally.done} files have no answer"
            self.console.note(
                f"stopped early: {unanswered}, more than batch.max_failure_ratio={limit:g}"
            )

    def _end(self, error: OSError) -> None:
        """Make no more calls, since their replies could not be stored."""
        self._fault = self._fault or error
        self.directory.release_reserve()
        self.admission.close(NotRunError("output", f"not called: {error}"))

    def _is_over(self) -> bool:
        stopped = self.stop.signum is not None or self._fault is not None
        return stopped or self._gave_up or bool(ENDING & self._tally.codes.keys())

    @asynccontextmanager
    async def _progress(self) -> AsyncIterator[None]:
        """Show and save the progress while the block runs, and once more at its end."""
        ended = asyncio.Event()

        async def tick() -> None:
            saved, logged = self._clock(), self._tally.counts()
            while not ended.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), TICK_S)
                self._show(count_waiting(self.clients.values()))
                if self._clock() - saved >= SAVE_S:
                    saved = self._clock()
                    await self._save("running")
                    if (counts := self._tally.counts()) != logged:
                        logged = counts
                        log.info("batch.advanced", **counts)

        await self._save("running")
        ticker = asyncio.create_task(tick())
        try:
            yield
        finally:
            ended.set()  # not cancelled: a write in progress ends before the last one
            with suppress(OSError):
                await ticker
            self._show(last=True)

    def _show(self, out: int = 0, *, last: bool = False) -> None:
        spent = self.directory.journal.spent
        self.console.update(self._tally, spent, self._clock() - self._began, out, last=last)

    async def _finish(self) -> BatchResult:
        if self._fault is not None:
            raise self._fault
        tally, stop = self._tally, self.stop
        code = tally.exit_code(gave_up=self._gave_up)
        status = tally.status(code)
        await offload(self._close_results)
        per = self.job.settings.output.insights_csv
        await offload(write_insights, self.directory.path, per)
        if self.job.collection.stages and not self._is_over():
            status, code = await self._collect(status, code)
        if stop.signum is not None:
            status, code = "interrupted", stop.exit_code
        wall_s, lag = self._clock() - self._began, self.lag
        benchmark = batch_benchmark(self.job, tally, self._measures, wall_s, lag)
        if benchmark["run"]["attempts"] or not self.directory.has("logs/benchmark.json"):
            await self.directory.write_pages({"logs/benchmark.json": benchmark})
        await self._save(status, code)
        await self.directory.journal.commit("batch.finished", status=status, exit_code=code)
        if status in ("completed", "degraded"):
            await self.directory.complete()
        log.info("batch.finished", status=status, exit_code=code, **tally.counts())
        return BatchResult(status, code, benchmark)

    async def _collect(self, status: str, code: int) -> tuple[str, int]:
        """Run the stages that read all transcripts; return the batch's status and exit code."""
        of = self.job, self.directory, self.clients, self.stored, self._histories
        names = ", ".join(node.name for node in self.job.collection.nodes)
        self.console.print_line(f"all transcripts together: {names}")
        self._collected = collected = await collect(*of)
        self._measures.add(collected.analyzers)
        about = collected.about
        self._tally.sums.update({n: about[n] for n in ("escalated", "mended") if n in about})
        costs = self._tally.escalation_usd, about.get("escalation_usd", 0.0)
        self._tally.escalation_usd = sum_usd(costs)
        self.console.print_line(collected.note)
        if collected.status in DONE:
            return status, code
        return "partial", worst_exit_code([code, collected.exit_code])

    def _close_results(self) -> None:
        self._statuses = self._results.finish({file.name for file in self.job.inputs})

    async def _save(self, status: str, exit_code: int | None = None) -> None:
        spent = self.directory.journal.spent
        about = batch_metadata(self.job, self._tally, spent, self._statuses)
        state = {"kind": "batch", "status": status, "exit_code": exit_code}
        times = {"started_at": self._started_at, "updated_at": now_iso()}
        joint = {} if self._collected is None else {"collection": dict(self._collected.about)}
        await self.directory.write_metadata({**state, **times, **about, **joint})
