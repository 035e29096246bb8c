"""Differences between two configurations that change what is asked."""

import json
import re
from collections.abc import Iterator, Mapping

from runner.base.errors import one_line
from runner.base.json import flat
from runner.base.text import digest
from runner.config.schema import Settings
from runner.job.expectations import JobChecks
from runner.job.job import Setup

# Keys that change no answer.
_FREE = re.compile(
    r"processing\.(max_concurrent.*|mode|strict|prime_prefix)"
    r"|stages\.[^.]+\.(max_concurrent|strict|final)"
    r"|(model|models\.[^.]+)\.(timeout_s|max_retries|retry_delay_s|deadline_s|[io]?tpm|rpm|burst_s"
    r"|allow_http|service_tier|delivery|cache|api_key_env|transport|requires_env|(input|output|cached)_usd_per_mtok|simulate.*)"
    r"|delivery\..*|budget\..*|batch\.max_.*|reuse|plan|output\.(dir|console|pages|traces)|objective"
    r"|checks.*|references|attributes|codebook|guide|(model|models\.[^.]+)\.escalate"
    r"|transcript\.(path|format|encoding)|grounding\.min_rate"
)


def answers_digest(settings: Settings, prompts: Mapping[str, str], expected: JobChecks) -> str:
    """Return the SHA-256 of what decides a run's answers and its status, but for the transcript."""
    kept = {key: value for key, value in flat(settings.model_dump()) if not _FREE.fullmatch(key)}
    judged = settings.grounding.min_rate, expected.digest
    return digest(json.dumps([kept, prompts, judged], sort_keys=True))


def changes(old: Settings, prompts: Mapping[str, str], job: Setup) -> Iterator[str]:
    """Yield what differs in *job*: analyzers, keys that affect answers, and *prompts* by digest."""
    single = old.analyzers.keys() ^ job.analyzers.keys()
    for name in sorted(single):
        yield f"analyzers.{name}: {'removed' if name in old.analyzers else 'added'}"
    before, after = (
        dict(flat(each.model_dump(exclude={"analyzers": single}))) for each in (old, job.settings)
    )
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if was != now and not _FREE.fullmatch(key):
            yield f"{key}: {one_line(repr(was), 60)} -> {one_line(repr(now), 60)}"
    for name, analyzer in job.analyzers.items():
        if name not in single and prompts.get(name) != analyzer.prompt_digest:
            yield f"analyzers.{name}: its prompt or answer shape has changed"
