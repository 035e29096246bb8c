"""Whether a stage's first call should warm the prompt cache before the others go."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import orjson

from runner.base.text import digest
from runner.base.usage import sum_usd
from runner.config.model_facts import ModelFacts
from runner.job.job import Job
from runner.job.models import Model
from runner.job.windows import Fit
from runner.providers.messages import text_parts
from runner.providers.request import Request

# Of a stage's expected cost that priming has to save before anybody waits for it.
LEAST_SAVING = 0.1
_CHARS_PER_TOKEN = 3.5  # of English prose; fewer make no token
_REPLY_SHARE = 0.5  # of max_tokens is what a reply is taken to have


def primed_stages(job: Job) -> frozenset[tuple[str, str]]:
    """Return the stages, with the model asked in them, in which one call goes first."""
    wanted = job.settings.processing.prime_prefix
    if wanted == "off" or job.settings.processing.mode == "sequential":
        return frozenset()
    return frozenset(
        (stage.name, model.name)
        for stage in job.pipeline.stages
        for model in job.models.values()
        if _shares(job, stage.name, model) > 1
        and job.slot_pools.size(stage.name) > 1
        and (wanted == "on" or saving(job, stage.name, model) >= LEAST_SAVING)
    )


def saving(job: Job, stage: str, model: Model) -> float:
    """Return which part of the stage's cost the cache saves if one call goes first, 0 to 1.

    Without it the calls that go at once all pay for the whole prefix. 0 where the model does
    not cache a prefix of this length, where its prices are not known, and where the answer's
    schema goes beside the prompt (OpenAI, "Structured outputs": it is part of the prefix).
    """
    if model.schema_beside and model.is_paid:
        return 0.0  # providers put the schema first, and each analyzer has one of its own
    facts, calls = model.facts, _shares(job, stage, model)
    prefix, least = _prefix_tokens(job, stage, model), facts.cache_min_tokens
    prices = facts.input_usd_per_mtok, facts.output_usd_per_mtok, facts.cache_read_usd_per_mtok
    if least is None or prefix < least or calls < 2 or None in prices:
        return 0.0
    paid_in, paid_out, cached = (price or 0.0 for price in prices)
    written = facts.cache_write_usd_per_mtok or paid_in
    mine = _fits(job, stage, model)
    whole = sum(prefix + fit.fixed for fit in mine) * paid_in
    whole += sum(fit.reply * _REPLY_SHARE for fit in mine) * paid_out
    saved = (calls - 1) * prefix * (paid_in - cached) - prefix * (written - paid_in)
    return max(0.0, saved / whole) if whole else 0.0


def marked_stages(job: Job, primed: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Return the stages, with their model, whose shared part carries cache marks.

    A mark costs extra where the prefix is written; it pays where somebody reads it afterwards:
    after the first call of a primed stage, or where calls follow one another.
    """
    return frozenset(
        (stage.name, model.name)
        for stage in job.pipeline.stages
        for model in job.models.values()
        if model.facts.cache_marks
        and _shares(job, stage.name, model) > 1
        and ((stage.name, model.name) in primed or job.slot_pools.size(stage.name) == 1)
    )


def is_worth_keeping(model: Model, request: Request) -> bool:
    """Return whether what *request* shares with others is long enough to be cached."""
    least = model.facts.cache_min_tokens or 0
    shared = [text_parts(message) for message in request.messages[:2]]
    chars = sum(map(len, shared[0])) + len(shared[-1][0])
    return chars >= _CHARS_PER_TOKEN * least


def saved_usd(job: Job, cached: Mapping[str, int]) -> float | None:
    """Return what reading *cached* tokens (by litellm model name) from the cache has saved.

    None where a price is not known of a model that did.
    """
    models = [model for model in job.models.values() if cached.get(model.settings.name)]
    return sum_usd(_saved_usd(model.facts, cached[model.settings.name]) for model in models)


def _saved_usd(facts: ModelFacts, tokens: int) -> float | None:
    if facts.input_usd_per_mtok is None or facts.cache_read_usd_per_mtok is None:
        return None
    return tokens * (facts.input_usd_per_mtok - facts.cache_read_usd_per_mtok) / 1e6


def prefix_of(model: Model, request: Request) -> Hashable:
    """Return what calls must have in common to share a prefix: all but the question."""
    shared = [text_parts(message) for message in request.messages[:2]]
    shared[-1] = shared[-1][:1]
    return model.name, digest(orjson.dumps(shared).decode(errors="surrogateescape"))


def _shares(job: Job, stage: str, model: Model) -> int:
    """Return how many analyzers of *stage* ask *model* first."""
    nodes = [node for node in job.pipeline.nodes if node.stage == stage]
    return sum(job.chain(node)[0] is model for node in nodes)


def _prefix_tokens(job: Job, stage: str, model: Model) -> int:
    """Return the tokens of material that the stage's calls have in common, at the least."""
    fits = _fits(job, stage, model)
    return min((f.context + max((c.tokens for c in f.chunks), default=0) for f in fits), default=0)


def _fits(job: Job, stage: str, model: Model) -> list[Fit]:
    nodes = [node for node in job.pipeline.nodes if node.stage == stage]
    return [job.fit(node, model) for node in nodes if (node.name, model.name) in job.fits]
