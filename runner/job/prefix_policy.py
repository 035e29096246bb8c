"""Prefix cache policy: which calls go first, which prefixes are marked, and what that saves."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import orjson

from runner.answers.shared_schema import as_text
from runner.base.text import digest
from runner.base.usage import Usage, sum_usd
from runner.config.schema import ProcessingSettings
from runner.job.graph import Node, asks_again
from runner.job.job import Job
from runner.job.models import Model
from runner.providers.messages import text_parts
from runner.providers.prices import cached_saving_usd, cost_usd
from runner.providers.request import Request

# Of the expected cost of prompts that priming or a shared schema must save to be worth the wait.
MIN_SAVING = 0.1
_CHARS_PER_TOKEN = 3.5  # of English prose; fewer make no token


@dataclass(frozen=True, slots=True)
class _Expected:
    """An expected call of *node* in tokens; *levels* are prefixes and lengths, the longest last."""

    node: str
    levels: tuple[tuple[Hashable, int], ...]
    prompt: int

    @property
    def group(self) -> Hashable:
        return self.levels[-1][0]


@dataclass(frozen=True, slots=True)
class PrefixPolicy:
    """Decisions about prefixes, by stage and model name.

    In *primed* stages one call goes first; the prefixes of *marked* ones carry cache marks.
    *cached* and *written* are the expected tokens by node; *cost_usd* of all prompts is by name of
    the model, without those whose prices are unknown, as is *fresh*, the tokens not in the cache.
    """

    primed: set[tuple[str, str]] = field(default_factory=set)
    marked: set[tuple[str, str]] = field(default_factory=set)
    cached: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)
    fresh: Counter[str] = field(default_factory=Counter)
    cost_usd: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


def prefix_policy(job: Job) -> PrefixPolicy:
    """Return the policy of *job*: for each stage the way of calling it that costs least.

    Without priming, all concurrent calls of a stage pay for what no earlier stage has sent.
    """
    policy = PrefixPolicy()
    for model in job.models.values():
        stages = {stage.name: list[_Expected]() for stage in job.pipeline.stages}
        for node in job.pipeline.nodes:
            if job.chain(node)[0] is model and (node.name, model.name) in job.fits:
                stages[node.stage] += _calls(job, node, model)
        warm = frozenset[Hashable]()
        for name in [name for name, calls in stages.items() if calls]:
            ahead = _Ahead(stages.pop(name), warm, model, job.slot_pools.size(name) == 1)
            later = {key for calls in stages.values() for c in calls for key, _ in c.levels}
            warm |= _decide(ahead, name, job.settings.processing, later, policy)
    return policy


def choose_formats(plain: Job, sharing: Sequence[Job]) -> Job:
    """Return *plain* with schemas shared as in one job of *sharing*, chosen for each model.

    It is the one, among those that save enough, with the fewest uncached tokens, which count
    against rate limits. A model with `reply_format=auto` shares none if no job saves enough.
    """
    if not sharing:
        return plain
    before, *after = (prefix_policy(job) for job in (plain, *sharing))
    chosen = plain
    for name, model in plain.models.items():
        saving = [
            (policy.fresh[name], place)
            for place, policy in enumerate(after)
            if policy.cost_usd[name] < (1 - MIN_SAVING) * before.cost_usd[name]
        ]
        if not saving and model.settings.reply_format == "shared":
            saving = [(0, 0)]
        if saving:
            job = sharing[min(saving)[1]]
            fits = {**chosen.fits, **{k: fit for k, fit in job.fits.items() if k[1] == name}}
            shared = {**chosen.shared, **{k: s for k, s in job.shared.items() if k[1] == name}}
            chosen = replace(chosen, fits=fits, shared=shared)
    return chosen


def format_notes(job: Job) -> tuple[str, ...]:
    """Return a sentence about each shared schema and each setting without effect."""
    schemas: dict[str, set[frozenset[str]]] = {}
    for (_, name), each in job.shared.items():
        schemas.setdefault(job.models[name].settings.name, set()).add(each.names)
    shared = [
        f"{sum(map(len, names))} analyzers of {model} send "
        + ("one schema" if len(names) == 1 else f"{len(names)} schemas, one for each stage")
        for model, names in schemas.items()
    ]
    return (*shared, *job.notes)


def is_cacheable(model: Model, request: Request) -> bool:
    """Return whether the shared prefix of *request* is long enough to be cached."""
    least = model.facts.cache_min_tokens or 0
    return sum(map(len, _prefix(model, request))) >= _CHARS_PER_TOKEN * least


def prefix_of(model: Model, request: Request) -> Hashable:
    """Return the key of the prefix that *request* shares: everything but the question."""
    shared = orjson.dumps(_prefix(model, request)).decode(errors="surrogateescape")
    return model.name, digest(shared)


def saved_usd(job: Job, cached: Mapping[str, int]) -> float | None:
    """Return the dollars saved by reading *cached* tokens, by litellm model name, from the cache.

    None if the price of one of these models is unknown.
    """
    models = [model for model in job.models.values() if cached.get(model.settings.name)]
    return sum_usd(
        cached_saving_usd(cached[model.settings.name], model.prices) if model.prices else None
        for model in models
    )


def _prefix(model: Model, request: Request) -> list[str]:
    """Return the texts before the question, in the order in which the provider reads them."""
    shared = [text_parts(message) for message in request.messages[:2]]
    before = as_text(request.schema) if request.schema and model.schema_in_prefix else ""
    return [before, *(part for parts in shared[:-1] for part in parts), shared[-1][0]]


def _calls(job: Job, node: Node, model: Model) -> list[_Expected]:
    """Return the expected calls of *node*: one for each part of the transcript, and a last one."""
    fit, shared = job.fit(node, model), job.shared.get((node.name, model.name))
    schema: Hashable = ""
    if model.schema_in_prefix:
        schema = node.name if shared is None else shared.names
    context = repr((node.context, sorted(node.needs)))
    calls = []
    parts = [(str(chunk.number), chunk.tokens) for chunk in fit.chunks]
    if len(parts) > 1:  # the call that joins the parts' answers shares only the begin
        parts.append((node.name, fit.joined(job.settings.transcript.reduce_token_budget)))
    if asks_again(job.settings, node):  # about segments that no other node sends
        parts += [(f"{node.name} again {chunk.number}", chunk.tokens) for chunk in fit.chunks]
    for name, tokens in parts or [("", 0)]:
        levels: list[tuple[Hashable, int]] = [(schema, fit.lead)]
        if tokens:
            levels.append(((schema, name), fit.lead + tokens))
        if node.context is not None:
            levels.append(((schema, name, context), fit.lead + tokens + fit.context))
        calls.append(_Expected(node.name, tuple(levels), fit.fixed + tokens + fit.context))
    return calls


@dataclass(frozen=True, slots=True)
class _Ahead:
    """The *calls* of a stage, in sequence if *alone*; the prefixes *warm* are in the cache."""

    calls: Sequence[_Expected]
    warm: Set[Hashable]
    model: Model
    alone: bool

    def used(self, *, caches: bool, primed: bool = False) -> list[Usage]:
        """Return the usage of each call; *caches*: marks are set where the model needs them."""
        facts, usages = self.model.facts, []
        begun: dict[Hashable, set[Hashable]] = {}
        for call in self.calls:
            group = begun.setdefault("" if self.alone else call.group, set())
            known = {*self.warm, *(group if primed or self.alone else ())}
            levels = _kept(call, self.model) if caches else []
            cached = max((tokens for key, tokens in levels if key in known), default=0)
            written = levels[-1][1] - cached if levels and facts.cache_marks else 0
            hour = written * bool(self.model.prices and self.model.prices.writes_1h)
            usages.append(Usage(call.prompt, 0, cached, written, cache_write_1h_tokens=hour))
            group.update(key for key, _ in levels)
        return usages

    def cost_usd(self, usages: Sequence[Usage]) -> float:
        """Return the US dollars of *usages*, 0 where the prices are unknown."""
        prices = self.model.prices
        return sum(cost_usd(usage, prices) for usage in usages) if prices else 0.0


def _kept(call: _Expected, model: Model) -> list[tuple[Hashable, int]]:
    """Return the prefixes of *call* that are long enough for the model's cache."""
    least = model.facts.cache_min_tokens
    return [level for level in call.levels if least is not None and level[1] >= least]


