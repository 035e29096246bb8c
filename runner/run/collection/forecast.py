"""Forecast of a collection: the calls of its stages, from the number of files and findings."""

import math
from collections.abc import Mapping
from dataclasses import replace

from runner.base.format import plural
from runner.job.build import collection_job
from runner.job.graph import Node
from runner.job.job import BatchJob, Job
from runner.job.joint import AGREEMENTS, OUTLIERS, THEMES, kind_of
from runner.record.history import CallAverages
from runner.run.collection.contrasts import EXAMPLES
from runner.run.collection.material import HEAD_TOKENS, room_of
from runner.run.embedder import MOST_TEXTS
from runner.run.plan.embedding import embedding_plan
from runner.run.plan.node import NodePlan, plan_node, summed

# Assumed, and said so: of real findings and themes; a batch that has run can be resumed exactly.
FINDING_TOKENS = 60  # of a line with its quote
THEME_TOKENS = 90
STATEMENT_TOKENS = 30  # of a finding without its quote, which is what is embedded
_FULL = 0.7  # share of the room that a leaf of a hash trie fills
_THEMES_PER_CALL = 12
_ALONE = 0.3  # share of the findings that no theme has
MAX_PLANNED = 100_000  # calls of one analyzer


def why_skipped(batch: BatchJob, files: int) -> str:
    """Return why the collection of *files* transcripts has nothing to compare, empty if it has."""
    if batch.settings.batch.shards > 1:
        return "the collection is skipped: batch.shards splits the files, and it needs them all"
    if files < 2:
        return f"the collection is skipped: {plural(files, 'transcript')} read, it needs 2"
    return ""


def forecast(
    batch: BatchJob, files: int, histories: Mapping[str, Mapping[str, CallAverages]]
) -> dict[str, NodePlan]:
    """Return the plans of the joint analyzers of *files* transcripts, by name.

    Every analyzer is taken to give as many findings as it may. Nothing without two files.
    """
    if why_skipped(batch, files) or not batch.collection.stages:
        return {}
    job = collection_job(batch)
    plans = {}
    for node in job.pipeline.nodes:
        model = job.chain(node)[0]
        seen = histories.get(model.settings.name, {}).get(node.name)
        one = None
        for tokens in _calls(job, node, files):
            fit = job.fit(node, model)
            sized = replace(fit, context=min(fit.context, tokens))
            cut = replace(job, fits={**job.fits, (node.name, model.name): sized})
            call = plan_node(cut, node, model, seen, (0, 0))
            one = call if one is None else summed(one, call)
        if one is not None:
            plans[node.name] = one
        if batch.settings.collection.embeddings and kind_of(job.analyzers[node.name]) == THEMES:
            plans[f"{node.name}/embeddings"] = _embedding_plan(job, node, files)
    return plans


def _embedding_plan(job: Job, node: Node, files: int) -> NodePlan:
    """Return the plan of the embeddings of all findings that *node* reads."""
    room = room_of(min(job.fit(node, model).context for model in job.chain(node)))
    findings = _findings(job, node, files)
    leaves = _leaves(findings * FINDING_TOKENS, room)
    calls = leaves * math.ceil(findings / leaves / MOST_TEXTS)
    tokens = findings * STATEMENT_TOKENS
    return embedding_plan(job, node.stage, [tokens // calls] * calls, findings)


def _findings(job: Job, node: Node, files: int) -> int:
    return files * job.settings.output.max_insights_per_analyzer * len(node.reads)


def _calls(job: Job, node: Node, files: int) -> list[int]:
    """Return the tokens of the material of each call of *node*."""
    room = room_of(min(job.fit(node, model).context for model in job.chain(node)))
    findings, kind = _findings(job, node, files), kind_of(job.analyzers[node.name])
    leaves = _leaves(findings * FINDING_TOKENS, room)
    themes = min(findings, _THEMES_PER_CALL * leaves)
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
