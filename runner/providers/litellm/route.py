"""Route of a model's calls: name, address, key variable and prices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from runner.config.model_facts import map_name
from runner.config.provider_facts import PROVIDERS

ADDRESSES = {name: facts.address for name, facts in PROVIDERS.items() if facts.address}
SDK = ("azure",)  # OpenAI's client, to which `extra_body` adds what a stream needs


def streamed(name: str) -> bool:
    """Return whether the reply of the litellm model *name* can be read as a stream."""
    return name.split("/", 1)[0] in (*ADDRESSES, *SDK)


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """Destination of calls: litellm model string, address, and the *name* of the key's variable.

    Prices are US dollars per million tokens; None means litellm's map. *base_model*, *effort*,
    *service_tier* and *cache* are as in the settings (conf/model/base.yaml). *transport* `litellm`
    makes every call with `acompletion`; `auto` leaves the choice to choice.py. *delivery* says how
    these calls are delivered: `flex` asks for that tier, `batch` has its prices.
    """

    name: str
    api_base: str | None = None
    api_key_env: str | None = None
    input_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None
    cached_usd_per_mtok: float | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    transport: Literal["auto", "litellm"] = "auto"
    base_model: str | None = None
    effort: str | None = None
    service_tier: str | None = None
    cache: str = "auto"
    delivery: str = "live"

    @property
    def map_name(self) -> str:
        """The name under which litellm's map knows the model."""
        return map_name(self.name, self.base_model)

    @property
    def host(self) -> str:
        """The destination of calls, or the provider, for messages."""
        return urlsplit(self.api_base).netloc if self.api_base else self.name.split("/", 1)[0]
