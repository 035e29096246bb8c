"""A node's files: its record as JSON and its page as Markdown."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from runner.answers.markdown import md
from runner.answers.outcome import Outcome
from runner.calls.call_log import CallLog
from runner.config.model_facts import OFFLINE
from runner.job.graph import Node
from runner.record.keys import payload_digest
from runner.record.run_directory import SCHEMA_VERSION


def node_record(node: Node, outcome: Outcome, calls: CallLog, **facts: Any) -> dict[str, Any]:
    """Return intermediate/STAGE/NAME.json's content; *facts* name the model and the prompt."""
    answer = outcome.answer or {"insights": [], "structured_data": {}}
    usage = asdict(calls.usage)
    corrected = usage.pop("corrected")
    record = {
        "schema_version": SCHEMA_VERSION,
        "analyzer": node.name,
        "stage": node.stage,
        "status": outcome.status,
        "error": {"kind": outcome.kind, "message": outcome.error} if outcome.kind else None,
        "degraded": bool(outcome.missing),
        "missing": dict(outcome.missing),
        "key": outcome.key,
        "reused": outcome.reused,
        "model": outcome.model,
        **facts,
        **answer,
        "raw_output": outcome.raw_output,
        "grounding": outcome.grounding.figures() if outcome.grounding else None,
        **outcome.notes,
        "usage": usage,
        "cost_usd": usage.pop("cost_usd"),
        **({"usage_corrected": corrected} if corrected else {}),
        "attempts": [asdict(attempt) for attempt in calls.attempts],
        "latency_s": round(calls.latency_s, 6),
    }
    return {**record, "sha256": payload_digest(record)}


def outcome_page(node: Node, outcome: Outcome, body: str) -> str:
    """Return intermediate/STAGE/NAME.md: *body*, who answered and without what; or the fault."""
    if outcome.answer is None:
        return f"# {node.name}\n\n**{outcome.status}** ({outcome.kind}): {md(outcome.error)}\n"
    model = outcome.model or "nobody"
    kind = ", an extractive baseline, not a language model" if model.startswith(OFFLINE) else ""
    body += f"\n---\nAnswered by {model}{kind}.\n"
    if outcome.missing:
        absent = ", ".join(f"{name} ({why})" for name, why in outcome.missing.items())
        body += f"Degraded: answered without {absent}.\n"
    return body
