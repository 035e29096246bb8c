"""A sweep's runs as MLflow runs: `colloquy-mlflow DIR…`, into MLFLOW_TRACKING_URI."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.base.errors import EXIT_CONFIG, EXIT_OK, ColloquyError, ConfigError
from runner.base.secrets import secrets_of
from runner.base.text import print_stderr, to_terminal
from runner.reports.compare.keys import ABSENT, differing_keys
from runner.reports.compare.rows import collect_rows
from runner.reports.export.spans import run_span
from runner.reports.stored_run import read_run

USAGE = """usage: colloquy-mlflow DIR…
Logs each run in and below every DIR, one experiment per sweep, into MLFLOW_TRACKING_URI."""
ENDED = {"completed": "FINISHED", "partial": "FINISHED", "interrupted": "KILLED"}


def log_runs(paths: Sequence[Path], client: Any) -> list[str]:
    """Log all runs among and below *paths* through *client*, an MlflowClient; return their names.

    What differs and the model are parameters; figures that are known are metrics.
    """
    rows = [row for row in collect_rows(paths) if row.settings]
    keys = differing_keys([row.settings for row in rows], [row.overrides for row in rows])
    mask = secrets_of().redact_all
    for row in rows:
        experiment = _experiment(client, row.path.resolve().parent.name)
        span = run_span(read_run(row.path))
        began, ended = (span.start_ns // 10**6, span.end_ns // 10**6) if span else (None, None)
        made = client.create_run(experiment, began, run_name=row.name).info.run_id
        params = {key: row.settings.get(key, ABSENT) for key in ["model.name", *keys]}
        for key, value in mask(params).items():
            client.log_param(made, key, value)
        for key, figure in _metrics(row.figures).items():
            client.log_metric(made, key, figure)
        client.set_tag(made, "colloquy.status", row.status)
        client.set_terminated(made, ENDED.get(row.status, "FAILED"), ended)
    return [row.name for row in rows]


def _experiment(client: Any, name: str) -> Any:
    found = client.get_experiment_by_name(name)
    return client.create_experiment(name) if found is None else found.experiment_id


def _metrics(figures: Mapping[str, float | None]) -> dict[str, float]:
    """Return what is known of a run's time, cost, tokens, grounding and success."""
    known = {name: float(f) for name, f in figures.items() if f is not None and math.isfinite(f)}
    if known.get("total") and "succeeded" in known:
        known["success_rate"] = known["succeeded"] / known["total"]
    return known


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; exit with 0 or, where there is no run or no MLflow, 2."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if not given or given[0] in ("-h", "--help"):
        print(USAGE)
        sys.exit(EXIT_OK if given else EXIT_CONFIG)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # or it reports its use
    try:
        try:
            from mlflow import MlflowClient
        except ModuleNotFoundError as error:
            raise ConfigError("this needs the extra: pip install -e '.[mlflow]'") from error
        for name in log_runs([Path(path) for path in given], MlflowClient()):
            print(to_terminal(f"logged {name}"))
    except ColloquyError as error:
        print_stderr(to_terminal(f"colloquy: {error}"))
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
