"""The command as people run it: a process of its own, its files, its last line, its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import slow_server, warm
from helpers.processes import END_S, colloquy, until, warm_server
from helpers.runs import load

pytestmark = pytest.mark.slow

TALK = "Ann: We should wait, because the pump failed.\n"
STAGES = {
    "stage_a": ("say_means", "perspective_perception", "premises_assertions", "postulate_theorem"),
    "stage_b": (
        "competing_hypotheses",
        "first_principles",
        "determining_factors",
        "patentability",
    ),
}


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run the shipped default once: no key, no argument."""
    folder = tmp_path_factory.mktemp("sample")
    command = [sys.executable, "-m", "runner"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=END_S)
    (run,) = (folder / "outputs" / "runs").iterdir()
    return done, run


def test_the_default_command_completes_with_eight_of_eight(sample_run: Any) -> None:
    done, run = sample_run
    where = f"outputs/runs/{run.name}"

    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        f"status=completed exit=0 ok=8 failed=0 run={where} report={where}/report.html\n"
    )
    assert load(run / "logs/benchmark.json")["run"]["succeeded"] == 8


def test_every_answer_quotes_the_transcript_word_for_word(sample_run: Any) -> None:
    _, run = sample_run
    said = {s["id"]: s["text"] for s in load(run / "transcript.json")["segments"]}
    checked = 0
    for stage, names in STAGES.items():
        for name in names:
            record = load(run / "intermediate" / stage / f"{name}.json")
            for insight in record["insights"]:
                assert insight["evidence"], insight
                for evidence in insight["evidence"]:
                    assert evidence["quote"] in said[evidence["segment"]]
                    checked += 1

    assert checked >= 8


def test_stage_b_cites_only_what_its_context_gave_it(sample_run: Any) -> None:
    _, run = sample_run
    context = (run / "context/stage_b.md").read_text()
    for name in STAGES["stage_b"]:
        for insight in load(run / "intermediate/stage_b" / f"{name}.json")["insights"]:
            for evidence in insight["evidence"]:
                assert f'{{{evidence["segment"]} "{evidence["quote"]}"}}' in context


def test_the_log_holds_our_events_and_the_clients(sample_run: Any) -> None:
    _, run = sample_run
    events = [json.loads(line) for line in (run / "logs/events.jsonl").read_text().splitlines()]

    assert {"run.started", "call.finished", "run.finished"} <= {e["event"] for e in events}
    assert {e.get("run") for e in events if e["logger"].startswith("colloquy")} == {run.name}


def test_every_page_says_that_a_baseline_answered(sample_run: Any) -> None:
    _, run = sample_run
    for page in run.glob("intermediate/*/*.md"):
        assert "Answered by offline/extractive, an extractive baseline" in page.read_text()


def test_files_are_private(sample_run: Any) -> None:
    _, run = sample_run

    assert {p.stat().st_mode & 0o077 for p in run.rglob("*")} == {0}


def test_the_configuration_is_kept_beside_the_run(sample_run: Any) -> None:
    _, run = sample_run

    assert load(run / "config/overrides.json") == []
    assert "max_concurrent: 3" in (run / "config/resolved.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (
            ["processing.max_concurent=4"],
            2,
            "colloquy: unknown key 'processing.max_concurent'; "
            "did you mean 'processing.max_concurrent'?",
        ),
        (["+typo=1"], 2, "colloquy: unknown key 'typo'"),
        (["model=opneai"], 2, "colloquy: model=opneai: no such choice; did you mean 'openai'?"),
        (
            ["output.console=json", "model=opnai"],
            2,
            '{"event":"message","text":"colloquy: model=opnai: no such choice; ',
        ),
        (["-m", "model=opnai,offline"], 2, "colloquy: model=opnai: no such choice"),
        (["guide="], 2, "colloquy: guide='': should have at least 1 character"),
        (["transcript=takn"], 7, "colloquy: takn: no such file or folder; did you mean 'taken'?"),
        (["model.name=[a/b"], 2, "colloquy: "),
        (["output=5"], 2, "colloquy: output=5: expected a section"),
        (["transcript=nope.md"], 7, "colloquy: "),
        (["output.dir=taken"], 8, "colloquy: cannot write the run directory taken/runs/"),
        (["-m", "hydra.sweep.dir=taken/sweep"], 8, "colloquy: taken/sweep: Not a directory"),
    ],
)
def test_bad_input_is_one_line_an_exit_code_and_no_file(
    tmp_path: Path, arguments: list[str], code: int, line: str
) -> None:
    (tmp_path / "taken").write_text("a file where a directory should be")
    done = colloquy(*arguments, cwd=tmp_path)

    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_an_override_is_kept_as_it_was_typed(tmp_path: Path) -> None:
    """What an environment variable holds must not reach a file by way of the overrides."""
    (tmp_path / "t.txt").write_text(TALK)
    typed = "transcript.path=${oc.env:CANARY}"
    done = colloquy("transcript=file", typed, cwd=tmp_path, CANARY="t.txt")
    (run,) = (tmp_path / "outputs/runs").iterdir()

    assert done.returncode == 0, done.stderr
    assert load(run / "config/overrides.json") == ["transcript=file", typed]


