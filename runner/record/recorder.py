"""Recorder of a run: writes records, pages, contexts, metadata and events as they come."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from runner.answers.context import ReducedContext, scarcity
from runner.answers.outcome import Outcome
from runner.base.errors import NotRunError
from runner.base.text import now_iso
from runner.base.threads import offload
from runner.calls.call_log import CallLog
from runner.config.schema import ContextSettings
from runner.job.graph import Node
from runner.job.job import Job
from runner.job.parts import JUDGE, has_task, owner_of
from runner.record.benchmark import NodeTiming
from runner.record.journal import Journal, MemberJournal
from runner.record.metadata import describe_run
from runner.record.pages import Pages, transcript_page
from runner.record.reuse import StoredAnswers, keep_answer, record_of
from runner.record.run_directory import RunDirectory
from runner.record.stored_transcript import REDACTION, TRANSCRIPT

PERSIST_S = 2.0  # for unfinished writes when a run is cut off
# Room for a record: by token of a reply, which the record holds as text and as data (10 bytes were
# measured), and by attempt; no less than MIN_BYTES, since replies can be longer than allowed.
TOKEN_BYTES, ATTEMPT_BYTES, MIN_BYTES = 12, 300, 1 << 15
OTHER_BYTES = 1 << 13

log = structlog.get_logger("colloquy.run")


class Recorder:
    """Writes to *directory* in the background; a failed write stops the run."""

    def __init__(self, job: Job, directory: RunDirectory, stored: StoredAnswers) -> None:
        self.job, self.directory = job, directory
        self._stored = stored
        self.pages = Pages(job, directory.path.name)
        self.timings: dict[str, NodeTiming] = {}
        self.statuses: dict[str, str] = {node.name: "pending" for node in job.pipeline.nodes}
        self.grounding: dict[str, Any] | None = None
        self.used_segments = frozenset[str]()
        self.cut: list[str] = []
        self._writes: list[asyncio.Task[None]] = []
        self._began = asyncio.get_running_loop().time()
        self._started_at = now_iso()

    def elapsed_s(self) -> float:
        """Return seconds since the run began."""
        return asyncio.get_running_loop().time() - self._began

    def begin(self) -> None:
        """Start the clock; record and log the start."""
        job = self.job
        self._began = asyncio.get_running_loop().time()
        self.write(self.directory.note("run.started", config_digest=job.config_digest))
        page = partial(transcript_page, job.transcript, job.settings.output.pages)
        pages = {TRANSCRIPT: job.transcript, "transcript.md": page}
        if job.redaction:
            pages[REDACTION] = job.redaction.as_dict()
        self.write(self.directory.write_pages(pages))
        log.info(
            "run.started",
            transcript=job.transcript.name,
            segments=len(job.transcript.segments),
            analyzers=len(job.pipeline.nodes),
            model=job.settings.model.name,
        )
        if (reading := job.transcript.reading) is not None:
            log.info("transcript.read", reading=reading.line)
            for doubt in reading.warnings:
                log.warning("transcript.doubt", doubt=doubt)
        if job.transcript.removed_chars:
            log.warning("transcript.sanitised", removed_chars=job.transcript.removed_chars)

    def call_log(self, node: Node) -> CallLog:
        """Return a log of *node*'s calls that also writes them to the journal."""
        directory, name = self.directory, node.name
        return CallLog(
            note=partial(_note_call, directory.journal, analyzer=name),
            unit=f"{directory.path.name}/{name}",
            sent_as=f"{directory.journal.run}/{name}",
            reserve=partial(_reserve, directory, node),
            keep=partial(directory.replies.keep, self._unit(node)),
            earlier_reply=directory.replies.earlier,
        )

    def _unit(self, node: Node) -> str:
        return f"{self.directory.journal.run}/{node.stage}/{node.name}"

    def node_started(self, node: Node) -> None:
        """Record the start of *node* and, with its first node, of its stage."""
        stage = self.job.pipeline.stage_of(node)
        first = all(self.statuses[member.name] == "pending" for member in stage.nodes)
        self.statuses[node.name] = "running"
        if first:
            log.info("stage.started", stage=stage.name, analyzers=len(stage.nodes))
            self._still_running()

    def node_ended(self, node: Node, outcome: Outcome, calls: CallLog, ready_s: float) -> None:
        """Record *outcome* in the background: successors do not wait for the disk."""
        self._log_outcome(node, outcome, calls)
        self.statuses[node.name] = outcome.status
        self.timings[node.name] = NodeTiming(
            outcome.status, ready_s, self.elapsed_s(), calls, outcome.reused
        )
        self._keep_record(node, outcome, calls)
        pages = self.pages.paths(node)
        # A crash may have cut off a page that is not durable.
        intact = self.directory.durable and all(map(self.directory.has, pages))
        if outcome.reused == "run" and not intact:
            self.write(self._write_page(node, outcome))
        stage = self.job.pipeline.stage_of(node)
        if all(member.name in self.timings for member in stage.nodes):
            log.info("stage.finished", stage=stage.name, elapsed_s=round(self.elapsed_s(), 3))
            self._still_running()

    def _still_running(self) -> None:
        if self.directory.durable:
            self.write(self.write_metadata("running"))

    def part_ended(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        """Record the outcome of a part of the transcript; *node* is the part's."""
        if outcome.answer is None:
            log.warning("part.lost", part=node.name, kind=outcome.kind, error=outcome.error)
        self._keep_record(node, outcome, calls)

    def _keep_record(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        if outcome.reused == "run":  # a killed session has stored it
            self.directory.replies.drop(self._unit(node))
        else:
            self.write(self._commit(node, outcome, calls))

    async def keep_answer(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        """Record an answer of a node that continues; raise NotRunError if that fails."""
        self.write(self._commit(node, outcome, calls))
        await asyncio.wait(self._writes[-1:])
        self.check()

    def keep_context(self, name: str, reduced: ReducedContext, settings: ContextSettings) -> None:
        """Store a reduced context and its ledger."""
        self.used_segments |= reduced.segments
        ledger = {f"context/{name}_ledger.json": reduced.ledger(settings)}
        self.write(self.directory.write_pages({f"context/{name}.md": reduced.text, **ledger}))
        log.info(
            "context.reduced",
            context=name,
            tokens=reduced.tokens,
            token_budget=settings.token_budget,
            items_kept=len(reduced.kept),
            items_dropped=len(reduced.dropped),
        )
        if few := scarcity(len(reduced.kept), len(reduced.dropped)):
            stage, _, analyzer = name.partition(".")
            key = (f"analyzers.{analyzer}" if analyzer else f"stages.{stage}") + ".context"
            log.warning(
                "context.scarce", context=name, kept=few, to_keep_more=f"{key}.token_budget"
            )

    def write(self, writing: Coroutine[Any, Any, None]) -> None:
        """Start a write in the background; its failure stops the run."""
        self._writes.append(asyncio.create_task(writing))

    def check(self) -> None:
        """Raise NotRunError once a write has failed; calls in flight go on until `settle`."""
        if (fault := self._failure()) is not None:
            raise NotRunError("output", f"not called: {fault}")

    def _failure(self) -> BaseException | None:
        written = (w.exception() for w in self._writes if w.done() and not w.cancelled())
        faults = (self.directory.journal.fault, self.directory.fault, *written)
        return next(filter(None, faults), None)

    async def settle(self) -> None:
        """Wait for all writes; raise the first failure."""
        await self._written()
        if (fault := self._failure()) is not None:
            raise fault

    async def _written(self) -> None:
        """Wait for all writes, including later ones; cancelling the caller cancels none of them."""
        while unfinished := [write for write in self._writes if not write.done()]:
            await asyncio.wait(unfinished)

    async def break_off(self, error: BaseException, exit_code: int) -> None:
        """Finish writes and record the end of the run, in the reserve if the disk is full."""
        if isinstance(error, OSError):
            self.directory.drop_pages()
            self.directory.release_reserve()
        with suppress(TimeoutError):
            async with asyncio.timeout(PERSIST_S):
                await self._written()
        status = "interrupted" if isinstance(error, asyncio.CancelledError) else "failed"
        for rescue in (self.directory.journal.recover, self.directory.uncomplete):
            with suppress(OSError):  # the disk may have failed
                rescue()
        with suppress(OSError):
            await asyncio.shield(self._write_end(status, exit_code))

    async def _write_end(self, status: str, exit_code: int) -> None:
        await self.write_metadata(status, exit_code)
        await self.directory.flush()

    async def write_metadata(self, status: str, exit_code: int | None = None) -> None:
        """Replace metadata.json."""
        state = {"status": status, "exit_code": exit_code}
        times = {"started_at": self._started_at, "updated_at": now_iso()}
        about = describe_run(self.job, self.statuses, self.directory.journal.spent)
        metadata = {**state, **times, **about, "grounding": self.grounding, "cut": self.cut}
        await self.directory.write_metadata(metadata)

    async def _commit(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        try:
            await self._save(node, outcome, calls)
        except OSError:
            self.statuses[node.name] = "unsaved"
            raise
        facts = {"status": outcome.status, "key": outcome.key}
        await self.directory.note("node.committed", analyzer=node.name, **facts)

    async def _save(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        sha256 = self.job.analyzers[owner_of(node)].prompt_digest
        record = partial(record_of, node, outcome, calls, sha256)
        key = outcome.key if outcome.status == "ok" else None
        if self.directory.has(f"intermediate/{node.stage}/{node.name}.json"):
            await offload(keep_answer, self.directory.path, node, key)

        def keep(file: Path) -> None:
            if outcome.status != "not_run":
                self.directory.replies.drop(self._unit(node))
            if key is not None and not outcome.reused:
                self._stored.keep(key, file, reply_only=bool(self.job.redaction))

        pages = self.pages.paths(node, earlier=True)
        await self.directory.write_node(node.stage, node.name, record, pages, keep)
        self.write(self._write_page(node, outcome))

    async def _write_page(self, node: Node, outcome: Outcome) -> None:
        if self._failure() is not None or has_task(node, JUDGE):
            return  # the room left is for records
        await self.directory.write_pages(partial(self.pages.pages, node, outcome))

    def _log_outcome(self, node: Node, outcome: Outcome, calls: CallLog) -> None:
        facts: dict[str, Any] = {"analyzer": node.name, "latency_s": round(calls.latency_s, 3)}
        if outcome.answer is not None:
            event = "node.reused" if outcome.reused else "node.finished"
            facts["rejected"] = len(outcome.notes.get("rejected", ())) or None
            facts["lost"] = ", ".join(outcome.missing) or None
            if (counts := outcome.grounding) is not None and counts.quotes:
                facts["quotes_found"] = f"{counts.exact + counts.near}/{counts.quotes}"
            log.info(
                event, insights=len(outcome.answer["insights"]), source=outcome.reused, **facts
            )
            if marks := outcome.notes.get("reply_notes"):
                log.warning("answer.marked", analyzer=node.name, reason="; ".join(marks))
        elif outcome.status in ("skipped", "not_run"):
            log.warning("node.skipped", reason=outcome.error, **facts)
        else:
            log.error("node.failed", kind=outcome.kind, error=outcome.error, **facts)


def _reserve(directory: RunDirectory, node: Node, calls: CallLog, reply_tokens: int) -> None:
    """Make room for the record of another reply; raise NotRunError without any."""
    size = TOKEN_BYTES * reply_tokens * (1 + calls.replies) + ATTEMPT_BYTES * len(calls.attempts)
    try:
        directory.reserve(node.stage, node.name, max(size + OTHER_BYTES, MIN_BYTES))
    except OSError as error:
        raise NotRunError("output", f"not called: {error}") from error


def _note_call(journal: Journal | MemberJournal, event: str, **facts: Any) -> None:
    """Write a call to the journal; raise NotRunError for a new one that cannot be written."""
    if journal.note(event, **facts) is None:
        raise NotRunError("output", f"not called: {journal.fault}")
