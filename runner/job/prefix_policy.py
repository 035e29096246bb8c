"""Prefix cache policy: whether one call of a stage warms the cache before the others."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

import orjson

from runner.base.text import digest
from runner.base.usage import Usage, sum_usd
from runner.job.job import Job
from runner.job.models import Model
from runner.job.windows import Fit
from runner.providers.messages import text_parts
from runner.providers.prices import cached_saving_usd, cost_usd
from runner.providers.request import Request

# Of a stage's expected cost that priming must save to be worth the wait.
MIN_SAVING = 0.1
_CHARS_PER_TOKEN = 3.5  # of English prose; fewer make no token
_REPLY_SHARE = 0.5  # of max_tokens is the assumed reply


def primed_stages(job: Job) -> frozenset[tuple[str, str]]:
    """Return the stages, with their model, in which one call goes first."""
    wanted = job.settings.processing.prime_prefix
    if wanted == "off" or job.settings.processing.mode == "sequential":
        return frozenset()
    return frozenset(
        (stage, model.name)
        for stage, model in _sharing(job)
        if job.slot_pools.size(stage) > 1
        and (wanted == "on" or saving(job, stage, model) >= MIN_SAVING)
    )


def saving(job: Job, stage: str, model: Model) -> float:
    """Return the share of the stage's cost, 0 to 1, that the cache saves if one call goes first.

    Without that, all concurrent calls pay for the whole prefix. 0 if the model does not cache a
    prefix of this length, if its prices are unknown, and if the answer's schema goes beside the
    prompt (OpenAI, "Structured outputs": it is part of the prefix).
    """
    if model.schema_beside and model.is_paid:
        return 0.0  # providers put the schema first, and each analyzer has its own
    prices, calls = model.prices, _shares(job, stage, model)
    nodes = [node for node in job.pipeline.nodes if node.stage == stage]
    fits = [job.fit(node, model) for node in nodes if (node.name, model.name) in job.fits]
    prefix, least = _prefix_tokens(fits), model.facts.cache_min_tokens
    if least is None or prefix < least or calls < 2 or prices is None:
        return 0.0
    used = [Usage(prefix + fit.fixed, round(fit.reply * _REPLY_SHARE)) for fit in fits]
    whole = sum(cost_usd(usage, prices) for usage in used)
    first, *others = used[:calls]
    hour = prefix * prices.writes_1h
    primed = [replace(first, cache_write_tokens=prefix, cache_write_1h_tokens=hour)]
    primed += [replace(usage, cached_tokens=prefix) for usage in others]
    paid = sum(cost_usd(usage, prices) for usage in (*primed, *used[calls:]))
    return max(0.0, 1.0 - paid / whole) if whole else 0.0


def marked_stages(job: Job, primed: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Return the stages, with their model, whose shared part carries cache marks.

    Writing a marked prefix costs extra; that pays if later calls read it: in a primed stage, or
    if calls are sequential.
    """
    return frozenset(
        (stage, model.name)
        for stage, model in _sharing(job)
        if model.facts.cache_marks
        and ((stage, model.name) in primed or job.slot_pools.size(stage) == 1)
    )


def is_cacheable(model: Model, request: Request) -> bool:
    """Return whether the shared prefix of *request* is long enough to be cached."""
    least = model.facts.cache_min_tokens or 0
    shared = [text_parts(message) for message in request.messages[:2]]
    chars = sum(map(len, shared[0])) + len(shared[-1][0])
    return chars >= _CHARS_PER_TOKEN * least


def saved_usd(job: Job, cached: Mapping[str, int]) -> float | None:
    """Return the dollars saved by reading *cached* tokens, by litellm model name, from the cache.

    None if the price of one of these models is unknown.
    """
    models = [model for model in job.models.values() if cached.get(model.settings.name)]
    return sum_usd(
        cached_saving_usd(cached[model.settings.name], model.prices) if model.prices else None
        for model in models
    )


def prefix_of(model: Model, request: Request) -> Hashable:
    """Return the key of the prefix that *request* shares: everything but the question."""
    shared = [text_parts(message) for message in request.messages[:2]]
    shared[-1] = shared[-1][:1]
    return model.name, digest(orjson.dumps(shared).decode(errors="surrogateescape"))


def _sharing(job: Job) -> list[tuple[str, Model]]:
    """Return the stages, with their model, in which more than one call shares a prefix."""
    pairs = ((stage.name, m) for stage in job.pipeline.stages for m in job.models.values())
    return [(stage, model) for stage, model in pairs if _shares(job, stage, model) > 1]


def _shares(job: Job, stage: str, model: Model) -> int:
    """Return how many analyzers of *stage* have *model* as their first model."""
    nodes = job.pipeline.nodes
    return sum(job.chain(node)[0] is model for node in nodes if node.stage == stage)


def _prefix_tokens(fits: Sequence[Fit]) -> int:
    """Return a lower bound of the tokens that a stage's calls share."""
    return min((f.context + max((c.tokens for c in f.chunks), default=0) for f in fits), default=0)
