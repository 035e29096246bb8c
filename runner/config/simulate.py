"""Settings of a simulated provider."""

from typing import Annotated

from pydantic import Field

from runner.config.section import PerMinute, SettingsSection


class SimulateBatches(SettingsSection):
    """Behaviour of a simulated provider's batches; times in seconds, divided by *speed*.

    A batch takes *median_s* times a lognormal factor of median 1 and sigma *tail*; its requests end
    in any order within that time. Requests that have not ended after *window_s* expire. *faults*
    maps a kind of fault of single requests to its rate; *missing* is the share of requests without
    a result, *torn* that of downloads that break off. *rpm* limits the requests about batches and
    files. A batch fails with more than *max_requests*, or if more than *queued_tokens* of prompts
    would be pending.
    """

    median_s: Annotated[float, Field(gt=0, le=1e6)] = 900.0
    tail: Annotated[float, Field(ge=0, le=3)] = 1.0
    window_s: Annotated[float, Field(gt=0, le=1e6)] = 86_400.0
    faults: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    missing: Annotated[float, Field(ge=0, le=1)] = 0.0
    torn: Annotated[float, Field(ge=0, le=1)] = 0.0
    rpm: PerMinute | None = None
    max_requests: Annotated[int, Field(ge=1, le=1_000_000)] = 50_000
    queued_tokens: Annotated[int, Field(ge=1)] | None = None
    speed: Annotated[float, Field(gt=0, le=1e6)] = 1.0


class SimulateSettings(SettingsSection):
    """Behaviour of a simulated provider; times in seconds, rates as fractions of requests.

    Latency of a request: *latency_s* (or its analyzer's in *by_analyzer_s*) + *per_token_s* for
    each token of the reply + *per_prompt_token_s* for each prompt token not in the prefix cache,
    all multiplied by a lognormal factor of median 1 and sigma *jitter*. *faults* maps a kind of
    fault to its rate; *script* lists the faults of the first requests, null for a good reply;
    *outages_s* are windows since the start in which every request fails; a request whose prompt
    contains *poison* always fails. *provider* names the one whose rules the prefix cache follows;
    None: steps of 128 tokens, and no schema in the prompt. The defaults reply at once and without
    faults.
    """

    seed: Annotated[int, Field(ge=0)] = 0
    latency_s: Annotated[float, Field(ge=0, le=600)] = 0.0
    per_token_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    per_prompt_token_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    jitter: Annotated[float, Field(ge=0, le=3)] = 0.0
    by_analyzer_s: dict[str, Annotated[float, Field(ge=0, le=600)]] = {}
    rpm: PerMinute | None = None
    tpm: PerMinute | None = None
    retry_after: bool = True
    faults: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    script: list[str | None] = []
    outages_s: list[Annotated[list[float], Field(min_length=2, max_length=2)]] = []
    poison: str | None = None
    cache_min_tokens: Annotated[int, Field(ge=1)] | None = None
    provider: str | None = None
    batch: SimulateBatches = SimulateBatches()
