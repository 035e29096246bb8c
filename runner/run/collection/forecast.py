"""Forecast of a collection: the calls of its stages, from its files and their findings."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from runner.base.format import plural
from runner.job.build import collection_job
from runner.job.collection_stages import AGREEMENTS, OUTLIERS, THEMES, kind_of
from runner.job.graph import Node
from runner.job.job import BatchJob, Job
from runner.job.models import Model
from runner.record.collection_findings import GroundedFinding, place_of
from runner.record.history import CallAverages, Histories
from runner.run.collection.contrasts import EXAMPLES
from runner.run.collection.material import HEAD_TOKENS, room_of
from runner.run.collection.tree import File, branches, fits, leaves
from runner.run.embedder import MAX_TEXTS
from runner.run.plan.further import embedding_plan, escalated
from runner.run.plan.node import NodePlan, plan_node, summed
from runner.transcript.model import Segment

# Assumed, and said so: of real findings and themes; a batch that has run can be resumed exactly.
_REPLY_TOKENS = 110  # of a finding in a reply
_STATEMENT = 20  # characters
_STATED = 0.5  # findings for each segment that states something …
_MIN_STATED = 3  # … but at least this many, if there are as many such segments
FINDING_TOKENS = 45  # of a line with its quote
STATEMENT_TOKENS = 30  # of a finding without its quote, as embedded
_THEME_TOKENS = 50  # of a line with its quote
_THEMES = 15  # of all findings: a matter of the subject, not of the number of files
_SHARE = 5  # findings of a theme, where there are few
_ALONE = 0.1  # share of the findings that no theme has
_INSIGHTS = 200  # tokens of the insights in a reply
_NAMED, _ID = 50, 3  # tokens of a theme in a reply, without its ids, and of each id
_SYNTHESIS = 400  # tokens of its text
MAX_PLANNED = 100_000  # calls of one analyzer
_FINDINGS = {"Evidence", "Fields", "Insight"}  # parts of a schema
_ANY = GroundedFinding("", "", "", "", "", ())

Call = tuple[int, int]  # tokens of the material and of the reply


@dataclass(frozen=True, slots=True)
class Yield:
    """What is expected of one file: *findings*, and *most* tokens of them at most."""

    findings: int
    most: int


def expected(job: Job, nodes: Mapping[str, NodePlan]) -> dict[str, Yield]:
    """Return what each analyzer is expected to find in *job*'s transcript; *nodes* are its plans.

    As many findings as its replies have held, else as many as are guessed.
    """
    limit, found = job.settings.output.max_insights_per_analyzer, _guessed(job)
    for name in found:
        if nodes[name].seen:
            found[name] = max(1, min(limit, nodes[name].reply_tokens // _REPLY_TOKENS))
    most = {name: own.max_tokens for name, own in job.settings.analyzers.items()}
    return {n: Yield(number, nodes[n].calls * most[n]) for n, number in found.items()}


def _guessed(job: Job) -> dict[str, int]:
    """Return a finding for one in two segments that state something, of each analyzer.

    Questions of a guide share them.
    """
    limit, settings = job.settings.output.max_insights_per_analyzer, job.settings.analyzers
    stated = sum(map(_states, job.transcript.segments))
    alike = Counter(settings[node.name].prompt for node in job.pipeline.nodes)
    shares = {
        node.name: max(_MIN_STATED, math.ceil(stated * _STATED / alike[settings[node.name].prompt]))
        for node in job.pipeline.nodes
    }
    return {name: max(1, min(limit, stated, share)) for name, share in shares.items()}


def guessed_replies(job: Job) -> dict[str, float]:
    """Return the tokens of a reply of each analyzer whose answers hold findings and no lists."""
    return {
        node.name: found * _REPLY_TOKENS / max(1, len(job.fit(node, job.chain(node)[0]).chunks))
        for node, found in zip(job.pipeline.nodes, _guessed(job).values(), strict=True)
        if job.analyzers[node.name].schema.get("$defs", {}).keys() <= _FINDINGS
    }


def _states(segment: Segment) -> bool:
    """Return whether *segment* is more than a few words or a question."""
    said = segment.text.rstrip(" \"'”»)")
    return len(said) >= _STATEMENT and not said.endswith(("?", "？", "؟"))


def why_skipped(batch: BatchJob, files: int) -> str:
    """Return why a collection of *files* transcripts is skipped, empty if it is not."""
    if batch.settings.batch.shards > 1:
        return "the collection is skipped: batch.shards splits the files, and it needs them all"
    if files < 2:
        return f"the collection is skipped: {plural(files, 'transcript')} read, it needs 2"
    return ""


def forecast(
    batch: BatchJob, found: Mapping[str, Mapping[str, Yield]], histories: Histories
) -> dict[str, NodePlan]:
    """Return the plans of the collection's analyzers, by name.

    *found* is expected of each analyzer of transcripts, by file. Amounts at most hold for the
    longest replies, and for themes that take half of a call that merges them. Nothing without
    two files.
    """
    if why_skipped(batch, max(map(len, found.values()))) or not batch.collection.stages:
        return {}
    job = collection_job(batch)
    plans = {}
    for node in job.pipeline.nodes:
        first = job.chain(node)[0]
        room = room_of(min(job.fit(node, model).context for model in job.chain(node)))
        of = [found[name] for name in node.reads if name in found]
        files = _files(of, lambda each: each.findings * FINDING_TOKENS)
        most = _files(of, lambda each: each.most)
        kind = kind_of(job.analyzers[node.name])
        calls, bound = _calls(kind, files, room), _most_calls(kind, most, room)
        seen = histories.get(first.settings.name, {}).get(node.name)
        plans[node.name] = _planned(job, node, first, seen, calls, bound)
        for model in job.escalation(node):
            every = _planned(job, node, model, None, calls, bound)
            plans[f"{node.name} > {model.name}"] = escalated(every, seen=seen is not None)
        if batch.settings.collection.embeddings and kind == THEMES:
            texts = [
                min(MAX_TEXTS, n - at)
                for n in _in_leaves(files, room)
                for at in range(0, n, MAX_TEXTS)
            ]
            sizes = [STATEMENT_TOKENS * n for n in texts]
            plans[f"{node.name}/embeddings"] = embedding_plan(job, node.stage, sizes, sum(texts))
    return plans


def _files(of: Sequence[Mapping[str, Yield]], tokens_of: Callable[[Yield], int]) -> list[File]:
    """Return the files of all findings expected, of equal length, in the order of the tree."""
    tokens = Counter[str]()
    for by_file in of:
        tokens.update({name: tokens_of(each) for name, each in by_file.items()})
    files = (
        File((_ANY,) * math.ceil(size / FINDING_TOKENS), size, place_of(name))
        for name, size in tokens.items()
    )
    return sorted(files, key=lambda file: file.bits)


def _planned(
    job: Job, node: Node, model: Model, seen: CallAverages | None, calls: Sequence[Call], most: int
) -> NodePlan:
    """Return the plan of *node*'s *calls* to *model*; *most* of them are made at most."""
    fit = job.fit(node, model)

    def plan(tokens: int, reply: float | None) -> NodePlan:
        one = replace(fit, context=min(fit.context, tokens))
        cut = replace(job, fits={**job.fits, (node.name, model.name): one})
        return plan_node(cut, node, model, seen, (0, 0), guess=reply)

    made = [plan(tokens + HEAD_TOKENS, reply) for tokens, reply in calls[:MAX_PLANNED]]
    longest = plan(fit.context, None)
    usd = None if longest.cost_high_usd is None else round(most * longest.cost_high_usd, 9)
    whole = reduce(summed, made)
    return replace(whole, most_tokens=most * longest.most_tokens, cost_high_usd=usd)