def test_a_reader_that_goes_away_does_not_spoil_the_run(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text(TALK)
    reader, writer = os.pipe()
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        streams = [nothing.fileno(), writer, writer]
        argv = ("colloquy", "transcript=talk.txt")
        _, told = warm.fork(warm_server().door, streams, argv, str(tmp_path), os.environ)
    os.close(writer)
    with open(reader, "rb") as head:  # noqa: PTH123
        first = head.readline()
    with told:
        code = int(told.readline())

    assert (True, 0) == (bool(first), code)
    assert list(tmp_path.glob("outputs/runs/*/COMPLETED"))


def test_a_file_of_ones_own_is_read_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "my talk.txt").write_text(
        "Ann: I think we should wait, because the pump failed twice last week.\n"
        "Bo: I disagree. If we wait, then we lose the contract.\n"
    )
    done = colloquy("transcript=my talk.txt", "output.console=json", cwd=tmp_path)
    (run,) = (tmp_path / "outputs/runs").iterdir()
    lines = done.stderr.strip().split("\n")

    assert done.returncode == 0, done.stderr
    assert [s["speaker"] for s in load(run / "transcript.json")["segments"]] == ["Ann", "Bo"]
    assert all("event" in json.loads(line) for line in lines[:-1])
    assert json.loads(colloquy(f"resume={run}", cwd=tmp_path).stderr)["event"] == "message"


def test_a_sweep_gives_each_job_its_own_directory_and_log(tmp_path: Path) -> None:
    """One job has an impossible value: it fails, the others run, the exit code says so."""
    (tmp_path / "talk.txt").write_text(TALK)
    done = colloquy("-m", "processing.max_concurrent=1,0,4", "transcript=talk.txt", cwd=tmp_path)
    (sweep,) = (tmp_path / "outputs/sweeps").iterdir()

    assert done.returncode == 2, done.stderr
    assert "processing.max_concurrent=0" in done.stderr
    assert not (sweep / "1" / "COMPLETED").exists()
    for job, slots in (("0", 1), ("2", 4)):
        measured = load(sweep / job / "logs/benchmark.json")
        events = [
            json.loads(line)
            for line in (sweep / job / "logs/events.jsonl").read_text().splitlines()
        ]
        names = [event["event"] for event in events]

        assert (sweep / job / "COMPLETED").is_file()
        assert measured["run"]["max_concurrent"] == slots
        assert names.count("run.started") == names.count("run.finished") == 1
        assert names.count("call.finished") == 8


def test_an_interrupt_ends_with_130_and_leaves_whole_files(tmp_path: Path) -> None:
    with slow_server() as url:
        command = [sys.executable, "-m", "runner", "model=openai", f"model.api_base={url}"]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env={**os.environ, "OPENAI_API_KEY": "not-a-key"},
            stderr=subprocess.PIPE,
            text=True,
            # A shell that starts a job with `&` makes it ignore SIGINT.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        )
        log = tmp_path / "outputs"
        until(lambda: bool(list(log.glob("runs/*/metadata.json"))))
        process.send_signal(signal.SIGINT)
        (events,) = log.glob("runs/*/logs/events.jsonl")
        until(lambda: "interrupted" in events.read_text())
        process.send_signal(signal.SIGINT)  # does not wait for the calls in flight
        _, errors = process.communicate(timeout=END_S)
    (run,) = (log / "runs").iterdir()

    assert process.returncode == 130, errors
    assert load(run / "metadata.json")["status"] == "interrupted"
    assert [load(p) for p in run.rglob("*.json")]
    assert "Traceback" not in errors


LONG = "x" * 5000


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (
            ["--experimental-rerun", "job.pickle"],
            2,
            "--experimental-rerun: it runs the configuration in a file",
        ),
        (["--exp=job.pickle"], 2, "--exp: it runs the configuration in a file"),
        (["-p", "meeting"], 2, "--package meeting: it only limits what --cfg shows; did you mean "),
        (["hydra.searchpath=[file:///nowhere]"], 2, "hydra.searchpath: /nowhere: no such folder"),
        (["plan=true", "delivery.by=2020-01-01"], 2, "delivery.by=2020-01-01 has passed"),
        (["--resolve"], 2, "The --resolve flag can only be used"),
        (["-m", "--cfg", "job"], 2, "Only one of --run, --multirun"),
        (["-sc", "bogus"], 2, "Expecting one subcommand"),
        (["hydra.run.dir=/proc/x"], 8, "/proc/x: No such file or directory"),
        (["-m", "hydra.sweep.dir=/proc/x", "repeat=1,2"], 8, "/proc/x: No such file or directory"),
        (["output.dir=/proc/x"], 8, "cannot write the run directory /proc/x"),
        ([f"output.dir={LONG}"], 8, "cannot write the run directory xxx"),
        ([f"hydra.run.dir={('x' * 200 + '/') * 19}"], 8, "cannot write the run directory "),
        ([f"transcript={LONG}"], 2, "transcript=xxx"),
        ([f"transcript={LONG}.txt"], 7, "xxx"),
        ([f"model={LONG}"], 2, "model=xxx"),
        ([f"resume={LONG}"], 2, "resume=xxx"),
        ([f"+x={'[' * 900}{']' * 900}"], 2, "an argument is nested too deep"),
        (["transcript=~nobodys/talk.txt"], 7, "~nobodys/talk.txt: no such file"),
        (["resume=~nobodys"], 2, "resume=~nobodys: there is no run"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_is_one_line_with_its_exit_code(
    arguments: list[str], code: int, line: str, tmp_path: Path
) -> None:
    done = colloquy(*arguments, cwd=tmp_path)

    assert (code, 1) == (done.returncode, done.stderr.count("\n")), done.stderr[:500]
    assert done.stderr.startswith(f"colloquy: {line}"), done.stderr[:500]
    assert len(done.stderr) < 600
