"""The command `colloquy-whatif`: predict the time of a recorded run under other settings."""

import itertools
import logging
import math
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import structlog
import yaml

from runner.base.command import Arguments, command
from runner.base.errors import ColloquyError, ConfigError, did_you_mean, readable
from runner.base.format import aligned, plural, relative_error, seconds, share, usd
from runner.base.json import at, flat, load_yaml, mapping, number, section
from runner.base.text import to_terminal
from runner.config.schema import Settings, validate
from runner.job.build import run_job, setup_from
from runner.job.graph import make_pipeline
from runner.job.job import Job
from runner.job.models import DELIVERIES
from runner.record.batch_directory import batch_of
from runner.reports.stored_run import StoredRun, read_run
from runner.reports.whatif.deliveries import priced, takes_s
from runner.reports.whatif.replay import NodeCalls, limit_of, read_calls, replay, rules_of

KEYS = {
    "processing": (
        *("max_concurrent", "max_concurrent_stage_a", "max_concurrent_stage_b"),
        *("max_concurrent_final", "mode", "prime_prefix"),
    ),
    "model": ("rpm", "tpm", "itpm", "otpm", "burst_s", "delivery"),
}
USAGE = f"""usage: colloquy-whatif [--json] RUN_DIR KEY=VALUES…
  max_concurrent=1..16     mode=sequential     rpm=60,120,null     delivery=live,flex,batch
Predicts the time and cost of the run under every combination, without any call.

Keys: {", ".join(KEYS["processing"])},
{", ".join(KEYS["model"])}

Exit codes: 0 predicted, 2 a wrong run, key or value."""
MAX_SETTINGS = 512
HEADER = ("setting", "calls alone", "with overhead", "speed-up", "efficiency", "cost", "limited by")
_RANGE = re.compile(r"(\d{1,9})\.\.(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Prediction:
    """One setting; *wall_s* is for the calls alone, *with_overhead_s* includes our own work.

    *efficiency* is the speed-up over sequential divided by *slots*, None if calls hold no slot.
    *cost_usd* is that of the recorded calls by the setting's delivery, None where unknown.
    """

    setting: str
    wall_s: float
    with_overhead_s: float
    speed_up: float
    slots: int
    efficiency: float | None
    limited_by: str
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded run; *expected* ranks the nodes for its next run.

    *overhead_s* is our own work per call, which accounts for the rest of the wall clock.
    """

    run: StoredRun
    job: Job | None
    calls: Mapping[str, NodeCalls]
    expected: Mapping[str, float]
    actual_s: float
    predicted_s: float
    overhead_s: float
    notes: tuple[str, ...]


def _print(given: Arguments) -> None:
    # Without this the gates log to the terminal.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    recording = read_recording(Path(given.words[0]))
    rows = predict(recording, grid(given.words[1:]))
    as_json = "--json" in given.options
    print(orjson.dumps(as_dict(recording, rows)).decode() if as_json else as_text(recording, rows))


def grid(arguments: Sequence[str]) -> list[dict[str, Any]]:
    """Return all combinations of `KEY=VALUES`, as values by full key; raise ConfigError."""
    axes: dict[str, list[Any]] = {}
    for key, values in map(_axis, arguments):
        axes.setdefault(key, []).extend(values)
    count = math.prod(map(len, axes.values()))
    if count > MAX_SETTINGS:
        raise ConfigError(f"{count:,} settings are asked for, expected at most {MAX_SETTINGS}")
    return [dict(zip(axes, chosen, strict=True)) for chosen in itertools.product(*axes.values())]


def _axis(argument: str) -> tuple[str, list[Any]]:
    name, _, values = argument.partition("=")
    full = {n: f"{section}.{n}" for section, names in KEYS.items() for n in names}
    key = full.get(name, name)
    if key not in full.values():
        near = did_you_mean(name, full if "." not in name else full.values())
        raise ConfigError(f"'{name}' is not a key that changes the schedule{near}")
    if not values:
        raise ConfigError(f"{argument}: expected {name}=1..16, {name}=1,2,4 or one value")
    return key, [value for text in values.split(",") for value in _values(argument, text)]


def _values(argument: str, text: str) -> list[Any]:
    if match := _RANGE.fullmatch(text.strip()):
        values = range(int(match[1]), int(match[2]) + 1)
        if not 0 < len(values) <= MAX_SETTINGS:
            expected = f"FIRST..LAST, rising, of {MAX_SETTINGS} values at most"
            raise ConfigError(f"{argument}: expected {expected}")
        return list(values)
    try:
        return [yaml.safe_load(text)]
    except (yaml.YAMLError, ValueError) as error:  # such as a date that cannot be
        raise ConfigError(f"{argument}: {text!r} is not a value") from error


def read_recording(path: Path) -> Recording:
    """Return the recording of the run in *path*; raise ConfigError if it is incomplete."""
    run = read_run(path)
    if run.is_batch:
        raise ConfigError(f"{path}: a batch; expected one of its runs, {path}/runs/NN/NAME")
    entries = section(run.benchmark, "analyzers")
    if not entries or not run.took:
        raise ConfigError(f"{path}: no logs/benchmark.json: only a run that ended has one")
    settings = validate(run.config)
    asked = [node.name for node in make_pipeline(settings.stages, settings.analyzers).nodes]
    if lost := [name for name in asked if name not in entries]:
        raise ConfigError(f"{path}: logs/benchmark.json has no entry for {lost[0]}")
    limits = {name: settings.analyzers[name].max_tokens for name in asked}
    calls = {name: read_calls(name, entries[name], limits[name]) for name in asked}
    reused = sum(bool(mapping(entries[name]).get("reused")) for name in asked)
    wall_s = number(run.took.get("wall_s"))
    sent = sum(each.sum_s > 0 for each in calls.values())
    if not sent or wall_s is None or wall_s <= 0:
        raise ConfigError(f"{path}: this run made no calls, so no latency is recorded")
    notes = [f"{plural(reused, 'analyzer')} with reused answers: no time"] if reused else []
    if unsent := len(calls) - sent - reused:
        notes.append(f"{plural(unsent, 'analyzer')} without a call: no time here either")
    if ways := mapping(run.took.get("deliveries")).keys() - {"live"}:
        named = ", ".join(sorted(ways))
        notes.append(f"recorded by {named}: the seconds of live calls are guessed")
    expected = {name: each.sum_s / (len(each.parts) + 1) for name, each in calls.items()}
    known = expected if run.predicted.get("recorded") is True else limits
    job, doubts = _job(run, settings)
    again = partial(replay, rules_of(settings, job), calls, known)
    predicted_s = again()
    low, overhead_s = 0.0, max(0.0, wall_s - predicted_s)
    for _ in range(20 if overhead_s else 0):  # until the replay takes as long as the run
        middle = (low + overhead_s) / 2
        low, overhead_s = (middle, overhead_s) if again(middle) < wall_s else (low, middle)
    facts = expected, wall_s, predicted_s, overhead_s, (*notes, *doubts)
    return Recording(run, job, calls, *facts)


def _job(run: StoredRun, settings: Settings) -> tuple[Job | None, list[str]]:
    """Return the run's job, which decides on priming, or why there is none.

    Only installed analyzers are loaded: `--config-dir` folders of an untrusted run may hold code.
    """
    try:
        if run.transcript is None:
            raise ConfigError("transcript.json cannot be read")
        return run_job(setup_from(settings.model_dump()), run.transcript), []
    except ColloquyError as error:
        return None, [f"assumed not primed: {error}"]


def predict(recording: Recording, settings: Sequence[Mapping[str, Any]]) -> list[Prediction]:
    """Return a prediction for each of *settings* (values by full key); raise ConfigError."""
    calls, expected, job = recording.calls, recording.expected, recording.job
    rules = rules_of(validate(recording.run.config), job)
    sequential_s = replay(replace(rules, mode="sequential"), calls, expected)
    entries = section(recording.run.benchmark, "analyzers")
    rows = []
    for chosen in settings:
        settings_now = validate(_changed(recording.run, chosen))
        rules, delivery = rules_of(settings_now, job), settings_now.model.delivery
        wall_s = replay(rules, calls, expected)
        with_overhead_s = replay(rules, calls, expected, recording.overhead_s)
        limit = limit_of(rules, calls, expected, wall_s)
        cost = priced(job, entries, delivery) if job and delivery in DELIVERIES else None
        other = "model.delivery" in chosen and delivery != "live"
        if other:
            with_overhead_s, _ = takes_s(job, delivery, with_overhead_s)
            wall_s, limit = takes_s(job, delivery, wall_s)
        speed_up = sequential_s / wall_s if wall_s else 1.0
        efficiency = None if other and delivery == "batch" else speed_up / rules.ceiling
        setting = " ".join(f"{key.split('.')[-1]}={_shown(v)}" for key, v in chosen.items())
        figures = wall_s, with_overhead_s, speed_up, rules.ceiling, efficiency, limit, cost
        rows.append(Prediction(setting, *figures))
    return rows


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "null" if value is None else to_terminal(str(value), 40)


def _changed(run: StoredRun, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run's configuration with values *chosen* by key, references to them included."""
    data = deepcopy(dict(run.config))
    file = (batch_of(run.path) or run.path) / "config" / "composed.yaml"  # a batch has one for all
    with readable(file):
        composed = load_yaml(file)
    for key, value in chosen.items():
        references = (name for name, held in flat(mapping(composed)) if held == f"${{{key}}}")
        for path in (name.split(".") for name in (key, *references)):
            held = at(data, *path[:-1])
            if isinstance(held, dict):
                held[path[-1]] = value
    return data


def as_dict(recording: Recording, rows: Sequence[Prediction]) -> dict[str, Any]:
    """Return recording and predictions as JSON-able data."""
    predicted_s = recording.predicted_s
    return {
        "run": recording.run.name,
        "recorded": {
            "predicted_s": round(predicted_s, 6),
            "actual_s": recording.actual_s,
            "error": round(predicted_s / recording.actual_s - 1, 6),
            "overhead_per_call_s": round(recording.overhead_s, 6),
        },
        "settings": [asdict(row) for row in rows],
        "notes": list(recording.notes),
    }


def as_text(recording: Recording, rows: Sequence[Prediction]) -> str:
    """Return the table for a terminal."""
    table = []
    for row in rows:
        both = (row.wall_s, row.with_overhead_s)
        times = (f"{s:.3f} s" if s < 60 else seconds(s) for s in both)
        figures = f"{row.speed_up:.2f}", share(row.efficiency), usd(row.cost_usd)
        table.append((row.setting, *times, *figures, row.limited_by))
    error = recording.predicted_s / recording.actual_s - 1
    waits = "waiting for other files and " if batch_of(recording.run.path) else ""
    lines = [
        *aligned([HEADER, *table], left=(0, 6)),
        "",
        f"recorded    {to_terminal(recording.run.name)}: predicted {recording.predicted_s:.3f} s, "
        f"took {recording.actual_s:.3f} s: error {relative_error(error)}",
        f"overhead    {1000 * recording.overhead_s:.1f} ms per call of {waits}our own work",
        "assumed     the same latencies, failures and waits under every setting",
        *(f"note        {to_terminal(note)}" for note in recording.notes),
    ]
    return "\n".join(lines)


main = command("colloquy-whatif", USAGE, _print, flags=("--json",), least=2)