def _in_leaves(files: Sequence[File], room: int) -> list[int]:
    return [sum(len(file.found) for file in part) for _, part in leaves("", files, room, _tokens)]


def _tokens(_: object) -> int:
    return FINDING_TOKENS


def _themes(findings: int) -> int:
    return min(_THEMES, math.ceil(findings / _SHARE))


def _calls(kind: str, files: Sequence[File], room: int) -> list[Call]:
    """Return the expected calls of a stage of *kind* about the findings of *files*."""
    findings = sum(len(file.found) for file in files)
    themes = _themes(findings)
    if kind == THEMES:
        return _calls_in_tree(files, room)
    if kind == AGREEMENTS:
        examples = min(2 * EXAMPLES, max(EXAMPLES, findings // themes))
        tokens, reply = themes * (_THEME_TOKENS + examples * FINDING_TOKENS), themes * 20
        parts = math.ceil(tokens / room)
        last = [(min(room, themes * _THEME_TOKENS // 2), reply + _INSIGHTS)] * (parts > 1)
        return [(tokens // parts, reply // parts + _INSIGHTS)] * parts + last
    if kind == OUTLIERS:
        tokens = max(1, round(findings * _ALONE)) * FINDING_TOKENS
        parts = math.ceil(tokens / room)
        return [(tokens // parts, _INSIGHTS + _NAMED)] * (parts + (parts > 1))
    return [(min(room, themes * _THEME_TOKENS), _SYNTHESIS + _INSIGHTS)]


def _most_calls(kind: str, files: Sequence[File], room: int) -> int:
    """Return how many calls such a stage makes at most; each may fill its budget."""
    tokens = sum(file.tokens for file in files)
    if kind == THEMES:
        return _most_in_tree("", files, room)
    if kind == AGREEMENTS:  # a finding is shown in two themes, a call is half full at least
        return 1 if 2 * tokens <= room else math.ceil(4 * tokens / room) + 1
    if kind == OUTLIERS:
        return 1 if tokens <= room else len(_in_leaves(files, room)) + 1
    return 1


def _most_in_tree(prefix: str, files: Sequence[File], room: int) -> int:
    """Return the calls where no finding joins another: all are compared again at each branch."""
    if fits(files, room):
        return 1
    below = branches(prefix, files, room, _tokens)
    merging = math.ceil(2 * sum(file.tokens for file in files) / room)
    return merging + sum(_most_in_tree(name, part, room) for name, part in below)


def _calls_in_tree(files: Sequence[File], room: int) -> list[Call]:
    """Return the expected calls of `Themes`, leaves first; later ones repeat the themes so far."""
    parts = _in_leaves(files, room)

    def call(tokens: int, themes: int, ids: int) -> Call:
        return min(room, tokens), themes * _NAMED + ids * _ID + _INSIGHTS

    calls = [call(n * FINDING_TOKENS, _themes(n), n) for n in parts]
    themes, alone = sum(map(_themes, parts)), sum(round(n * _ALONE) for n in parts)
    apart, repeated = len(parts), min(room // 2, _THEMES * _THEME_TOKENS)
    while apart > 1:
        tokens = themes * _THEME_TOKENS + alone * FINDING_TOKENS
        number = 1 if tokens <= room else math.ceil(tokens / (room - repeated))
        own, more = tokens // number, repeated if number > 1 else 0
        calls += [call(own + more, _THEMES, min(room, own) // FINDING_TOKENS)] * number
        apart = min(apart // 2, number)
        themes = min(themes, _THEMES * max(1, apart))
    return calls
