"""The first calls of a run: whether its budget holds one, or stored answers replace them."""

import math
from collections.abc import Iterator
from contextlib import suppress

from runner.base.errors import ConfigError, TranscriptError
from runner.job.build import for_transcript, without_transcript
from runner.job.job import BatchJob, Job, Setup
from runner.job.models import Model
from runner.job.reply_format import other_format
from runner.providers.request import Request
from runner.record.store import Store, request_key
from runner.run.plan.plan import make_plan, read_histories

_LOOKED_UP = 100  # files of a batch; the answers to others may be stored


def check_budget(job: Setup, store: Store | None) -> None:
    """Raise ConfigError if a cap is too small for any of the first calls.

    A run whose answers *store* may have needs no call.
    """
    budget = job.settings.budget
    if budget.max_cost_usd is None is budget.max_tokens:
        return
    single = job if isinstance(job, Job) else without_transcript(job)
    plan = make_plan(single, read_histories(single))
    first = [plan.nodes[node.name] for node in job.pipeline.nodes if not node.needs]
    tokens = [math.ceil(node.most_tokens / node.calls) for node in first]
    costs = [node.cost_high_usd / node.calls for node in first if node.cost_high_usd is not None]
    for key, cap, needs, may in (
        ("max_tokens", budget.max_tokens, tokens, "use"),
        ("max_cost_usd", budget.max_cost_usd, costs, "cost"),
    ):
        least = min(needs, default=0)
        if cap is not None and cap < least and not (store and may_answer(store, job)):
            call = f"the smallest call of this run may {may} {math.ceil(least * 1e4) / 1e4:.15g}"
            raise ConfigError(f"budget.{key}={cap:.15g}: {call}; expected at least that")


def may_answer(store: Store, job: Setup) -> bool:
    """Return whether *store* may hold the answer to a first call of *job*; no answer is read.

    That is unknown for passages that embeddings select, and where the windows that were learned
    may have cut the transcript in another way.
    """
    if not store.root.is_dir():
        return False
    if job.to_embed or any(any(model.learned.facts().values()) for model in job.models.values()):
        return True
    if isinstance(job, BatchJob):
        return len(job.inputs) > _LOOKED_UP or any(may_answer(store, each) for each in _runs(job))
    assert isinstance(job, Job)
    repeat, grounded = job.settings.repeat, job.settings.grounding.require == "ask"
    return any(
        store.has(request_key(each, model.settings, repeat, grounded=grounded))
        for model, request in _first_requests(job)
        for each in (request, other_format(request))
        if each is not None
    )


def _first_requests(job: Job) -> Iterator[tuple[Model, Request]]:
    """Yield the requests that need no answer of another node, to each model that may get them."""
    for node in (node for node in job.pipeline.nodes if not node.needs):
        for model in (*job.chain(node), *job.escalation(node)):
            fit = job.fit(node, model)
            for chunk in fit.chunks if len(fit.chunks) > 1 else (None,):
                text = job.transcript_material(chunk) if node.transcript else ""
                yield model, job.request(node.name, model, text, fit.reply, cache=False)


def _runs(batch: BatchJob) -> Iterator[Job]:
    for file in batch.inputs:
        with suppress(TranscriptError, ConfigError):
            yield for_transcript(batch, file)
