from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from helpers import job
from helpers.runs import execute

from runner.base.command import install_hint
from runner.reports.export.mlflow import log_runs, main

KEY = "sk-canary-0123456789abcdef"


class FakeClient:
    """Keeps what an MlflowClient is told."""

    def __init__(self) -> None:
        self.experiments: dict[str, str] = {}
        self.runs: list[dict[str, Any]] = []

    def get_experiment_by_name(self, name: str) -> Any:
        known = self.experiments.get(name)
        return known and SimpleNamespace(experiment_id=known)

    def create_experiment(self, name: str) -> str:
        self.experiments[name] = str(len(self.experiments) + 1)
        return self.experiments[name]

    def create_run(self, experiment_id: str, start_time: int | None, *, run_name: str) -> Any:
        self.runs.append(
            {"experiment": experiment_id, "start": start_time, "name": run_name}
            | {"params": {}, "metrics": {}, "tags": {}}
        )
        return SimpleNamespace(info=SimpleNamespace(run_id=len(self.runs) - 1))

    def log_param(self, run: int, key: str, value: str) -> None:
        self.runs[run]["params"][key] = value

    def log_metric(self, run: int, key: str, value: float) -> None:
        self.runs[run]["metrics"][key] = value

    def set_tag(self, run: int, key: str, value: str) -> None:
        self.runs[run]["tags"][key] = value

    def set_terminated(self, run: int, status: str, end_time: int | None) -> None:
        self.runs[run] |= {"status": status, "end": end_time}


@pytest.fixture
def sweep() -> Path:
    for number, slots in enumerate((1, 4)):
        execute(job(f"processing.max_concurrent={slots}"), into=f"sweeps/mine/{number}")
    return Path("sweeps/mine")


def test_each_run_of_a_sweep_is_one_with_what_differs_and_its_figures(sweep: Path) -> None:
    client = FakeClient()
    names = log_runs([sweep], client)

    assert names == ["mine/0", "mine/1"]
    assert client.experiments == {"mine": "1"}
    assert [run["params"] for run in client.runs] == [
        {"model.name": "offline/extractive", "processing.max_concurrent": slots}
        for slots in ("1", "4")
    ]
    for run in client.runs:
        assert {"wall_s", "cost_usd", "prompt_tokens", "completion_tokens"} <= set(run["metrics"])
        assert run["metrics"]["success_rate"] == run["metrics"]["grounding_rate"] == 1.0
        assert run["status"] == "FINISHED"
        assert run["start"] <= run["end"]


def test_a_key_that_a_configuration_holds_is_masked(
    sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in "01":
        file = sweep / number / "config/resolved.yaml"
        file.write_text(file.read_text().replace("offline/extractive", f"offline/{KEY}"))
    monkeypatch.setenv("SOME_API_KEY", KEY)
    client = FakeClient()
    log_runs([sweep], client)

    assert client.runs[0]["params"]["model.name"] == "offline/***"
    assert KEY not in repr(client.runs)


def test_the_command_logs_through_mlflow_and_needs_it(
    sweep: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake, errors = ModuleType("mlflow"), ModuleType("mlflow.exceptions")
    monkeypatch.setattr(errors, "MlflowException", LookupError, raising=False)
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", errors)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setattr(fake, "MlflowClient", FakeClient, raising=False)
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    with pytest.raises(SystemExit):
        main([str(sweep)])
    told = capsys.readouterr().out
    monkeypatch.setattr(FakeClient, "create_run", lambda *_, **__: {}["no server"])
    with pytest.raises(SystemExit) as refused:
        main([str(sweep)])
    assert (refused.value.code, capsys.readouterr().err) == (
        8,
        "colloquy-mlflow: MLflow: 'no server'\n",
    )
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(SystemExit) as ended:
        main([str(sweep)])

    assert told == "logged mine/0\nlogged mine/1\n"
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"colloquy-mlflow: this needs {install_hint('mlflow')}\n"
