"""Calls of a collection: each asks one analyzer about material, and is recorded and accounted."""

from abc import ABC, abstractmethod
from asyncio import Lock
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import structlog

from runner.answers.grounding.grounder import Grounder
from runner.answers.outcome import Outcome
from runner.answers.themes import LedgerRow
from runner.base.text import digest
from runner.base.usage import Usage
from runner.calls.activity import one_at_a_time
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.client_factory import EMBEDDINGS
from runner.job.graph import Node
from runner.job.job import Job
from runner.job.parts import ASIDE
from runner.job.windows import FRAME_TOKENS
from runner.providers.offline.document import read_document
from runner.providers.request import Completion
from runner.record.collection_findings import GroundedFinding
from runner.record.history import CallAverages
from runner.record.recorder import Recorder
from runner.record.reuse import StoredAnswers
from runner.record.run_directory import RunDirectory
from runner.record.store import Store
from runner.record.vectors import FOLDER
from runner.run.collection.material import Sheet, finding_line, room_of
from runner.run.collection.replies import Unused
from runner.run.collection.state import State
from runner.run.embedder import Embedder
from runner.run.nodes.ask import Asker, Get, Question
from runner.run.nodes.contexts import Contexts
from runner.run.nodes.escalation import EscalatingNodes
from runner.run.nodes.fits import Fits
from runner.run.nodes.node import RECUTS
from runner.run.nodes.validation import Validator
from runner.run.plan.node import TAG_TOKENS
from runner.transcript.model import Segment

T = TypeVar("T")
Read = Callable[[Mapping[str, Any], Unused], T]  # the value in an answer, and its unused parts

log = structlog.get_logger("colloquy.collection")


class TooLongError(Exception):
    """A prompt was too long; the budget of its analyzer has been reduced."""


class _Recorder(Recorder):
    """Writes the answers of a collection into its batch, and its progress into the metadata."""

    async def write_metadata(self, status: str, exit_code: int | None = None) -> None:
        """Leave metadata.json to the batch."""


class _Validator(Validator):
    """Checks the quotes of a reply against those of the material that it answers."""

    def __init__(self, job: Job, texts: Mapping[str, str]) -> None:
        super().__init__(job)
        self._texts = texts

    def validate(
        self, grounder: Grounder, node: Node, reply: Completion, limit: int | None = None
    ) -> Outcome:
        asked = node.name.partition(f"/{ASIDE}_")[0]
        findings = read_document(self._texts[asked]).findings
        near, restore = self.job.settings.grounding.near_score, self.job.redaction.restore
        quoted = ((s, quote) for each in findings for s, quote in each.evidence)
        cited = tuple(Segment(s, None, None, None, restore(quote)[0]) for s, quote in quoted)
        return super().validate(Grounder(cited, near), node, reply, limit)


class _Runner(EscalatingNodes):
    """Answers nodes whose material is given, `texts` by their names, and escalates them."""

    recuts = 0  # by the caller
    texts: Mapping[str, str]

    async def _read(self, question: Question, upstream: Mapping[str, Outcome], get: Get) -> Outcome:
        return await get(question, self.texts[question.node.name])


