"""Behaviour of the simulated provider: its limits and responses, without I/O or a clock."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from runner.base.errors import ConfigError, did_you_mean
from runner.base.token_bucket import TokenBucket
from runner.config.provider_facts import CACHE_RULES, UNNAMED
from runner.config.simulate import SimulateSettings
from runner.providers.simulated import faults
from runner.providers.simulated.prefix_cache import PrefixCache

BURST_S = 10.0  # a whole minute's worth at once would hide bursts that a real account refuses
# Refused and failed requests count as well (OpenAI help 5955604); how much is our assumption.
FAILED_REQUEST = 0.25


class AccountLimits:
    """The two limits of an account; None: no limit and no headers."""

    def __init__(self, rpm: int | None, tpm: int | None) -> None:
        limits = {"requests": rpm, "tokens": tpm}
        self._buckets = {u: TokenBucket(n, BURST_S) for u, n in limits.items() if n is not None}

    def wait_s(self, tokens: int, now_s: float) -> float:
        """Return the seconds until a request of *tokens*, reply included, may pass."""
        sizes = {"requests": 1, "tokens": tokens}
        return max((b.wait_s(now_s, sizes[u]) for u, b in self._buckets.items()), default=0.0)

    def take(self, tokens: int, now_s: float) -> None:
        """Count one answered request of *tokens*."""
        for unit, bucket in self._buckets.items():
            bucket.take(now_s, tokens if unit == "tokens" else 1)

    def take_failed(self, now_s: float) -> None:
        """Count one failed request; failures never take the level below minus one burst."""
        if bucket := self._buckets.get("requests"):
            room = max(0.0, bucket.level(now_s) + bucket.capacity)
            bucket.take(now_s, min(FAILED_REQUEST, room))

    def headers(self, now_s: float) -> dict[str, str]:
        """Return `x-ratelimit-limit-*`, `-remaining-*` and `-reset-*` (until full) at *now_s*."""
        headers = {}
        for unit, bucket in self._buckets.items():
            headers[f"x-ratelimit-limit-{unit}"] = str(round(60 * bucket.per_second))
            headers[f"x-ratelimit-remaining-{unit}"] = str(max(0, int(bucket.level(now_s) + 1e-9)))
            headers[f"x-ratelimit-reset-{unit}"] = f"{round(bucket.full_in_s(now_s), 3):g}s"
        return headers


# Seconds until a provider refuses; as in the simulation that chose the retry policy.
RATE_LIMIT_S = 0.2
OUTAGE_S = 0.3


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the behaviour reads of one request.

    *prompt* is the text of all messages and *prompt_ids* its tokens; *max_tokens* is the
    request's limit on the reply or None; *reply_tokens* is the length of the whole reply; *ends*
    are the places in *prompt_ids* where a prefix to be cached is marked to end; *flex* says that
    the flex tier is requested.
    """

    analyzer: str
    prompt: str
    prompt_ids: Sequence[int]
    max_tokens: int | None
    reply_tokens: int
    ends: tuple[int, ...] = ()
    flex: bool = False


@dataclass(frozen=True, slots=True)
class PlannedResponse:
    """The response to one request.

    *status* is the HTTP status, 0 for none; *fault* names a kind of `faults.py`, None for a good
    reply; *reply_tokens* is the length of the reply within the request's limit. *first_token_s*
    is when a stream begins; *written_tokens* are those that the prompt adds to a marked cache.
    """

    status: int
    headers: Mapping[str, str]
    latency_s: float
    fault: str | None
    cached_tokens: int = 0
    reply_tokens: int = 0
    first_token_s: float = 0.0
    written_tokens: int = 0