def _decide(
    ahead: _Ahead,
    stage: str,
    processing: ProcessingSettings,
    later: Set[Hashable],
    policy: PrefixPolicy,
) -> set[Hashable]:
    """Decide on one stage and add that to *policy*; return the prefixes that it leaves cached."""
    model, groups = ahead.model, {call.group for call in ahead.calls}
    left = {key for call in ahead.calls for key, _ in _kept(call, model)}
    marks, shares = model.facts.cache_marks, len(groups) < len(ahead.calls)
    best, cached = ahead.used(caches=not marks), ahead.used(caches=True)
    # Concurrent calls of one prefix would each pay to write it.
    once = ahead.alone or not shares
    reused = bool(left & later) or (ahead.alone and shares)
    marked = marks and ((once and reused) or ahead.cost_usd(cached) < ahead.cost_usd(best))
    if marked:
        best = cached
    if shares and not ahead.alone and processing.prime_prefix != "off":
        primed = ahead.used(caches=True, primed=True)
        before, after = ahead.cost_usd(best), ahead.cost_usd(primed)
        if processing.prime_prefix == "on" or (before and after <= (1 - MIN_SAVING) * before):
            policy.primed.add((stage, model.name))
            best, marked = primed, marks
    if marked:
        policy.marked.add((stage, model.name))
    for call, usage in zip(ahead.calls, best, strict=True):
        policy.cached[call.node] += usage.cached_tokens
        policy.written[call.node] += usage.cache_write_tokens
        policy.fresh[model.name] += usage.prompt_tokens - usage.cached_tokens
    if model.prices:
        policy.cost_usd[model.name] += ahead.cost_usd(best)
    return left if marked or not marks else set()
