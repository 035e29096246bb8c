"""Signals and kills sent to a real process that talks to a real loopback server."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from helpers.processes import finish, provider, run_of, start, start_at, until
from helpers.runs import load

from runner.reports.verify import verify
from runner.run import entry_points

pytestmark = pytest.mark.slow

STAGE_A = ("say_means", "perspective_perception", "premises_assertions", "postulate_theorem")


@pytest.mark.parametrize("command", [entry_points.main, entry_points.ask, entry_points.verify])
def test_an_interrupt_while_python_still_imports_has_no_traceback(
    command: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry_points, "import_module", interrupted)
    with pytest.raises(SystemExit) as end:
        command()

    assert 130 == end.value.code


class _Interrupting:
    def __set_name__(self, *_: object) -> None:
        raise KeyboardInterrupt


def _makes_a_class(_: str) -> None:
    type("Made", (), {"attribute": _Interrupting()})


def _has_an_interrupted_main(_: str) -> SimpleNamespace:
    return SimpleNamespace(main=partial(_makes_a_class, ""))


@pytest.mark.parametrize("imported", [_makes_a_class, _has_an_interrupted_main])
def test_an_interrupt_while_a_class_is_made_has_no_traceback(
    imported: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry_points, "import_module", imported)
    with pytest.raises(SystemExit) as end:
        entry_points.main()

    assert 130 == end.value.code


def test_another_error_while_python_still_imports_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(entry_points, "import_module", broken)
    with pytest.raises(RuntimeError, match="broken"):
        entry_points.main()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_the_first_signal_lets_calls_in_flight_finish_and_sends_no_more(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with provider(*STAGE_A) as at:
        process = start_at(at.url, tmp_path)
        until(lambda: at.asked.total() == 4)
        process.send_signal(number)
        until(lambda: "finishing 4 calls in flight" in process.errors)
        at.release()
        errors = process.wait().stderr
        run = run_of(tmp_path)
        statuses = load(run / "metadata.json")["stages"]

        assert process.returncode == code, errors
        assert load(run / "metadata.json")["exit_code"] == code
        assert at.asked.total() == 4
        assert set(statuses["stage_a"]["analyzers"].values()) == {"ok"}
        assert set(statuses["stage_b"]["analyzers"].values()) == {"not_run"}
        assert load(run / "metadata.json")["status"] == "interrupted"
        assert verify(run) == []

        done = finish(tmp_path, at.url)

        assert done.returncode == 0, done.stderr
        assert set(at.asked.values()) == {1}
        assert verify(run) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_second_signal_cancels_at_once_and_nothing_is_torn(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with provider(*STAGE_A[1:]) as at:
        process = start_at(at.url, tmp_path)
        until(lambda: (tmp_path / "outputs").exists() and committed(tmp_path) == {"say_means"})
        process.send_signal(number)
        until(lambda: "interrupted" in (run_of(tmp_path) / "logs/events.jsonl").read_text())
        process.send_signal(number)
        done = process.wait()
        errors = done.stderr
        run = run_of(tmp_path)

        assert process.returncode == code, errors
        assert load(run / "metadata.json")["exit_code"] == code
        assert load(run / "metadata.json")["status"] == "interrupted"
        assert "Traceback" not in errors
        assert f'resume="colloquy resume={run.relative_to(tmp_path)}"' in done.stdout
        assert verify(run) == []


def committed(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("outputs/runs/*/intermediate/*/*.json")}


def test_a_killed_run_is_finished_without_a_second_call_for_what_was_committed(
    tmp_path: Path,
) -> None:
    with provider("postulate_theorem") as at:
        process = start_at(at.url, tmp_path)
        until(lambda: len(committed(tmp_path)) == 3)
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = committed(tmp_path)
    with provider(port=urlsplit(at.url).port or 0) as at:
        done = finish(tmp_path, at.url)
        run = run_of(tmp_path)

        assert done.returncode == 0, done.stderr
        assert before.isdisjoint(at.asked)
        assert at.asked.total() == 5
        assert load(run / "metadata.json")["totals"]["unsettled"] == 1
        assert verify(run) == []


def test_two_runs_never_share_a_directory(tmp_path: Path) -> None:
    with provider(*STAGE_A) as at:
        first = start_at(at.url, tmp_path)
        until(lambda: at.asked.total() == 4)
        before = at.asked.total()
        second = finish(tmp_path, at.url)
        first.send_signal(signal.SIGKILL)
        first.wait()

        assert second.returncode == 9, second.stderr
        assert f"is in use by process {first.pid} on" in second.stderr
        assert at.asked.total() == before


def test_a_signal_ends_a_sweep_and_its_other_jobs_are_not_begun(tmp_path: Path) -> None:
    with provider(*STAGE_A) as at:
        process = start_at(
            at.url,
            tmp_path,
            "-m",
            "model=openai",
            f"model.api_base={at.url}",
            "processing.max_concurrent=4,3,2",
        )
        until(lambda: at.asked.total() == 4)
        process.send_signal(signal.SIGINT)
        until(lambda: "finishing" in process.errors)
        at.release()
        errors = process.wait().stderr

    assert process.returncode == 130, errors
    assert len(list(tmp_path.glob("outputs/sweeps/*/*/metadata.json"))) == 1


# Readings that a signal finds at work: one computes, one waits for what does not answer.
READING = """
import time
from pathlib import Path
from runner.answers.shape import Strict