class Behaviour:
    """Decides requests in turn; equal settings and arrivals give equal responses.

    Raises ConfigError for settings that `check` refuses.
    """

    def __init__(self, settings: SimulateSettings) -> None:
        check(settings)
        self._settings = settings
        self._random = random.Random(settings.seed)
        self._limits = AccountLimits(settings.rpm, settings.tpm)
        self.rules = CACHE_RULES.get(settings.provider or "", UNNAMED)
        self._prefixes = PrefixCache(settings.cache_min_tokens, self.rules)
        self._arrived = 0

    def decide(self, arrival: Arrival, now_s: float) -> PlannedResponse:
        """Return the response to the next request, *now_s* seconds after the provider's start."""
        index, self._arrived = self._arrived, self._arrived + 1
        # Both are drawn for every request, so that no fault changes the latencies of the others.
        chance = self._random.random()
        factor = math.exp(self._settings.jitter * self._random.gauss(0.0, 1.0))
        limit = arrival.reply_tokens if arrival.max_tokens is None else arrival.max_tokens
        reply_tokens = min(arrival.reply_tokens, limit)
        tokens = len(arrival.prompt_ids) + reply_tokens
        name = self._fault(index, chance, arrival, tokens, now_s)
        if name == faults.OUTAGE:  # counts towards no limit
            return PlannedResponse(503, self._limits.headers(now_s), OUTAGE_S, name)
        if name == faults.RATE_LIMIT:
            return self._refusal(tokens, now_s)
        kind = faults.find_kind(name) if name else None
        if kind is not None and kind.status >= 400:
            self._limits.take_failed(now_s)
        else:
            self._limits.take(tokens, now_s)
        base_s = self._settings.by_analyzer_s.get(arrival.analyzer, self._settings.latency_s)
        status, more = (kind.status, kind.response.headers) if kind else (200, {})
        headers = {**self._limits.headers(now_s), **more}
        unread_s = base_s * factor
        unread = PlannedResponse(status, headers, unread_s, name, 0, reply_tokens, unread_s)
        if kind is not None and not kind.change:
            return unread
        ids, ends = arrival.prompt_ids, arrival.ends
        cached = self._prefixes.find(ids, now_s, ends)
        fresh_s = self._settings.per_prompt_token_s * (len(ids) - cached)
        first_s = (base_s + fresh_s) * factor
        kept = self._prefixes.add(ids, now_s, now_s + first_s, ends)
        return replace(
            unread,
            latency_s=first_s + self._settings.per_token_s * reply_tokens * factor,
            cached_tokens=cached,
            first_token_s=first_s,
            written_tokens=kept - cached if self.rules.marks else 0,
        )

    def _fault(
        self, index: int, chance: float, arrival: Arrival, tokens: int, now_s: float
    ) -> str | None:
        """Return the kind of fault of request *index*, None for a good reply."""
        settings = self._settings
        if index < len(settings.script):
            return settings.script[index]
        if any(start <= now_s < end for start, end in settings.outages_s):
            return faults.OUTAGE
        if settings.poison and settings.poison in arrival.prompt:
            return faults.POISON
        if self._limits.wait_s(tokens, now_s) > 0:
            return faults.RATE_LIMIT
        name = faults.drawn_fault(settings.faults, chance)
        return name if arrival.flex or name != faults.NO_CAPACITY else None

    def _refusal(self, tokens: int, now_s: float) -> PlannedResponse:
        self._limits.take_failed(now_s)
        headers = self._limits.headers(now_s)
        if self._settings.retry_after:
            headers["Retry-After"] = str(max(1, math.ceil(self._limits.wait_s(tokens, now_s))))
        return PlannedResponse(429, headers, RATE_LIMIT_S, faults.RATE_LIMIT)


def check(settings: SimulateSettings, above: str = "model.simulate.") -> None:
    """Raise ConfigError for unknown faults and providers, rates above 1, and empty windows.

    *above* precedes the key in messages.
    """
    script = [name for name in settings.script if name is not None]
    named = {"faults": settings.faults, "batch.faults": settings.batch.faults, "script": script}
    for key, names in named.items():
        for name in names:
            if why := _unfit(name, batched=key == "batch.faults"):
                raise ConfigError(f"{above}{key}: {why}")
        if isinstance(names, Mapping) and (total := sum(names.values())) > 1 + 1e-9:
            raise ConfigError(f"{above}{key}: the rates add up to {total:g}; expected at most 1")
    if settings.provider is not None and settings.provider not in CACHE_RULES:
        near = did_you_mean(settings.provider, CACHE_RULES)
        raise ConfigError(f"{above}provider={settings.provider!r} has no rules here{near}")
    for start, end in settings.outages_s:
        if not 0 <= start < end:
            expected = "expected [start, end] in seconds since the start"
            raise ConfigError(f"{above}outages_s: [{start:g}, {end:g}] is not a window; {expected}")


def _unfit(name: str, *, batched: bool) -> str:
    """Return why a fault of this name cannot be set, "" if it can."""
    if name in faults.INTERNAL:
        return f"'{name}' follows from other settings and cannot be set here"
    try:
        kind = faults.find_kind(name)
    except ConfigError as error:
        return str(error)
    if batched and kind.status < 400 and (not kind.change or name == "cut"):
        return f"'{name}' is a fault of a connection, and the requests of a batch have none"
    return ""
