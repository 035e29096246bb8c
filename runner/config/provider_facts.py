"""Facts about providers, from providers.toml: prompt caches, schemas, tiers and addresses."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from runner.base.files import packaged


@dataclass(frozen=True, slots=True)
class SchemaLimits:
    """A provider's limits on one schema (see `shared_schema.measured`), by default OpenAI's."""

    properties: int = 5000
    levels: int = 10
    enum_values: int = 1000
    unions: int = 5000
    name_chars: int = 120_000


@dataclass(frozen=True, slots=True)
class CacheRules:
    """Rules of a provider's prompt cache, and what they depend on.

    *min_tokens* is the shortest prefix that is cached, for models without
    `prompt_cache_min_tokens` in the map (which every Claude and most of Gemini have); prefixes
    match in steps of *step* tokens, or at *marks* only. *schema* says that the answer's schema
    precedes the prompt, and so belongs to every prefix; *limits* bound that schema.
    *streams* says that replies can be read as they come.
    """

    min_tokens: int
    step: int
    marks: bool = False
    schema: bool = True
    limits: SchemaLimits = SchemaLimits()
    streams: bool = True


@dataclass(frozen=True, slots=True)
class Address:
    """The variables of a provider's address, and its default."""

    variables: tuple[str, ...] = ()
    default: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """What is known of a provider; see providers.toml."""

    address: Address | None = None
    cache: CacheRules | None = None
    bounds: frozenset[str] = frozenset()
    tiers: Mapping[str, str] = field(default_factory=dict)
    half_price: frozenset[str] = frozenset()
    no_batches: str = ""
    self_hosted: bool = False
    telemetry: str = ""


PROVIDERS = TypeAdapter(dict[str, ProviderFacts]).validate_python(
    packaged(__package__, "providers.toml")
)
CACHE_RULES = {name: facts.cache for name, facts in PROVIDERS.items() if facts.cache}
UNNAMED = CacheRules(1024, 128, schema=False)  # of a simulated provider without a real model


def provider_facts(provider: str) -> ProviderFacts:
    """Return the facts of *provider*, which are none if it is not known."""
    return PROVIDERS.get(provider, ProviderFacts())
