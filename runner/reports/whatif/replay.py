"""Replays a finished run's calls through the real scheduler and gates in virtual time."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from runner.base.errors import CallError, ConfigError
from runner.base.event_loops import run_virtually
from runner.base.usage import Usage
from runner.calls.admission.gate import MAX_CEILING, Gate
from runner.calls.admission.limits import Admission, Ticket
from runner.calls.admission.rates import rates_of
from runner.calls.call_log import Attempt
from runner.calls.prefix_gate import Lead, PrefixGate
from runner.calls.retry import THROTTLE
from runner.calls.schedule import gather_all, make_slots, ranks, run_graph
from runner.config.schema import ModelSettings, Settings
from runner.job.graph import Node, Pipeline, make_pipeline
from runner.job.job import Job
from runner.job.models import MAIN
from runner.job.prefix_policy import prefix_policy
from runner.providers.request import Completion
from runner.record.history import guessed_s

MIN_GAIN = 0.01  # share of the wall clock that a limit must cost to be named
_ROUNDED_S = 1e-5  # benchmark.json rounds to microseconds, once per attempt


@dataclass(frozen=True, slots=True)
class NodeCalls:
    """The attempts of one node: its *parts* at the same time, then its *own* in sequence.

    *most_reply* are the tokens of the reply that an attempt reserves, *used* those of a good one.
    """

    own: tuple[Attempt, ...]
    parts: tuple[tuple[Attempt, ...], ...] = ()
    most_reply: int = 0
    used: Usage = field(default_factory=Usage)

    @property
    def sum_s(self) -> float:
        """All attempts in sequence, without the waits between them."""
        return sum(each.latency_s for part in (*self.parts, self.own) for each in part)


Calls = Mapping[str, NodeCalls]  # by node name


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of a schedule; *models* are by node name.

    *primed* are the stages in which one call warms the prefix cache; without *ramp* gates start
    at their ceiling.
    """

    pipeline: Pipeline
    max_concurrent: int
    mode: str
    models: Mapping[str, ModelSettings]
    primed: frozenset[str] = frozenset()
    ramp: bool = True

    @property
    def ceiling(self) -> int:
        """The limit of calls in flight."""
        return min(MAX_CEILING, self.pipeline.slot_pools(self.max_concurrent, self.mode).total)


def rules_of(settings: Settings, job: Job | None) -> Rules:
    """Return the rules of a run with *settings*; without its *job* no stage is primed."""
    pipeline, primed = make_pipeline(settings.stages, settings.analyzers), frozenset[str]()
    if job is not None:
        policy = prefix_policy(replace(job, settings=settings, pipeline=pipeline))
        primed = frozenset(stage for stage, _ in policy.primed)
    known = {MAIN: settings.model, **settings.models}
    models = {}
    for node in pipeline.nodes:
        body, stage = settings.analyzers[node.name], settings.stages[node.stage]
        models[node.name] = known[body.model or stage.model or MAIN]
    processing = settings.processing
    return Rules(pipeline, processing.max_concurrent, processing.mode, models, primed)


