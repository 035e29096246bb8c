"""The resolved configuration as frozen values; unknown keys and odd numbers are refused here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from runner.base.errors import ConfigError, did_you_mean, one_line

NAME = re.compile(r"^[a-z][a-z0-9_]{0,63}$")


def _as_switch(value: object) -> object:
    """Undo YAML 1.1, which reads `on` and `off` as booleans."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


Name = Annotated[str, StringConstraints(pattern=NAME.pattern)]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]{0,127}$")]
Concurrency = Annotated[int, Field(ge=1, le=256)]
Tokens = Annotated[int, Field(ge=1, le=10_000_000)]
Count = Annotated[int, Field(ge=0, le=10_000)]
Switch = Annotated[Literal["auto", "on", "off"], BeforeValidator(_as_switch)]
Temperature = Annotated[float, Field(ge=0, le=2)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
PerMinute = Annotated[int, Field(ge=1, le=1_000_000_000)]
Price = Annotated[float, Field(ge=0, le=1e6)]
Minimised = Literal["wall_s", "cost_usd", "total_tokens", "failed", "ungrounded"]


class Section(BaseModel):
    """Base of every section: frozen, strict about types, closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class TranscriptSettings(Section):
    """What is read."""

    path: Annotated[str, Field(min_length=1)]
    format: str
    encoding: str | None
    token_budget: Tokens | None
    overlap_tokens: Count
    reduce_token_budget: Tokens


class SimulateSettings(Section):
    """Behaviour of a simulated provider; times in seconds, rates as fractions of requests.

    Latency of a request: *latency_s* (or its analyzer's in *by_analyzer_s*) + *per_token_s* for
    each token of the reply + *per_prompt_token_s* for each prompt token not in the prefix cache,
    all multiplied by a lognormal factor of median 1 and sigma *jitter*. *faults* maps a kind of
    fault to its rate; *script* lists the faults of the first requests, null for a good reply;
    *outages_s* are windows since the start in which every request fails; a request whose prompt
    contains *poison* always fails. The defaults reply at once and without faults.
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


class ModelSettings(Section):
    """Who answers."""

    name: Annotated[str, Field(pattern=r"^[^\s/]+/\S+$")]
    api_base: Annotated[str, Field(pattern=r"^https?://\S+$")] | None
    api_key_env: EnvName | None
    transport: Literal["auto", "litellm"] = "auto"
    requires_env: list[EnvName]
    timeout_s: Seconds
    max_retries: Annotated[int, Field(ge=0, le=20)]
    retry_delay_s: Annotated[float, Field(ge=0, le=60)]
    max_tokens: Tokens
    temperature: Temperature | None
    reply_format: Literal["auto", "schema", "text"]
    context_window: Tokens | None
    rpm: PerMinute | None
    tpm: PerMinute | None
    burst_s: Annotated[float, Field(ge=1, le=60)]
    allow_http: bool
    deadline_s: Annotated[float, Field(gt=0, le=86_400)]
    input_usd_per_mtok: Price | None
    output_usd_per_mtok: Price | None
    cached_usd_per_mtok: Price | None
    params: dict[str, Any]
    fallbacks: list[Name]
    simulate: SimulateSettings | None


class BatchSettings(Section):
    """How many files of a batch are read at once, and which: *shard* of *shards*, from 0.

    It ends early where of 20 or more a larger part than *max_failure_ratio* answered nothing.
    """

    max_active: Annotated[int, Field(ge=1, le=10_000)] | None = None
    max_failure_ratio: Annotated[float, Field(ge=0, le=1)] = 0.5
    shard: Annotated[int, Field(ge=0, le=99_999)] = 0
    shards: Annotated[int, Field(ge=1, le=100_000)] = 1


class BudgetSettings(Section):
    """Caps on what a run, or a batch, may use over all its resumptions; None means no cap."""

    max_cost_usd: Annotated[float, Field(gt=0, le=1e6)] | None
    max_tokens: Annotated[int, Field(ge=1)] | None


class ProcessingSettings(Section):
    """How the pipeline is run."""

    mode: Literal["concurrent", "sequential"]
    strict: bool
    prime_prefix: Switch
    max_concurrent: Concurrency
    max_concurrent_stage_a: Concurrency | None
    max_concurrent_stage_b: Concurrency | None
    max_concurrent_final: Concurrency | None
    stage_b_context_token_budget: Tokens
    stage_b_context_top_insights: Count
    stage_b_context_include_structured_keys: list[str]
    final_context_token_budget: Tokens
    final_context_top_insights: Count
    final_context_include_structured_keys: list[str]


class OutputSettings(Section):
    """What is written, where, and what is shown meanwhile."""

    dir: Annotated[str, Field(min_length=1)]
    max_insights_per_analyzer: Annotated[int, Field(ge=1, le=100)]
    console: Literal["auto", "live", "plain", "json", "quiet"]
    pages: Literal["plain", "obsidian"]
    traces: Literal["none", "otlp"] = "none"


class GroundingSettings(Section):
    """What becomes of quotes that do not stand in the transcript."""

    require: Literal["mark", "drop", "ask"]
    near_score: Annotated[float, Field(ge=50, le=100)]


class ContextSettings(Section):
    """How earlier answers are reduced for a stage; tokens are of the rendered text."""

    token_budget: Tokens
    top_insights: Count
    include_structured_keys: list[str]
    transcript_tokens: Count


class ContextOverride(Section):
    """The same for one analyzer; None keeps the stage's value."""

    token_budget: Tokens | None
    top_insights: Count | None
    include_structured_keys: list[str] | None
    transcript_tokens: Count | None

    def over(self, base: ContextSettings) -> ContextSettings:
        """Return *base* with every value that is set here."""
        return base.model_copy(update=self.model_dump(exclude_none=True))


class StageSettings(Section):
    """A named group of analyzers."""

    needs: list[Name]
    input: Literal["transcript", "context", "both"]
    model: Name | None = None
    final: bool = False
    max_concurrent: Concurrency | None = None
    strict: bool = False
    context: ContextSettings | None = None


class AnalyzerSettings(Section):
    """One question asked of the model."""

    stage: Name
    needs: list[Name] | None
    model: Name | None
    prompt: str | None
    answer: str | None
    max_tokens: Tokens
    temperature: Temperature | None
    variables: dict[str, str | int | float | bool]
    context: ContextOverride


class Settings(Section):
    """The whole configuration of one run."""

    transcript: TranscriptSettings
    model: ModelSettings
    models: dict[Name, ModelSettings]
    processing: ProcessingSettings
    batch: BatchSettings = BatchSettings()
    budget: BudgetSettings
    reuse: Switch
    repeat: Annotated[int, Field(ge=0)]
    objective: Annotated[list[Minimised], Field(min_length=1)] = ["wall_s"]
    output: OutputSettings
    grounding: GroundingSettings
    plan: bool
    stages: Annotated[dict[Name, StageSettings], Field(min_length=1)]
    analyzers: Annotated[dict[Name, AnalyzerSettings], Field(min_length=1)]


def validate(data: Mapping[str, Any]) -> Settings:
    """Return *data* as Settings.

    Raises ConfigError with one line that names the key, its value, what was expected and the
    nearest known key.
    """
    try:
        return Settings.model_validate(dict(data))
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise ConfigError(_explain(faults[0], data, len(faults) - 1)) from error


def _explain(fault: Mapping[str, Any], data: Mapping[str, Any], others: int) -> str:
    path = [str(part) for part in fault["loc"] if part != "[key]"]
    key = ".".join(path)
    more = f" ({others} more)" if others else ""
    if fault["type"] == "extra_forbidden":
        return f"unknown key '{key}'{nearest_key(path)}{more}"
    if fault["type"] == "missing":
        return f"'{key}' is missing: it must be given{more}"
    if "[key]" in fault["loc"]:
        return f"'{key}' is not a name: expected lower-case letters, digits and _{more}"
    value = one_line(repr(fault["input"]), 80)
    return f"{key}={value}: {_expected(fault)}{more}"


def _expected(fault: Mapping[str, Any]) -> str:
    message = str(fault["msg"])
    if fault["type"] == "string_pattern_mismatch" and "_env" in "".join(map(str, fault["loc"])):
        return "expected the NAME of an environment variable, such as OPENAI_API_KEY"
    if fault["type"] == "string_pattern_mismatch" and fault["loc"] == ("model", "name"):
        return "expected provider/model, such as openai/gpt-4o-mini"
    return message.replace("Input should be", "expected").replace("String should", "should")


def nearest_key(path: list[str]) -> str:
    """Return a clause naming the known key nearest to the unknown one at *path*, in full."""
    above = ".".join(path[:-1])
    return did_you_mean(
        ".".join(path), [f"{above}.{key}" if above else key for key in known_keys(path[:-1])]
    )


def known_keys(path: list[str]) -> list[str]:
    """Return the keys that may stand under *path*; empty where any name may."""
    section: type[Section] = Settings
    named = False  # the next part is a user's own name, not a key
    for part in path:
        if named:
            named = False
            continue
        field = section.model_fields.get(part)
        inner = _section_of(field.annotation) if field else None
        if field is None or inner is None:
            return []
        section, named = inner, get_origin(field.annotation) is dict
    return [] if named else list(section.model_fields)


def _section_of(annotation: Any) -> type[Section] | None:
    """Return the section inside an annotation such as `dict[Name, Stage]` or `Stage | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    inner = (_section_of(argument) for argument in get_args(annotation))
    return next((found for found in inner if found is not None), None)
