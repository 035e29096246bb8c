"""Delivery of a job's calls: opens and closes the deliverers of its models."""

import asyncio
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

import structlog

from runner.base.errors import ConfigError
from runner.base.files import write_json
from runner.base.format import plural
from runner.base.json import read_json, section
from runner.base.text import print_stderr
from runner.base.threads import offload
from runner.calls.activity import Activity
from runner.calls.admission.budget import Budget
from runner.calls.client import Client
from runner.calls.client_factory import max_in_flight, route_of
from runner.calls.delivery.deliverer import Deliverer
from runner.calls.delivery.timing import LIVE_S, Timing
from runner.config.delivery import deadline_of
from runner.config.schema import Settings
from runner.job.job import Setup
from runner.job.models import Model
from runner.providers.batches.endpoint import BatchEndpoint
from runner.providers.batches.factory import batch_endpoint
from runner.providers.litellm.route import ModelRoute
from runner.providers.options import provider_of
from runner.record.deliveries import Deliveries, DeliveryBook
from runner.record.history import add_batch_latencies, read_batch_latencies
from runner.record.journal import Journal, MemberJournal, Spent, spent_in
from runner.record.run_directory import METADATA, RunDirectory
from runner.run.averages import try_store
from runner.run.plan.plan import read_histories
from runner.run.stop import Stop

ASK_S = 8.0  # shorter than the grace period of an interrupted run

Endpoints = Callable[[ModelRoute], BatchEndpoint]
log = structlog.get_logger("colloquy.delivery")


@dataclass(eq=False)
class JobDelivery:
    """The deliverers of *job*, by name of the model; their batches are in *directory*."""

    job: Setup
    directory: RunDirectory
    activity: Activity
    deliverers: dict[str, Deliverer] = field(default_factory=dict)
    now: Callable[[], float] = time.time
    book: DeliveryBook = field(init=False)

    async def open(
        self,
        clients: Mapping[str, Client],
        endpoints: Endpoints = batch_endpoint,
        addresses: Mapping[str, str] = {},
    ) -> dict[str, Client]:
        """Return *clients* with deliverers, if batches are wanted or still pending.

        *addresses* are those of simulated providers. Raises CallError and ConfigError.
        """
        self.book = book = await offload(DeliveryBook, self.directory.path)
        made, begun, settings = dict(clients), book.begun_at or self.now(), self.job.settings
        for name, model in self.job.models.items():
            sends, by = model.settings.delivery in ("batch", "auto"), settings.delivery.by
            if (flex := made[name].flex) is not None and by is not None:
                left = deadline_of(by, begun) - self.now()
                flex = replace(flex, by_s=asyncio.get_running_loop().time() + left)
                made[name] = replace(made[name], flex=flex)
            of = self._journal, name, provider_of(model.settings), book, self.job.secrets
            ledger = Deliveries(self.directory.path, *of, now=self.now)
            if sends or any(map(ledger.wanted, ledger.batches.values())):
                endpoint = endpoints(route_of(model.settings, addresses.get(name)))
                parts = endpoint, ledger, self.activity, self._timing(model, begun)
                deliverer = Deliverer(*parts, sends=sends, repair=settings.delivery.repair)
                self.deliverers[name] = deliverer
                await deliverer.open()
                made[name] = replace(made[name], deliverer=deliverer)
        return made

    @property
    def _journal(self) -> Journal:
        assert isinstance(self.directory.journal, Journal)
        return self.directory.journal

    def _timing(self, model: Model, begun: float) -> Timing:
        """Return the timing of batches; a deadline counts from the first session."""
        by, root = self.job.settings.delivery.by, self.job.root
        if model.settings.delivery != "auto" or by is None:
            return Timing(now=self.now)
        averages = read_histories(self.job)[model.settings.name].values()
        return Timing(
            deadline_of(by, begun),
            read_batch_latencies(root, model.key),
            max((each.latency_s for each in averages), default=LIVE_S),
            max_in_flight(self.job),
            now=self.now,
        )

    async def finish(self) -> None:
        """Settle calls without a waiter: the job is complete."""
        for name, deliverer in self.deliverers.items():
            await deliverer.finish()
            if took := deliverer.collector.took:
                key = self.job.models[name].key
                await try_store(add_batch_latencies, self.job.root, key, took)
        self._settle_unclaimed()
        await offload(self._restate)

    def _restate(self) -> None:
        """Bring the totals in metadata.json up to calls that were settled after it was written."""
        path, journal = self.directory.path, self._journal
        if section(read_json(path / METADATA), "totals") == journal.spent.totals():
            return
        total, by_run = spent_in(path / "journal.jsonl")
        for folder, spent in {path: total, **{path / run: s for run, s in by_run.items()}}.items():
            metadata = read_json(folder / METADATA)
            if metadata and metadata.get("totals") != spent.totals():
                write_json(folder / METADATA, {**metadata, "totals": spent.totals()})

    def _settle_unclaimed(self) -> None:
        """Settle calls of earlier sessions that nobody has asked for.

        Those in batches at a provider, or of a model, that the job no longer has count as paid.
        """
        deliverers = self.deliverers.values()
        batches = {mark: b for d in deliverers for mark, b in d.collector.batches.items()}
        for key, call in self.book.unclaimed():
            sent = batches.get(call.mark or "")
            if sent is None and call.mark is not None:
                log.warning("batch.abandoned", analyzer=self.book.starts[key]["analyzer"])
            if sent is None or sent.is_over:
                paid = call.mark is not None if sent is None else sent.torn or key in sent.results
                self.book.settle(key, self._journal, charged=paid)

    async def close(self, stop: Stop) -> None:
        """Leave or cancel pending batches, as the settings or the user at the terminal choose."""
        out = sum(len(each.collector.out) for each in self.deliverers.values())
        cancel = self.job.settings.delivery.on_interrupt == "cancel"
        if stop.signum == signal.SIGINT and out and sys.stdin.isatty() and sys.stderr.isatty():
            cancel = await offload(_asked, out, cancel)
        for deliverer in self.deliverers.values():
            await deliverer.close(cancel=cancel and stop.signum is not None)
        if cancel and stop.signum is not None and out:
            said = f"{plural(out, 'batch')} cancelled; finished requests are billed"
            print_stderr(f"colloquy: {said}")


