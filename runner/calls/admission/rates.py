"""Rate limits of a model, as its settings state them."""

from dataclasses import dataclass

from runner.config.schema import ModelSettings

# Providers that count a reply's limit before it is written: developers.openai.com, "Rate limits";
# learn.microsoft.com, "Quota management"; docs.aws.amazon.com/bedrock, "How tokens are counted".
_COUNT_LIMITS = ("openai", "azure", "bedrock")


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What may be sent per minute: requests, tokens, prompt tokens, reply tokens; None: any amount.

    *burst_s* seconds' worth of them may be sent at once. With *reads_free* the tokens read from the
    provider's cache count against no limit of prompt tokens; with *written* reply tokens count as
    they are written, and an attempt reserves 1.5 times the share of their limits that replies have
    used.
    """

    rpm: int | None = None
    tpm: int | None = None
    itpm: int | None = None
    otpm: int | None = None
    burst_s: float = 10.0
    reads_free: bool = False
    written: bool = False


UNLIMITED = RateLimits()


def rates_of(model: ModelSettings) -> RateLimits:
    """Return the rates that *model* states.

    Anthropic and Bedrock do not count what is read from their cache (platform.claude.com, "Rate
    limits"; docs.aws.amazon.com/bedrock, "How tokens are counted"). Read 2026-11-28.
    """
    free = model.name.startswith(("anthropic/", "bedrock/"))
    provider = model.name.split("/", 1)[0] if model.simulate is None else model.simulate.provider
    stated = {name: getattr(model, name) for name in ("rpm", "tpm", "itpm", "otpm", "burst_s")}
    return RateLimits(**stated, reads_free=free, written=provider not in _COUNT_LIMITS)
