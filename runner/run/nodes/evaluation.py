"""Evaluation of answers: the faults of an answer, and the content of checks.json."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import structlog

from runner.answers.checks import FAILED, CheckResult, CheckSubject, totals
from runner.answers.coverage import coverage_figures
from runner.answers.outcome import Outcome
from runner.answers.references import against, references_for
from runner.base.threads import offload
from runner.base.usage import sum_usd
from runner.calls.call_log import CallLog
from runner.job.graph import Node
from runner.job.job import Job

# Kinds of a reply that is not an answer; fallbacks handle other failures.
NO_ANSWER = frozenset({"invalid_output", "truncated", "empty", "refused", "ungrounded"})
CHECKS = "checks.json"
_MAX_LOGGED = 5  # failed checks in the log

log = structlog.get_logger("colloquy.run")


def faults_of(job: Job, node: Node, outcome: Outcome, calls: CallLog) -> list[str]:
    """Return the faults of *outcome*: no answer, absent quotes, or failed checks.

    Empty for a failure that another model would share. Judged checks are not among them: they wait
    for the end of the run.
    """
    if outcome.answer is None:
        return [f"schema: {outcome.kind}"] if outcome.kind in NO_ANSWER else []
    faults = ["schema: the reply was cut"] if outcome.incomplete or outcome.notes.get("cut") else []
    faults += [f"schema: {outcome.doubt}"] if outcome.doubt else []
    rate, least = _grounded(outcome), job.settings.grounding.min_rate
    if rate is not None and rate < least:
        faults.append(f"grounding: {rate:.0%} of its quotes are in the transcript")
    cost, tokens = calls.usage.cost_usd, float(calls.usage.tokens)
    figures: dict[str, float | None] = {"cost": cost, "latency": calls.latency_s, "tokens": tokens}
    if any(check.kind == "coverage" for check in job.expected.of(node.name)):
        count, segments = job.main.tokenizer.count, job.transcript.segments
        covered = coverage_figures(segments, {node.name: outcome.answer}, (), count)
        figures["coverage"] = covered["analyzers"][node.name]["token_rate"]
    results = job.expected.evaluate(_about(job, node.name, outcome, figures))
    return faults + [f"check: {each.check}" for each in results if each.status == FAILED]


def _grounded(outcome: Outcome) -> float | None:
    return outcome.grounding.figures()["rate"] if outcome.grounding else None


def _about(
    job: Job, name: str, outcome: Outcome, figures: Mapping[str, float | None]
) -> CheckSubject:
    shares = {**figures, "grounding": _grounded(outcome)}
    if outcome.answer is not None:
        shares |= _referred(job, outcome.answer)
    return CheckSubject(name, outcome.answer, outcome.kind or "", shares)


def _referred(job: Job, answer: Any) -> dict[str, float | None]:
    references = references_for(job.expected.references, job.transcript.name)
    return against(references, answer, job.turn_of) if references else {}


async def check(
    job: Job,
    outcomes: Mapping[str, Outcome],
    measured: dict[str, Any],
    coverage: Mapping[str, Any],
    judged: Sequence[CheckResult],
    judge: Callable[[], Mapping[str, Any]],
) -> dict[str, Any]:
    """Return checks.json by name, if there are checks; add its figures to *measured*."""
    run, escalated = measured["run"], escalations(outcomes)
    if escalated is not None:
        run |= {name: escalated[name] for name in ("escalated", "mended")}
        run["escalation_usd"] = escalated["cost_usd"]
    if not job.expected:
        return {} if escalated is None else {CHECKS: {"escalation": escalated}}
    chars = None if job.expected.slow else sum(len(o.raw_output or "") for o in outcomes.values())
    content = await offload(evaluated, job, outcomes, measured, coverage, judged, chars=chars)
    total = content["total"]
    run |= {"checks": total["checks"], "failed_checks": total["failed"]}
    run["checks_rate"] = total["rate"]
    for name, counts in content["analyzers"].items():
        measured["analyzers"][name]["checks_rate"] = counts["rate"]
    wrong = [each for each in content["checks"] if each["status"] == FAILED]
    which = "; ".join(f"{e['analyzer'] or 'run'}: {e['check']}" for e in wrong[:_MAX_LOGGED])
    write = log.warning if wrong else log.info
    _warn_of_references(job)
    write(
        "checks.finished",
        passed=total["passed"],
        failed=total["failed"],
        undecided=total["undecided"] or None,
        which=which or None,
    )
    return {CHECKS: {**content, "judge": judge() if judged else None, "escalation": escalated}}


def _warn_of_references(job: Job) -> None:
    """Warn where the transcript has no reference, or a shorter text than its reference."""
    references = references_for(job.expected.references, job.transcript.name)
    if job.expected.references and not references:
        log.warning("references.none", expected=f"{job.transcript.name}.json")
    last = max(job.turn_of.values(), default=0)
    turns = {turn for each in references for turn in each.turns}
    if beyond := sorted(turn for turn in turns if turn > last)[:_MAX_LOGGED]:
        log.warning("references.beyond_the_end", turns=beyond, last_turn=last)


def evaluated(
    job: Job,
    outcomes: Mapping[str, Outcome],
    measured: Mapping[str, Any],
    coverage: Mapping[str, Any],
    judged: Sequence[CheckResult],
) -> dict[str, Any]:
    """Return the content of checks.json; *measured* and *coverage* are those of the run's files.

    Cost, time and tokens of an answer reused in this session are unknown.
    """
    results: list[CheckResult] = []
    answers = {name: o.answer for name, o in outcomes.items() if o.answer is not None}
    for name, outcome in outcomes.items():
        figures = {} if outcome.reused else _spent(measured["analyzers"][name], "latency_s")
        figures["coverage"] = coverage["analyzers"].get(name, {}).get("token_rate")
        results += job.expected.evaluate(_about(job, name, outcome, figures))
    run = measured["run"]
    figures = {} if run["reused"] else _spent(run, "wall_s")
    figures |= {"grounding": run["grounding_rate"], "coverage": run["coverage"]}
    referred = _referred(job, answers)
    results += job.expected.evaluate(CheckSubject(None, answers, "", {**figures, **referred}))
    results += judged
    by_name = {n: totals([r for r in results if r.analyzer == n]) for n in outcomes}
    return {
        "digest": job.expected.digest,
        "declared": job.expected.declared,
        "total": totals(results),
        "analyzers": {name: counts for name, counts in by_name.items() if counts["checks"]},
        "references": referred or None,
        "checks": [asdict(each) for each in results],
    }


def _spent(figures: Mapping[str, Any], time: str) -> dict[str, float | None]:
    tokens = float(figures["prompt_tokens"] + figures["completion_tokens"])
    return {"cost": figures["cost_usd"], "latency": figures[time], "tokens": tokens}


def escalations(outcomes: Mapping[str, Outcome]) -> dict[str, Any] | None:
    """Return the escalations with their cost and effect; None without any.

    Answers whose next model was not asked, for want of budget, are listed but do not count.
    """
    by_node = {n: o.notes["escalation"] for n, o in outcomes.items() if "escalation" in o.notes}
    if not by_node:
        return None
    return {
        "escalated": sum(each.get("asked", True) for each in by_node.values()),
        "mended": sum(each["mended"] for each in by_node.values()),
        "cost_usd": sum_usd(each["cost_usd"] for each in by_node.values()),
        "analyzers": by_node,
    }
