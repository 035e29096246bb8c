"""Do a batch: a window of runs over the files in order, finishing before starting."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import structlog

from runner.base.errors import (
    EXIT_BUG,
    ColloquyError,
    ConfigError,
    NotRunError,
    TranscriptError,
    one_line,
)
from runner.base.loop_lag import Lag
from runner.base.text import now_iso
from runner.base.threads import offload
from runner.calls.admission.limits import Admission
from runner.calls.client import Client
from runner.calls.client_factory import max_in_flight
from runner.calls.schedule import Place, gather_all, make_slots
from runner.job.build import for_transcript
from runner.job.job import BatchJob, Job
from runner.record.batch_directory import Results, completed_before
from runner.record.journal import Spent
from runner.record.member_directory import MemberDirectory
from runner.record.result_rows import ResultRow, totals_of
from runner.record.reuse import Known
from runner.record.run_directory import RunDirectory
from runner.run.batch.console import BatchConsole
from runner.run.batch.summary import Measures, batch_benchmark, batch_metadata
from runner.run.batch.tally import ENDING, Tally, row_of
from runner.run.plan import read_histories
from runner.run.run import Member, Run
from runner.run.stop import Stop
from runner.transcript.inputs import Input

AHEAD = 4  # runs besides those that can fill all slots: they are read in while others call
READERS = 2  # files that are read, and their tokens counted, at the same time
SAMPLE = 100  # of so many runs one tells later ones what its calls took
TICK_S = 0.5
SAVE_S = 10.0  # between writes of metadata.json
_RANK = 1e6  # more than the ranks of one run's calls can differ

log = structlog.get_logger("colloquy.batch")


@dataclass(frozen=True, slots=True)
class Shares:
    """What all runs of a batch have in common, so that memory does not grow with their number.

    *clients* are by model name; *admission*, *stop* and *lag* are the event loop's.
    """

    clients: Mapping[str, Client]
    admission: Admission
    stop: Stop
    lag: Lag | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a batch came to; *counts* are files by what the last line calls them."""

    status: str
    exit_code: int
    counts: Mapping[str, int]
    benchmark: Mapping[str, Any]


