"""Metadata of a run or batch: everything in metadata.json but its status and times."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from typing import Any

from runner.base.text import own_version
from runner.job.job import Job, Setup
from runner.record.journal import Spent


def describe_run(job: Job, statuses: Mapping[str, str], spent: Spent) -> dict[str, Any]:
    """Return the facts on the transcript, the job, and each analyzer's status so far."""
    return {
        "transcript": {
            "name": job.transcript.name,
            "format": job.transcript.format,
            "sha256": job.transcript.sha256,
            "segments": len(job.transcript.segments),
            "removed_chars": job.transcript.removed_chars,
        },
        "reading": job.transcript.reading and asdict(job.transcript.reading),
        **describe_job(job, spent),
        "stages": {
            stage.name: {
                "needs": list(stage.needs),
                "analyzers": {node.name: statuses[node.name] for node in stage.nodes},
            }
            for stage in job.pipeline.stages
        },
    }


def describe_job(job: Setup, spent: Spent) -> dict[str, Any]:
    """Return the models, versions and totals of a run or batch."""
    return {
        "model": job.main.settings.name,
        "models": {name: model.settings.name for name, model in job.models.items()},
        "tokenizer": asdict(job.main.tokenizer),
        "config_digest": job.config_digest,
        "answers_digest": job.answers_digest,
        "versions": dict(versions()),
        "totals": spent.totals(),
    }


@cache
def versions() -> Mapping[str, str]:
    """Return the versions of Python and the main packages; the first call takes 10 ms."""
    names = ("litellm", "hydra-core", "pydantic", "tiktoken")
    own = {"python": platform.python_version(), "colloquy": own_version()}
    return own | {name: version(name) for name in names}
