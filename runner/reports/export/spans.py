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
    """Times are in ns since 1970; *error* is the kind of a failure, *sent* marks remote calls."""

    name: str
    start_ns: int
    end_ns: int
    facts: Facts
    error: str | None = None
    sent: bool = False
    children: tuple[TraceSpan, ...] = ()


@dataclass(frozen=True)
class _RunTimes:
    """A journal's sessions and calls; *timed_from* is when the session of benchmark.json began."""

    began: list[int]
    last_ns: int
    timed_from: int | None
    calls: list[JournalCall]


def _run_times(lines: Sequence[Mapping[str, Any]]) -> _RunTimes:
    began: list[int] = []
    last_ns, timed_from = 0, None
    for line in lines:
        with suppress(ValueError):
            at_ns = _ns(time_of(line))
            last_ns = max(last_ns, at_ns)
            if line["event"] == "run.started":
                began.append(at_ns)
                timed_from = None
            elif line["event"] == "run.finished" and began:
                timed_from = began[-1]
    return _RunTimes(began, last_ns, timed_from, list(calls_in(lines)))


def run_span(run: StoredRun) -> TraceSpan | None:
    """Return *run* as a span with all others in it; None for a batch, or without a journal.

    Call times are the journal's, to the millisecond; those of an analyzer without calls are from
    benchmark.json. A resumed run is one span over all its sessions. Raises ConfigError.
    """
    try:
        story = _run_times([] if is_batch(run.path) else journal_of(run.path))
    except OSError as unreadable:
        raise ConfigError(reason(unreadable)) from unreadable
    if not story.began:
        return None
    stages = tuple(_stages(run, story))
    facts = {
        "colloquy.run": run.name,
        "colloquy.status": run.status,
        "colloquy.exit_code": run.metadata.get("exit_code"),
        "colloquy.sessions": len(story.began),
        "colloquy.mode": at(run.config, "processing", "mode"),
        "colloquy.max_concurrent": at(run.config, "processing", "max_concurrent"),
        **{f"colloquy.{key}": value for key, value in section(run.metadata, "totals").items()},
    }
    start, end = _around(stages, [story.began[0], story.last_ns])
    ended = run.status not in ("completed", "running", "unknown")
    error = run.status if ended else None
    return TraceSpan("colloquy run", start, end, _plain(facts), error, children=stages)


def _stages(run: StoredRun, story: _RunTimes) -> Iterator[TraceSpan]:
    for name, stage in section(run.metadata, "stages").items():
        statuses = section(stage, "analyzers")
        found = (_node(run, story, node, str(status)) for node, status in statuses.items())
        nodes = sorted(filter(None, found), key=lambda node: node.start_ns)
        if nodes:
            facts = {"colloquy.stage": str(name)}
            yield TraceSpan(f"stage {name}", *_around(nodes, []), facts, children=tuple(nodes))


def _node(run: StoredRun, story: _RunTimes, name: str, status: str) -> TraceSpan | None:
    """Return an analyzer's span, None if its times are unknown."""
    calls = [call for call in story.calls if call.unit.partition("/")[0] == name]
    record, timing = run.records.get(name, {}), at(run.benchmark, "analyzers", name)
    attempts = sorted((_attempt(run, call) for call in calls), key=lambda span: span.start_ns)
    moments: list[int] = []
    if story.timed_from is not None and not (calls and at(timing, "reused") == "run"):
        seconds = (at(timing, "ready_s"), at(timing, "done_s"))
        moments = [story.timed_from + round(s * 1e9) for s in seconds if number(s) is not None]
    if not attempts and len(moments) < 2:
        return None
    facts = {
        "colloquy.analyzer": name,
        "colloquy.status": status,
        "colloquy.reused": at(timing, "reused"),
        "colloquy.queue_wait_s": at(timing, "queue_wait_s"),
        "colloquy.grounding_rate": at(timing, "grounding_rate"),
    }
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
    sent = not f"{provider}/".startswith(OFFLINE)
    return TraceSpan(
        f"chat {asked}", _ns(call.start_s), _ns(call.end_s), _plain(facts), _error(call), sent
    )


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


def _error(call: JournalCall) -> str | None:
    """Return the kind of a call's failure, `lost` if its process died, None if it was answered."""
    return None if call.outcome == "ok" else "lost" if not call.end else call.outcome or "lost"


def _ns(seconds: float) -> int:
    """Return *seconds* in ns, exact to the millisecond that a journal keeps."""
    return round(seconds * 1000) * 1_000_000
