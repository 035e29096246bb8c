"""What a run leaves behind while it goes on: records, pages, contexts, metadata, events."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import structlog

from runner.answers.context import Reduced
from runner.answers.outcome import Outcome
from runner.base.errors import NotRunError
from runner.base.text import now_iso
from runner.base.threads import offload
from runner.calls.call_log import CallLog
from runner.config.schema import ContextSettings
from runner.job.graph import Node
from runner.job.job import Job
from runner.job.parts import owner_of
from runner.record.benchmark import NodeTiming
from runner.record.journal import Journal, MemberJournal
from runner.record.metadata import describe_run, versions
from runner.record.node_record import node_record
from runner.record.pages import Pages
from runner.record.previous_session import keep_answer
from runner.record.run_directory import TRANSCRIPT, RunDirectory

PERSIST_S = 2.0  # for writes that are under way when a run is cut off

log = structlog.get_logger("colloquy.run")


class Recorder:
    """Writes what happens to *directory*, in the background; a failed write stops the run."""

    def __init__(self, job: Job, directory: RunDirectory) -> None:
        self.job = job
        self.directory = directory
        self.pages = Pages(job, directory.path.name)
        self.timings: dict[str, NodeTiming] = {}
        self.statuses: dict[str, str] = {node.name: "pending" for node in job.pipeline.nodes}
        self.grounding: dict[str, Any] | None = None
        self._writes: list[asyncio.Task[None]] = []
        self._began = asyncio.get_running_loop().time()
        self._started_at = now_iso()
        versions()  # read before the clock starts

    def elapsed_s(self) -> float:
        """Return seconds since the run began."""
        return asyncio.get_running_loop().time() - self._began

    def begin(self) -> None:
        """Start the clock and say so."""
        job = self.job
        self._began = asyncio.get_running_loop().time()
        self.write(self.directory.note("run.started", config_digest=job.config_digest))
        self.write(self._write_transcript())
        log.info(
            "run.started",
            transcript=job.transcript.name,
            segments=len(job.transcript.segments),
            analyzers=len(job.pipeline.nodes),
            model=job.settings.model.name,
        )
        if job.transcript.removed_chars:
            log.warning("transcript.sanitised", removed_chars=job.transcript.removed_chars)

    def call_log(self, node: Node) -> CallLog:
        """Return the account of *node*'s calls, kept in the journal too."""
        unit = f"{self.directory.path.name}/{node.name}"
        note = partial(_note_call, self.directory.journal, analyzer=node.name)
        return CallLog(note=note, unit=unit)

    def node_started(self, node: Node) -> None:
        """Record that a stage began, without making its first node wait for the disk."""
        stage = self.job.pipeline.stage_of(node)
        first = all(self.statuses[member.name] == "pending" for member in stage.nodes)
        self.statuses[node.name] = "running"
        if first:
            log.info("stage.started", stage=stage.name, analyzers=len(stage.nodes))
            self._still_running()

    def node_ended(self, node: Node, outcome: Outcome, calls: CallLog, ready_s: float) -> None:
        """Record *outcome*; what needs its answer does not wait for the disk."""
        self._log_outcome(node, outcome, calls)
        self.statuses[node.name] = outcome.status
        self.timings[node.name] = NodeTiming(
            outcome.status, ready_s, self.elapsed_s(), calls, outcome.reused
        )
        if outcome.reused != "run":
            self.write(self._commit(node, outcome, calls))
        elif not self.directory.keeps_page(self.pages.path(node)):
            self.write(self._write_page(node, outcome))
        stage = self.job.pipeline.stage_of(node)
        if all(member.name in self.timings for member in stage.nodes):
            log.info("stage.finished", stage=stage.name, elapsed_s=round(self.elapsed_s(), 3))
            self._still_running()

    def _still_running(self) -> None:
        if self.directory.reports_progress:
            self.write(self.write_metadata("running"))

    def part_ended(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        """Record the answer to a part of the transcript; *node* is the part's own."""
        if outcome.reused != "run":
            self.write(self._commit(node, outcome, calls))

    def keep_context(self, name: str, reduced: Reduced, settings: ContextSettings) -> None:
        """Store what a stage is given."""
        self.write(self.directory.write_context(name, reduced, settings))
        log.info(
            "context.reduced",
            context=name,
            tokens=reduced.tokens,
            token_budget=settings.token_budget,
            items_kept=len(reduced.kept),
            items_dropped=len(reduced.dropped),
        )

    def write(self, writing: Coroutine[Any, Any, None]) -> None:
        """Start a write that no call has to wait for; its failure stops the run."""
        self._writes.append(asyncio.create_task(writing))

    def check(self) -> None:
        """Raise NotRunError once a write has failed: nothing more is paid for and then lost.

        Calls in flight go on; `settle` raises the failure when they have ended.
        """
        fault: BaseException | None = self.directory.journal.fault
        for write in self._writes:
            if fault is None and write.done() and not write.cancelled():
                fault = write.exception()
        if fault is not None:
            raise NotRunError("output", f"not called: {fault}")

    async def settle(self) -> None:
        """Wait for all writes; raise the first failure."""
        await self._written()
        await asyncio.gather(*self._writes)
        if self.directory.journal.fault is not None:
            raise self.directory.journal.fault

    async def _written(self) -> None:
        """Wait for all writes, also those that others begin; who is cancelled here cancels none."""
        while unfinished := [write for write in self._writes if not write.done()]:
            await asyncio.wait(unfinished)

    async def break_off(self, error: BaseException) -> None:
        """Bring to the disk what has arrived, free what was reserved, say how the run ended."""
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            self.directory.release_reserve()
        with suppress(TimeoutError):
            async with asyncio.timeout(PERSIST_S):
                await self._written()
        ended = "interrupted" if isinstance(error, asyncio.CancelledError) else "failed"
        with suppress(OSError):  # the disk may be what failed
            self.directory.journal.recover()
        with suppress(OSError):
            self.directory.uncomplete()
        with suppress(OSError):
            await asyncio.shield(self._break_off(ended))

    async def _break_off(self, ended: str) -> None:
        await self.write_metadata(ended)
        await self.directory.flush()

    async def write_metadata(self, status: str, exit_code: int | None = None) -> None:
        """Replace metadata.json."""
        about = describe_run(self.job, self.statuses, self.directory.journal.spent)
        times = {"started_at": self._started_at, "updated_at": now_iso()}
        await self.directory.write_metadata(
            {
                "status": status,
                "exit_code": exit_code,
                **times,
                **about,
                "grounding": self.grounding,
            }
        )

    async def _write_transcript(self) -> None:
        await self.directory.write_pages(
            {TRANSCRIPT: self.job.transcript, "transcript.md": self.pages.transcript}
        )

    async def _commit(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        saving = partial(self._save, node, outcome, calls)
        try:
            await saving()
        except OSError:
            self.statuses[node.name] = "unsaved"
            self.directory.release_reserve()
            with suppress(OSError):  # it is paid for: once more, in the room that was reserved
                await saving()
                self.statuses[node.name] = outcome.status
            raise
        await self.directory.note(
            "node.committed", analyzer=node.name, status=outcome.status, key=outcome.key
        )

    async def _save(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        sha256 = self.job.analyzers[owner_of(node)].prompt_digest
        record = partial(node_record, node, outcome, calls, prompt_sha256=sha256)
        key = outcome.key if outcome.status == "ok" else None
        if self.directory.has(f"intermediate/{node.stage}/{node.name}.json"):
            await offload(keep_answer, self.directory.path, node, key)
        await self.directory.write_node(node.stage, node.name, record, self.pages.path(node))
        self.write(self._write_page(node, outcome))

    async def _write_page(self, node: Node, outcome: Outcome) -> None:
        page = partial(self.pages.page, node, outcome)
        await self.directory.write_pages({self.pages.path(node): page})

    def _log_outcome(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        facts = {"analyzer": node.name, "latency_s": round(calls.latency_s, 3)}
        if outcome.answer is not None:
            event = "node.reused" if outcome.reused else "node.finished"
            log.info(
                event, insights=len(outcome.answer["insights"]), source=outcome.reused, **facts
            )
        elif outcome.status in ("skipped", "not_run"):
            log.warning("node.skipped", reason=outcome.error, **facts)
        else:
            log.error("node.failed", kind=outcome.kind, error=outcome.error, **facts)


def _note_call(journal: Journal | MemberJournal, event: str, **facts: Any) -> None:
    """Journal a call; one that cannot be journalled is not made, one made is not lost."""
    journal.note(event, **facts)
    if event == "call.started" and journal.fault is not None:
        raise NotRunError("output", f"not called: {journal.fault}")
