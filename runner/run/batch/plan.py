"""Batch plan: predicts tokens, cost and time of a batch as the sum of its files' plans."""

import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from runner.base.errors import ConfigError, TranscriptError
from runner.base.format import plural, usd
from runner.base.text import print_stderr, to_terminal
from runner.calls.schedule import Duration, critical_path, make_slots, min_makespan
from runner.job.build import for_transcript
from runner.job.graph import Pipeline
from runner.job.job import BatchJob, Job
from runner.run.collection.forecast import Yield, expected, forecast, guessed_replies, why_skipped
from runner.run.plan.deliveries import batch_shares
from runner.run.plan.further import further_plans
from runner.run.plan.node import NodePlan, summed, total
from runner.run.plan.plan import (
    Plan,
    as_text,
    exceeded_cap,
    plan_nodes,
    read_histories,
    windows_of,
    with_deliveries,
)
from runner.transcript.redact.null_redaction import described

PROGRESS_S = 10.0  # between lines of progress while files are read


@dataclass
class BatchPlan:
    """Sum of the plans of the files read so far; *unreadable* maps file names to errors."""

    job: BatchJob
    files: int = 0
    found: dict[str, dict[str, Yield]] = field(default_factory=dict)  # by analyzer and file
    nodes: dict[str, NodePlan] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    doubtful: int = 0  # files read with warnings
    redacted: Counter[str] = field(default_factory=Counter)  # stand-ins by kind
    longest_s: float = 0.0  # the longest critical path of a file
    joint: dict[str, NodePlan] = field(default_factory=dict)  # of the collection
    stopped_by: str | None = None

    def add(self, file: str, job: Job, nodes: Mapping[str, NodePlan]) -> None:
        """Add the nodes of one file."""
        self.files += 1
        for name, found in expected(job, nodes).items():
            self.found.setdefault(name, {})[file] = found
        self.doubtful += bool(job.transcript.reading and job.transcript.reading.warnings)
        self.redacted.update(job.redaction.counts())
        work = {name: Duration(node.latency_s) for name, node in nodes.items()}
        path = critical_path(job.pipeline, work)
        self.longest_s = max(self.longest_s, sum(nodes[name].latency_s for name in path))
        for name, node in nodes.items():
            self.nodes[name] = summed(self.nodes[name], node) if name in self.nodes else node
        self._stop_at_cap(f"file {self.files:,} of {len(self.job.inputs):,}")

    def _stop_at_cap(self, where: str) -> None:
        nodes, caps = [*self.nodes.values(), *self.joint.values()], self.job.settings.budget
        cap = exceeded_cap(caps, total(nodes, "tokens"), total(nodes, "cost_usd") or 0.0)
        self.stopped_by = self.stopped_by or (cap and f"{cap}, in {where}")

    def plan(self) -> Plan:
        """Return the sum of all files.

        Its wall-clock time is a lower bound: the longest of the time of the slowest file, of all
        calls in the slots, and of all calls at the rate limits.
        """
        every = {**self.nodes, **self.joint}
        plan, job = Plan(every, 0.0, self.stopped_by, windows_of(self.job)), self.job
        processing, model = job.settings.processing, job.main.settings
        stages = Pipeline((*job.pipeline.stages, *job.collection.stages))
        slots = make_slots(stages, processing.max_concurrent, processing.mode)
        work = [(node.stage, node.calls * node.latency_s) for node in every.values()]
        kinds = {"calls": model.rpm, "tokens": model.tpm}
        kinds |= {"prompt_tokens": model.itpm, "reply_tokens": model.otpm}
        rates_s = 60 * max(plan.total(kind) / (rate or math.inf) for kind, rate in kinds.items())
        wall_s = max(self.longest_s, min_makespan(slots, work), rates_s)
        return with_deliveries(replace(plan, wall_s=wall_s), job)

    def add_joint(self, joint: Mapping[str, NodePlan]) -> None:
        """Add the nodes of the collection, which follow all files."""
        self.joint = dict(joint)
        self._stop_at_cap("the collection")

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as JSON-able data."""
        files = {"total": len(self.job.inputs), "unreadable": self.unreadable}
        counts = {"redaction": dict(self.redacted)} if self.redacted else {}
        return {"files": files, **self.plan().as_dict(), **counts}

    def as_text(self) -> str:
        """Return the plan of all files as a table for a terminal."""
        inputs, first = self.job.inputs, list(self.unreadable.items())[:10]
        lines = [f"files    {self.files:,} of {len(inputs):,}; seconds are of one call"]
        lines += [to_terminal(self.job.note, 300)] if self.job.note else []
        if self.doubtful:
            files = plural(self.doubtful, "file")
            lines.append(f"doubts   about {files}; colloquy-read FILE shows them")
        lines += [f"redact   {described(self.redacted)}"] if self.redacted else []
        lines += [to_terminal(f"unreadable {name}: {error}", 300) for name, error in first]
        skipped = why_skipped(self.job, self.files) if self.job.collection.stages else ""
        lines += [skipped] if skipped else []
        if asked := [node for node in self.joint.values() if not node.further]:
            tokens, most = total(asked, "most_tokens"), usd(total(asked, "cost_high_usd"))
            read = {name for node in self.job.collection.nodes for name in node.reads}
            yields = (self.found[name].values() for name in read & self.found.keys())
            found = sum(each.findings for each in chain.from_iterable(yields))
            worst = "if every reply is as long as allowed and no finding joins another"
            limit = f"at most {tokens:,} tokens and {most} of these, {worst}"
            lines.append(f"collect  {plural(found, 'finding')} expected; {limit}")
        return "\n".join([*lines, "", as_text(self.plan())])


def plan_batch(job: BatchJob) -> BatchPlan:
    """Return the plan of *job*; reads all files and sends nothing.

    Raises TranscriptError if no file is readable.
    """
    plan, histories, last_s = BatchPlan(job), read_histories(job), time.monotonic()
    shares = batch_shares(job)
    for number, file in enumerate(job.inputs):
        try:
            single = for_transcript(job, file)
        except (TranscriptError, ConfigError) as error:
            plan.unreadable[file.name] = file.fault(error)
            continue
        guesses = guessed_replies(single) if job.collection.stages else {}
        nodes = plan_nodes(single, histories, shares, guesses)
        validated = bool(plan.nodes) and not single.redaction  # which may change the labels
        further = further_plans(single, nodes, validated=validated)
        plan.add(file.name, single, {**nodes, **further})
        if time.monotonic() - last_s >= PROGRESS_S:
            last_s = time.monotonic()
            print_stderr(f"read {number + 1:,} of {len(job.inputs):,} files")
    if not plan.nodes:
        faults = (f"{name}: {why}" for name, why in plan.unreadable.items())
        raise TranscriptError(next(faults, "no file is in this shard"))
    plan.add_joint(forecast(job, plan.found, histories))
    return plan
