"""A run as a tree of spans (run, stages, analyzers, call attempts), read from its directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from runner.base.errors import ConfigError, reason
from runner.base.json import at, number, section
from runner.config.model_facts import OFFLINE
from runner.config.provider_facts import provider_facts
from runner.record.batch_directory import is_batch, journal_of
from runner.record.journal_calls import JournalCall, calls_in, time_of
from runner.reports.stored_run import StoredRun

Value = str | bool | int | float
Facts = Mapping[str, Value]


@dataclass(frozen=True)
class TraceSpan:
    """Times are in ns since 1970; *sent* marks remote calls.

    *error* is the kind of a failure, `lost` for a call whose process died.
    """

    name: str
    start_ns: int
    end_ns: int
    facts: Facts
    error: str | None = None
    sent: bool = False
    children: tuple[TraceSpan, ...] = ()


def run_span(run: StoredRun) -> TraceSpan | None:
    """Return *run* as a span with all others in it; None for a batch, or without a journal.

    Call times are the journal's, to the millisecond; those of an analyzer without calls are from
    benchmark.json. A resumed run is one span over all its sessions. Raises ConfigError.
    """
    try:
        lines = [] if is_batch(run.path) else journal_of(run.path)
    except OSError as unreadable:
        raise ConfigError(reason(unreadable)) from unreadable
    times = list(_times(lines))
    began = [at_ns for event, at_ns in times if event == "run.started"]
    if not began:
        return None
    events = [event for event, _ in times]
    ended = "run.finished" in events[-events[::-1].index("run.started") - 1 :]
    stages = tuple(_stages(run, list(calls_in(lines)), began[-1] if ended else None))
    facts = {
        "colloquy.run": run.name,
        "colloquy.status": run.status,
        "colloquy.exit_code": run.metadata.get("exit_code"),
        "colloquy.sessions": len(began),
        "colloquy.mode": at(run.config, "processing", "mode"),
        "colloquy.max_concurrent": at(run.config, "processing", "max_concurrent"),
        **{f"colloquy.{key}": value for key, value in section(run.metadata, "totals").items()},
    }
    start, end = _around(stages, [began[0], max(at_ns for _, at_ns in times)])
    error = None if run.status in ("completed", "running", "unknown") else run.status
    return TraceSpan("colloquy run", start, end, _plain(facts), error, children=stages)


def _times(lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    """Yield event and time of the *lines* that have one."""
    for line in lines:
        with suppress(ValueError):
            yield line["event"], _ns(time_of(line))


def _stages(
    run: StoredRun, calls: Sequence[JournalCall], timed_from: int | None
) -> Iterator[TraceSpan]:
    """Yield the stages; *timed_from* is when the session of benchmark.json began."""
    for name, stage in section(run.metadata, "stages").items():
        statuses = section(stage, "analyzers").items()
        found = (_node(run, calls, timed_from, node, str(status)) for node, status in statuses)
        nodes = sorted(filter(None, found), key=lambda node: node.start_ns)
        if nodes:
            facts = {"colloquy.stage": str(name)}
            yield TraceSpan(f"stage {name}", *_around(nodes, []), facts, children=tuple(nodes))


def _node(
    run: StoredRun, every: Sequence[JournalCall], timed_from: int | None, name: str, status: str
) -> TraceSpan | None:
    """Return an analyzer's span, None if its times are unknown."""
    calls = [call for call in every if call.unit.partition("/")[0] == name]
    record, timing = run.records.get(name, {}), at(run.benchmark, "analyzers", name)
    attempts = sorted((_attempt(run, call) for call in calls), key=lambda span: span.start_ns)
    moments: list[int] = []
    if timed_from is not None and not (calls and at(timing, "reused") == "run"):
        seconds = (at(timing, "ready_s"), at(timing, "done_s"))
        moments = [timed_from + round(s * 1e9) for s in seconds if number(s) is not None]
    if not attempts and len(moments) < 2:
        return None
    keys = ("reused", "queue_wait_s", "grounding_rate")
    facts = {"colloquy.analyzer": name, "colloquy.status": status}
    facts |= {f"colloquy.{key}": at(timing, key) for key in keys}
    kind = at(record, "error", "kind")
    error = str(kind or "unknown") if status in ("error", "unsaved") else None
    start, end = _around(attempts, moments)
    return TraceSpan(f"analyzer {name}", start, end, _plain(facts), error, children=tuple(attempts))


def _attempt(run: StoredRun, call: JournalCall) -> TraceSpan:
    """Return one call by OpenTelemetry's conventions for generative AI, v1.41.0.

    https://github.com/open-telemetry/semantic-conventions-genai: a CLIENT span called
    `{operation} {model}`; prompts and replies are opt-in there, and never included here.
    """
    owner, _, part = call.unit.partition("/")
    name = str(call.end.get("model") or at(run.records.get(owner), "model") or "")
    model = _model(run, name)
    provider, _, asked = (name or str(at(run.config, "model", "name") or "")).partition("/")
    temperature = at(run.config, "analyzers", owner, "temperature")
    temperature = at(model, "temperature") if temperature is None else temperature
    simulated = model.get("simulate") is not None and model.get("api_base") is None
    facts = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": (
            "colloquy.simulated" if simulated else provider_facts(provider).telemetry or provider
        ),
        "gen_ai.request.model": asked,
        "gen_ai.request.max_tokens": at(run.config, "analyzers", owner, "max_tokens"),
        "gen_ai.request.temperature": temperature,
        "gen_ai.usage.input_tokens": call.end.get("prompt_tokens"),
        "gen_ai.usage.output_tokens": call.end.get("completion_tokens"),
        "gen_ai.usage.cache_read.input_tokens": call.end.get("cached_tokens"),
        "http.response.status_code": call.end.get("status"),
        "colloquy.cost_usd": call.end.get("cost_usd"),
        "colloquy.attempt": call.attempt,
        "colloquy.part": part,
    }
    error = None if call.outcome == "ok" else "lost" if not call.end else call.outcome or "lost"
    times, sent = (_ns(call.start_s), _ns(call.end_s)), not f"{provider}/".startswith(OFFLINE)
    return TraceSpan(f"chat {asked}", *times, _plain(facts), error, sent)


def _model(run: StoredRun, name: str) -> Mapping[str, Any]:
    """Return the settings of the model called *name*, by default the run's main model."""
    main = section(run.config, "model")
    others = section(run.config, "models").values()
    return next((model for model in others if at(model, "name") == name != main.get("name")), main)


def _around(spans: Iterable[TraceSpan], moments: list[int]) -> tuple[int, int]:
    """Return the first and the last of the times of *spans* and *moments*."""
    times = [*moments, *(time for span in spans for time in (span.start_ns, span.end_ns))]
    return min(times), max(times)


def _plain(facts: Mapping[str, Any]) -> Facts:
    """Return the known plain values in *facts*."""
    plain = ((k, v) for k, v in facts.items() if isinstance(v, str | bool | int | float))
    return {key: value for key, value in plain if value != ""}


def _ns(seconds: float) -> int:
    """Return *seconds* in ns, exact to the millisecond that a journal keeps."""
    return round(seconds * 1000) * 1_000_000
