"""Printing of the plan of a run or batch; sends and writes nothing."""

import orjson

from runner.job.job import BatchJob, Job
from runner.run.batch.plan import plan_batch
from runner.run.plan.plan import as_text, make_plan, read_histories
from runner.transcript.redact.null_redaction import described


def print_plan(job: Job | BatchJob) -> None:
    """Print the plan of *job*, as JSON if `output.console` is json."""
    as_json = job.settings.output.console == "json"
    if isinstance(job, BatchJob):
        many = plan_batch(job)
        print(orjson.dumps(many.as_dict()).decode() if as_json else many.as_text())
    else:
        plan, reading = make_plan(job, read_histories(job)), job.transcript.reading
        if as_json:
            counts = {"redaction": job.redaction.counts()} if job.redaction else {}
            print(orjson.dumps({**plan.as_dict(), "reading": reading, **counts}).decode())
        else:
            lines = reading.as_lines() if reading else []
            lines += [f"redact   {described(job.redaction.counts())}"] if job.redaction else []
            lines += [note] if (note := left_out(job)) else []
            print("\n".join([*lines, "", as_text(plan)]))


def left_out(job: Job) -> str:
    """Return the stages that a run of one transcript omits, in words; empty for none."""
    names = ", ".join(stage.name for stage in job.collection.stages)
    return f"left out: {names}, which read a folder of transcripts" if names else ""
