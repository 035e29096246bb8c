"""Runs of several calls under a deadline, over batches whose times are drawn, in virtual time."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from runner.base.event_loops import run_virtually
from runner.base.usage import Usage
from runner.calls.activity import Activity, tracked
from runner.calls.admission.budget import Budget
from runner.calls.admission.limits import Admission, Slots
from runner.calls.call import Terms
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.delivery.deliverer import Deliverer
from runner.calls.delivery.ledger import HeldCall, LedgerBatch
from runner.calls.delivery.timing import Timing
from runner.calls.retry import RetryPolicy
from runner.calls.schedule import gather_all
from runner.providers.request import Completion, Request, Transport

from .batch_endpoint import PRICE_USD, FakeProvider

LIVE_USD = 2 * PRICE_USD


@dataclass
class NoLedger:
    """A ledger of a process that never dies."""

    batches: dict[str, LedgerBatch] = field(default_factory=dict)

    def claim(self, key: str) -> HeldCall | None:
        return None

    def wanted(self, batch: LedgerBatch) -> set[str]:
        return set()

    async def intend(self, mark: str, keys: Sequence[str]) -> LedgerBatch:
        now = 1_800_000_000.0 + asyncio.get_running_loop().time()
        return LedgerBatch(mark, frozenset(keys), now)

    async def submitted(self, batch: LedgerBatch, id: str) -> None:
        batch.id = id

    async def refused(self, batch: LedgerBatch) -> None: ...

    async def keep(self, mark: str, lines: Sequence[bytes]) -> None: ...

    async def collected(self, batch: LedgerBatch) -> None: ...

    def results(self, mark: str) -> Iterator[bytes]:
        return iter(())

    def forget(self, mark: str) -> None: ...


@dataclass
class LiveTransport(Transport):
    """Answers after about *live_s* seconds."""

    live_s: float
    rng: random.Random
    answered: int = 0

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        await asyncio.sleep(self.live_s * self.rng.lognormvariate(0.0, 0.25))
        self.answered += 1
        return Completion("live", "stop", Usage(100, 20, cost_usd=LIVE_USD))


@dataclass(frozen=True)
class Draw:
    """Files of several *steps*, each a call; *median_s* and *sigma* are of a batch's time.

    *stop_s* is what the provider takes to stop one, *known* how many earlier ones are recorded.
    """

    seed: int
    deadline_s: float
    steps: int = 2
    files: int = 12
    slots: int = 4
    median_s: float = 900.0
    sigma: float = 1.0
    live_s: float = 20.0
    stop_s: float = 10.0
    known: int = 40
    partial: bool = False

    def batch_s(self) -> list[float]:
        """Return the seconds of a batch of each step."""
        rng = random.Random(f"steps {self.seed}")
        return [self.median_s * rng.lognormvariate(0.0, self.sigma) for _ in range(self.steps)]

    def cheapest_usd(self) -> float:
        """Return the price of the cheapest schedule in time, for who knows every batch's time."""
        batch_s, live_s = self.batch_s(), self.live_s * math.ceil(self.files / self.slots)
        for live in range(self.steps + 1):
            chosen = combinations(range(self.steps), self.steps - live)
            if any(sum(batch_s[n] for n in c) + live * live_s <= self.deadline_s for c in chosen):
                break
        return self.files * (live * LIVE_USD + (self.steps - live) * PRICE_USD)


@dataclass(frozen=True)
class Outcome:
    """What a draw took and cost, all replies of batches that were made counted."""

    took_s: float
    cost_usd: float
    overshoot_usd: float


def try_auto(draw: Draw) -> Outcome:
    """Answer all files of *draw* with `model.delivery=auto`."""

    async def main() -> Outcome:
        loop, admission = asyncio.get_running_loop(), Admission()
        times, past = draw.batch_s(), random.Random(f"past {draw.seed}")
        provider = FakeProvider(
            lambda _: "batch",
            lambda _, nodes: max(times[int(node)] for node in nodes),
            seed=draw.seed,
            stop_s=draw.stop_s,
            partial=draw.partial,
        )
        timing = Timing(
            provider.now() + draw.deadline_s,
            [draw.median_s * past.lognormvariate(0.0, draw.sigma) for _ in range(draw.known)],
            draw.live_s,
            draw.slots,
            now=provider.now,
        )
        activity = Activity(lambda: admission.is_stuck)
        live = LiveTransport(draw.live_s, random.Random(draw.seed))
        budget = Budget(max_cost_usd=1e6)
        slots = Slots(draw.slots)

        async def run(file: int) -> None:
            calls = CallLog(note=lambda *_, **__: None, sent_as=str(file))
            for step in range(draw.steps):
                calls.start_conversation()
                request = Request(str(step), ({"role": "user", "content": str(file)},), 100)
                left = draw.steps - step
                await client.complete(request, slots, calls, file, Terms(key=f"{step}", steps=left))

        with tracked(activity):
            deliverer = Deliverer(provider.endpoint(), NoLedger(), activity, timing)
            client = Client(
                live, RetryPolicy(), 600.0, admission=admission, budget=budget, deliverer=deliverer
            )
            await deliverer.open()
            await gather_all(map(run, range(draw.files)))
        took = loop.time()
        await asyncio.sleep(10 * draw.median_s)  # late replies are paid as well
        await deliverer.close()
        paid = sum(provider.paid.values()) * PRICE_USD + live.answered * LIVE_USD
        return Outcome(took, paid, paid - budget.spent_usd)

    return run_virtually(main)
