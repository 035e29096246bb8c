from __future__ import annotations

import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from helpers import job

from runner.base.errors import ConfigError
from runner.config.schema import Minimised
from runner.run.cli.compose import compose_config
from runner.run.objective import check_objective, objective

ROOT = Path(__file__).resolve().parents[2]
TUNER = os.environ.get("COLLOQUY_OPTUNA_PYTHON")
NAMES = get_args(Minimised)


def measured(**changes: Any) -> dict[str, Any]:
    run = {
        "wall_s": 2.5,
        "cost_usd": 0.25,
        "prompt_tokens": 1000,
        "completion_tokens": 200,
        "succeeded": 8,
        "total": 8,
        "grounding_rate": 0.75,
        "failed_checks": 2,
        "coverage": 0.4,
    }
    return {"run": {**run, **changes}}


def test_one_figure_is_a_float_and_several_are_a_tuple_in_their_order() -> None:
    one, several = objective(["wall_s"], measured()), objective(["failed", "wall_s"], measured())

    assert (one, type(one)) == (2.5, float)
    assert several == (0.0, 2.5)


def test_every_name_that_the_settings_allow_has_a_figure() -> None:
    found = objective(NAMES, measured())

    assert found == (2.5, 0.25, 1200.0, 0.0, 0.25, 2.0, 0.6, math.inf)


def test_a_run_that_left_something_out_cannot_win_by_it() -> None:
    partial = measured(succeeded=6, wall_s=0.1)

    found = objective(NAMES, partial)

    assert found == (math.inf, math.inf, math.inf, 2.0, 0.25, 2.0, 0.6, math.inf)


def test_what_is_unknown_is_never_the_best() -> None:
    assert objective(["cost_usd"], measured(cost_usd=None)) == math.inf
    assert objective(["ungrounded"], measured(grounding_rate=None)) == 1.0
    assert objective(["failed_checks"], measured(failed_checks=None)) == math.inf
    assert objective(["cost_usd"], measured(cost_usd=0)) == 0.0


def test_what_is_not_known_is_said_in_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["failed_checks", "1-coverage", "1-precision"]
    found = objective(names, measured(failed_checks=None, coverage=None))

    assert found == (math.inf,) * 3
    assert [line.split(":")[1] for line in capsys.readouterr().err.splitlines()] == [
        f" objective={name} counts as infinite" for name in names
    ]


def test_nothing_is_spent_on_an_objective_without_checks_or_labels(tmp_path: Path) -> None:
    for name, said in (("failed_checks", "no checks are set"), ("1-precision", "labels.csv")):
        with pytest.raises(ConfigError, match=said):
            check_objective(job(f"objective=[{name}]", f"output.dir={tmp_path}"))
    (tmp_path / "runs/one").mkdir(parents=True)
    (tmp_path / "runs/one/labels.csv").write_text("key,verdict\nk,yes\n")
    with pytest.raises(ConfigError, match="verdict 'yes'"):
        check_objective(job("objective=[1-precision]", f"output.dir={tmp_path}"))
    (tmp_path / "runs/one/labels.csv").write_text("key,verdict\nk,right\n")
    check_objective(job("objective=[1-precision,1-coverage]", f"output.dir={tmp_path}"))
    check_objective(job("objective=[failed_checks]", "checks=meeting", "pipeline=meeting"))


def test_the_default_objective_is_the_wall_clock_time() -> None:
    assert job().settings.objective == ["wall_s"]


@pytest.mark.parametrize("value", ["[]", "[speed]", "wall_s"])
def test_an_objective_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="objective"):
        job(f"objective={value}")


def test_a_cost_that_nobody_knows_cannot_be_minimised() -> None:
    with pytest.raises(ConfigError, match="the price of openai/simulated is unknown"):
        job("model=simulated", "objective=[cost_usd]")


def test_the_tuning_composes_without_the_extra_and_fits_its_objectives() -> None:
    composed = compose_config("sweep=tune", with_hydra=True)
    sweeper, settings = composed.hydra.sweeper, job("sweep=tune").settings
    three = compose_config("sweep=tune", "objective=[wall_s,failed,ungrounded]", with_hydra=True)

    assert sweeper["_target_"].endswith(".OptunaSweeper")
    assert len(sweeper.direction) == len(settings.objective)
    assert three.hydra.sweeper.direction == ["minimize"] * 3
    assert settings.model.name == "openai/simulated"
    assert set(sweeper.params) == {
        "processing.max_concurrent",
        "processing.stage_b_context_token_budget",
    }


def test_another_model_can_be_tuned() -> None:
    assert job("sweep=tune", "model=offline").settings.model.name == "offline/extractive"


@pytest.mark.third_party
@pytest.mark.skipif(TUNER is None, reason="COLLOQUY_OPTUNA_PYTHON names no Python with the extra")
def test_optuna_finds_settings_that_none_of_its_trials_beats(tmp_path: Path) -> None:
    """Opt-in: COLLOQUY_OPTUNA_PYTHON=…/bin/python pytest -m third_party tests/test_objective.py."""
    assert TUNER is not None
    quick = ("model.simulate.latency_s=0.05", "output.console=quiet", "hydra.sweeper.n_trials=6")
    done = subprocess.run(
        [TUNER, "-m", "runner", "sweep=tune", *quick],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    (sweep,) = (tmp_path / "outputs/sweeps").iterdir()
    front = yaml.safe_load((sweep / "optimization_results.yaml").read_text())["solutions"]
    files = sorted(sweep.glob("*/logs/benchmark.json"))
    points = [
        objective(["wall_s", "total_tokens"], json.loads(file.read_bytes())) for file in files
    ]

    assert len(points) == 6
    for solution in front:
        wall_s, tokens = solution["values"]
        assert (wall_s, tokens) in points
        assert not any(p[0] < wall_s and p[1] < tokens for p in points if isinstance(p, tuple))
