"""The benchmarks run and print their tables; the figures themselves are not asserted."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import CONTEXT
from helpers.processes import END_S, warm_python

from benchmarks import context, gold, machines, soak_batch, whole_command
from benchmarks.batches import transcript, write_transcripts
from benchmarks.soak import play, scenarios
from benchmarks.startup import between, show, timed

CELLS = tuple(
    f"{way}, {what}" for way in ("colloquy", "aiohttp") for what in ("CPU", "wall", "slots")
)
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let benchmarks fork their processes from a warm one: nothing is said about start-up."""
    monkeypatch.setattr(sys, "executable", warm_python())


def test_the_whole_command_is_measured_beside_aiohttp_against_its_bars(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    warm: None,
) -> None:
    found = tmp_path / "rows.json"
    sizes = ["--rounds", "1", "--factor", "0.01", "--only", "batch", "--transcripts", "10"]
    monkeypatch.setattr(sys, "argv", ["whole_command", *sizes, "--json", str(found)])
    with pytest.raises(SystemExit) as ended:
        whole_command.main()
    told = capsys.readouterr()
    rows = {row["name"]: row for row in json.loads(found.read_bytes())} if found.exists() else {}
    printed = told.out.splitlines()
    bars = {name: row["bar"] for name, row in rows.items() if row["bar"]}
    verdicts = {True: "pass", False: "FAIL", None: ""}

    assert told.err == ""
    assert list(rows) == [f"10 × 8 calls, {way}" for way in CELLS]
    assert list(bars.values()) == ["<= 12", "<= 4"]
    assert rows["10 × 8 calls, aiohttp, wall"]["figure"] == 1.0
    for line, row in zip(printed, rows.values(), strict=True):
        assert line.endswith(verdicts[row["met"]])
    assert ended.value.code == any(row["met"] is False for row in rows.values())


def test_the_documentation_has_every_row_that_the_benchmark_prints() -> None:
    text = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
    block = text.split("<!-- whole_command -->")[1]
    graph = [
        "graph, sequential, slots 1",
        *(f"graph, concurrent, slots {slots}" for slots in (1, 2, 3, 4, 8)),
    ]
    rows = [*graph, *(f"200 × 8 calls, {way}" for way in CELLS), "event loop, longest lag"]

    assert [row for row in rows if f"\n{row} " not in block] == []


def test_the_soak_loses_no_call_that_another_request_could_bring() -> None:
    """A tenth of its storm and a few replies that have to be asked for again."""
    storm = next(s for s in scenarios(0.1) if s.name.startswith("storm"))
    script = ["bad_answer", "length", "status_500", "no_content"]
    mended = replace(storm, name="mended", calls=12, settings={"latency_s": 0.0, "script": script})
    rows = [asyncio.run(play(scenario)) for scenario in (storm, mended)]

    assert [(row.calls, row.lost) for row in rows] == [(50, 0), (12, 0)]
    assert rows[1].requests == 12 + len(script)


def test_a_hundred_machines_lose_no_call_and_keep_within_a_limit_they_are_told_of() -> None:
    told, untold, again = (
        machines.play(machines.Setting(100, told, "Retry-After"), 300, seed=1)
        for told in ("share", "nothing", "nothing")
    )

    assert (told.lost, untold.lost) == (0, 0)
    assert (told.requests, told.refused) == (300, 0)
    assert untold.refused == untold.requests - 300 > 0
    assert untold == again


def test_a_further_job_costs_what_lies_between_runs_and_is_no_call() -> None:
    def run(at_s: float, calls_s: float) -> dict[str, list[float]]:
        nodes = {"node.started": [at_s, at_s + 0.1], "node.finished": [at_s + 0.2, at_s + calls_s]}
        return nodes | {"run.finished": [at_s + calls_s + 0.25]}

    sweep = [run(0.0, 4.0), run(4.5, 2.0), run(7.0, 1.0)]

    assert between(sweep) == pytest.approx(0.5)


def test_the_start_up_table_has_a_row_for_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    wall_s, cpu_s = timed([sys.executable, "-c", "raise SystemExit(2)"], code=2)
    rounds = [{"a start": (wall_s, cpu_s), "a part of a run": (1.5, None)}]
    show(rounds)
    rows = [line.split() for line in capsys.readouterr().out.strip().split("\n")[2:]]

    assert [row[:2] for row in rows] == [["a", "start"], ["a", "part"]]
    assert rows[1][-2:] == ["1.50", "-"]
    assert wall_s > 0


def test_transcripts_to_measure_by_are_all_different_and_always_the_same(tmp_path: Path) -> None:
    made = write_transcripts(tmp_path / "talks", 100, unreadable=7)
    texts = [path.read_text() for path in sorted(made.iterdir())]

    assert texts.count("") == 7
    assert len(set(texts)) == 94
    assert texts[99] == transcript(99)


def test_a_batch_of_the_soak_comes_to_what_it_should_in_flat_memory(warm: None) -> None:
    found = asyncio.run(soak_batch.many(60, within_s=END_S))

    assert found.faults == ()
    assert (found.calls, found.requests, found.lost) == (106, 106, 0)


def test_a_context_of_many_items_is_cut_to_its_budget(capsys: pytest.CaptureFixture[str]) -> None:
    settings = CONTEXT.model_copy(update={"token_budget": 1_000})
    found = [[context.measure(context.made(items), settings)] for items in (40, 400)]
    context.show(found, 1_000)
    rows = [line.split() for line in capsys.readouterr().out.strip().split("\n")[2:]]

    assert [row[0] for row in rows] == ["40", "400"]
    assert all(0 < one.used <= 1_000 and one.kept < one.items for (one,) in found)


def test_gold_meetings_are_measured_beside_the_baselines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ["We agreed to buy a pump.", "Yes, the old pump fails.", "Lunch is at noon."]
    turns = [f"{'AnnBob'[n % 2 * 3 :][:3]}: {text}" for n, text in enumerate(said * 4)]
    (tmp_path / "talk.md").write_text("\n".join(turns))
    query = {"question": "Why buy a pump?", "answer": "It fails.", "turns": [[0, 1]]}
    marked = {"queries": [query], "topics": [{"topic": "pump", "turns": [[0, 1]]}]}
    (tmp_path / "talk.json").write_text(json.dumps(marked))
    monkeypatch.setattr(
        sys, "argv", ["gold", "--data", str(tmp_path), "pipeline=meeting", "reuse=off"]
    )
    gold.main()
    told = capsys.readouterr().out
    rows = [line.split("  ")[0] for line in told.splitlines()]

    assert [*gold.RANKINGS] == rows[1:11]
    assert ["questions put to", "their own meeting", "another meeting"] == rows[12:15]
    assert "hold 1.00 of the evidence in its meeting alone, and 1.00 among all 1, from 1.0" in told
    assert {"decisions", "action_items", "all"} <= set(rows[16:])