def _asked(out: int, cancel: bool) -> bool:
    """Ask whether to cancel the pending batches; without an answer, follow the settings."""
    default = "cancel" if cancel else "leave"
    print_stderr(
        f"colloquy: {plural(out, 'pending batch')}: leave (resume collects) or cancel? "
        f"[l/c, in {ASK_S:.0f} s: {default}]"
    )
    with suppress(OSError, ValueError):
        if select.select([sys.stdin], [], [], ASK_S)[0]:
            answer = sys.stdin.readline().strip().lower()
            return answer.startswith("c") if answer else cancel
    return cancel


def pending_hint(journal: Journal | MemberJournal) -> str | None:
    """Return a line about calls in pending batches, None without any."""
    count = len(journal.spent.out)
    calls = f"{plural(count, 'call')} in pending batches"
    return f"{calls}: resume collects them, colloquy-status shows them" if count else None


def budget_of(settings: Settings, spent: Spent) -> Budget:
    """Return the budget of a run or batch, less use and pending calls of earlier sessions."""
    held_tokens, held_usd = spent.held
    return Budget(
        settings.budget.max_cost_usd,
        settings.budget.max_tokens,
        spent_usd=spent.known_usd + spent.charged_usd + held_usd,
        spent_tokens=spent.usage.tokens + spent.charged_tokens + held_tokens,
    )


def check_deadline(settings: Settings) -> None:
    """Raise ConfigError for a deadline that has passed or, except in a plan, that nothing uses."""
    by, models = settings.delivery.by, (settings.model, *settings.models.values())
    if by is None:
        return
    if not settings.plan and not {"auto", "flex"} & {model.delivery for model in models}:
        own = f"model.delivery={settings.model.delivery} has no deadline"
        needed = f"a deadline needs model.delivery=auto or flex, {own}"
        raise ConfigError(f"delivery.by={by}: {needed}")
    if deadline_of(by, now := time.time()) <= now:
        raise ConfigError(f"delivery.by={by} has passed; expected a later time, or such as 2h")
