"""Sweeps whose jobs run in processes of their own: what arrives there and what comes back."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.runs import STAGE_A, STAGE_B
from hydra.errors import HydraException

from runner.base.command import install_hint
from runner.base.errors import OutputError
from runner.record.signature import fault_of
from runner.reports.compare.planned_jobs import split_sweep
from runner.run.cli.compose import compose_config
from runner.run.cli.hydra_errors import explain_hydra_error
from runner.run.command import _Jobs
from runner.run.remote import (
    STATUS_FOLDER,
    Origin,
    RemoteJobs,
    collect,
    make_remote_jobs,
    remove_unstarted,
)

ROOT = Path(__file__).resolve().parents[2]
TALK = "Ann: Buoy {} reads two degrees too warm.\nBo: Then let us calibrate it in April.\n"
PYTHONS = {"ray": "COLLOQUY_RAY_PYTHON", "submitit_local": "COLLOQUY_SUBMITIT_PYTHON"}

# What the launchers for clusters do, with the standard library's pickle in processes of their own.
LAUNCHER = '''
import pickle, subprocess, sys
from pathlib import Path
from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.plugins.launcher import Launcher
from omegaconf import open_dict

NODE = {"_target_": "hydra_plugins.carrying.Carrying"}
ConfigStore.instance().store(group="hydra/launcher", name="carrying", node=NODE)
CHILD = """
import os, pickle, sys
from hydra.core.utils import run_job, setup_globals
from runner.run.cli.compose import register_resolvers
os.chdir("/")
setup_globals()
register_resolvers()
for context, config, jobs in pickle.load(sys.stdin.buffer):
    if child := os.fork():
        os.waitpid(child, 0)
        continue
    run_job(hydra_context=context, task_function=jobs.run, config=config,
            job_dir_key="hydra.sweep.dir", job_subdir_key="hydra.sweep.subdir")
    break
