"""Files of a node: its record in JSON and its page in Markdown."""

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
    """Return the content of intermediate/STAGE/NAME.json, *facts* included."""
    answer = outcome.answer or {"insights": [], "structured_data": {}}
    usage = asdict(calls.usage)
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
        "attempts": [asdict(attempt) for attempt in calls.attempts],
        "latency_s": round(calls.latency_s, 6),
    }
    return {**record, "sha256": payload_digest(record)}


def outcome_page(node: Node, outcome: Outcome, body: str) -> str:
    """Return a node's page: *body*, its model and missing inputs, or the error."""
    if outcome.answer is None:
        return f"# {node.name}\n\n**{outcome.status}** ({outcome.kind}): {md(outcome.error)}\n"
    model = outcome.model or "nobody"
    kind = ", an extractive baseline, not a language model" if model.startswith(OFFLINE) else ""
    body += f"\n---\nAnswered by {model}{kind}.\n"
    if outcome.missing:
        absent = ", ".join(f"{name} ({why})" for name, why in outcome.missing.items())
        body += f"Degraded: answered without {absent}.\n"
    return body
