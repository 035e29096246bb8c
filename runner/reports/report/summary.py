"""The outcome and the main figures of a run, as the top of its page shows them."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.answers.outcome import ANSWERED
from runner.base.errors import EXIT_BUDGET
from runner.base.format import count, figure, moment, relative_error, seconds, share, usd
from runner.base.json import amount, at, listing, mapping, number, read_json, section, text
from runner.job.models import DELIVERIES
from runner.record.benchmark import larger_budget
from runner.record.reuse import LASTING
from runner.reports.report.nodes import NodeFacts
from runner.reports.report.render import label, title_of
from runner.reports.stored_run import StoredRun

_DOUBT = "few quotes are in the transcript, or checks failed"
VERDICTS = {
    "completed": ("good", "Completed", "every analyzer answered"),
    "degraded": ("warn", "Degraded", "every analyzer answered, but " + _DOUBT),
    "partial": ("warn", "Partial", "some analyzers gave no answer, or answered without an input"),
    "failed": ("bad", "Failed", "no usable answer"),
    "interrupted": ("warn", "Interrupted", "the run was stopped before its end"),
    "running": ("warn", "Not finished", "the run is in progress, or its process died"),
}
OF_SLOTS = ("ideal_s", "efficiency", "loop_lag", "speed_up")
UNKNOWN = ("bad", "Unknown", "metadata.json is missing or damaged")


def banner_of(run: StoredRun, nodes: Sequence[NodeFacts]) -> Mapping[str, Any]:
    """Return the run's end, missing parts and resume command, None where it changes nothing.

    `own` are the `--config-dir` options of the run. The page shows them beside the command, not in
    it: an untrusted directory must not choose which code runs.
    """
    tone, title, meaning = VERDICTS.get(run.status, UNKNOWN)
    lacks = [] if run.is_batch else _lacks(run, nodes)
    if run.status == "completed" and lacks:
        tone, meaning = "warn", "every analyzer answered, but some of the results are missing"
    kinds = {why for node in nodes for why in (node.fault_kind, *node.missing.values()) if why}
    lasts = run.status in ("partial", "failed") and bool(kinds) and kinds <= LASTING
    done = (run.status in ANSWERED or lasts) and not run.damaged
    caps = section(run.config, "budget") if run.metadata.get("exit_code") == EXIT_BUDGET else {}
    command = f"colloquy resume={shlex.quote(str(run.path))}{larger_budget(run.path, caps)}"
    resume = None if done else command
    folders = listing(read_json(run.path / "config" / "prompts.json").get("config_dirs"))
    own = " ".join(f"--config-dir {shlex.quote(text(folder))}" for folder in folders)
    end = {"tone": tone, "title": title, "meaning": meaning, "resume": resume, "own": own}
    return {**end, "lacks": lacks}


def _lacks(run: StoredRun, nodes: Sequence[NodeFacts]) -> list[str]:
    alike: dict[str, list[str]] = {}  # such as all that a budget stopped
    for node in nodes:
        for why in _lacks_of(node):
            alike.setdefault(why, []).append(title_of(node.name))
    lines = [f"{', '.join(names)}: {why}" for why, names in alike.items()]
    lines += [f"damaged: {fault}" for fault in run.damaged]
    if run.transcript is None:
        lines.append("transcript.json is missing or damaged: quotes have no links")
    if not run.benchmark:
        lines.append("logs/benchmark.json is missing or damaged: no figures of the whole run")
    return lines


def _lacks_of(node: NodeFacts) -> Iterator[str]:
    if node.status != "ok":
        yield f"{label(node.status)}{f' ({node.fault})' if node.fault else ''}"
    if node.answer.get("cut"):
        yield "reply was cut, so items may be missing"
    if node.missing and node.status == "ok":
        without = (f"{title_of(name)} ({label(why)})" for name, why in node.missing.items())
        yield f"answered without {', '.join(without)}"
    if node.status == "ok" and not node.record:
        yield "answer is missing from this directory"


def figures_of(run: StoredRun, nodes: Sequence[NodeFacts]) -> list[tuple[str, str, str]]:
    """Return name, value and explanation of the main figures."""
    return [*_work(run, nodes), *_paid(run), *_found(run)]


def _work(run: StoredRun, nodes: Sequence[NodeFacts]) -> Iterator[tuple[str, str, str]]:
    """Yield the figures of answers and time."""
    took = run.took
    yield "Analyzers", f"{sum(node.status == 'ok' for node in nodes)} of {len(nodes)}", "answered"
    if mapping(took.get("deliveries")).keys() == {"batch"}:
        return  # the time of the session that read the replies is no measure
    slots = f"{count(took.get('max_concurrent'))} at once, {text(took.get('mode'))}" if took else ""
    yield "Wall clock", seconds(took.get("wall_s")), slots
    if not shared_slots(run):
        yield "Ideal", seconds(took.get("ideal_s")), "this schedule if only calls took time"
        yield "Efficiency", share(took.get("efficiency")), "ideal / wall clock"
        lag = figure(at(took, "loop_lag", "max_ms"), "{:.1f} ms")
        yield "Loop lag", lag, "longest wait of a due timer"
        times = figure(took.get("speed_up"), "{:.2f} ×")
        yield "Speed-up", times, "sum of latencies / wall clock"


def _paid(run: StoredRun) -> Iterator[tuple[str, str, str]]:
    """Yield the tokens and the cost, and that of the same calls live if not all were."""
    totals, counts = run.totals, mapping(run.took.get("deliveries"))
    cached, reply = totals.get("cached_tokens"), totals.get("completion_tokens")
    kinds = f"prompt, {count(cached)} of them cached; {count(reply)} reply"
    yield "Tokens", count(totals.get("prompt_tokens")), kinds if totals else ""
    lost, live = number(totals.get("charged_usd")), number(totals.get("live_cost_usd"))
    charged = f"and up to {usd(lost)} for unfinished calls" if lost else "of all sessions"
    yield "Cost", usd(totals.get("cost_usd")) if totals else "–", charged
    if live is not None and live != number(totals.get("cost_usd")):
        came = ", ".join(f"{count(counts[name])} {name}" for name in DELIVERIES if name in counts)
        way = f"; delivered by {came}" if came else ""
        yield "Cost live", usd(live), f"of the same replies{way}"


def _found(run: StoredRun) -> Iterator[tuple[str, str, str]]:
    """Yield the figures of reading, grounding, coverage and checks."""
    report, rate = mapping(run.metadata.get("reading")), run.grounded
    if report:
        segments = amount(report.get("segments"))
        spoken, timed = (
            share(amount(report.get(key)) / segments) if segments else "–"
            for key in ("with_speaker", "with_time")
        )
        read_as = ", ".join(filter(None, (text(report.get("format")), text(report.get("layout")))))
        yield "Reading", spoken, f"of segments have a speaker, {timed} a time; read as {read_as}"
    found = count(amount(rate.get("exact")) + amount(rate.get("near")))
    quotes = f"{found} of {count(rate.get('quotes'))} quotes are in the transcript"
    why = quotes if amount(rate.get("quotes")) else "no quotes were checked"
    yield "Grounding", share(rate.get("rate")), why
    if (cited := number(run.took.get("coverage"))) is not None:
        yield "Coverage", share(cited), "of the tokens are cited"
    total = mapping(run.checks.get("total"))
    if amount(total.get("checks")):
        failed = f"{count(total.get('failed'))} of {count(total.get('checks'))} failed"
        ends = [number(end) for end in listing(total.get("interval"))]
        if len(ends) == 2 and None not in ends:
            failed += f"; 95 % interval {share(ends[0])} to {share(ends[1])}"
        yield "Checks", share(total.get("rate")), failed


def predictions_of(run: StoredRun) -> list[tuple[str, str, str, str]]:
    """Return the predictions from earlier runs: name, predicted, actual, error."""
    # Assumptions are no predictions, and an incomplete run is not what was predicted.
    if run.predicted.get("recorded") is not True or run.status not in ANSWERED:
        return []
    shows = {
        "wall_s": ("Wall clock", seconds),
        "prompt_tokens": ("Prompt tokens", count),
        "completion_tokens": ("Reply tokens", count),
        "cost_usd": ("Cost", usd),
    }
    rows = []
    for key, (name, show) in shows.items():
        if held := mapping(run.predicted.get(key)):
            error = relative_error(held.get("error"))
            rows.append((name, show(held.get("predicted")), show(held.get("actual")), error))
    return rows


def facts_of(run: StoredRun) -> list[tuple[str, str]]:
    """Return the facts that identify the run, those that are known."""
    transcript, versions = (section(run.metadata, key) for key in ("transcript", "versions"))
    started, ended = (text(run.metadata.get(key)) for key in ("started_at", "updated_at"))
    removed = number(transcript.get("removed_chars"))
    facts = {
        "Run": run.name,
        "Started": moment(started) or started,
        "Ended": moment(ended) or ended,
        "Exit code": text(run.metadata.get("exit_code")),
        "Segments": count(transcript.get("segments")),
        "Format": text(transcript.get("format")),
        "Hidden characters removed": count(removed) if removed else "",
        "Transcript SHA-256": text(transcript.get("sha256")),
        "Config digest": text(run.metadata.get("config_digest")),
        "Versions": ", ".join(f"{name} {text(version)}" for name, version in versions.items()),
    }
    return [(name, value) for name, value in facts.items() if value]


def shared_slots(run: StoredRun) -> bool:
    """Return whether it was a run of a batch, for which figures of slots do not exist."""
    return all(key in run.took and run.took[key] is None for key in OF_SLOTS)
