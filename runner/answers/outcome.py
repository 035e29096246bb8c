"""What became of a node, and what all outcomes amount to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from runner.answers.analyzer import Analyzer
from runner.answers.grounding.grounder import GroundingCounts
from runner.base.errors import (
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
    grounding: GroundingCounts | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


def read_reply(analyzer: Analyzer, text: str, finish_reason: str, max_insights: int) -> Outcome:
    """Turn a reply's *text* into an outcome: validated, with no more insights than were asked for.

    Raises AnswerError.
    """
    try:
        answer, repaired = analyzer.read(text)
        stored = answer.model_dump(mode="json")
        orjson.dumps(stored)  # an integer of more than 64 bits could not be written
    except CallError:
        raise
    except (Exception, SystemExit) as error:  # a user's own shape may do anything
        message = f"{type(error).__name__}: {error}"
        raise AnswerError("invalid_output", message, text=text) from error
    notes = {
        "json_repaired": repaired,
        "insights_dropped": max(0, len(stored["insights"]) - max_insights),
        "finish_reason": finish_reason,
    }
    stored["insights"] = stored["insights"][:max_insights]
    return Outcome("ok", answer=stored, raw_output=text, notes=notes)


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
    total = sum(counts.values(), GroundingCounts())
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
