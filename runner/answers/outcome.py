"""Outcome of a node, and the status of a run from all its outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from runner.answers.analyzer import Analyzer
from runner.answers.grounding.grounder import GroundingCounts
from runner.answers.parse import ReadReply
from runner.base import errors
from runner.base.errors import AnswerError, CallError
from runner.base.secrets import Secrets

MAX_NOTES = 12

# Kinds of failure that end a whole run, in order of precedence for the exit code.
ENDINGS = (
    (frozenset({"interrupted"}), errors.EXIT_INTERRUPTED),
    (frozenset({"auth", "billing", "not_found"}), errors.EXIT_AUTH),
    (frozenset({"budget"}), errors.EXIT_BUDGET),
    (frozenset({"unavailable"}), errors.EXIT_UNAVAILABLE),
    (frozenset({"output"}), errors.EXIT_OUTPUT),
)
ANSWERED = frozenset({"completed", "degraded"})  # statuses of a run with every answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one node."""

    status: str  # ok, error, skipped (no input) or not_run (the run ended before)
    answer: Mapping[str, Any] | None = None  # only of `ok`
    kind: str | None = None
    error: str | None = None
    raw_output: str | None = None
    key: str | None = None  # the digest of the call
    reused: str | None = None  # source of a stored answer: `run` (an earlier session) or `store`
    model: str | None = None  # the model asked
    grounding: GroundingCounts | None = None
    missing: Mapping[str, str] = field(default_factory=dict)  # upstream, with the reason
    notes: Mapping[str, Any] = field(default_factory=dict)
    incomplete: bool = False  # the reply was cut within its answer
    doubt: str = ""  # what of the answer is not certain


def read_reply(
    analyzer: Analyzer, text: str, finish_reason: str, max_insights: int, secrets: Secrets
) -> Outcome:
    """Return the outcome of a reply, *secrets* masked in what was parsed; raise AnswerError."""
    try:
        reading = analyzer.read(text)
        stored = reading.answer.model_dump(mode="json")
        parsed = orjson.dumps(stored).decode()  # fails for an integer of more than 64 bits
    except BaseException as error:  # a user's answer shape is foreign code
        message = str(error) if isinstance(error, CallError) else f"{type(error).__name__}: {error}"
        kind = error.kind if isinstance(error, CallError) else "invalid_output"
        raise AnswerError(kind, secrets.redact_values(message), text=text) from error
    if secrets.redact_values(parsed) != parsed:
        stored = secrets.redact_all(stored, shapes=False)
    cut = reading.cut or finish_reason == "length"
    notes = {
        "json_repaired": reading.repaired,
        "cut": cut,
        "reply_notes": [secrets.redact_values(note) for note in notes_on(reading, cut=cut)],
        "insights_dropped": max(0, len(stored["insights"]) - max_insights),
        "finish_reason": finish_reason,
    }
    stored["insights"] = stored["insights"][:max_insights]
    incomplete = cut and (reading.dropped or (reading.cut and finish_reason == "length"))
    doubt = secrets.redact_values(reading.doubt)
    return Outcome("ok", stored, raw_output=text, notes=notes, incomplete=incomplete, doubt=doubt)


def with_note(outcome: Outcome, note: str) -> Outcome:
    """Return *outcome* with a further note for its readers."""
    notes = [*outcome.notes.get("reply_notes", ()), note]
    return replace(outcome, notes={**outcome.notes, "reply_notes": notes})


def notes_on(reading: ReadReply, *, cut: bool) -> list[str]:
    """Return notes on how an answer was parsed, empty for plain JSON."""
    notes = ["its JSON was repaired"] if reading.repaired and not reading.cut else []
    if cut:
        inside = reading.cut or reading.dropped
        where = "its complete items were kept" if inside else "after its answer"
        notes.append(f"the reply was cut: {where}")
    notes += reading.notes
    more = [f"and {len(notes) - MAX_NOTES} more"] if len(notes) > MAX_NOTES else []
    return notes[:MAX_NOTES] + more


def failed_outcome(
    error: CallError, key: str | None = None, notes: Mapping[str, Any] | None = None
) -> Outcome:
    """Return the outcome of a node that failed with *error*; keeps the text of an invalid reply."""
    raw = error.text if isinstance(error, AnswerError) else None
    return Outcome("error", None, error.kind, str(error), raw, key, notes=notes or {})


def run_status(outcomes: Mapping[str, Outcome], min_rate: float = 0.0) -> tuple[str, int]:
    """Return the run's status and exit code; the first of ENDINGS that applies decides.

    It is `degraded` if all answered, but less than *min_rate* of the quotes are in the transcript.
    """
    good = sum(outcome.status == "ok" for outcome in outcomes.values())
    kinds = {outcome.kind for outcome in outcomes.values()}
    some = "partial" if good else "failed"
    for ending, code in ENDINGS:
        if kinds & ending:
            return "interrupted" if code == errors.EXIT_INTERRUPTED else some, code
    if good == 0 or "strict" in kinds:
        return some, errors.EXIT_NOTHING
    if good < len(outcomes) or any(outcome.missing for outcome in outcomes.values()):
        return "partial", errors.EXIT_PARTIAL
    rate = grounding_figures(outcomes)["total"]["rate"]
    if rate is not None and rate < min_rate:
        return "degraded", errors.EXIT_PARTIAL
    return "completed", errors.EXIT_OK


def grounding_figures(outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """Return the content of grounding.json: counts in total and by analyzer."""
    counts = {name: o.grounding for name, o in outcomes.items() if o.grounding is not None}
    by_name = {name: count.figures() for name, count in counts.items()}
    return {"total": sum(counts.values(), GroundingCounts()).figures(), "analyzers": by_name}


def cut_answers(outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return the analyzers whose answer is the complete part of a truncated reply."""
    return [name for name, outcome in outcomes.items() if outcome.notes.get("cut")]


def quotes_found(counts: GroundingCounts) -> str | None:
    """Return how many quotes are in the transcript, None without any."""
    found = counts.exact + counts.near
    return f"{found} of {counts.quotes} quotes are in the transcript" if counts.quotes else None


def missing_reasons(upstream: Mapping[str, Outcome]) -> dict[str, str]:
    """Return the reason for each of *upstream* that has no answer."""
    return {name: o.kind or o.status for name, o in upstream.items() if o.answer is None}
