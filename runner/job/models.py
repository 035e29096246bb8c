"""Models of a run: the main one and further ones by name, with fallbacks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from runner.base.errors import ConfigError, did_you_mean
from runner.base.tokens import Tokenizer
from runner.config.learned import UNMEASURED, UNNAMED, LearnedFacts
from runner.config.model_facts import OFFLINE, ModelFacts
from runner.config.schema import AnalyzerSettings, ModelSettings, Settings
from runner.job.graph import Node
from runner.providers.prices import Prices, prices_of

MAIN = "main"
DELIVERIES = ("live", "flex", "batch")
_REPLY_SHARE = 0.25  # the most of a learned window that a reply may take


@dataclass(frozen=True)
class Model:
    """A model and its facts; *name* is MAIN or its name in `models`, its calls teach *learned*."""

    name: str
    settings: ModelSettings
    facts: ModelFacts
    tokenizer: Tokenizer
    learned: LearnedFacts = field(default_factory=LearnedFacts, compare=False)

    @property
    def key(self) -> str:
        """Its name and address, the key of its learned facts."""
        base = self.settings.api_base
        return f"{self.settings.name} at {base}" if base else self.settings.name

    @property
    def window(self) -> int | None:
        """Its context window in tokens, None if unknown; what a server reports has precedence."""
        return self.learned.window or self.facts.context_window

    @property
    def token_factor(self) -> float:
        """Its tokens per token of our count."""
        return 1.0 if self.tokenizer.exact else self.learned.factor or UNMEASURED

    @cached_property
    def prices(self) -> Prices | None:
        """The prices of its tokens; None if unknown."""
        return prices_of(self.settings)

    @cached_property
    def prices_by_delivery(self) -> dict[str, Prices | None]:
        """The prices of its tokens by delivery; a configured service tier applies to live calls."""
        made = {}
        for each in ("flex", "batch", "live"):
            tier = self.settings.service_tier if each == "live" else None
            settings = self.settings.model_copy(update={"delivery": each, "service_tier": tier})
            made[each] = prices_of(settings)
        return made

    @property
    def is_paid(self) -> bool:
        """Whether a provider answers, not the offline or simulated model."""
        return self.settings.simulate is None and not self.settings.name.startswith(OFFLINE)

    @cached_property
    def counted(self) -> dict[int, tuple[object, int]]:
        """A cache of schemas and their tokens, by id: the runs of a batch share them."""
        return {}

    @property
    def schema_in_prompt(self) -> bool:
        """Whether the prompt states the schema: unless the model is known to accept it.

        litellm silently drops the schema for models that it does not know to accept one.
        """
        how = self.settings.reply_format
        return how == "text" or (how == "auto" and self.facts.supports_schema is not True)

    @property
    def schema_beside(self) -> bool:
        """Whether the schema is sent as the response format."""
        how = self.settings.reply_format
        is_supported = self.facts.supports_schema is not False
        return how in ("schema", "shared") or (how == "auto" and is_supported)

    @property
    def schema_in_prefix(self) -> bool:
        """Whether prompts begin with the schema, so that only equal schemas share a prefix."""
        return self.schema_beside and self.facts.schema_in_prefix

    def reply_tokens(self, analyzer: AnalyzerSettings, main: ModelSettings) -> int:
        """Return the reply limit in tokens: *analyzer*'s own, or this model's default."""
        own = analyzer.max_tokens != main.max_tokens or self.name == MAIN
        limit = analyzer.max_tokens if own else self.settings.max_tokens
        named = self.learned.window is not None and self.learned.source != UNNAMED
        if named:  # the limit was not chosen for this window
            limit = min(limit, max(1, int((self.learned.window or 0) * _REPLY_SHARE)))
        return min(limit, self.facts.max_output_tokens or limit)

    def temperature(self, analyzer: AnalyzerSettings, main: ModelSettings) -> float | None:
        """Return *analyzer*'s own temperature, or this model's default."""
        own = analyzer.temperature != main.temperature or self.name == MAIN
        return analyzer.temperature if own else self.settings.temperature


def chain_of(node: Node, settings: Settings, models: Mapping[str, Model]) -> tuple[Model, ...]:
    """Return the models asked for *node*, in order: its own, then the fallbacks of that one.

    The node of a part is asked as its analyzer is.
    """
    analyzer = settings.analyzers[node.name.partition("/")[0]]
    name = analyzer.model or settings.stages[node.stage].model or MAIN
    first = models[name]
    others = dict.fromkeys(other for other in first.settings.fallbacks if other != name)
    return (first, *(models[other] for other in others))


def escalation_of(node: Node, settings: Settings, models: Mapping[str, Model]) -> tuple[Model, ...]:
    """Return the models to which a failed answer to *node* goes, in order, each once."""
    chain = chain_of(node, settings, models)
    names = dict.fromkeys(chain[0].settings.escalate)
    return tuple(models[name] for name in names if models[name] not in chain)


def check_names(settings: Settings) -> None:
    """Raise ConfigError for the name of a model that does not exist."""
    if MAIN in settings.models:
        raise ConfigError(f"models.{MAIN}: '{MAIN}' is the name of `model` itself; rename it")
    used = {f"stages.{n}.model": s.model for n, s in settings.stages.items()}
    used |= {f"analyzers.{n}.model": a.model for n, a in settings.analyzers.items()}
    listed = {"model": settings.model} | {f"models.{n}": m for n, m in settings.models.items()}
    for key, model in listed.items():
        used |= {f"{key}.fallbacks[{at}]": name for at, name in enumerate(model.fallbacks)}
        used |= {f"{key}.escalate[{at}]": name for at, name in enumerate(model.escalate)}
        if (key.removeprefix("models.") if "." in key else MAIN) in model.escalate:
            raise ConfigError(f"{key}.escalate names this model itself: expected a stronger one")
    for key, name in used.items():
        if name is not None and name != MAIN and name not in settings.models:
            near = did_you_mean(name, settings.models)
            add = f"add it with +model@models.{name}=CHOICE"
            raise ConfigError(f"{key}={name!r} is not in models{near}; {add}")