class Batch:
    """Runs *job* over its inputs into *directory*; use it once.

    *known* is where answers are looked for, those of an earlier session of the batch among them;
    *whole* says that nothing has changed since then, so that what is complete stays as it is.
    """

    def __init__(
        self,
        job: BatchJob,
        directory: RunDirectory,
        shares: Shares,
        known: Known,
        console: BatchConsole,
        *,
        whole: bool = False,
    ) -> None:
        self.job, self.directory = job, directory
        self._shares, self._known, self._console, self._whole = shares, known, console, whole
        processing = job.settings.processing
        self._slots = make_slots(job.pipeline, processing.max_concurrent, processing.mode)
        self._histories = read_histories(job)
        inputs = job.inputs
        self._inputs = inputs
        self._every: Counter[str] | None = None
        self._tally = Tally(len(inputs))
        self._measures = Measures(job.pipeline, self._slots)
        self._results = Results(directory.path)
        self._reading = asyncio.Semaphore(READERS)
        self._queue = iter(enumerate(inputs))
        self._clock = asyncio.get_running_loop().time
        self._began, self._started_at = self._clock(), now_iso()
        self._fault: OSError | None = None
        self._hopeless = False

    @property
    def active(self) -> int:
        """How many runs go on at once, at the most."""
        if self.job.settings.processing.mode == "sequential":
            return 1
        return self.job.settings.batch.max_active or max_in_flight(self.job) + AHEAD

    async def execute(self) -> BatchResult:
        """Run all; raise only on a full disk or cancellation, when all that runs has ended."""
        await self.directory.journal.commit(
            "batch.started", config_digest=self.job.config_digest, files=self._tally.total
        )
        note = self._inputs.note
        log.info("batch.started", files=self._tally.total, active=self.active, note=note or None)
        self._console.note(note)
        try:
            with self._console.shown():
                async with self._ticking():
                    await gather_all(self._work() for _ in range(self.active))
            return await self._finish()
        except BaseException as error:
            ended = "interrupted" if isinstance(error, asyncio.CancelledError) else "failed"
            self.directory.release_reserve()
            for rescue in (self.directory.journal.recover, self._close_results):
                with suppress(OSError):  # the disk may be what failed
                    rescue()
            with suppress(OSError):
                await asyncio.shield(self._save(ended))
            raise
        finally:
            self._results.close()

    async def _work(self) -> None:
        """Take one file after the other until there is none, or nothing more is to be begun."""
        for number, given in self._queue:
            if self._is_over():
                return
            try:
                row = await self._row(number, given)
                self._results.add(row)
            except OSError as error:
                self._end(error)
                return
            self._count(row)

    async def _row(self, number: int, given: Input) -> ResultRow:
        """Return what became of a file: it was complete, cannot be read, or was run."""
        encoding = self.job.settings.transcript.encoding
        try:
            async with self._reading:
                if self._whole:
                    row = await offload(completed_before, self.directory.path, given, encoding)
                    if row is not None:
                        return row
                job, directory = await offload(self._open, given)
        except (TranscriptError, ConfigError) as error:
            log.warning("input.unreadable", transcript=given.name, error=str(error))
            return self._failed(given, "unreadable", error.exit_code, str(error))
        except OSError:
            raise
        except Exception as error:  # a bug in reading one file must not stop the others
            log.exception("run.crashed", transcript=given.name)
            told = f"{type(error).__name__}: {error}"
            return self._failed(given, "failed", EXIT_BUG, told)
        return await self._run(number, given, job, directory)

    def _open(self, given: Input) -> tuple[Job, MemberDirectory]:
        """Read a file; only if that succeeds is there a directory for its run."""
        job = for_transcript(self.job, given)
        return job, MemberDirectory(self.directory, given.run)

    async def _run(
        self, number: int, given: Input, job: Job, directory: MemberDirectory
    ) -> ResultRow:
        member = Member(
            Place(self._slots, _RANK * number), self._histories, sampled=number % SAMPLE == 0
        )
        earlier = self._known.earlier
        if earlier is not None:
            earlier = replace(earlier, path=directory.path)
        known = replace(self._known, earlier=earlier)
        with structlog.contextvars.bound_contextvars(run=directory.path.name):
            try:
                run = Run(job, self._shares.clients, directory, known, member=member)
                result = await run.execute()
            except OSError:
                raise
            except Exception as error:  # one run's bug must not stop the others
                log.exception("run.crashed")
                code = error.exit_code if isinstance(error, ColloquyError) else EXIT_BUG
                told, spent = f"{type(error).__name__}: {error}", directory.journal.spent
                return self._failed(given, "failed", code, told, spent)
        self._measures.add(result.benchmark["analyzers"])
        return row_of(given, job, result, directory.journal.spent)

    def _failed(
        self, given: Input, status: str, code: int, error: str, spent: Spent | None = None
    ) -> ResultRow:
        """Return the row of a file without any answer, whatever was paid for it."""
        nodes, paid = len(self.job.pipeline.nodes), totals_of(spent or Spent())
        error = one_line(error, 200)
        return ResultRow(given.name, given.run, status, code, analyzers=nodes, error=error, **paid)

    def _count(self, row: ResultRow) -> None:
        self._tally.add(row)
        if row.status != "completed":
            self._console.fault(row)
        most = self.job.settings.batch.max_failure_ratio
        if not self._hopeless and self._tally.is_hopeless(most):
            self._hopeless = True
            log.error("batch.given_up", failed=self._tally.nothing, done=self._tally.done)
            self._console.too_many_failures(self._tally, most)

    def _end(self, error: OSError) -> None:
        """Make no more calls: what they bring could not be kept."""
        self._fault = self._fault or error
        self.directory.release_reserve()
        self._shares.admission.close(NotRunError("output", f"not called: {error}"))

    def _is_over(self) -> bool:
        """Return whether no further file is to be begun."""
        stopped = self._shares.stop.signum is not None or self._fault is not None
        return stopped or self._hopeless or bool(ENDING & self._tally.codes.keys())

    @asynccontextmanager
    async def _ticking(self) -> AsyncIterator[None]:
        """Tell how it gets on while the block runs, and once more at its end."""

        ended = asyncio.Event()

        async def tick() -> None:
            saved = self._clock()
            while not ended.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), TICK_S)
                self._console.update(self._tally, self._elapsed_s())
                if self._clock() - saved >= SAVE_S:
                    saved = self._clock()
                    await self._save("running")
                    log.info("batch.advanced", **self._tally.counts())

        await self._save("running")
        ticker = asyncio.create_task(tick())
        try:
            yield
        finally:
            ended.set()  # not cancelled: what it may be writing comes before what is written last
            with suppress(OSError):
                await ticker
            self._console.update(self._tally, self._elapsed_s(), last=True)

    def _elapsed_s(self) -> float:
        return self._clock() - self._began

    async def _finish(self) -> BatchResult:
        if self._fault is not None:
            raise self._fault
        tally, code = self._tally, self._tally.exit_code(hopeless=self._hopeless)
        status = "completed" if code == 0 else "partial" if tally.nodes_ok else "failed"
        if self._shares.stop.signum is not None:
            status, code = "interrupted", self._shares.stop.exit_code
        await offload(self._close_results)
        benchmark = batch_benchmark(
            self.job, self._tally, self._measures, self._elapsed_s(), self._shares.lag
        )
        if benchmark["run"]["attempts"] or not self.directory.has("logs/benchmark.json"):
            await self.directory.write_benchmark(benchmark)
        await self._save(status, code)
        await self.directory.journal.commit("batch.finished", status=status, exit_code=code)
        if status == "completed":
            await self.directory.complete()
        log.info("batch.finished", status=status, exit_code=code, **tally.counts())
        every = self._every or tally.statuses
        good, begun = every["completed"], sum(every.values())
        counts = {"ok": good, "failed": begun - good, "not_run": tally.total - begun}
        return BatchResult(status, code, counts, benchmark)

    def _close_results(self) -> None:
        self._every = self._results.finish({given.name for given in self._inputs})

    async def _save(self, status: str, exit_code: int | None = None) -> None:
        """Replace the batch's metadata.json."""
        spent = self.directory.journal.spent
        about = batch_metadata(self.job, self._tally, spent, self._every)
        ended = {"status": status, "exit_code": exit_code}
        times = {"started_at": self._started_at, "updated_at": now_iso()}
        await self.directory.write_metadata({"kind": "batch", **ended, **times, **about})
