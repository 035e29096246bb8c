"""Comparisons of run directories made by hand, in every state they can be in."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from helpers.runs_by_hand import make_run, put, slots
from hydra.core.override_parser.overrides_parser import OverridesParser

from hydra_plugins.colloquy_shuffled import ShuffledSweeper
from runner.base.errors import ConfigError
from runner.record.lock import acquire, release
from runner.record.run_directory import SCHEMA_VERSION
from runner.record.store import payload_digest
from runner.reports.compare.compare import Comparison, Group, compare
from runner.reports.compare.keys import differing_keys, flatten, short_names
from runner.reports.compare.planned_jobs import planned_jobs, split_sweep
from runner.reports.compare.rows import quality
from runner.reports.compare.text import as_markdown, as_terminal, pair_rows, settings_table
from runner.reports.compare.verdicts import EQUAL, INCONCLUSIVE

OFFLINE = {"model.name": "offline/extractive"}


def group(comparison: Comparison, label: str) -> Group:
    return next(g for g in comparison.groups if g.label == label)


def verdict(comparison: Comparison, figure: str, at: int = 0) -> str:
    return comparison.pairs[at].verdicts[figure].verdict


def test_a_setting_is_labelled_with_what_differs(tmp_path: Path) -> None:
    for count, wall_s in ((1, 8.0), (2, 5.0), (4, 2.0)):
        slots(tmp_path / "sweeps/s" / str(count), count, wall_s)
    found = compare([tmp_path])

    assert [g.label for g in found.groups] == [f"processing.max_concurrent={n}" for n in (1, 2, 4)]


def test_the_speed_up_is_against_one_call_at_a_time(tmp_path: Path) -> None:
    for count, wall_s in ((1, 8.0), (2, 5.0), (4, 2.0)):
        slots(tmp_path / str(count), count, wall_s)
    found = compare([tmp_path])

    assert [g.speed_up for g in found.groups] == [1.0, 1.6, 4.0]
    assert {g.baseline.label for g in found.groups if g.baseline} == {"processing.max_concurrent=1"}


def test_figures_that_no_run_can_have_are_unknown(tmp_path: Path) -> None:
    impossible = {"cost_usd": 1e300, "coverage": 3, "checks_rate": -1, "prompt_tokens": -5}
    slots(tmp_path / "0", 1, -8.0, **impossible)
    (row,) = compare([tmp_path]).rows

    assert [None] * 5 == [row.figure(name) for name in ("wall_s", *impossible)]


def test_the_sequential_mode_is_preferred_as_baseline(tmp_path: Path) -> None:
    mode = {"processing.mode": "sequential", "processing.max_concurrent": 4}
    make_run(tmp_path / "0", wall_s=10.0, config=mode)
    slots(tmp_path / "1", 1, 8.0)
    slots(tmp_path / "2", 4, 2.0)
    found = compare([tmp_path])

    assert found.groups[2].speed_up == 5.0


def test_there_is_no_speed_up_where_anything_else_differs_from_the_baseline(tmp_path: Path) -> None:
    slots(tmp_path / "0", 1, 8.0)
    slots(tmp_path / "1", 4, 2.0, config={"model.temperature": 1.0})
    found = compare([tmp_path])

    assert found.groups[1].speed_up is None
    assert any("No speed-up for 1 of 2 settings" in note for note in found.notes)


def test_another_transcript_or_prompt_under_the_same_name_is_another_setting(
    tmp_path: Path,
) -> None:
    for run, sha, prompt in (("0", "aa", "11"), ("1", "bb", "11"), ("2", "bb", "22")):
        path = make_run(tmp_path / run, metadata={"transcript": {"sha256": sha * 32}})
        put(path / "config/prompts.json", {"sha256": {"say_means": prompt * 32}})
    found = compare([tmp_path])

    assert set(found.keys) == {"prompts.say_means", "transcript.sha256"}
    assert len(found.groups) == 3


def test_a_partial_run_is_a_row_and_not_timed(tmp_path: Path) -> None:
    slots(tmp_path / "0", 1, 8.0)
    path = slots(tmp_path / "1", 4, 1.0, status="partial", succeeded=6)
    error = {"kind": "timeout", "message": "no reply within 5 s"}
    names = {"analyzer": "gaps", "stage": "stage_a", "key": None, "raw_output": ""}
    record = {"schema_version": SCHEMA_VERSION, "status": "error", "error": error, **names}
    record["sha256"] = payload_digest(record)
    put(path / "intermediate/stage_a/gaps.json", record)
    found = compare([tmp_path])

    assert (found.rows[1].status, found.rows[1].reason) == ("partial", "gaps: no reply within 5 s")
    assert found.groups[1].middle("wall_s") is None
    assert found.groups[1].middle("quality") == 0.75
    assert found.groups[1].front is None


def test_a_run_that_reused_answers_is_not_timed(tmp_path: Path) -> None:
    make_run(tmp_path / "0", reused=3)
    found = compare([tmp_path])

    assert not found.rows[0].measured
    assert any("reused answers" in note for note in found.notes)


def test_a_job_that_left_nothing_is_missing(tmp_path: Path) -> None:
    slots(tmp_path / "0", 1, 8.0)
    (tmp_path / "1").mkdir()
    found = compare([tmp_path])

    assert [row.status for row in found.rows] == ["completed", "missing"]


def test_jobs_that_were_not_begun_are_rows_with_what_they_were_to_be(tmp_path: Path) -> None:
    slots(tmp_path / "0", 1, 8.0)
    (tmp_path / "multirun.yaml").write_text(
        "hydra:\n"
        "  sweep: {subdir: '${hydra.job.num}'}\n"
        "  sweeper: {_target_: x.BasicSweeper, params: {processing.max_concurrent: '1,4'}}\n"
        "  overrides: {task: ['repeat=0,1']}\n"
    )
    found = compare([tmp_path])

    assert [row.status for row in found.rows] == ["completed", "missing", "missing", "missing"]
    assert found.rows[3].reason == "not begun (processing.max_concurrent=4, repeat=1)"


@pytest.mark.parametrize(
    "override", ["+hydra.callbacks.x._target_=os.abort", "hydra.searchpath=[file:///x]", "--cfg=x"]
)
def test_overrides_that_name_code_are_not_taken_from_a_sweeps_file(
    tmp_path: Path, override: str
) -> None:
    (tmp_path / "multirun.yaml").write_text(
        "hydra:\n"
        "  sweep: {subdir: '${hydra.job.num}'}\n"
        "  sweeper: {_target_: x.BasicSweeper, params: {processing.max_concurrent: '1,4'}}\n"
        f"  overrides: {{task: ['{override}']}}\n"
    )

    assert planned_jobs(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hydra: [",
        "hydra: 3",
        *(
            "hydra:\n  sweep: {subdir: '${hydra.job.num}'}\n"
            f"  sweeper: {{_target_: x.BasicSweeper, params: {{a: '{values}'}}}}\n"
            for values in ("shuffle(range(0,1000000000))", "range(0,9,nan)", "[" * 900 + "]" * 900)
        ),
        "hydra:\n  sweeper: {_target_: x.BasicSweeper, params: 3}\n",
        "\0",
    ],
)
def test_a_damaged_multirun_file_tells_nothing(tmp_path: Path, text: str) -> None:
    slots(tmp_path / "0", 1, 8.0)
    (tmp_path / "multirun.yaml").write_text(text)

    assert len(compare([tmp_path]).rows) == 1


@pytest.mark.parametrize("name", ["metadata.json", "config/resolved.yaml", "logs/benchmark.json"])
@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff\xfe", b"null", b"{}"])
def test_a_run_with_a_damaged_file_is_a_row_that_says_so(
    tmp_path: Path, name: str, data: bytes
) -> None:
    slots(tmp_path / "0", 1, 8.0)
    path = slots(tmp_path / "1", 2, 8.0)
    (path / name).write_bytes(data)
    found = compare([tmp_path])

    assert found.rows[1].status == "damaged"
    assert name in found.rows[1].reason
    assert as_markdown(found)


def test_figures_that_are_no_numbers_are_unknown(tmp_path: Path) -> None:
    slots(tmp_path / "0", 1, 8.0, cost_usd="free", prompt_tokens=True, grounding_rate=[1])
    row = compare([tmp_path]).rows[0]

    assert [row.figure(n) for n in ("cost_usd", "prompt_tokens", "quality")] == [None] * 3


def test_a_configuration_that_multiplies_itself_is_damaged_and_not_read_out(tmp_path: Path) -> None:
    path = slots(tmp_path / "0", 1, 8.0)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    (path / "config/resolved.yaml").write_text("\n".join(lines))
    (row,) = compare([tmp_path]).rows

    assert row.status == "damaged"
    assert "missing or unreadable: config/resolved.yaml" == row.reason


def test_a_run_whose_process_died_is_told_from_one_that_goes_on(tmp_path: Path) -> None:
    dead = slots(tmp_path / "0", 1, 8.0, status="running")
    alive = slots(tmp_path / "1", 2, 8.0, status="running")
    (dead / "run.lock").touch()
    held = acquire(alive)
    found = compare([tmp_path])
    release(held)

    assert [row.status for row in found.rows] == ["died", "running"]


def test_without_a_benchmark_the_metadata_tells_what_succeeded(tmp_path: Path) -> None:
    states = {"stage_a": {"analyzers": {"say_means": "ok", "gaps": "not_run"}}}
    path = slots(tmp_path / "0", 1, 8.0, status="interrupted", metadata={"stages": states})
    (path / "logs/benchmark.json").unlink()
    row = compare([tmp_path]).rows[0]

    assert (row.status, row.reason) == ("interrupted", "1 analyzer without an answer")
    assert (row.figure("succeeded"), row.figure("total")) == (1, 2)
    assert row.figure("quality") is None


def test_the_context_retained_is_the_kept_share_of_all_items_tokens(tmp_path: Path) -> None:
    path = slots(tmp_path / "0", 1, 8.0)
    items = [{"tokens": 30, "kept": True}, {"tokens": 50, "kept": False}, {"tokens": "x"}, 3]
    put(path / "context/stage_b_ledger.json", {"sections": {"gaps": {"items": items}, "b": 1}})
    put(path / "context/final_ledger.json", {"sections": {"a": {"items": [items[0]]}}})
    put(path / "context/odd_ledger.json", [])

    assert compare([tmp_path]).rows[0].figure("context_retained") == round(60 / 110, 6)


def test_escalation_has_its_effect_and_its_cost_in_the_table(tmp_path: Path) -> None:
    slots(tmp_path / "0", 1, 8.0, escalated=3, mended=2, escalation_usd=0.015)

    assert "3, 2 mended, $0.0150" in as_terminal(compare([tmp_path]))


def test_the_verdict_names_a_setting_of_many_keys_by_its_number(tmp_path: Path) -> None:
    for number, model in enumerate(("m" * 90, "n" * 90)):
        given = {"config": {"model.name": model}, "overrides": (f"model.name={model}",)}
        make_run(tmp_path / str(number), wall_s=8.0 - 4 * number, **given)

    assert "so far the fastest is setting 2, 4.0 s" in compare([tmp_path]).verdict


def test_a_chosen_pipeline_names_a_setting_and_an_experiment_may_be_its_baseline(
    tmp_path: Path,
) -> None:
    for number, choice in enumerate(("pipeline=meeting", "pipeline=interview")):
        config = {f"analyzers.{choice[9:]}.stage": "stage_a", "stages.stage_a.input": choice}
        make_run(tmp_path / "p" / str(number), config=config, overrides=(choice,))
    slots(tmp_path / "e/0", 1, 8.0)
    config = {"processing.max_concurrent": 16}
    make_run(tmp_path / "e/1", wall_s=2.0, config=config, overrides=("experiment=throughput",))

    labels = [each.label for each in compare([tmp_path / "p"]).groups]
    assert ["pipeline=meeting", "pipeline=interview"] == labels
    assert 4.0 == compare([tmp_path / "e"]).groups[1].speed_up


def test_quality_is_success_times_grounding() -> None:
    assert quality(6, 8, 0.5) == 0.375
    assert quality(0, 8, None) == 0.0
    assert quality(8, 8, None) is None
    assert quality(0, 0, 1.0) is None


def test_repeats_are_one_setting(tmp_path: Path) -> None:
    for repeat, wall_s in enumerate((2.0, 2.2, 2.1)):
        slots(tmp_path / f"a{repeat}", 1, wall_s + 3, repeat)
        slots(tmp_path / f"b{repeat}", 4, wall_s, repeat)
    found = compare([tmp_path])
    told = group(found, "processing.max_concurrent=4").spreads["wall_s"]

    assert len(found.groups) == 2
    assert told is not None
    assert (told.n, told.median, told.minimum, told.maximum) == (3, 2.1, 2.0, 2.2)
    assert verdict(found, "wall_s") == "slower"
    assert "is significant: add repeat" not in as_terminal(found)


CHEAP = {"config": OFFLINE, "cost_usd": 0.01}
DEAR = {"config": OFFLINE, "cost_usd": 0.02}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (((2.0, 2.4, 2.1), {}), ((2.1, 2.2, 2.5), {}), {"wall_s": INCONCLUSIVE}),
        (((100.0, 100.0), DEAR), ((1.0, 1.0), DEAR), {"wall_s": INCONCLUSIVE}),
        (((2.0,), DEAR), ((1.0,), CHEAP), {"cost_usd": "more expensive", "quality": EQUAL}),
        (
            ((2.0,), {"cost_usd": 0.02, "grounding_rate": 0.5}),
            ((1.0,), {}),
            dict.fromkeys(("wall_s", "cost_usd", "quality"), INCONCLUSIVE),
        ),
        (((2.0,), DEAR), ((1.0,), {**CHEAP, "cached_tokens": 90}), {"cost_usd": INCONCLUSIVE}),
    ],
    ids=["overlapping", "two repeats", "deterministic", "single runs of a model", "cached"],
)
def test_what_tells_two_settings_apart(
    tmp_path: Path, one: Any, other: Any, expected: dict[str, str]
) -> None:
    for count, (walls, more) in ((2, one), (4, other)):
        for repeat, wall_s in enumerate(walls):
            slots(tmp_path / f"{count}{repeat}", count, wall_s, repeat, **more)
    found = compare([tmp_path])

    assert expected == {figure: verdict(found, figure) for figure in expected}


def test_the_front_says_when_a_cost_is_unknown(tmp_path: Path) -> None:
    for repeat in range(3):
        slots(tmp_path / f"0{repeat}", 1, 2.0, repeat, cost_usd=None)
        slots(tmp_path / f"1{repeat}", 4, 1.0, repeat)
    found = compare([tmp_path])

    assert [g.front for g in found.groups] == [False, True]
    assert any("The cost of 1 of 2 settings is unknown" in note for note in found.notes)


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_no_setting_is_on_the_front_before_each_has_three_repeats(
    tmp_path: Path, repeats: int
) -> None:
    for repeat in range(3):
        slots(tmp_path / f"0{repeat}", 1, 2.0, repeat)
    for repeat in range(repeats):
        slots(tmp_path / f"1{repeat}", 4, 1.0, repeat)
    found = compare([tmp_path])

    assert [g.front for g in found.groups] == ([None, None] if repeats < 3 else [False, True])
    assert any("Add repeat=0,1,2" in note for note in found.notes) == (repeats < 3)


def test_one_line_says_what_the_comparison_found(tmp_path: Path) -> None:
    """Without repeats there is no verdict, and no table of pairs that all say the same."""
    for count in (1, 2, 4):
        slots(tmp_path / f"once/{count}", count, 8.0 / count, cost_usd=None, config=OFFLINE)
        for repeat in range(3):
            wall_s = 8.0 / count + repeat / 100
            slots(tmp_path / f"often/{count}{repeat}", count, wall_s, repeat)
    once, often = compare([tmp_path / "once"]), compare([tmp_path / "often"])

    assert once.verdict == (
        "Time: no verdict without 3 repeats of each setting; so far the fastest is "
        "processing.max_concurrent=4, 2.0 s. Cost: known for fewer than two settings. "
        "Quality: equal."
    )
    assert pair_rows(once.pairs) == []
    assert often.verdict == (
        "Time: the fastest is processing.max_concurrent=4, 2.0 s, a difference that is significant "
        "against every other setting. Cost and quality: equal."
    )
    assert len(pair_rows(often.pairs)) == 3


def test_what_is_not_known_of_any_setting_has_no_column(tmp_path: Path) -> None:
    slots(tmp_path / "0", 4, 2.0, cost_usd=None)
    slots(tmp_path / "1", 8, 1.0, cost_usd=None)
    header, rows = settings_table(compare([tmp_path]).groups)

    assert not {"front", "speed-up", "cost $"} & set(header)
    assert {"wall s", "grounded"} < set(header)
    assert {len(header)} == {len(row) for row in rows}


def test_a_key_that_somebody_typed_is_always_shown_and_others_follow_it() -> None:
    configs = [
        {"p.budget": "1", "stages.b.budget": "1", "seed": "7"},
        {"p.budget": "2", "stages.b.budget": "2", "seed": "8"},
    ]

    assert differing_keys(configs, [["p.budget=1", "seed=7"]]) == {
        "seed": [],
        "p.budget": ["stages.b.budget"],
    }


def test_a_key_follows_one_with_equal_values_before_one_that_only_determines_it() -> None:
    configs = [
        {"a.name": name, "b.size": size, "c.copy": size}
        for name, size in (("x", "1"), ("y", "1"), ("z", "2"))
    ]
    typed = [["a.name=x", "b.size=1"]]

    assert differing_keys(configs, typed) == {"a.name": [], "b.size": ["c.copy"]}
    without = [{key: each[key] for key in ("a.name", "c.copy")} for each in configs]
    assert differing_keys(without, typed) == {"a.name": ["c.copy"]}


def test_a_model_chosen_by_its_group_is_shown_by_its_name() -> None:
    configs = [
        {"model.name": name, "model.api_base": base, "model.window": window}
        for name, base, window in (("a", "-", "1"), ("b", "x", "2"), ("c", "-", "1"))
    ]

    assert list(differing_keys(configs, [["model=a"]])) == ["model.name"]


def test_very_many_keys_are_told_apart_in_linear_work() -> None:
    keys = [f"a.k{number}" for number in range(20_000)]
    configs = [dict.fromkeys(keys, value) for value in "12"]
    found = differing_keys(configs, [[f"{key}=1" for key in keys], []])

    assert len(keys) == len(found) == len(set(short_names(keys).values()))


def test_short_names_stay_apart_and_meaningful() -> None:
    keys = ["processing.max_concurrent", "model.name", "models.b.name", "stages.a.max_concurrent"]

    assert list(short_names(keys).values()) == [
        "processing.max_concurrent",
        "model.name",
        "b.name",
        "a.max_concurrent",
    ]


def test_lists_and_nothing_are_values() -> None:
    assert flatten({"a": {"b": [1, "x"], "c": None}, "d": True, "e": {}}) == {
        "a.b": '[1,"x"]',
        "a.c": "null",
        "d": "true",
        "e": "{}",
    }


@pytest.mark.parametrize("texts", [("word " * 60, f"{'word ' * 60}b"), ("\n", "\n\n")])
def test_values_that_look_alike_are_two_settings(texts: tuple[str, str]) -> None:
    one, other = (flatten({"a": {"question": text}}) for text in texts)

    assert differing_keys([one, other], []) == {"a.question": []}
    assert max(map(len, one.values())) <= 200


def batch(path: Path, **more: Any) -> Path:
    """Write a batch of five files, one of them unreadable."""
    files = {"total": 5, "completed": 4, "unreadable": 1}
    totals = {"prompt_tokens": 900, "completion_tokens": 90, "cached_tokens": 9, "cost_usd": 0.09}
    metadata = {"kind": "batch", "files": files, "totals": totals, "stages": {}}
    path = make_run(path, **{"status": "partial", "metadata": metadata, **more})
    (path / "results.jsonl").touch()
    return path


def test_a_batch_has_the_tokens_and_cost_of_all_its_sessions(tmp_path: Path) -> None:
    batch(tmp_path / "0", reused=4)
    found = compare([tmp_path])
    (only,) = found.groups

    assert [only.middle(f"{name}_tokens") for name in ("prompt", "completion", "cached")] == [
        *(900, 90, 9)
    ]
    assert (only.middle("cost_usd"), only.middle("grounding_rate")) == (0.09, 1.0)
    assert only.middle("wall_s") is None
    assert "990 tokens, cost $0.0900" in found.notes[0]


def test_a_batch_with_an_unreadable_file_is_timed(tmp_path: Path) -> None:
    batch(tmp_path / "0", wall_s=3.0)
    found = compare([tmp_path])

    assert found.rows[0].reason == "1 of 5 files without all answers"
    assert found.groups[0].middle("wall_s") == 3.0


def test_a_batch_that_found_answers_of_an_earlier_session_is_not_timed(tmp_path: Path) -> None:
    batch(tmp_path / "0", attempts=7, succeeded=8)
    batch(tmp_path / "1", attempts=8, succeeded=8)
    batch(tmp_path / "2", status="interrupted")
    rows = compare([tmp_path]).rows

    assert [row.measured for row in rows] == [False, True, False]
    assert [row.accounted for row in rows] == [True, True, False]


def test_shards_are_parts_of_one_batch_and_not_set_against_one_another(tmp_path: Path) -> None:
    for shard in range(3):
        batch(tmp_path / str(shard), config={"batch.shard": shard, "batch.shards": 3})
    found = compare([tmp_path])
    told = as_terminal(found)

    assert found.sharded
    assert found.pairs == ()
    assert {group.front for group in found.groups} == {None}
    assert "shards of one batch" in told
    assert "repeat=" not in told
    assert "★" not in told


def test_shards_with_other_settings_are_settings(tmp_path: Path) -> None:
    for shard in range(2):
        config = {"batch.shard": shard, "model.temperature": shard}
        typed = (f"batch.shard={shard}", f"model.temperature={shard}")
        batch(tmp_path / str(shard), config=config, overrides=typed)

    assert not compare([tmp_path]).sharded


def test_what_is_not_timed_has_no_cost_and_that_is_not_called_unknown(tmp_path: Path) -> None:
    for repeat in range(3):
        slots(tmp_path / str(repeat), 1, 8.0, repeat)
    slots(tmp_path / "9", 2, 8.0, status="partial")
    one = as_terminal(compare([tmp_path]))
    for repeat in range(3):
        slots(tmp_path / str(repeat), 1, 8.0, repeat, status="failed")
    both = as_terminal(compare([tmp_path]))

    assert "Not timed: 1 of 4 runs" in one
    assert "★" not in both
    assert "unknown" not in one + both


def test_a_path_without_a_run_is_refused_with_the_nearest(tmp_path: Path) -> None:
    slots(tmp_path / "sweeps/s1/0", 1, 8.0)

    with pytest.raises(ConfigError, match=r"sweepz: there is no run; did you mean '.*/sweeps'\?"):
        compare([tmp_path / "sweepz"])


def test_a_run_named_twice_is_one_row(tmp_path: Path) -> None:
    path = slots(tmp_path / "0", 1, 8.0)

    assert len(compare([path, tmp_path, path]).rows) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_directory_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0)

    with pytest.raises(ConfigError, match="cannot be read"):
        compare([tmp_path])


@pytest.mark.parametrize(("cached", "told"), [((0, 900), True), ((850, 900), False)])
def test_caches_that_served_one_setting_more_than_another_are_told(
    tmp_path: Path, cached: tuple[int, int], told: bool
) -> None:
    for place, tokens in enumerate(cached):
        figures = {"prompt_tokens": 1000, "cached_tokens": tokens}
        slots(tmp_path / str(place), place + 1, 2.0, **figures)
    notes = [note for note in compare([tmp_path]).notes if "Prompt caches served" in note]

    assert told == (notes != [])
    assert all("0.0% to 90.0%" in note for note in notes)
    assert all("hydra/sweeper=shuffled" in note for note in notes)


def test_a_shuffled_sweep_runs_every_job_in_an_order_that_its_seed_decides(tmp_path: Path) -> None:
    arguments = ["processing.max_concurrent=1,2,4", "repeat=0,1,2"]
    parsed = OverridesParser.create().parse_overrides(arguments)
    orders = []
    for seed in (0, 0, 1):
        sweeper = object.__new__(ShuffledSweeper)  # Hydra reloads the base class at times
        sweeper.seed = seed
        (jobs,) = sweeper.split_arguments(parsed, None)
        orders.append(jobs)
    hydra = {
        "sweeper": {"_target_": f"x.{ShuffledSweeper.__name__}", "seed": 1},
        "overrides": {"task": arguments},
        "sweep": {"subdir": "${hydra.job.num}"},
    }
    (tmp_path / "multirun.yaml").write_text(json.dumps({"hydra": hydra}))

    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2]) == sorted(split_sweep(arguments))
    assert orders[0] != split_sweep(arguments)
    assert [tuple(job) for job in orders[2]] == [j.overrides for j in planned_jobs(tmp_path)]
