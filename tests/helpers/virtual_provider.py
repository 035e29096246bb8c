"""A provider in virtual time: the simulated provider's decisions without a wire in between."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from runner.base.errors import CallError
from runner.base.event_loops import run_virtually
from runner.base.usage import Usage
from runner.calls.admission.gate import Gate
from runner.calls.admission.limits import Slots
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.config.simulate import SimulateSettings
from runner.providers.litellm.errors import classify
from runner.providers.messages import text_parts
from runner.providers.request import Completion, Request, Transport
from runner.providers.simulated.behaviour import Arrival, Behaviour, PlannedResponse

DEFAULTS: Mapping[str, Any] = {"seed": 1, "latency_s": 6.7, "jitter": 0.4}
FOREVER_S = 1e9
MAX_TOKENS = 2000


class HttpError(Exception):
    """A refused request, with the attributes of litellm's exceptions."""

    def __init__(self, verdict: PlannedResponse) -> None:
        super().__init__(f"simulated {verdict.fault}")
        self.status_code = verdict.status
        self.litellm_response_headers = dict(verdict.headers)


class VirtualProvider(Transport):
    """A transport that drives `Behaviour`; latencies pass in the event loop's own time.

    *sizes* maps a prompt's text to the tokens of that prompt and of its reply.
    """

    def __init__(
        self, sizes: Callable[[str], tuple[int, int]] = lambda _: (10, 10), **settings: Any
    ) -> None:
        self._behaviour = Behaviour(SimulateSettings.model_validate({**DEFAULTS, **settings}))
        self._sizes = sizes
        self.statuses: list[int] = []
        self.asked: Counter[str] = Counter()
        self.in_flight = 0
        self.arrivals: list[tuple[float, int]] = []  # loop time, requests in flight

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        text = "".join(part for message in request.messages for part in text_parts(message))
        prompt_tokens, reply_tokens = self._sizes(text)
        arrival = Arrival(
            request.node, text, range(prompt_tokens), request.max_tokens, reply_tokens
        )
        now = asyncio.get_running_loop().time()
        verdict = self._behaviour.decide(arrival, now)
        self.asked[text] += 1
        self.statuses.append(verdict.status)
        self.in_flight += 1
        self.arrivals.append((now, self.in_flight))
        try:
            await asyncio.sleep(FOREVER_S if verdict.fault == "hang" else verdict.latency_s)
        finally:
            self.in_flight -= 1
        if verdict.status != 200:
            error = HttpError(verdict)
            raise classify(error) from error
        return Completion(text, "stop", Usage(prompt_tokens, verdict.reply_tokens, cost_usd=0.001))


@dataclass(slots=True)
class Storm:
    """What became of many calls: *lost* maps those without a reply to their errors."""

    provider: VirtualProvider
    gate: Gate
    took_s: float = 0.0
    answered: int = 0
    lost: dict[str, CallError] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return len(self.provider.statuses)

    @property
    def failed_requests(self) -> int:
        return sum(status != 200 for status in self.provider.statuses)

    @property
    def kinds(self) -> set[str]:
        return {error.kind for error in self.lost.values()}

    async def make_calls(
        self, units: int, concurrency: int = 32, *, seed: int = 1, **client: Any
    ) -> None:
        """Make *units* calls at once, each with a name of its own as its prompt."""
        rng = random.Random(seed)
        made = Client(self.provider, RetryPolicy(), 180.0, rng, gate=self.gate, **client)
        slots = Slots(concurrency)

        async def ask(name: str) -> None:
            request = Request(name, ({"role": "user", "content": name},), MAX_TOKENS)
            try:
                await made.complete(request, slots, CallLog())
            except CallError as error:
                self.lost[name] = error
            else:
                self.answered += 1

        began = asyncio.get_running_loop().time()
        with structlog.testing.capture_logs() as events:
            await asyncio.gather(*(ask(f"unit {number:04}.") for number in range(units)))
        self.events.update(event["event"] for event in events)
        self.took_s = asyncio.get_running_loop().time() - began


def storm(units: int = 800, *, seed: int = 1, **settings: Any) -> Storm:
    """Make *units* calls, 32 at once, to a provider of these *settings*."""

    async def main() -> Storm:
        gate = Gate(32, rng=random.Random(seed))
        result = Storm(VirtualProvider(seed=seed, **settings), gate)
        await result.make_calls(units, seed=seed)
        return result

    return run_virtually(main)