@dataclass
class Caller:
    """Asks the analyzers of a collection through *clients*.

    *ledger* has a row for each call, *outcomes* the outcome of each by analyzer; *measured* has the
    calls that predict later ones.
    """

    job: Job
    clients: Mapping[str, Client]
    directory: RunDirectory
    stored: StoredAnswers
    expected_s: Mapping[str, float]
    ledger: list[LedgerRow] = field(default_factory=list)
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    measured: dict[str, list[CallAverages]] = field(default_factory=dict)
    reused: int = 0
    _texts: dict[str, str] = field(default_factory=dict)  # of calls in flight
    _calls: dict[str, CallLog] = field(default_factory=dict)  # by analyzer
    _ready_s: dict[str, float] = field(default_factory=dict)
    _recuts: dict[str, int] = field(default_factory=dict)  # left, by analyzer
    _answered: dict[str, Outcome] = field(default_factory=dict)  # by digest of the material
    _asking: dict[str, Lock] = field(default_factory=dict)  # by the same, so that one asks

    def __post_init__(self) -> None:
        self.recorder = _Recorder(self.job, self.directory, self.stored)
        asker = Asker(self.job, self.clients, self.stored, self.expected_s)
        asker.validator = _Validator(self.job, self._texts)
        self.embedder = Embedder(
            self.job.settings,
            self.clients.get(EMBEDDINGS),
            self.stored.store or Store(self.directory.path / FOLDER),
            self.recorder,
            asker.place.slots,
            self._absorb,
        )
        self.fits = Fits(self.job, self.directory, self.stored.previous)
        contexts = Contexts(self.job, self.recorder.keep_context)
        self._runner = _Runner(self.job, asker, contexts, self.recorder, self.fits)
        self._runner.texts = self._texts
        self.count = self.job.main.tokenizer.count

    def budget(self, node: Node) -> int:
        """Return the tokens of material that every model of *node* can read in one call."""
        chain = (*self.job.chain(node), *self.job.escalation(node))
        return min(self.fits.latest[node.name, model.name].context for model in chain)

    def tokens(self, *lines: str) -> int:
        """Return the tokens of *lines* of material."""
        return sum(self.count(line + "\n") for line in lines)

    def finding_tokens(self, found: GroundedFinding) -> int:
        """Return the tokens of the line of a finding."""
        return self.tokens(finding_line(found))

    async def _is_too_long(self, node: Node, outcome: Outcome, material: Sheet) -> bool:
        """Return whether *material* is too long for the window learned from *outcome*."""
        if outcome.kind != "context_exceeded" or outcome.reused or not self._recuts[node.name]:
            return False
        for model in self.job.chain(node):
            await self.fits.renewed(node, model, self.fits.latest[node.name, model.name])
        if self.count(material.text) <= (now := self.budget(node)):
            return False
        log.warning("context.cut_again", analyzer=node.name, token_budget=now)
        return True

    async def run(self, node: Node, find: Callable[[], Awaitable[None]]) -> None:
        """Run *find*, which asks *node*; restart it, reusing answers, for a smaller window."""
        self._recuts[node.name] = RECUTS
        self._calls[node.name] = self.recorder.call_log(node)
        self._ready_s[node.name] = self.recorder.elapsed_s()
        self.recorder.node_started(node)
        while True:
            try:
                return await find()
            except TooLongError:
                self._recuts[node.name] -= 1
                self.outcomes.pop(node.name, None)
                own = f"{node.name}/"
                self.ledger = [row for row in self.ledger if not f"{row.node}/".startswith(own)]

    def _absorb(self, node: Node, calls: CallLog) -> None:
        self._calls[node.name].absorb(calls)
        self._calls[node.name].start_conversation()

    def skip(self, node: Node, why: str) -> None:
        """Record that *node* has nothing to read."""
        self._end(node, Outcome("skipped", kind="upstream", error=why))

    def _end(self, node: Node, outcome: Outcome) -> None:
        self.outcomes.setdefault(node.name, []).append(outcome)
        calls, ready_s = self._calls[node.name], self._ready_s[node.name]
        self.recorder.node_ended(node, outcome, calls, ready_s)

    async def ask(self, node: Node, part: str, level: int, material: Sheet, read: Read[T]) -> T:
        """Return what *read* makes of the answer about *material*, which is empty without one.

        *part* names one of several calls of *node*; the last one has none. Unused parts of a reply
        are added to the ledger.
        """
        one = replace(node, name=f"{node.name}/{part}") if part else node
        key = digest(f"{node.name}\0{material.text}")
        asking = self._asking.setdefault(key, Lock())
        async with one_at_a_time(asking):
            if (outcome := self._answered.get(key)) is None:
                outcome = await self._settled(node, one, material)
            if outcome.answer is not None:
                self._answered[key] = outcome
        if part:
            self.outcomes.setdefault(node.name, []).append(outcome)
        else:
            self._end(node, outcome)
        value = read(outcome.answer or {}, unused := Unused())
        left = unused.lines()
        if outcome.answer is None:
            left = [f"nothing of it was read: {outcome.kind or outcome.status}"]
        about = (level, one.name, material.inputs, self.count(material.text), self.budget(node))
        escalated = outcome.notes.get("escalation", {"asked": False}).get("asked", True)
        left_out = (*material.left_out, *left)
        self.ledger.append(LedgerRow(*about, left_out, outcome.status, escalated))
        return value

    async def _settled(self, node: Node, one: Node, material: Sheet) -> Outcome:
        """Return the outcome of *one* call of *node*; raise TooLongError."""
        whole, is_part = self._calls[node.name], one is not node
        calls = self.recorder.call_log(one) if is_part else whole
        self._texts[one.name] = material.text
        before = len(calls.attempts), calls.usage
        outcome = await self._runner.settled(one, {}, calls)
        self._measure(node, outcome, calls, before, self.count(material.text))
        del self._texts[one.name]
        self.reused += outcome.reused is not None
        if is_part:
            whole.absorb(calls)
        if await self._is_too_long(node, outcome, material):
            raise TooLongError
        if is_part:
            self.recorder.part_ended(one, outcome, calls)
        return outcome

    def _measure(
        self, node: Node, outcome: Outcome, calls: CallLog, before: tuple[int, Usage], tokens: int
    ) -> None:
        """Measure a call about *tokens* of material, if plans predict such calls."""
        model, (since, used) = self.job.chain(node)[0], before
        new = calls.attempts[since:]
        own = outcome.status == "ok" and not outcome.reused and outcome.model == model.settings.name
        if not own or [(each.outcome, each.delivery) for each in new] != [("ok", "live")]:
            return
        fixed = self.fits.latest[node.name, model.name].fixed - FRAME_TOKENS + TAG_TOKENS
        reply = calls.usage.completion_tokens - used.completion_tokens
        ratio = (calls.usage.prompt_tokens - used.prompt_tokens) / (fixed + tokens)
        averages = CallAverages(round(new[0].latency_s, 4), reply, round(ratio, 4))
        self.measured.setdefault(node.name, []).append(averages)


@dataclass
class Finder(ABC):
    """A stage of a collection: adds to *state* what the calls of *node* find."""

    caller: Caller
    node: Node
    state: State

    @abstractmethod
    async def find(self) -> None:
        """Make the calls, or skip the stage."""

    @property
    def room(self) -> int:
        """The tokens for lines of material in one call."""
        return room_of(self.caller.budget(self.node))

    def mask(self, text: str) -> str:
        """Return *text* with stand-ins for what is redacted."""
        return self.caller.job.redaction.mask(text, eager=True)

    def fitting(self, rows: Sequence[T], shown: Callable[[T], str]) -> tuple[list[T], list[T]]:
        """Return the *rows* that a call has room for, at least the first, and the others.

        *shown* returns the lines of a row.
        """
        left, parts = self.room, (list[T](), list[T]())
        for row in rows:
            tokens = self.caller.tokens(shown(row))
            over = tokens > left and bool(parts[0])
            left -= 0 if over else tokens
            parts[over].append(row)
        return parts
