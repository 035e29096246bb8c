"""From a job to the clients that make its calls, under limits they share with others."""

from __future__ import annotations

import os
from collections.abc import Mapping

from runner.base.text import digest
from runner.base.threads import offload
from runner.calls.admission.budget import Budget, Sizer
from runner.calls.admission.gate import MAX_CEILING, Gate, Gates
from runner.calls.admission.limits import Lobby
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.config.model_facts import OFFLINE
from runner.config.schema import ModelSettings, SimulateSettings
from runner.job.job import Setup
from runner.providers.litellm.route import ModelRoute
from runner.providers.offline.readings import Reading, find_reading
from runner.providers.offline.transport import OfflineTransport
from runner.providers.request import Transport


def build_clients(
    job: Setup,
    gates: Gates,
    lobby: Lobby,
    addresses: Mapping[str, str],
    budget: Budget,
) -> dict[str, Client]:
    """Return a client for each of the job's models, by name.

    *gates* are the process's, *lobby* the event loop's; *addresses* are of the simulated
    providers, by model name; *budget* is shared by all calls of the run or batch.
    """
    readings = _readings(job)
    clients = {}
    for name, model in job.models.items():
        body = model.settings
        route = ModelRoute(
            name=body.name,
            api_base=addresses.get(name, body.api_base),
            api_key_env=body.api_key_env,
            input_usd_per_mtok=body.input_usd_per_mtok,
            output_usd_per_mtok=body.output_usd_per_mtok,
            cached_usd_per_mtok=body.cached_usd_per_mtok,
            params=body.params,
            transport=body.transport,
        )
        clients[name] = Client(
            transport=_transport(route, readings),
            retry=RetryPolicy(body.max_retries, body.retry_delay_s),
            timeout_s=body.timeout_s,
            deadline_s=body.deadline_s,
            gate=_gate(job, body, gates, route.api_base),
            lobby=lobby,
            budget=budget,
            sizer=Sizer(model.tokenizer, model.prices),
        )
    return clients


def to_simulate(job: Setup) -> dict[str, SimulateSettings]:
    """Return how the models that are to be simulated by us behave, by name."""
    return {
        name: model.settings.simulate
        for name, model in job.models.items()
        if model.settings.simulate is not None and model.settings.api_base is None
    }


async def load_libraries(job: Setup) -> None:
    """Import, in a thread, what opening the job's transports would; it takes seconds of CPU."""
    for name in with_litellm(job):
        await offload(_load, name)


def with_litellm(job: Setup) -> list[str]:
    """Return the models whose calls need litellm."""
    return [m.settings.name for m in job.models.values() if not _is_own(m.settings)]


def _load(name: str) -> None:
    from runner.providers.litellm.loading import load_litellm

    load_litellm(name)


def _is_own(model: ModelSettings | ModelRoute) -> bool:
    """Return whether the offline model answers by itself, without litellm and aiohttp."""
    return model.name.startswith(OFFLINE) and model.transport == "auto"


def _readings(job: Setup) -> dict[str, Reading]:
    """Return the offline model's readings by analyzer name; empty where no model is offline."""
    if not any(model.settings.name.startswith(OFFLINE) for model in job.models.values()):
        return {}
    return {name: find_reading(analyzer.module) for name, analyzer in job.analyzers.items()}


def _transport(route: ModelRoute, readings: Mapping[str, Reading]) -> Transport:
    """Return who makes the calls."""
    if _is_own(route):
        return OfflineTransport(route, readings)
    from runner.providers.litellm.transport import LiteLLMTransport

    return LiteLLMTransport(route, readings)


def most_in_flight(job: Setup) -> int:
    """Return how many calls the job makes at once at the most."""
    return min(job.slot_pools.total, MAX_CEILING)


def _gate(job: Setup, model: ModelSettings, gates: Gates, api_base: str | None) -> Gate:
    """Return what calls to *model* with its key share in this process."""
    ceiling, key = most_in_flight(job), os.environ.get(model.api_key_env or "", "")
    rates = (model.rpm, model.tpm, model.burst_s)
    return gates.gate(
        (model.name, *rates),
        (model.name.split("/", 1)[0], api_base, digest(key)),
        lambda account: Gate(
            ceiling, rpm=model.rpm, tpm=model.tpm, burst_s=model.burst_s, account=account
        ),
    )
