"""What metadata.json says of a run besides its status and times."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from runner.bench import totals
from runner.client import CallLog
from runner.job import Job


def describe_run(job: Job, statuses: Mapping[str, str], calls: Sequence[CallLog]) -> dict[str, Any]:
    """Return the transcript, the model, the versions, and each analyzer's status so far."""
    return {
        "transcript": {
            "name": job.transcript.name,
            "format": job.transcript.format,
            "sha256": job.transcript.sha256,
            "segments": len(job.transcript.segments),
        },
        "model": job.settings.model.name,
        "tokenizer": asdict(job.tokenizer),
        "config_digest": job.config_digest,
        "versions": dict(versions()),
        "stages": {
            stage.name: {
                "needs": list(stage.needs),
                "analyzers": {node.name: statuses[node.name] for node in stage.nodes},
            }
            for stage in job.pipeline.stages
        },
        "totals": totals(calls),
    }


@lru_cache
def versions() -> Mapping[str, str]:
    """Return the versions that a reader of the run may ask for; reading them takes 10 ms."""
    names = ("colloquy", "litellm", "hydra-core", "pydantic", "tiktoken")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
