"""Forecast of a collection: the calls of its stages, from the number of files and findings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

from runner.base.format import plural
from runner.job.build import collection_job
from runner.job.graph import Node
from runner.job.job import BatchJob, Job
from runner.job.joint import AGREEMENTS, OUTLIERS, THEMES, kind_of
from runner.job.models import Model
from runner.record.history import CallAverages
from runner.run.collection.contrasts import EXAMPLES
from runner.run.collection.material import HEAD_TOKENS, room_of
from runner.run.embedder import MOST_TEXTS
from runner.run.plan.further import embedding_plan, escalated
from runner.run.plan.node import NodePlan, plan_node, summed

# Assumed, and said so: of real findings and themes; a batch that has run can be resumed exactly.
REPLY_TOKENS = 110  # of a finding in a reply
FINDING_TOKENS = 50  # of a line with its quote
THEME_TOKENS = 90
STATEMENT_TOKENS = 30  # of a finding without its quote, as embedded
_FULL = 0.7  # share of the room that a leaf of a hash trie fills
_THEMES_PER_CALL = 12
_THEMES = 24  # of all parts, once merged: a matter of the subject, not of the number of files
_ALONE = 0.3  # share of the findings that no theme has
MAX_PLANNED = 100_000  # calls of one analyzer


def why_skipped(batch: BatchJob, files: int) -> str:
    """Return why a collection of *files* transcripts is skipped, empty if it is not."""
    if batch.settings.batch.shards > 1:
        return "the collection is skipped: batch.shards splits the files, and it needs them all"
    if files < 2:
        return f"the collection is skipped: {plural(files, 'transcript')} read, it needs 2"
    return ""


def forecast(
    batch: BatchJob,
    files: int,
    findings: Mapping[str, int],
    histories: Mapping[str, Mapping[str, CallAverages]],
) -> dict[str, NodePlan]:
    """Return the plans of the joint analyzers of *files* transcripts, by name.

    *findings* are those that each analyzer of transcripts is taken to give of all files together.
    Nothing without two files.
    """
    if why_skipped(batch, files) or not batch.collection.stages:
        return {}
    job = collection_job(batch)
    plans = {}
    for node in job.pipeline.nodes:
        first, sizes = job.chain(node)[0], _calls(job, node, findings)
        seen = histories.get(first.settings.name, {}).get(node.name)
        plans[node.name] = _planned(job, node, first, seen, sizes)
        for model in job.escalation(node):
            every = _planned(job, node, model, None, sizes)
            plans[f"{node.name} > {model.name}"] = escalated(every, seen=seen is not None)
        if batch.settings.collection.embeddings and kind_of(job.analyzers[node.name]) == THEMES:
            plans[f"{node.name}/embeddings"] = _embedding_plan(job, node, findings)
    return plans


def _planned(
    job: Job, node: Node, model: Model, seen: CallAverages | None, sizes: Sequence[int]
) -> NodePlan:
    """Return the plan of *node*'s calls to *model* with material of *sizes* tokens."""
    fit = job.fit(node, model)
    fits = (replace(fit, context=min(fit.context, tokens)) for tokens in sizes)
    cut = (replace(job, fits={**job.fits, (node.name, model.name): one}) for one in fits)
    return reduce(summed, (plan_node(each, node, model, seen, (0, 0)) for each in cut))


def _embedding_plan(job: Job, node: Node, given: Mapping[str, int]) -> NodePlan:
    """Return the plan of the embeddings of all findings that *node* reads."""
    room = room_of(min(job.fit(node, model).context for model in job.chain(node)))
    findings = _findings(node, given)
    leaves = _leaves(findings * FINDING_TOKENS, room)
    calls = leaves * math.ceil(findings / leaves / MOST_TEXTS)
    tokens = findings * STATEMENT_TOKENS
    return embedding_plan(job, node.stage, [tokens // calls] * calls, findings)


def _findings(node: Node, given: Mapping[str, int]) -> int:
    return sum(given.get(name, 0) for name in node.reads)


def _calls(job: Job, node: Node, given: Mapping[str, int]) -> list[int]:
    """Return the tokens of the material of each call of *node*."""
    room = room_of(min(job.fit(node, model).context for model in job.chain(node)))
    findings, kind = _findings(node, given), kind_of(job.analyzers[node.name])
    leaves = _leaves(findings * FINDING_TOKENS, room)
    themes = min(findings, _THEMES if leaves > 1 else _THEMES_PER_CALL)
    if kind == THEMES:
        merges = math.ceil(leaves * _THEMES_PER_CALL * THEME_TOKENS / room) if leaves > 1 else 0
        read = findings * FINDING_TOKENS // leaves
        merged = min(room, _THEMES_PER_CALL * THEME_TOKENS * leaves)
        sizes = [read] * leaves + [merged] * merges
    elif kind == AGREEMENTS:
        tokens = themes * (THEME_TOKENS + EXAMPLES * FINDING_TOKENS)
        parts = math.ceil(tokens / room)
        sizes = [tokens // parts] * parts + [min(room, themes * THEME_TOKENS)] * (parts > 1)
    elif kind == OUTLIERS:
        tokens = int(findings * _ALONE) * FINDING_TOKENS
        parts = _leaves(tokens, room)
        sizes = [tokens // parts] * parts + [room] * (parts > 1)
    else:
        sizes = [min(room, themes * THEME_TOKENS)]
    return [min(room, size) + HEAD_TOKENS for size in sizes[:MAX_PLANNED]]


def _leaves(tokens: int, room: int) -> int:
    return 1 if tokens <= room else math.ceil(tokens / (_FULL * room))