def read_calls(name: str, entry: Any, max_tokens: int) -> NodeCalls:
    """Return the calls in an analyzer's entry of benchmark.json; raise ConfigError if damaged."""
    try:
        attempts = [_attempt(each) for each in entry["attempts"]]
        parts_s = [_seconds(seconds) for seconds in entry["parts_s"]]
        own_s = _seconds(entry["latency_s"])
        prompt, reply = int(entry["prompt_tokens"]), int(entry["completion_tokens"])
        ways = [str(a.get("delivery") or "live") for a in entry["attempts"]]
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ConfigError(f"analyzers.{name} is not an entry of a run") from error
    parts, own = _split(attempts, parts_s, own_s)
    good = max(1, sum(attempt.outcome == "ok" for attempt in attempts))
    if set(ways) - {"live"}:  # the time in a batch does not measure live calls
        guess = guessed_s(reply / good)
        own, parts = _guessed(own, guess), tuple(_guessed(part, guess) for part in parts)
    return NodeCalls(own, parts, max_tokens, Usage(prompt // good, reply // good))


def _attempt(entry: Mapping[str, Any]) -> Attempt:
    first = entry.get("first_token_s")
    times = _seconds(entry["latency_s"]), None, _seconds(entry["wait_s"])
    return Attempt(str(entry["outcome"]), *times, None if first is None else _seconds(first))


def _guessed(attempts: Sequence[Attempt], seconds: float) -> tuple[Attempt, ...]:
    good = [attempt for attempt in attempts if attempt.outcome == "ok"]
    return tuple(replace(attempt, latency_s=seconds, wait_s=0.0) for attempt in good)


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not 0 <= seconds < math.inf:
        raise ValueError(value)
    return seconds


def _split(
    attempts: Sequence[Attempt], parts_s: Sequence[float], own_s: float
) -> tuple[tuple[tuple[Attempt, ...], ...], tuple[Attempt, ...]]:
    """Return the attempts of each part and the node's own, which are recorded in this order."""
    parts, rest = [], list(attempts)
    for seconds in parts_s:
        taken: list[Attempt] = []
        while rest and sum(a.latency_s for a in taken) < seconds - _ROUNDED_S * (len(taken) + 1):
            taken.append(rest.pop(0))
        parts.append(tuple(taken))
    if abs(sum(a.latency_s for a in rest) - own_s) <= _ROUNDED_S * (len(rest) + 1):
        return tuple(parts), tuple(rest)
    return tuple((Attempt("ok", s),) for s in parts_s), (Attempt("ok", own_s),) if own_s else ()


def replay(
    rules: Rules, calls: Calls, expected: Mapping[str, float], overhead_s: float = 0.0
) -> float:
    """Return the wall-clock seconds that *calls* take under *rules*.

    *expected* ranks the nodes, largest first; *overhead_s* passes after each call, outside its
    slot. The gates receive the recorded failures.
    """

    async def run() -> float:
        await run_graph(rules.pipeline, _Replay(rules, calls, expected, overhead_s).work)
        return asyncio.get_running_loop().time()

    return float(run_virtually(run))


def limit_of(rules: Rules, calls: Calls, expected: Mapping[str, float], wall_s: float) -> str:
    """Return the limit whose removal shortens *wall_s* most, found by removing each."""

    free = dict.fromkeys(("rpm", "tpm", "itpm", "otpm"))
    models = {name: model.model_copy(update=free) for name, model in rules.models.items()}
    stages = tuple(replace(stage, max_concurrent=None) for stage in rules.pipeline.stages)
    slots = {"pipeline": Pipeline(stages), "mode": "concurrent", "max_concurrent": MAX_CEILING}
    without: dict[str, dict[str, Any]] = {
        "slots": slots,
        "rate": {"models": models},
        "priming": {"primed": frozenset[str]()},
        "ramp-up": {"ramp": False},
    }
    others = {name: replace(rules, **changed) for name, changed in without.items()}
    walls = {name: replay(other, calls, expected) for name, other in others.items()}
    if walls[best := min(walls, key=walls.__getitem__)] < (1 - MIN_GAIN) * wall_s:
        return best
    unlimited = replace(rules, **{k: v for each in without.values() for k, v in each.items()})
    is_less = replay(unlimited, calls, expected) < (1 - MIN_GAIN) * wall_s
    return "several limits" if is_less else "critical path"


class _Replay:
    """One replay; created inside the virtual event loop."""

    def __init__(
        self, rules: Rules, calls: Calls, expected: Mapping[str, float], overhead_s: float
    ) -> None:
        self.rules, self.calls, self.expected, self.overhead_s = rules, calls, expected, overhead_s
        self._slots = make_slots(rules.pipeline, rules.max_concurrent, rules.mode)
        self._ranks = ranks(rules.pipeline, expected, rules.mode)
        self._admission, self._primer = Admission(), PrefixGate()
        self._gates: dict[str, Gate] = {}

    async def work(self, node: Node, _: Mapping[str, None]) -> None:
        """Make the calls of *node* again."""
        calls = self.calls[node.name]
        parts = enumerate(calls.parts)
        await gather_all(self._turn(node, part, attempts) for part, attempts in parts)
        await self._turn(node, None, calls.own)

    async def _turn(self, node: Node, part: int | None, attempts: Sequence[Attempt]) -> None:
        primed = node.stage in self.rules.primed
        turn = self._primer.turn((node.stage, part), self.expected[node.name])
        async with turn if primed else nullcontext() as lead:
            await self._call(node, attempts, lead)

    async def _call(self, node: Node, attempts: Sequence[Attempt], lead: Lead | None) -> None:
        clock, gate = asyncio.get_running_loop().time, self._gate(node)
        limits, first = (self._slots[node.stage], gate), True
        calls = self.calls[node.name]
        for attempt in attempts:
            tokens = calls.used.prompt_tokens + calls.most_reply
            ticket = Ticket(node.name, self._ranks[node.name], tokens)
            ticket.reply_tokens = calls.most_reply
            good = attempt.outcome == "ok"
            try:
                async with self._admission.admit(limits, ticket):
                    begun = clock()
                    if lead is not None and attempt.first_token_s is not None:
                        await asyncio.sleep(attempt.first_token_s)
                        lead()
                    await asyncio.sleep(attempt.latency_s - (clock() - begun))
                    if good:
                        reply = Completion("", "recorded", calls.used)
                        gate.succeeded(ticket, reply, begun, clock(), first=first)
                    else:
                        gate.failed(ticket, CallError(attempt.outcome, "recorded"), begun, clock())
            except CallError:  # it ended the recorded run as well
                return
            if lead is not None and not good:
                lead.failed()
            if attempt.outcome == THROTTLE:
                gate.throttle(attempt.wait_s, None, clock())
            await asyncio.sleep(attempt.wait_s)
            first = good
        if attempts:
            await asyncio.sleep(self.overhead_s)

    def _gate(self, node: Node) -> Gate:
        model, ceiling = self.rules.models[node.name], self.rules.ceiling
        rates = rates_of(model)
        key = repr((model.name, model.api_base, rates))
        if key not in self._gates:
            gate = Gate(ceiling, rates, rng=random.Random(0))
            if not self.rules.ramp:
                gate.limit.limit = ceiling
            self._gates[key] = gate
        return self._gates[key]
