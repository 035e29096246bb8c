"""What became of a node, and what all outcomes amount to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from runner.catalog import OFFLINE
from runner.client import CallLog
from runner.errors import EXIT_AUTH, EXIT_NOTHING, EXIT_OK, EXIT_PARTIAL, AnswerError
from runner.graph import Node
from runner.record import SCHEMA_VERSION
from runner.transport import Completion

ACCOUNT_KINDS = frozenset({"auth", "billing", "not_found"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one node.

    *status* is `ok`, `error` or `skipped`; *answer* is set only for `ok`; *missing* maps
    upstream analyzers that gave nothing to the reason.
    """

    status: str
    answer: Mapping[str, Any] | None = None
    kind: str | None = None
    error: str | None = None
    raw_output: str | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


def node_record(node: Node, outcome: Outcome, calls: CallLog, **facts: Any) -> dict[str, Any]:
    """Return intermediate/STAGE/NAME.json's content; *facts* name the model and the prompt."""
    answer = outcome.answer or {"insights": [], "structured_data": {}}
    return {
        "schema_version": SCHEMA_VERSION,
        "analyzer": node.name,
        "stage": node.stage,
        "status": outcome.status,
        "error": {"kind": outcome.kind, "message": outcome.error} if outcome.kind else None,
        "degraded": bool(outcome.missing),
        "missing": dict(outcome.missing),
        **facts,
        **answer,
        "raw_output": outcome.raw_output,
        **outcome.notes,
        "usage": asdict(calls.usage),
        "cost_usd": calls.cost_usd,
        "attempts": [asdict(attempt) for attempt in calls.attempts],
        "latency_s": round(calls.latency_s, 6),
    }


def verdict(outcomes: Mapping[str, Outcome]) -> tuple[str, int]:
    """Return the run's status and exit code."""
    good = sum(outcome.status == "ok" for outcome in outcomes.values())
    degraded = any(outcome.missing for outcome in outcomes.values())
    if any(outcome.kind in ACCOUNT_KINDS for outcome in outcomes.values()):
        return ("partial" if good else "failed"), EXIT_AUTH
    if good == 0:
        return "failed", EXIT_NOTHING
    if good < len(outcomes) or degraded:
        return "partial", EXIT_PARTIAL
    return "completed", EXIT_OK


def missing_of(upstream: Mapping[str, Outcome]) -> dict[str, str]:
    """Return which of *upstream* gave nothing, and why."""
    return {
        name: outcome.kind or outcome.status
        for name, outcome in upstream.items()
        if outcome.answer is None
    }


def check_complete(completion: Completion) -> None:
    """Refuse replies that look like success and are not."""
    if completion.finish_reason == "content_filter":
        raise AnswerError("refused", "the provider's filter stopped the reply", text="")
    if completion.finish_reason == "refusal":
        raise AnswerError("refused", f"the model refuses: {completion.text}", text=completion.text)
    if completion.finish_reason == "length":
        raise AnswerError(
            "truncated",
            f"the reply was cut at {completion.usage.completion_tokens} tokens: raise max_tokens",
            text=completion.text,
        )
    if not completion.text.strip():
        raise AnswerError("empty", "the provider returned an empty reply", text="")


def outcome_page(node: Node, outcome: Outcome, body: str, model: str) -> str:
    """Return intermediate/STAGE/NAME.md: *body*, who answered and without what; or the fault."""
    if outcome.answer is None:
        return f"# {node.name}\n\n**{outcome.status}** ({outcome.kind}): {outcome.error}\n"
    kind = ", an extractive baseline, not a language model" if model.startswith(OFFLINE) else ""
    body += f"\n---\nAnswered by {model}{kind}.\n"
    if outcome.missing:
        absent = ", ".join(f"{name} ({why})" for name, why in outcome.missing.items())
        body += f"Degraded: answered without {absent}.\n"
    return body
