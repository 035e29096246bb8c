"""Predictions from recorded runs, against schedules worked out by hand and against real runs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog
from helpers import job
from helpers.runs import LATENCY, execute

from runner.base.errors import ConfigError
from runner.job.job import Job
from runner.reports.whatif import command as whatif
from runner.reports.whatif.command import grid, predict, read_recording
from runner.reports.whatif.replay import limit_of, read_calls, replay, rules_of

# Stage A takes 0.4, 0.3, 0.2, 0.5 s and stage B 0.3, 0.5, 0.4, 0.2 s, the longest first.
BY_HAND = {1: 2.8, 2: 1.4, 3: 1.0, 4: 1.0, 8: 1.0}
MODEL = "model=simulated"


def entry(latency_s: float, **other: Any) -> dict[str, Any]:
    attempt = {"outcome": "ok", "latency_s": latency_s, "status": None, "wait_s": 0.0}
    whole = {"status": "ok", "reused": None, "latency_s": latency_s, "parts_s": []}
    tokens = {"prompt_tokens": 1000, "completion_tokens": 200}
    return {**whole, **tokens, "attempts": [attempt], **other}


def tried(*attempts: tuple[str, float, float]) -> dict[str, Any]:
    told = [{"outcome": o, "latency_s": s, "status": None, "wait_s": w} for o, s, w in attempts]
    return entry(sum(seconds for _, seconds, _ in attempts), attempts=told)


@cache
def composed() -> Job:
    return job(MODEL)


def stored(
    *,
    wall_s: float = 1.0,
    changed: Mapping[str, Any] | None = None,
    known: bool = True,
) -> Path:
    """Write the files of a run that took a tenth of LATENCY, by default with three slots."""
    made = composed()
    entries = {name: entry(seconds / 10) for name, seconds in LATENCY.items()}
    measured = {
        "run": {"wall_s": wall_s},
        "analyzers": {**entries, **(changed or {})},
        "plan": {"recorded": known},
    }
    for folder in ("config", "logs"):
        Path("run", folder).mkdir(parents=True)
    Path("run/transcript.json").write_text(json.dumps(asdict(made.transcript)))
    Path("run/config/resolved.yaml").write_text(made.config)
    Path("run/config/composed.yaml").write_text(made.composed)
    Path("run/logs/benchmark.json").write_text(json.dumps(measured))
    return Path("run")


def walls(path: Path, *arguments: str) -> list[float]:
    return [round(row.wall_s, 6) for row in predict(read_recording(path), grid(arguments))]


def test_predictions_are_the_makespans_worked_out_by_hand() -> None:
    predicted = walls(stored(), "max_concurrent=1,2,3,4,8")

    assert [*BY_HAND.values()] == predicted


def test_a_prediction_is_what_the_same_calls_really_take() -> None:
    """The run itself, scheduler and all, in virtual time: no overhead, so no error at all."""
    _, path, _ = execute(job("processing.max_concurrent=3"), latency_s=LATENCY)
    predicted = walls(path, "max_concurrent=1,2,3,4,8")
    real = []
    for slots in BY_HAND:
        made = job(f"processing.max_concurrent={slots}")
        result, _, _ = execute(made, latency_s=LATENCY, into=f"run{slots}")
        real.append(result.benchmark["run"]["wall_s"])

    assert real == predicted


def test_speed_up_is_against_sequential_and_efficiency_per_slot() -> None:
    rows = predict(read_recording(stored()), grid(["max_concurrent=1,2,4", "mode=concurrent"]))

    assert [1.0, 2.0, 2.8] == [round(row.speed_up, 6) for row in rows]
    assert [1.0, 1.0, 0.7] == [round(row.efficiency or 0, 6) for row in rows]
    assert ["slots", "slots", "critical path"] == [row.limited_by for row in rows]


def test_sequential_is_one_call_at_a_time_whatever_the_slots() -> None:
    predicted = walls(stored(), "mode=sequential", "max_concurrent=1,8")

    assert [2.8, 2.8] == predicted


def test_a_stage_of_its_own_slots_is_reached_through_what_names_the_key() -> None:
    predicted = walls(stored(), "max_concurrent_stage_a=2,1,null")

    assert [0.7 + 0.5, 1.4 + 0.5, 1.0] == predicted


@pytest.mark.parametrize(
    ("chosen", "slots"),
    [
        (["max_concurrent_stage_a=4", "max_concurrent_stage_b=4"], 8),
        (["max_concurrent_stage_a=3", "max_concurrent_stage_b=null"], 6),
        (["max_concurrent_stage_a=4", "mode=sequential"], 1),
    ],
)
def test_slots_are_those_of_all_pools(chosen: list[str], slots: int) -> None:
    (row,) = predict(read_recording(stored()), grid(chosen))

    assert slots == row.slots


def test_a_rate_holds_calls_back_and_is_named() -> None:
    """One call a second: the eighth, the shortest, begins after seven."""
    chosen = grid(["rpm=60", "burst_s=1.0", "max_concurrent=8"])
    (row,) = predict(read_recording(stored()), chosen)

    assert round(row.wall_s, 3) == 7.2
    assert row.limited_by == "rate"


def test_tokens_per_minute_hold_calls_back_too() -> None:
    """1200 tokens a call at 1200 a second: about one call a second once the burst is used."""
    (row,) = predict(read_recording(stored()), grid(["tpm=72000", "burst_s=1.0"]))

    assert row.wall_s > 7.0
    assert row.limited_by == "rate"


def test_priming_lets_the_shortest_of_a_stage_go_alone() -> None:
    predicted = walls(stored(), "prime_prefix=on,off", "max_concurrent=4")

    assert [2 * (0.2 + 0.5), 1.0] == predicted


def test_a_retry_takes_its_wait_without_holding_the_slot() -> None:
    """Its one slot serves the other three meanwhile: 0.1, then 0.9 of theirs, then 0.2."""
    failing = tried(("transient", 0.1, 0.9), ("ok", 0.4, 0.0))
    predicted = walls(stored(changed={"postulate_theorem": failing}), "max_concurrent=1")

    assert [0.1 + 0.9 + 0.4 + 1.4] == predicted


def test_a_throttled_call_holds_up_the_others_again() -> None:
    failing = tried(("throttle", 0.1, 1.0), ("ok", 0.4, 0.0))
    (alone,) = walls(stored(changed={"postulate_theorem": failing}), "max_concurrent=1")

    assert alone > 0.1 + 1.0 + 1.3 + 1.4


def test_parts_of_a_transcript_run_side_by_side_before_what_joins_them() -> None:
    attempts = [(0.3, "ok"), (0.1, "transient"), (0.2, "ok"), (0.25, "ok")]
    told = [{"outcome": o, "latency_s": s, "wait_s": 0.0} for s, o in attempts]
    calls = read_calls("x", entry(0.25, parts_s=[0.3, 0.3], attempts=told), 100)

    assert [1, 2] == [len(part) for part in calls.parts]
    assert [0.25] == [attempt.latency_s for attempt in calls.own]


def test_parts_that_do_not_add_up_are_taken_as_one_attempt_each() -> None:
    calls = read_calls("x", entry(0.7, parts_s=[0.3]), 100)

    assert [[0.3], [0.7]] == [[a.latency_s for a in part] for part in (*calls.parts, calls.own)]


def test_what_the_calls_do_not_explain_is_shown_as_overhead() -> None:
    recording = read_recording(stored(wall_s=1.08))
    (row,) = predict(recording, grid(["max_concurrent=3"]))

    assert round(recording.predicted_s, 6) == 1.0
    assert round(recording.overhead_s, 4) == 0.04  # after a call in each of the two stages
    assert (round(row.wall_s, 4), round(row.with_overhead_s, 4)) == (1.0, 1.08)


def test_a_run_without_history_is_replayed_in_the_order_it_had() -> None:
    """Declared order, 0.4, 0.3 and 0.2 first: stage A ends with 0.2 + 0.5."""
    path = stored(known=False)

    assert round(read_recording(path).predicted_s, 6) == 0.7 + 0.5
    assert walls(path, "max_concurrent=3") == [1.0]


def test_the_slow_start_of_a_gate_is_a_limit_of_its_own() -> None:
    """Sixteen at once are what is asked for, eight what an unknown provider is given."""
    names = [f"extra_{number:02d}" for number in range(12)]
    added = [f"+analyzer@analyzers.{name}=say_means" for name in names]
    prompts = [f"analyzers.{name}.prompt=say_means.md" for name in names]
    answers = [f"analyzers.{name}.answer=say_means" for name in names]
    made = job(MODEL, *added, *prompts, *answers, "processing.max_concurrent=16")
    calls = {node.name: read_calls(node.name, entry(1.0), 100) for node in made.pipeline.nodes}
    expected = dict.fromkeys(calls, 1.0)
    rules = rules_of(made.settings, None)
    wall_s = replay(rules, calls, expected)

    assert (3.0, 2.0) == (wall_s, replay(replace(rules, ramp=False), calls, expected))
    assert limit_of(rules, calls, expected, wall_s) == "ramp-up"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["max_concurent=1"],
            "is not a key that changes the schedule; did you mean 'max_conc",
        ),
        (["processing.mod=x"], "did you mean 'processing.mode'?"),
        (["max_concurrent=4..1"], "expected FIRST..LAST, rising"),
        (["max_concurrent=1..999999999"], "of 512 values at most"),
        (["max_concurrent="], "expected max_concurrent=1..16"),
        (["mode=[1"], "'[1' is not a value"),
        (["max_concurrent=1..30", "rpm=1..30"], "900 settings are asked for, expected at most 512"),
    ],
)
def test_a_wrong_axis_is_named(arguments: Sequence[str], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        grid(arguments)

    assert message in str(raised.value)


def test_ranges_and_lists_mix() -> None:
    values = [chosen["processing.max_concurrent"] for chosen in grid(["max_concurrent=1..3,8"])]

    assert [1, 2, 3, 8] == values


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"say_means": {}}, "analyzers.say_means is not an entry of a run"),
        ({"say_means": entry(-1.0)}, "analyzers.say_means is not"),
        ({"say_means": entry(float("inf"))}, "no logs/benchmark.json"),
        (dict.fromkeys(LATENCY, entry(0.0, attempts=[])), "this run made no calls"),
    ],
)
def test_a_damaged_or_empty_recording_is_one_line(changed: dict[str, Any], message: str) -> None:
    path = stored(changed=changed)
    with pytest.raises(ConfigError) as raised:
        read_recording(path)

    assert message in str(raised.value)


def test_answers_that_were_reused_are_noted() -> None:
    taken = entry(0.0, reused="store", attempts=[])
    recording = read_recording(stored(changed={"say_means": taken}))

    assert ("1 analyzer with reused answers: no time",) == recording.notes


def test_a_run_whose_transcript_is_lost_is_predicted_without_priming() -> None:
    path = stored()
    (path / "transcript.json").unlink()
    recording = read_recording(path)

    assert ("assumed not primed: transcript.json cannot be read",) == recording.notes
    assert [round(row.wall_s, 6) for row in predict(recording, grid(["prime_prefix=on"]))] == [1.0]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    before = structlog.get_config()

    def run(*arguments: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["colloquy-whatif", *arguments])
        with pytest.raises(SystemExit) as ended:
            whatif.main()
        return (ended.value.code, *capsys.readouterr())

    yield run
    structlog.configure(**before)


def test_the_command_prints_a_row_for_each_setting_and_its_own_error(command: Any) -> None:
    code, out, err = command(str(stored(wall_s=1.08)), "max_concurrent=2..4")
    rows = [line for line in out.split("\n") if line.startswith("max_concurrent=")]

    assert (code, err) == (0, "")
    assert rows[0].split()[:3] == ["max_concurrent=2", "1.400", "s"]
    assert len(rows) == 3
    assert "predicted 1.000 s, took 1.080 s: error -7.4%" in out
    assert "40.0 ms per call of our own work" in out
    assert re.search(r"rpm=1 +\dm \d\ds +\dm \d\ds", command("run", "rpm=1")[1])


def test_the_rest_of_a_run_in_a_batch_is_waiting_for_its_other_files_too(
    command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.reports.whatif.command.batch_of", Path)
    _, out, _ = command(str(stored(wall_s=1.08)), "max_concurrent=2")

    assert "40.0 ms per call of waiting for other files and our own work" in out


def test_the_command_prints_json(command: Any) -> None:
    _, out, _ = command("--json", str(stored()), "mode=sequential")
    told = json.loads(out)

    assert told["recorded"]["predicted_s"] == 1.0
    assert told["settings"][0]["wall_s"] == pytest.approx(2.8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "max_concurrent=0"], "colloquy-whatif: processing.max_concurrent=0: expected"),
        (["run", "mode=sequentiel"], "expected 'concurrent' or 'sequential'"),
        (["rum", "mode=sequential"], "colloquy-whatif: rum: there is no run; did you mean 'run'?"),
        ([".", "mode=sequential"], "colloquy-whatif: .: there is no run; known: run"),
        (["run"], "too few arguments; usage: colloquy-whatif [--json] RUN_DIR KEY=VALUES…"),
    ],
)
def test_what_the_command_cannot_do_is_told_with_exit_code_2(
    command: Any, arguments: Sequence[str], message: str
) -> None:
    stored()
    code, out, err = command(*arguments)

    assert (code, out) == (2, "")
    assert message in err


def test_a_batch_is_named_as_one_and_its_runs_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/resolved.yaml").write_text("{}")
    (tmp_path / "metadata.json").write_text('{"kind": "batch"}')

    with pytest.raises(ConfigError, match="a batch; expected one of its runs"):
        read_recording(tmp_path)
