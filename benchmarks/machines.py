"""One account's limit shared by 1, 10 and 100 machines that know nothing of one another.

    python -m benchmarks.machines [--calls N] [--seeds N]

Virtual time: each machine is our own client with its own gate and admission, the provider the
simulated one's decisions. The load and the limit are the same whatever the number of machines,
and all calls are there from the start. Equal seeds give equal tables.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import structlog

from runner.base.errors import CallError
from runner.base.event_loops import run_virtually
from runner.base.tokens import Tokenizer
from runner.base.usage import Usage
from runner.calls.admission.budget import Sizer
from runner.calls.admission.gate import Gate
from runner.calls.admission.limits import Admission, Slots
from runner.calls.admission.rates import RateLimits
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.config.simulate import SimulateSettings
from runner.providers.litellm.errors import classify
from runner.providers.request import Completion, Request, Transport
from runner.providers.simulated.behaviour import (
    BURST_S,
    RATE_LIMIT_S,
    Arrival,
    Behaviour,
    PlannedResponse,
)
from runner.providers.simulated.faults import RATE_LIMIT

MACHINES = (1, 10, 100)
RPM, TPM = 600, 2_400_000
PROMPT_TOKENS, REPLY_TOKENS, MAX_TOKENS = 3000, 800, 1500
LATENCY_S = 6.7
CONCURRENCY = 128  # slots of each machine: one alone can use the whole limit
TIMEOUT_S = 180.0

Given = Literal["share", "6/7 of it", "limit", "nothing"]
Hint = Literal["Retry-After", "reset time", "none", "proxy: 60"]


@dataclass(frozen=True, slots=True)
class Setting:
    """*given* is what each machine knows of the limit, *hint* the retry delay in a 429.

    `proxy: 60` puts the limiter of the LiteLLM proxy 1.106.2 in front of the provider, with the
    same limit: so many requests in each minute of the clock, the others are sent away for 60 s.
    """

    machines: int
    given: Given
    hint: Hint


@dataclass(slots=True)
class Account(Transport):
    """The provider as all machines see it; a transport of `runner.calls.client`'s."""

    behaviour: Behaviour
    hint: Hint
    statuses: list[int] = field(default_factory=list)
    minutes: Counter[int] = field(default_factory=Counter)  # requests to the proxy, by minute

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        """Let the simulated provider decide, and the event loop's own time pass."""
        now = asyncio.get_running_loop().time()
        arrival = Arrival(request.node, "", range(PROMPT_TOKENS), request.max_tokens, REPLY_TOKENS)
        self.minutes[int(now // 60)] += 1
        if self.hint == "proxy: 60" and self.minutes[int(now // 60)] > RPM:
            verdict = PlannedResponse(429, {"Retry-After": "60"}, RATE_LIMIT_S, RATE_LIMIT, 0, 0)
        else:
            verdict = self.behaviour.decide(arrival, now)
        self.statuses.append(verdict.status)
        await asyncio.sleep(verdict.latency_s)
        if verdict.status != 200:
            refused = RefusedError(verdict, with_headers=self.hint != "none")
            raise classify(refused) from refused
        return Completion("", "stop", Usage(PROMPT_TOKENS, verdict.reply_tokens))


class RefusedError(Exception):
    """A refused request, with the attributes of litellm's exceptions."""

    def __init__(self, verdict: PlannedResponse, *, with_headers: bool) -> None:
        super().__init__(f"simulated {verdict.fault}")
        self.status_code = verdict.status
        self.litellm_response_headers = dict(verdict.headers) if with_headers else {}


class Counted(Tokenizer):
    """Takes every text for a whole prompt."""

    def count(self, text: str) -> int:
        """Return the prompt's tokens."""
        return PROMPT_TOKENS


@dataclass(frozen=True, slots=True)
class Outcome:
    """One seed's run of a setting; *lost* calls never got their answer."""

    took_s: float
    requests: int
    refused: int
    lost: int


def play(setting: Setting, calls: int, seed: int) -> Outcome:
    """Make *calls* calls from all machines at once, in virtual time."""

    async def main() -> Outcome:
        account = Account(behaviour(setting, seed), setting.hint)
        shares = [calls // setting.machines] * setting.machines
        shares[0] += calls % setting.machines
        machines = [machine(account, setting, seed, place) for place in range(setting.machines)]
        lost = await asyncio.gather(*map(work, machines, shares))
        return Outcome(
            asyncio.get_running_loop().time(),
            len(account.statuses),
            sum(status == 429 for status in account.statuses),
            sum(lost),
        )

    outcome: Outcome = run_virtually(main)
    return outcome


def behaviour(setting: Setting, seed: int) -> Behaviour:
    """Return a provider without faults except its limit."""
    return Behaviour(
        SimulateSettings(
            seed=seed,
            latency_s=LATENCY_S,
            jitter=0.4,
            rpm=RPM,
            tpm=TPM,
            retry_after=setting.hint in ("Retry-After", "proxy: 60"),
        )
    )


def machine(account: Account, setting: Setting, seed: int, place: int) -> Client:
    """Return one machine's client, as `runner.calls.client_factory` would build it."""
    share = {"share": 1.0, "6/7 of it": 6 / 7}.get(setting.given, setting.machines)
    rpm, tpm = (int(limit * share / setting.machines) for limit in (RPM, TPM))
    rng = random.Random(1000 * seed + place)
    return Client(
        account,
        RetryPolicy(),
        TIMEOUT_S,
        rng,
        gate=Gate(CONCURRENCY, rng=rng)
        if setting.given == "nothing"
        else Gate(CONCURRENCY, RateLimits(rpm, tpm), rng=rng),
        admission=Admission(),
        sizer=Sizer(Counted("none", exact=True)),
    )


async def work(client: Client, calls: int) -> int:
    """Make *calls* calls; return how many got no answer."""
    slots = Slots(CONCURRENCY)
    request = Request("call", ({"role": "user", "content": "prompt"},), MAX_TOKENS)

    async def ask(number: int) -> int:
        try:
            await client.complete(request, slots, CallLog(unit=str(number)))
        except CallError:
            return 1
        return 0

    return sum(await asyncio.gather(*map(ask, range(calls))))


def bound_s(calls: int) -> float:
    """Return the least time in which the limit lets *calls* calls begin, its burst at once."""
    tokens = PROMPT_TOKENS + REPLY_TOKENS
    return max(calls * 60 / RPM - BURST_S, calls * tokens * 60 / TPM - BURST_S)


def settings(machines: Iterable[int]) -> list[Setting]:
    """Return all settings for each number of *machines*; hints matter where calls are refused."""
    hints: tuple[Hint, ...] = ("Retry-After", "reset time", "none")
    pairs: list[tuple[Given, Hint]] = [("share", "Retry-After"), ("limit", "Retry-After")]
    pairs += [("nothing", hint) for hint in hints]
    pairs += [("nothing", "proxy: 60"), ("share", "proxy: 60"), ("6/7 of it", "proxy: 60")]
    return [Setting(m, given, hint) for given, hint in pairs for m in machines]


def show(setting: Setting, calls: int, outcomes: list[Outcome]) -> str:
    """Return one line of the table, of means."""
    took_s, requests, refused, lost = (
        statistics.mean(getattr(outcome, name) for outcome in outcomes)
        for name in ("took_s", "requests", "refused", "lost")
    )
    return (
        f"{setting.given:<9}  {setting.hint:<11}  {setting.machines:>8}  {took_s:>10.0f}  "
        f"{took_s / bound_s(calls):>5.2f}  {requests / calls:>8.3f}  {refused / requests:>5.1%}  "
        f"{lost:>6.1f}"
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--calls", type=int, default=6000, help="in all, whoever makes them")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    began = time.monotonic()
    print(
        f"{options.calls:,} calls of {LATENCY_S} s median under {RPM} rpm and {TPM:,} tpm; "
        f"bound {bound_s(options.calls):.0f} s; means of {options.seeds} seeds, virtual time"
    )
    print("given      429 says     machines  makespan s  ratio  per call   429s    lost")
    for setting in settings(MACHINES):
        outcomes = [play(setting, options.calls, seed) for seed in range(1, options.seeds + 1)]
        print(show(setting, options.calls, outcomes), flush=True)
    print(f"{time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
