"""What became of a node, and what all outcomes amount to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from runner.analyzer import Analyzer
from runner.call_log import CallLog
from runner.catalog import OFFLINE
from runner.errors import (
    EXIT_AUTH,
    EXIT_BUDGET,
    EXIT_INTERRUPTED,
    EXIT_NOTHING,
    EXIT_OK,
    EXIT_PARTIAL,
    EXIT_UNAVAILABLE,
    AnswerError,
    CallError,
)
from runner.graph import Node
from runner.grounding.grounder import Counts
from runner.provider.request import Completion
from runner.record.directory import SCHEMA_VERSION
from runner.record.keys import payload_digest
from runner.render import md

# Kinds of failure that end a whole run, in the order in which they decide the exit code.
ENDINGS = (
    (frozenset({"interrupted"}), EXIT_INTERRUPTED),
    (frozenset({"auth", "billing", "not_found"}), EXIT_AUTH),
    (frozenset({"budget"}), EXIT_BUDGET),
    (frozenset({"unavailable"}), EXIT_UNAVAILABLE),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one node.

    *status* is `ok`, `error`, `skipped` (nothing to read) or `not_run` (the run ended before);
    *answer* is set only for `ok`; *missing* maps upstream analyzers that gave nothing to the
    reason. *key* is the digest of the call, None where none was due; *reused* says where an
    answer was taken from: `run` (an earlier session of this run), `store`, or None;
    *model* is who was asked; *grounding* counts the answer's quotes.
    """

    status: str
    answer: Mapping[str, Any] | None = None
    kind: str | None = None
    error: str | None = None
    raw_output: str | None = None
    key: str | None = None
    reused: str | None = None
    model: str | None = None
    grounding: Counts | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


def node_record(node: Node, outcome: Outcome, calls: CallLog, **facts: Any) -> dict[str, Any]:
    """Return intermediate/STAGE/NAME.json's content; *facts* name the model and the prompt."""
    answer = outcome.answer or {"insights": [], "structured_data": {}}
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
        "usage": asdict(calls.usage),
        "cost_usd": calls.cost_usd,
        "attempts": [asdict(attempt) for attempt in calls.attempts],
        "latency_s": round(calls.latency_s, 6),
    }
    return {**record, "sha256": payload_digest(record)}


def read_reply(analyzer: Analyzer, reply: Completion, max_insights: int) -> Outcome:
    """Turn a reply into an outcome: validated, with no more insights than were asked for.

    Raises AnswerError.
    """
    try:
        answer, repaired = analyzer.read(reply.text)
        stored = answer.model_dump(mode="json")
        orjson.dumps(stored)  # an integer of more than 64 bits could not be written
    except CallError:
        raise
    except (Exception, SystemExit) as error:  # a user's own shape may do anything
        message = f"{type(error).__name__}: {error}"
        raise AnswerError("invalid_output", message, text=reply.text) from error
    notes = {
        "json_repaired": repaired,
        "insights_dropped": max(0, len(stored["insights"]) - max_insights),
        "finish_reason": reply.finish_reason,
    }
    stored["insights"] = stored["insights"][:max_insights]
    return Outcome("ok", answer=stored, raw_output=reply.text, notes=notes)


def failed(
    error: CallError, key: str | None = None, notes: Mapping[str, Any] | None = None
) -> Outcome:
    """Return the outcome of a node that *error* ended; the text of a bad reply is kept."""
    raw = error.text if isinstance(error, AnswerError) else None
    return Outcome("error", None, error.kind, str(error), raw, key, notes=notes or {})


def verdict(outcomes: Mapping[str, Outcome]) -> tuple[str, int]:
    """Return the run's status and exit code; the first that applies of ENDINGS decides it."""
    good = sum(outcome.status == "ok" for outcome in outcomes.values())
    kinds = {outcome.kind for outcome in outcomes.values()}
    some = "partial" if good else "failed"
    for ending, code in ENDINGS:
        if kinds & ending:
            return "interrupted" if code == EXIT_INTERRUPTED else some, code
    if good == 0 or "strict" in kinds:
        return some, EXIT_NOTHING
    if good < len(outcomes) or any(outcome.missing for outcome in outcomes.values()):
        return "partial", EXIT_PARTIAL
    return "completed", EXIT_OK


def grounding_of(outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """Return grounding.json's content: how many quotes stand in the transcript, and where not."""
    counts = {name: o.grounding for name, o in outcomes.items() if o.grounding is not None}
    total = sum(counts.values(), Counts())
    return {
        "total": total.figures(),
        "analyzers": {name: count.figures() for name, count in counts.items()},
    }


def missing_of(upstream: Mapping[str, Outcome]) -> dict[str, str]:
    """Return which of *upstream* gave nothing, and why."""
    return {
        name: outcome.kind or outcome.status
        for name, outcome in upstream.items()
        if outcome.answer is None
    }


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
