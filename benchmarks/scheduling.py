"""Scheduling on what is known: run and folder times by policy, through the real client and gate.

`python -m benchmarks.scheduling [--seeds N]` simulates calls in virtual time. Lengths of replies
and the mixes follow Yuan et al., Scheduling the Unschedulable (arXiv 2604.06970): short, medium,
long and very long replies, balanced or mostly long, seconds linear in tokens; of its policy the
shares by class (deficit round robin, here as start-time fair queueing) and the shorter first within
a class. It sheds load too, which does not apply: every answer is wanted. On heavy tails 1.5 % of
requests take a Pareto multiple of their time. A run is a graph of seven calls in three stages.
"""

import argparse
import asyncio
import logging
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean

import structlog

from runner.base.event_loops import run_virtually
from runner.base.format import aligned
from runner.base.tokens import tokenizer_for
from runner.base.usage import Usage
from runner.calls.admission.budget import Budget, Sizer
from runner.calls.admission.gate import Gate
from runner.calls.admission.limits import Admission, Cost, Slots
from runner.calls.admission.rates import RateLimits
from runner.calls.call import Terms
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.providers.request import Completion, Request, Transport

TOKENS = {"short": 64, "medium": 256, "long": 1024, "xlong": 3072}
GRAPH: dict[str, tuple[str, ...]] = {"a1": (), "a2": (), "a3": (), "a4": ()}
GRAPH |= {"b1": tuple(GRAPH), "b2": tuple(GRAPH)}
GRAPH |= {"final": ("b1", "b2")}
MIXES = {
    "balanced": ("short", "medium", "medium", "long", "medium", "long", "medium"),
    "heavy": ("medium", "long", "long", "xlong", "long", "xlong", "long"),
}
FIRST_S, PER_S, LIMIT = 0.5, 60.0, 4000  # first token, tokens a second, limit of a reply
STRAGGLERS = 0.015
PRICE_OUT = 4  # of a reply's token, in prompt tokens
WEIGHTS = {
    "short": 4.0,
    "medium": 3.0,
    "long": 2.0,
    "xlong": 1.0,
}  # of classes, in the paper's policy
BURST_S = 10.0


@dataclass(frozen=True)
class Work:
    """One call: tokens, and the seconds of each of its requests."""

    file: int
    name: str
    kind: str
    prompt: int
    reply: int
    seconds: tuple[float, float]

    @property
    def cost(self) -> int:
        """What one request costs, in prompt tokens."""
        return self.prompt + PRICE_OUT * self.reply


@dataclass(frozen=True)
class Policy:
    """How calls are ordered: by *rank*; *longest* files first; *hedges* the last straggler."""

    name: str
    rank: str = "fifo"
    longest: bool = False
    hedges: bool = False


POLICIES = (
    Policy("FIFO"),
    Policy("2604.06970", "fair"),
    Policy("longest files first", "file", longest=True),
    Policy("hedge", "file", hedges=True),
    Policy("Colloquy", "file", longest=True, hedges=True),
)

LEFT_OUT = (Policy("longest chain first", "chain", longest=True), Policy("shortest first", "short"))


def workload(seed: int, files: int, mix: str, *, tail: bool) -> list[list[Work]]:
    """Return the calls of *files* transcripts, whose lengths are lognormal."""
    rng, made = random.Random(seed), []
    for file in range(files):
        length, calls = math.exp(rng.gauss(0, 0.6)), []
        for name, kind in zip(GRAPH, MIXES[mix], strict=True):
            reply = max(16, int(TOKENS[kind] * math.sqrt(length) * math.exp(rng.gauss(0, 0.25))))
            drawn = (_seconds(rng, min(reply, LIMIT), tail=tail) for _ in range(2))
            calls.append(
                Work(
                    file,
                    name,
                    kind,
                    int(2000 * length),
                    min(reply, LIMIT),
                    (next(drawn), next(drawn)),
                )
            )
        made.append(calls)
    return made


def _seconds(rng: random.Random, reply: int, *, tail: bool) -> float:
    times = math.exp(rng.gauss(0, 0.15))
    if tail and rng.random() < STRAGGLERS:
        times *= min(40.0, 4 * rng.paretovariate(1.1))
    return times * (FIRST_S + reply / PER_S)


@dataclass
class Provider(Transport):
    """A transport that takes the seconds of each request; *paid* counts cancelled ones whole."""

    works: Mapping[str, Work]
    sent: dict[str, int] = field(default_factory=dict)
    paid: int = 0
    starts: list[tuple[float, int]] = field(default_factory=list)  # loop time, tokens

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        """Reply after the request's own time."""
        work = self.works[request.node]
        place = self.sent[request.node] = self.sent.get(request.node, -1) + 1
        self.paid += work.cost
        self.starts.append((asyncio.get_running_loop().time(), work.prompt + work.reply))
        await asyncio.sleep(work.seconds[min(place, 1)])
        return Completion("", "stop", Usage(work.prompt, work.reply))


class Sizes(Sizer):
    """Bounds by the workload: a prompt's tokens and the limit of a reply."""

    works: Mapping[str, Work] = {}

    async def size(self, request: Request) -> Cost:
        """Return the tokens that a call may use."""
        return Cost(type(self).works[request.node].prompt + LIMIT)


@dataclass(frozen=True)
class Measured:
    """Seconds until all is done, the requests' cost over that of one each, and the limit's use."""

    wall_s: float
    cost: float
    used: float | None


