"""Printing of the plan of a run or batch; sends and writes nothing."""

import orjson

from runner.base.text import to_terminal
from runner.job.job import BatchJob, Job
from runner.run.batch.plan import plan_batch
from runner.run.plan.plan import as_text, make_plan, read_histories
from runner.transcript.redact.null_redaction import described


def print_plan(job: Job | BatchJob, *, in_sweep: bool = False) -> None:
    """Print the plan of *job*, as `output.console` says; one *in_sweep* begins with its setting."""
    as_json = job.settings.output.console == "json"
    if isinstance(job, BatchJob):
        many = plan_batch(job)
        facts, lines = many.as_dict(), [many.as_text()]
    else:
        plan, reading = make_plan(job, read_histories(job)), job.transcript.reading
        counts = {"redaction": job.redaction.counts()} if job.redaction else {}
        facts = {**plan.as_dict(), "reading": reading, **counts}
        lines = reading.as_lines() if reading else []
        lines += [f"redact   {described(job.redaction.counts())}"] if job.redaction else []
        lines += [note] if (note := left_out(job)) else []
        lines += ["", as_text(plan)]
    if in_sweep:
        facts["overrides"] = job.overrides
        lines = ["", f"setting  {to_terminal(', '.join(job.overrides))}", *lines]
    print(orjson.dumps(facts).decode() if as_json else "\n".join(lines))


def left_out(job: Job) -> str:
    """Return the stages that a run of one transcript omits, in words; empty for none."""
    names = ", ".join(stage.name for stage in job.collection.stages)
    return f"left out: {names}, which read a folder of transcripts" if names else ""