class Fields(Strict):
    pass

def read(document):
    Path("begun.txt").open("a").write("NAME\\n")
    while True:
        WORK
"""


def write_endless_analyzers(folder: Path) -> tuple[str, ...]:
    """Write two analyzers whose readings never end; return what adds them to a run."""
    for part in ("analyzer", "analyzers"):
        (folder / part).mkdir()
    for name, work in (("computing", "pass"), ("waiting", "time.sleep(3600)")):
        text = READING.replace("NAME", name).replace("WORK", work)
        (folder / f"analyzer/{name}.yaml").write_text("defaults: [base, _self_]\nstage: stage_a\n")
        (folder / f"analyzers/{name}.md").write_text("What is said?\n")
        (folder / f"analyzers/{name}.py").write_text(text)
    added = (f"+analyzer@analyzers.{name}={name}" for name in ("computing", "waiting"))
    return ("--config-dir", str(folder), *added)


@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        (signal.SIGTERM, ("model.timeout_s=0.01", "output.dir=outputs")),
        (signal.SIGINT, ("transcript=talks", "processing.max_concurrent=2")),
        (signal.SIGINT, ("-m", "hydra/launcher=pooled", "repeat=0,1")),
    ],
)
def test_a_signal_ends_an_offline_run_whatever_its_readings_do(
    tmp_path: Path, number: signal.Signals, arguments: tuple[str, ...]
) -> None:
    """One signal is enough, and the time of a reading neither ends it nor begins it again."""
    mine, begun = tmp_path / "mine", tmp_path / "begun.txt"
    mine.mkdir()
    (tmp_path / "talks").mkdir()
    (tmp_path / "talks/one.txt").write_text("Ann: We should wait, because the pump failed.\n")
    process = start(*write_endless_analyzers(mine), *arguments, cwd=tmp_path)
    until(lambda: begun.exists() and len(begun.read_text().split()) >= 2)
    process.send_signal(number)
    ended = process.wait()
    logs = [path.read_text() for path in tmp_path.rglob("journal.jsonl")]
    events = [json.loads(line) for log in logs for line in log.splitlines()]
    kinds = {event["kind"] for event in events if event["event"] == "call.failed"}

    assert 128 + number == ended.returncode, ended.stderr
    assert "Traceback" not in ended.stderr
    assert {"interrupted"} == kinds
    assert 2 * (1 + ("-m" in arguments)) >= len(begun.read_text().split())