def simulate(
    files: Sequence[Sequence[Work]], policy: Policy, slots: int, tpm: int | None = None
) -> Measured:
    """Run all *files* through the real client in virtual time; *tpm* is the account's limit."""
    works = {f"{work.file}.{work.name}": work for calls in files for work in calls}

    async def main() -> Measured:
        clock = asyncio.get_running_loop().time
        provider, pool = Provider(works), Slots(slots)
        sizes = type("Known", (Sizes,), {"works": works})(tokenizer_for("gpt-5-mini"))
        limits = RateLimits(tpm=tpm, burst_s=BURST_S, written=True)
        gate = Gate(slots, limits, rng=random.Random(1))
        gate.limit.limit = slots
        client = Client(
            provider, RetryPolicy(), 1e6, random.Random(1), 1e9, gate, Admission(), Budget(), sizes
        )
        expected = _expected(files)
        ranks = _Ranks(policy, expected)

        async def call(work: Work, place: int) -> None:
            name = f"{work.file}.{work.name}"
            request = Request(name, (), LIMIT)
            known = expected[work.name] if policy.hedges else None
            rank = ranks.rank(work, place, expected[work.name])
            await client.complete(request, pool, CallLog(), rank, Terms(expected_s=known))

        async def run(calls: Sequence[Work], place: int) -> None:
            tasks: dict[str, asyncio.Task[None]] = {}

            async def node(work: Work) -> None:
                if GRAPH[work.name]:
                    await asyncio.wait([tasks[need] for need in GRAPH[work.name]])
                await call(work, place)

            for work in calls:
                tasks[work.name] = asyncio.create_task(node(work))
            await asyncio.gather(*tasks.values())

        order = sorted(files, key=lambda calls: -calls[0].prompt if policy.longest else 0)
        queue = iter(enumerate(order))

        async def worker() -> None:
            for place, calls in queue:
                await run(calls, place)

        await asyncio.gather(*(worker() for _ in range(slots + 4)))
        cost = provider.paid / sum(work.cost for work in works.values()) - 1
        return Measured(clock(), cost, None if tpm is None else _used(provider.starts, tpm))

    return run_virtually(main)  # type: ignore[no-any-return]


def _used(starts: Sequence[tuple[float, int]], tpm: int) -> float:
    """Return the share of the limit that was used until nine tenths of the calls were sent."""
    first = starts[: len(starts) * 9 // 10]
    return sum(tokens for _, tokens in first) / (tpm / 60 * (first[-1][0] + BURST_S))


def _expected(files: Sequence[Sequence[Work]]) -> dict[str, float]:
    """Return the mean seconds of each analyzer's calls without stragglers, as history has them."""
    seconds = {
        name: [
            FIRST_S + work.reply / PER_S for calls in files for work in calls if work.name == name
        ]
        for name in GRAPH
    }
    return {name: mean(each) for name, each in seconds.items()}


def _chain(name: str, expected: Mapping[str, float]) -> float:
    """Return the seconds of the longest chain of calls that begins with *name*."""
    after = [_chain(other, expected) for other, needs in GRAPH.items() if name in needs]
    return expected[name] + max(after, default=0.0)


class _Ranks:
    """Ranks of calls by *policy*."""

    def __init__(self, policy: Policy, expected: Mapping[str, float]) -> None:
        self.policy, self.expected = policy, expected
        self._ends: dict[str, float] = {}

    def rank(self, work: Work, place: int, expected_s: float) -> float:
        if self.policy.rank == "fifo":
            return 0.0
        if self.policy.rank == "file":
            return 1e6 * place - expected_s
        if self.policy.rank == "short":
            return expected_s
        if self.policy.rank == "chain":
            return -_chain(work.name, self.expected) * math.sqrt(work.prompt)
        began = max(min(self._ends.values(), default=0.0), self._ends.get(work.kind, 0.0))
        self._ends[work.kind] = began + expected_s / WEIGHTS[work.kind]
        return began + 1e-6 * work.reply  # the shorter first where shares are equal


def p95(values: Sequence[float]) -> float:
    """Return the 95th percentile, the nearest of *values* above it."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def table(seeds: int, policies: Sequence[Policy] = POLICIES) -> list[tuple[str, ...]]:
    """Return a row for each regime and policy: P95 seconds, change from FIFO, cost, limit used."""
    header = ("regime", "policy", "P95 s", "to FIFO", "mean s", "cost", "limit used")
    rows: list[tuple[str, ...]] = [header]
    regimes = [
        (f"{what}, {mix}, {'heavy' if tail else 'light'} tail", mix, tail, files, slots, tpm, count)
        for what, files, slots, tpm, count in (
            ("one run", 1, 32, None, 10 * seeds),
            ("100 files, 32 slots", 100, 32, None, seeds),
            ("100 files, 200k tpm", 100, 64, 200_000, seeds),
        )
        for mix in MIXES
        for tail in (False, True)
    ]
    for what, mix, tail, files, slots, tpm, count in regimes:
        base = 0.0
        for policy in policies:
            found = [
                simulate(workload(seed, files, mix, tail=tail), policy, slots, tpm)
                for seed in range(count)
            ]
            worst = p95([each.wall_s for each in found])
            base = base or worst
            used = "" if tpm is None else f"{mean(each.used or 0.0 for each in found):.1%}"
            cost = f"{mean(each.cost for each in found):+.1%}"
            middle = f"{mean(each.wall_s for each in found):.0f}"
            rows.append(
                (what, policy.name, f"{worst:.0f}", f"{worst / base - 1:+.0%}", middle, cost, used)
            )
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--left-out", action="store_true", help="policies that gained nothing")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    given = parser.parse_args()
    policies = (POLICIES[0], *LEFT_OUT) if given.left_out else POLICIES
    print("\n".join(aligned(table(given.seeds, policies), left=(0, 1))))


if __name__ == "__main__":
    main()