"""

class Carrying(Launcher):
    def setup(self, *, hydra_context, task_function, config):
        self.context, self.config, self.jobs = hydra_context, config, vars(task_function)["jobs"]

    def launch(self, job_overrides, initial_job_idx):
        setup_globals()
        sent = []
        for number, overrides in enumerate(job_overrides, initial_job_idx):
            config = self.context.config_loader.load_sweep_config(self.config, list(overrides))
            with open_dict(config):
                config.hydra.job.id, config.hydra.job.num = str(number), number
            sent.append((self.context, config, self.jobs))
        subprocess.run([sys.executable, "-c", CHILD], input=pickle.dumps(sent), check=True)
        # The last one is preempted before its end; meanwhile its directory is altered.
        path = Path(config.hydra.sweep.dir, str(number))
        for name in ("COMPLETED", "intermediate/stage_b/patentability.json"):
            (path / name).unlink()
        for name in ("composed", "resolved"):
            file = path / f"config/{name}.yaml"
            file.write_text(file.read_text().replace("prompt: null", "prompt: /planted/evil.md"))
        last = pickle.dumps(sent[-1:])
        subprocess.run([sys.executable, "-c", CHILD], input=last, check=True)
        return [JobReturn(status=JobStatus.COMPLETED) for _ in job_overrides]
'''


def colloquy(
    python: str, *arguments: str, cwd: Path, path: str = ""
) -> subprocess.CompletedProcess[str]:
    search = os.pathsep.join(filter(None, [str(ROOT), path]))
    return subprocess.run(
        [python, "-m", "runner", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": search, "RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True,
        text=True,
        timeout=600,
    )


def write_talks(folder: Path, number: int) -> Path:
    folder.mkdir()
    for place in range(number):
        (folder / f"talk{place}.txt").write_text(TALK.format(place))
    return folder


def only_sweep(folder: Path) -> Path:
    (sweep,) = (folder / "outputs/sweeps").iterdir()
    return sweep


def composed(*overrides: str) -> Any:
    return compose_config(*overrides, with_hydra=True)


@pytest.mark.parametrize(
    ("launcher", "extra"),
    [("ray", "ray"), ("submitit_local", "slurm"), ("submitit_slurm", "slurm")],
)
def test_a_launcher_that_is_not_installed_is_named_with_its_extra(
    launcher: str, extra: str
) -> None:
    with pytest.raises(HydraException) as raised:
        composed(f"hydra/launcher={launcher}")

    expected = f"hydra/launcher={launcher} needs {install_hint(extra)}"

    assert explain_hydra_error(raised.value) == expected


def test_a_machine_without_slurm_is_reported_in_one_line() -> None:
    error = RuntimeError('Could not detect "srun", are you indeed on a slurm cluster?')

    assert str(explain_hydra_error(error)).startswith("hydra/launcher=submitit_slurm: Slurm is not")


def test_shards_are_four_unless_both_numbers_are_given() -> None:
    config = composed("sweep=shards")
    typed = [f"{key}={value}" for key, value in config.hydra.sweeper.params.items()]

    assert config.batch.shards == 4
    assert split_sweep(typed) == [[f"batch.shard={n}"] for n in range(4)]
    assert len(split_sweep([*typed, "batch.shards=100", "batch.shard=range(100)"])) == 100


def test_what_a_launcher_carries_knows_where_its_sweep_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    jobs = _Jobs([])
    carried = pickle.dumps(jobs)
    monkeypatch.chdir("/")
    mask = os.umask(0o022)
    try:
        arrived = pickle.loads(carried)
        private = os.umask(mask)
    finally:
        os.umask(mask)

    assert jobs.origin is not None
    assert isinstance(arrived, RemoteJobs)
    assert (jobs.origin.cwd, str(Path.cwd())) == (str(tmp_path), str(tmp_path))
    assert private == 0o077


def test_a_machine_that_does_not_see_the_sweeps_directory_says_so(tmp_path: Path) -> None:
    mask = os.umask(0o077)
    try:
        lost = make_remote_jobs(Origin("ours", str(tmp_path / "elsewhere")))
    finally:
        os.umask(mask)
    with pytest.raises(OutputError, match=r"cannot see .+elsewhere: No such file or directory"):
        lost.run(None)


def write_note(sweep: Path, job: str, **note: Any) -> None:
    file = sweep / STATUS_FOLDER / f"{job}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"host": "node7", "exit_code": 0, "error": "", **note}))


def test_every_job_counts_also_one_that_left_no_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = tmp_path / "my sweep"
    sweep.mkdir()
    origin = Origin("ours", str(tmp_path))
    sweeper = {"_target_": "x.BasicSweeper", "params": {"repeat": "0,1,2,3"}}
    hydra = {"sweeper": sweeper, "sweep": {"subdir": "${hydra.job.num}"}}
    (sweep / "multirun.yaml").write_text(yaml.safe_dump({"hydra": hydra}))
    write_note(sweep, "0", token="ours")
    write_note(sweep, "1", token="ours", exit_code=2, error="x=0: expected more")
    write_note(sweep, "2", token="ours", exit_code=None)
    write_note(sweep, "3", token="of an earlier sweep in the same directory")
    (sweep / STATUS_FOLDER / "4.json").write_text("[]")

    assert collect(sweep, origin) == [0, 2, 4, 4]
    assert capsys.readouterr().err.split("\n") == [
        "colloquy: job 1 on node7: x=0: expected more",
        f"colloquy: job 2 has not ended on node7; colloquy resume='{sweep}' finishes it",
        f"colloquy: job 3 was not started; colloquy resume='{sweep}' finishes it",
        "",
    ]


@pytest.mark.slow
def test_jobs_in_other_processes_are_compared_and_decide_the_exit_code(tmp_path: Path) -> None:
    """The first is refused, the second started twice, both from another directory."""
    plugin = tmp_path / "plugins/hydra_plugins/carrying"
    plugin.mkdir(parents=True)
    (plugin / "__init__.py").write_text(LAUNCHER)
    write_talks(tmp_path / "talks", 1)
    done = colloquy(
        sys.executable,
        *("-m", "hydra/launcher=carrying", "transcript=talks/talk0.txt"),
        "processing.max_concurrent=0,3",
        *(f"~analyzer@analyzers.{name}" for name in (*STAGE_A[1:], *STAGE_B[:-1])),
        cwd=tmp_path,
        path=str(tmp_path / "plugins"),
    )
    sweep = only_sweep(tmp_path)
    told = json.loads((sweep / "comparison.json").read_text())

    assert done.returncode == 2, done.stderr
    assert "colloquy: job 0 on " in done.stderr
    assert [run["status"] for run in told["runs"]] == ["missing", "completed"]
    assert [None] * 2 == [fault_of(folder) for folder in (sweep, sweep / "1")]
    assert (sweep / "1/journal.jsonl").read_text().count('"run.started"') == 2
    assert {file.stat().st_mode & 0o077 for file in sweep.rglob("*")} == {0}


def python_for(launcher: str) -> str:
    found = os.environ.get(PYTHONS[launcher])
    if found is None:
        pytest.skip(f"{PYTHONS[launcher]} names no Python with the plugin")
    return found


@pytest.mark.third_party
@pytest.mark.parametrize("launcher", PYTHONS)
def test_shards_of_a_folder_read_every_file_once(launcher: str, tmp_path: Path) -> None:
    """Opt-in: COLLOQUY_RAY_PYTHON=…/bin/python pytest -m third_party tests/test_remote.py."""
    write_talks(tmp_path / "talks", 5)
    done = colloquy(
        python_for(launcher),
        *("sweep=shards", f"hydra/launcher={launcher}", "transcript=talks/"),
        *("batch.shards=2", "batch.shard=range(2)"),
        cwd=tmp_path,
    )
    sweep = only_sweep(tmp_path)
    tables = [(sweep / str(shard) / "results.jsonl").read_text() for shard in range(2)]
    rows = [json.loads(line) for table in tables for line in table.splitlines()]

    assert done.returncode == 0, done.stderr
    assert len(rows) == 5
    assert len(list(sweep.glob("*/runs/*/*/COMPLETED"))) == 5
    assert (sweep / "comparison.html").is_file()


@pytest.mark.third_party
@pytest.mark.parametrize("launcher", PYTHONS)
def test_a_job_that_is_refused_stops_no_other(launcher: str, tmp_path: Path) -> None:
    write_talks(tmp_path / "talks", 1)
    done = colloquy(
        python_for(launcher),
        *("-m", f"hydra/launcher={launcher}", "transcript=talks/talk0.txt"),
        "processing.max_concurrent=0,2,3",
        cwd=tmp_path,
    )
    told = json.loads((only_sweep(tmp_path) / "comparison.json").read_text())

    assert done.returncode == 2, done.stderr
    assert "colloquy: job 0 on " in done.stderr
    assert [run["status"] for run in told["runs"]] == ["missing", "completed", "completed"]


def test_a_sweep_that_has_no_run_leaves_no_directory_and_takes_nothing_of_others(
    tmp_path: Path,
) -> None:
    planned, own = tmp_path / "outputs/sweeps/x", tmp_path / "own"
    for folder in (planned, own):
        (folder / "0").mkdir(parents=True)
        (folder / "multirun.yaml").touch()
    (own / "0/notes").touch()
    for folder in (planned, own):
        remove_unstarted(folder)

    assert [own] == list(tmp_path.iterdir())
    assert ["0", "multirun.yaml"] == sorted(path.name for path in own.iterdir())
