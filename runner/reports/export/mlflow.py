"""A sweep's runs as MLflow runs: `colloquy-mlflow DIR…`, into MLFLOW_TRACKING_URI."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runner.base.command import Arguments, command, install_hint
from runner.base.errors import ConfigError, OutputError, one_line
from runner.base.secrets import secrets_of
from runner.base.text import to_terminal
from runner.record.stored_transcript import PERSONAL
from runner.reports.compare.keys import ABSENT, differing_keys
from runner.reports.compare.rows import collect_rows
from runner.reports.export.spans import run_span
from runner.reports.stored_run import read_run

USAGE = """usage: colloquy-mlflow DIR…
Logs each run in and below every DIR, one experiment per sweep, into MLFLOW_TRACKING_URI.

Exit codes: 0 logged, 2 no run or no extra, 8 MLflow refused or was not reached."""
ENDED = dict.fromkeys(("completed", "degraded", "partial"), "FINISHED") | {"interrupted": "KILLED"}


def log_runs(paths: Sequence[Path], client: Any) -> list[str]:
    """Log all runs in and below *paths* through *client*, an MlflowClient; return their names.

    The model and the settings that differ are parameters, known figures metrics.
    """
    rows = [row for row in collect_rows(paths) if row.settings]
    keys = differing_keys([row.settings for row in rows], [row.overrides for row in rows])
    mask = secrets_of().redact_all
    for row in rows:
        sweep = row.path.resolve().parent.name
        stored = client.get_experiment_by_name(sweep)
        experiment = stored.experiment_id if stored else client.create_experiment(sweep)
        span = run_span(read_run(row.path))
        began, ended = (span.start_ns // 10**6, span.end_ns // 10**6) if span else (None, None)
        made = client.create_run(experiment, began, run_name=row.name).info.run_id
        shown = ["model.name", *(key for key in keys if not key.startswith(PERSONAL))]
        params = {key: row.settings.get(key, ABSENT) for key in shown}
        for key, value in mask(params).items():
            client.log_param(made, key, value)
        known = {k: float(f) for k, f in row.figures.items() if f is not None and math.isfinite(f)}
        if known.get("total") and "succeeded" in known:
            known["success_rate"] = known["succeeded"] / known["total"]
        for key, figure in known.items():
            client.log_metric(made, key, figure)
        client.set_tag(made, "colloquy.status", row.status)
        client.set_terminated(made, ENDED.get(row.status, "FAILED"), ended)
    return [row.name for row in rows]


def _log(given: Arguments) -> None:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # or it reports its use
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ModuleNotFoundError as error:
        raise ConfigError(f"this needs {install_hint('mlflow')}") from error
    try:
        names = log_runs([Path(word) for word in given.words], MlflowClient())
    except MlflowException as error:
        raise OutputError(f"MLflow: {one_line(str(error), 300)}") from error
    for name in names:
        print(to_terminal(f"logged {name}"))


main = command("colloquy-mlflow", USAGE, _log)
