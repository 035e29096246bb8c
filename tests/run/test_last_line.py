"""The last line of a run, and caps that hold no call at all."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from helpers import job
from helpers.runs import ONLY_TWO, execute, failing, invented, simulated

from runner.base.errors import EXIT_BUDGET, CallError, ConfigError, OutputError
from runner.reports.compare.rows import read_row
from runner.reports.verify import verify
from runner.run.last_line import can_help, hint_of, print_end, resume_command
from runner.run.nodes.first_calls import check_budget
from runner.run.plan.plan import make_plan, read_histories

PRICED = ("model.input_usd_per_mtok=1", "model.output_usd_per_mtok=2")


def told(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()

    assert err == ""
    return out


def write_statuses(run: Path, **statuses: str) -> None:
    metadata = {"stages": {"s": {"analyzers": statuses}}}
    (run / "metadata.json").write_text(json.dumps(metadata))


def test_the_last_line_names_the_report_if_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("a run")
    path.mkdir()
    write_statuses(path, a="ok", b="ok", c="ok")
    print_end(job(), path, "completed", 0)
    (path / "report.html").touch()
    print_end(job(), path, "completed", 0)

    assert [
        "status=completed exit=0 ok=3 failed=0 run='a run'",
        "status=completed exit=0 ok=3 failed=0 run='a run' report='a run/report.html'",
    ] == told(capsys).splitlines()


def test_paths_are_relative_where_the_output_directory_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    job_path = Path.cwd() / "outputs/sweeps/s/0"
    job_path.mkdir(parents=True)
    (job_path / "report.html").touch()
    print_end(job("output.dir=outputs"), job_path, "partial", 3)
    print_end(job(f"output.dir={tmp_path}"), job_path, "completed", 0)

    assert [
        "status=partial exit=3 run=outputs/sweeps/s/0 report=outputs/sweeps/s/0/report.html "
        'resume="colloquy resume=outputs/sweeps/s/0"',
        f"status=completed exit=0 run={job_path} report={job_path}/report.html",
    ] == told(capsys).splitlines()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_last_line_that_cannot_be_printed_is_a_failure_unless_nobody_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        monkeypatch.setattr("sys.stdout", full)
        with pytest.raises(OutputError, match="standard output: No space left"):
            print_end(job(), Path("r"), "completed", 0)
        monkeypatch.undo()
        with suppress(OSError):
            full.close()


def test_a_console_of_json_gets_json_to_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    Path("r").mkdir()
    write_statuses(Path("r"), a="ok", b="error", c="skipped")
    print_end(job("output.console=json"), Path("r"), "partial", 3)

    assert {
        "event": "run.ended",
        "status": "partial",
        "exit": 3,
        "ok": 1,
        "failed": 2,
        "run": "r",
        "resume": "colloquy resume=r",
    } == json.loads(told(capsys))


@pytest.mark.parametrize(
    ("kinds", "helps"),
    [
        (("bad_request",), False),
        (("refused", "context_exceeded"), False),
        (("bad_request", "transient"), True),
    ],
)
def test_resuming_is_named_only_where_it_can_change_something(
    kinds: tuple[str, ...], helps: bool
) -> None:
    names = ("say_means", "perspective_perception")
    faults = {name: CallError(kind, "no") for name, kind in zip(names, kinds, strict=False)}
    result, _, _ = execute(job(*ONLY_TWO), failing(faults))
    result = type(result)(
        result.status,
        result.exit_code,
        {name: result.outcomes[name] for name in faults},
        result.benchmark,
    )

    assert helps == can_help(result)


def test_a_used_up_budget_is_enlarged_by_what_the_run_may_need() -> None:
    made = job(*ONLY_TWO, "budget.max_tokens=9000")
    most = make_plan(made, read_histories(made)).total("most_tokens")
    execute(made)

    assert f"colloquy resume=run budget.max_tokens={9000 + most}" == resume_command(
        Path("run"), made, EXIT_BUDGET
    )
    assert "colloquy resume=run" == resume_command(Path("run"), made, 3)


@pytest.mark.parametrize("cap", ["budget.max_tokens", "budget.max_cost_usd"])
def test_a_cap_that_holds_no_call_is_refused_with_the_least_that_would_do(cap: str) -> None:
    tiny = job(*PRICED, f"{cap}={'0.00001' if 'usd' in cap else 1}")
    with pytest.raises(ConfigError, match="expected at least that") as caught:
        check_budget(tiny, None)
    least = str(caught.value).partition("may ")[2].split()[1].rstrip(";")
    check_budget(job(*PRICED, f"{cap}={least}"), None)


def test_a_run_whose_quotes_are_invented_is_degraded_and_complete() -> None:
    made = job(*ONLY_TWO)
    result, path, _ = execute(made, invented)

    assert ("degraded", 3) == (result.status, result.exit_code)
    assert "fewer than grounding.min_rate=0.5 asks for" in (hint_of(made, result) or "")
    assert [] == verify(path)
    assert (path / "COMPLETED").is_file()
    assert ("degraded", True) == (read_row(path).status, read_row(path).measured)
    assert "0.0% of its quotes are in the transcript" == read_row(path).reason
    assert not can_help(result)


@pytest.mark.parametrize(("rate", "status"), [("0", "completed"), ("1", "completed")])
def test_the_rate_that_is_asked_for_can_be_set(rate: str, status: str) -> None:
    made = job(*ONLY_TWO, f"grounding.min_rate={rate}")
    result, _, _ = execute(made, invented if rate == "0" else simulated)

    assert status == result.status
    assert hint_of(made, result) is None


def test_the_last_line_names_what_would_have_helped(capsys: pytest.CaptureFixture[str]) -> None:
    made = job(*ONLY_TWO, "model.timeout_s=60", "processing.max_concurrent=4")
    result, path, _ = execute(made, failing({"say_means": CallError("timeout", "late")}))
    print_end(made, path, result.status, 3, hint=hint_of(made, result))

    assert (
        'hint="replies took longer than model.timeout_s=60: try model.timeout_s=120 or '
        'processing.max_concurrent=2"'
    ) in told(capsys)
