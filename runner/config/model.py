"""Settings of a model: its address, limits, prices and options."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from runner.config.model_facts import ModelFacts, map_name, model_facts
from runner.config.provider_facts import CACHE_RULES, UNNAMED
from runner.config.section import Name, PerMinute, SettingsSection, Temperature, Tokens, as_switch
from runner.config.simulate import SimulateSettings

# How long a model may reason before it replies; each provider has its own words for it.
_Effort = Literal["off", "minimal", "low", "medium", "high"]
_Lifetime = Literal["auto", "5m", "1h", "off"]
Effort = Annotated[_Effort, BeforeValidator(as_switch, json_schema_input_type=_Effort | bool)]
Lifetime = Annotated[_Lifetime, BeforeValidator(as_switch, json_schema_input_type=_Lifetime | bool)]
Tier = Literal["auto", "default", "flex", "priority"]
EnvName = Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]{0,127}$")]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Price = Annotated[float, Field(ge=0, le=1e6)]


class ModelSettings(SettingsSection):
    """A model, its address, limits and prices."""

    name: Annotated[str, Field(pattern=r"^[^\s/]+/\S+$")]
    base_model: Annotated[str, Field(pattern=r"^\S+$")] | None = None
    api_base: Annotated[str, Field(pattern=r"^https?://\S+$")] | None
    api_key_env: EnvName | None
    transport: Literal["auto", "litellm"] = "auto"
    requires_env: list[EnvName]
    timeout_s: Seconds
    max_retries: Annotated[int, Field(ge=0, le=20)]
    retry_delay_s: Annotated[float, Field(ge=0, le=60)]
    max_tokens: Tokens
    temperature: Temperature | None
    effort: Effort | None = None
    service_tier: Tier | None = None
    delivery: Literal["live", "flex", "batch", "auto"] = "live"
    cache: Lifetime = "auto"
    reply_format: Literal["auto", "shared", "schema", "text"]
    context_window: Tokens | None
    rpm: PerMinute | None
    tpm: PerMinute | None
    itpm: PerMinute | None = None
    otpm: PerMinute | None = None
    burst_s: Annotated[float, Field(ge=1, le=60)]
    allow_http: bool
    deadline_s: Annotated[float, Field(gt=0, le=86_400)]
    input_usd_per_mtok: Price | None
    output_usd_per_mtok: Price | None
    cached_usd_per_mtok: Price | None
    params: dict[str, Any]
    fallbacks: list[Name]
    escalate: list[Name] = []
    simulate: SimulateSettings | None

    @property
    def map_name(self) -> str:
        """The name under which litellm's map knows it."""
        return map_name(self.name, self.base_model)

    @property
    def facts(self) -> ModelFacts:
        """The facts of the model; settings take precedence over the map."""
        own: dict[str, Any] = {}
        if self.context_window is not None:
            own["context_window"] = self.context_window
        if self.simulate is not None:
            rules = CACHE_RULES.get(self.simulate.provider or "", UNNAMED)
            own |= {"cache_min_tokens": self.simulate.cache_min_tokens, "cache_marks": rules.marks}
            own |= {"schema_in_prefix": rules.schema, "schema_limits": rules.limits}
            if rules is not UNNAMED:
                own["supports_schema"] = True
        if self.cache == "off":
            own |= {"cache_min_tokens": None, "cache_marks": False}
        return replace(model_facts(self.map_name), **own)
