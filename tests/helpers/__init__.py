"""Doubles and builders that several test modules share."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from aiohttp import web
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.base.usage import Usage
from runner.config.schema import AnalyzerSettings, ContextOverride, ContextSettings, StageSettings
from runner.job.build import build_job
from runner.job.job import Job
from runner.providers.request import Completion, Request, Transport
from runner.providers.simulated.faults import FaultResponse
from runner.providers.simulated.replies import Reply
from runner.providers.simulated.server import SimulatedProvider, send
from runner.run.cli.compose import compose_config

KEY = "canary-0123456789abcdef"  # the value of MY_KEY
NO_OVERRIDE = ContextOverride(
    token_budget=None, top_insights=None, include_structured_keys=None, transcript_tokens=None
)
CONTEXT = ContextSettings(
    token_budget=8000, top_insights=5, include_structured_keys=[], transcript_tokens=0
)

# Sets one key and chooses nothing; what has braces may refer to other keys or replace a section.
_PLAIN = re.compile(r"(?!hydra\b)\w+(\.\w+)+=[^${}]+")


class ScriptedTransport(Transport):
    """Answers through a function; keeps every request it got."""

    def __init__(
        self,
        reply: Callable[[Request], str | Completion],
        latency_s: Mapping[str, float] | None = None,
    ) -> None:
        self.reply = reply
        self.latency_s = latency_s or {}
        self.requests: list[Request] = []

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        self.requests.append(request)
        await asyncio.sleep(self.latency_s.get(request.node, 0.0))
        reply = self.reply(request)
        return reply if isinstance(reply, Completion) else completion(reply)


def completion(text: str, finish_reason: str = "stop", cost: float | None = 0.001) -> Completion:
    return Completion(text, finish_reason, Usage(100, 20, 10, cost_usd=cost))


def stage(
    needs: list[str] | None = None, *, source: str = "", max_concurrent: int | None = None
) -> StageSettings:
    needs = needs or []
    kind = source or ("context" if needs else "transcript")
    return StageSettings(
        needs=needs,
        input=kind,
        max_concurrent=max_concurrent,
        strict=False,
        model=None,
        final=False,
        context=CONTEXT if kind == "context" else None,
    )


def analyzer(stage_name: str, needs: list[str] | None = None) -> AnalyzerSettings:
    return AnalyzerSettings(
        stage=stage_name,
        needs=needs,
        model=None,
        prompt=None,
        answer=None,
        max_tokens=100,
        temperature=None,
        variables={},
        context=NO_OVERRIDE,
    )


def job(*overrides: str, **arguments: Any) -> Job:
    """Compose the real configuration with *overrides* and build its job."""
    return build_job(composed(overrides), **arguments)


@cache
def composed(overrides: tuple[str, ...]) -> DictConfig:
    """Compose what Hydra has to; a plain value for a key that is there is set in a copy of it."""
    plain = tuple(filter(_PLAIN.fullmatch, overrides))
    if plain:
        cfg = composed(tuple(each for each in overrides if each not in plain)).copy()
        with suppress(OmegaConfBaseException, HydraException):
            for override in OverridesParser.create().parse_overrides(list(plain)):
                OmegaConf.update(cfg, override.key_or_group, override.value(), merge=True)
            return cfg
    return compose_config(*overrides)


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request: its arrival in seconds of loop time, its JSON body and its headers."""

    at_s: float
    body: Mapping[str, Any]
    headers: Mapping[str, str]


class FaultyProvider(SimulatedProvider):
    """Keeps every request; the first get one of *faults* each, in order; None is no fault."""

    def __init__(
        self, reply: Reply, faults: Sequence[FaultResponse | None] = (), **settings: Any
    ) -> None:
        super().__init__(reply, **settings)
        self.received: list[ReceivedRequest] = []
        self._faults = list(faults)

    async def respond(
        self, request: web.BaseRequest, body: Mapping[str, Any], arrived_s: float
    ) -> web.StreamResponse:
        self.received.append(ReceivedRequest(arrived_s, body, dict(request.headers)))
        fault = self._faults.pop(0) if self._faults else None
        if fault is not None:
            return await send(request, fault)
        return await super().respond(request, body, arrived_s)


def slow_server(delay_s: float = 600.0) -> AbstractContextManager[str]:
    """Run a loopback provider that answers late, by default never in time, and badly."""
    return serving(lambda _: "late", faults=[FaultResponse(delay_s=delay_s)] * 100)


def serving(reply: Reply, **behaviour: Any) -> AbstractContextManager[str]:
    """Run a loopback provider in a thread; yield its address."""
    return running(FaultyProvider(reply, **behaviour))


@contextmanager
def running(server: SimulatedProvider) -> Iterator[str]:
    """Run *server* in a thread; yield its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    try:
        yield server.url
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
