"""Client factory: builds the clients of a job, with the limits that they share."""

import os
from collections.abc import Mapping
from dataclasses import fields, replace

from runner.base.text import digest
from runner.base.threads import WORKERS, offload
from runner.base.tokens import tokenizer_for
from runner.calls.admission.budget import Budget, Sizer
from runner.calls.admission.gate import MAX_CEILING, Gate, Gates
from runner.calls.admission.limits import Admission
from runner.calls.admission.rates import rates_of
from runner.calls.client import Client
from runner.calls.flex import Flex
from runner.calls.retry import RetryPolicy
from runner.config.model_facts import OFFLINE
from runner.config.schema import ModelSettings
from runner.config.simulate import SimulateSettings
from runner.job.job import Setup
from runner.job.models import MAIN, Model
from runner.providers.litellm.embedding import embedding_route
from runner.providers.litellm.loading import load_litellm
from runner.providers.litellm.route import ModelRoute
from runner.providers.offline.readings import Reading, find_reading
from runner.providers.offline.transport import OfflineTransport
from runner.providers.prices import prices_of
from runner.providers.request import Transport

EMBEDDINGS = "collection.embeddings"  # its client among those of models, whose names have no dot


def build_clients(
    job: Setup, gates: Gates, admission: Admission, addresses: Mapping[str, str], budget: Budget
) -> dict[str, Client]:
    """Return a client for each of the job's models, by name.

    All jobs of the process share *gates*, all clients of the event loop *admission*, all calls
    of the run or batch *budget*. *addresses* are those of simulated providers, by model name.
    """
    readings = _readings(job)
    clients = {}
    for name, model in job.models.items():
        body = model.settings
        local = body.name.startswith(OFFLINE)
        route, flex = replace(route_of(body, addresses.get(name)), delivery="live"), None
        transport = _transport(route, readings)
        if body.delivery == "flex":
            flex = Flex(transport)
            transport = _transport(replace(route, delivery="flex"), readings)
        clients[name] = Client(
            transport=transport,
            retry=RetryPolicy(0 if local else body.max_retries, body.retry_delay_s),
            timeout_s=body.timeout_s,
            deadline_s=body.deadline_s,
            gate=_gate(job, model, gates, route.api_base),
            admission=admission,
            budget=budget,
            sizer=Sizer(model.tokenizer, model.prices, model.learned),
            local=local,
            flex=flex,
            prices=model.prices,
        )
    if job.embeds is not None:
        clients[EMBEDDINGS] = _embedding_client(job, job.embeds, addresses.get(MAIN), clients[MAIN])
    return clients


def _embedding_client(job: Setup, name: str, address: str | None, main: Client) -> Client:
    """Return the client of the embedding model *name*, whose failures end no other calls."""
    from runner.providers.litellm.embedding_transport import EmbeddingTransport

    body = job.main.settings
    route = embedding_route(name, body, address)
    prices = prices_of(route)
    return replace(
        main,
        transport=EmbeddingTransport(route),
        retry=RetryPolicy(body.max_retries, body.retry_delay_s),
        gate=Gate(max_in_flight(job)),
        sizer=Sizer(tokenizer_for(route.map_name), prices),
        prices=prices,
        local=False,
        flex=None,
    )


def route_of(model: ModelSettings, address: str | None) -> ModelRoute:
    """Return the route of *model*'s calls; *address* is that of its simulated provider, if any."""
    values = {each.name: getattr(model, each.name) for each in fields(ModelRoute)}
    return ModelRoute(**values | {"api_base": address or model.api_base})


def simulated_models(job: Setup) -> dict[str, SimulateSettings]:
    """Return the settings of the simulated providers to start, by model name."""
    return {
        name: model.settings.simulate
        for name, model in job.models.items()
        if model.settings.simulate is not None and model.settings.api_base is None
    }


async def load_libraries(job: Setup) -> None:
    """Import in a thread the libraries of the job's transports, which takes seconds of CPU."""
    if library_users(job):
        await offload(load_litellm)


def library_users(job: Setup) -> list[str]:
    """Return the names of the job's models that are called through litellm and aiohttp."""
    settings = (model.settings for model in job.models.values())
    return [each.name for each in settings if not _is_offline(each)]


def _is_offline(model: ModelSettings | ModelRoute) -> bool:
    """Return whether *model* is offline and called without litellm and aiohttp."""
    return model.name.startswith(OFFLINE) and model.transport == "auto"


def _readings(job: Setup) -> dict[str, Reading]:
    if not any(model.settings.name.startswith(OFFLINE) for model in job.models.values()):
        return {}
    return {name: find_reading(analyzer.module) for name, analyzer in job.analyzers.items()}


def _transport(route: ModelRoute, readings: Mapping[str, Reading]) -> Transport:
    if _is_offline(route):
        return OfflineTransport(route, readings)
    from runner.providers.litellm.transport import LiteLLMTransport

    return LiteLLMTransport(route, readings)


def max_in_flight(job: Setup) -> int:
    """Return the maximum number of concurrent calls of the job."""
    return min(job.slot_pools.total, MAX_CEILING)


def _gate(job: Setup, model: Model, gates: Gates, api_base: str | None) -> Gate:
    """Return the gate that all calls to *model* with its key share in this process."""
    body = model.settings
    ceiling, rates = max_in_flight(job), rates_of(body)
    key = os.environ.get(body.api_key_env or "", "")
    served = model.learned.slots or MAX_CEILING  # a server is not sent more than it says
    most = WORKERS if body.name.startswith(OFFLINE) else served
    return gates.gate(
        (body.name, rates),
        (body.name.split("/", 1)[0], api_base, digest(key)),
        lambda account: Gate(ceiling, rates, account=account, most=most),
    )
