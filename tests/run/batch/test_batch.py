"""Many transcripts through one client: real batches in virtual time, and from the command line."""

from __future__ import annotations

import csv
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from helpers import ScriptedTransport, job
from helpers.batches import NODES, execute_batch, many, write, write_all
from helpers.disk import full_disk
from helpers.runs import ONLY_TWO, invented, simulated

from runner.base.errors import CallError, ConfigError, TranscriptError
from runner.base.secrets import Secrets
from runner.base.usage import Usage
from runner.calls.client_factory import max_in_flight
from runner.config.schema import Settings
from runner.job.build import for_transcript
from runner.job.job import BatchJob, Job
from runner.providers.request import Request
from runner.record.batch_directory import PARTS, is_batch, rows_of, single_runs, write_insights
from runner.record.history import HISTORY
from runner.record.journal import Spent, read_journal
from runner.record.run_directory import RunDirectory
from runner.reports.compare.compare import compare
from runner.reports.compare.write import write_comparison
from runner.reports.export.spans import run_span
from runner.reports.report.timeline import read_session
from runner.reports.report.write import main as report
from runner.reports.report.write import write_report
from runner.reports.stored_run import counts_of, find_runs, read_run
from runner.reports.verify import verify
from runner.run.batch import batch_run
from runner.run.batch.console import BatchConsole
from runner.run.batch.plan import plan_batch
from runner.run.batch.tally import Tally
from runner.run.last_line import can_help, hint_of, nothing_to_do
from runner.run.objective import objective
from runner.run.plan.plan import make_plan
from runner.run.resume import read_resumption
from runner.run.stop import Stop
from runner.transcript.inputs import Input, Inputs, find_inputs, is_many

SECOND = dict.fromkeys(("say_means", "perspective_perception", "competing_hypotheses"), 1.0)


def settings(*overrides: str) -> Settings:
    return job(*ONLY_TWO, *overrides).settings.model_copy(
        update={
            "transcript": job(*ONLY_TWO).settings.transcript.model_copy(update={"path": "many"})
        }
    )


def asked_of(requests: list[Request], name: str) -> list[int]:
    """Return the places of the requests that read the file *name*."""
    return [at for at, request in enumerate(requests) if name in str(request.messages)]


def rows() -> dict[str, dict[str, str]]:
    with (Path("batch") / "results.csv").open() as file:
        return {row["transcript"]: row for row in csv.DictReader(file)}


def load(name: str) -> Any:
    return json.loads((Path("batch") / name).read_bytes())


def test_a_directory_or_a_pattern_is_many_and_a_file_is_one() -> None:
    write("a.txt")
    write("odd[1].txt")

    assert is_many("many")
    assert is_many("many/*.txt")
    assert not is_many("many/a.txt")
    assert not is_many("many/odd[1].txt")
    assert not is_many("absent.txt")


def test_the_files_of_a_directory_are_its_transcripts_below_it_too_in_order() -> None:
    for name in ("b.vtt", "a.txt", "deep/er/c.MD", "notes.png", ".hidden.txt", ".git/x.txt"):
        write(name)
    for name in (
        "sweep/multirun.yaml",
        "compared/comparison.html",
        "r/run.lock",
        "r/journal.jsonl",
    ):
        write(name)
        write(f"{name.partition('/')[0]}/page.md")
    Path("elsewhere.txt").write_text("Ann: secret\n")
    (Path("many") / "link.txt").symlink_to(Path("elsewhere.txt").resolve())
    (Path("many") / "same.txt").symlink_to("a.txt")

    assert ["a.txt", "b.vtt", "deep/er/c.MD", "same.txt"] == [
        given.name for given in find_inputs(settings())
    ]


def test_a_lock_of_another_program_marks_no_results() -> None:
    Path("many").mkdir(exist_ok=True)
    Path("run.lock").touch()
    write("run.lock")
    write("a.txt")

    assert ["a.txt"] == [given.name for given in find_inputs(settings())]


def test_the_transcript_of_a_run_can_be_read_again() -> None:
    for mark in ("run.lock", "journal.jsonl"):
        Path(mark).touch()
    Path("transcript.json").write_text('{"segments": [{"speaker": "Ana", "text": "We start."}]}')

    assert "We start." == job("transcript.path=transcript.json").transcript.segments[0].text


def test_a_pattern_chooses_files_of_any_name() -> None:
    for name in ("x/a.log", "x/b.txt", "y/a.log"):
        write(name)
    made = many("transcript.path=many/**/*.log")

    assert ["x/a.log", "y/a.log"] == [given.name for given in made.inputs]


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
def test_shards_share_all_files_and_no_file_twice(shards: int) -> None:
    write_all(10)
    parts = [
        [given.name for given in many(f"batch.shards={shards}", f"batch.shard={shard}").inputs]
        for shard in range(shards)
    ]

    assert sorted(name for part in parts for name in part) == [f"t{n:03}.txt" for n in range(10)]
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["transcript.path=many/*.none"], "there is no transcript"),
        (["transcript.path=empty"], r"expected files that end in \.txt"),
        (["transcript.path=old"], "results of Colloquy, not transcripts; .*resume=old"),
        (["transcript.path=old/runs"], r"not transcripts; .*resume=/\S+/old$"),
        (["transcript.path='old/runs/*/*.md'"], "results of Colloquy, not transcripts"),
        (["transcript.path=old/runs/0a/insights.md"], r"not transcripts; .*resume=/\S+/old$"),
        (["batch.shard=2", "batch.shards=2"], "batch.shard=2: expected 0 to 1"),
        (["batch.shards=0"], "batch.shards=0"),
        (["batch.max_failure_ratio=2"], "batch.max_failure_ratio=2"),
        (["transcript.format=vvt"], "did you mean 'vtt'"),
    ],
)
def test_what_can_be_no_batch_is_refused_before_anything_is_sent(
    overrides: list[str], told: str
) -> None:
    write_all(1)
    Path("empty").mkdir()
    Path("old/runs/0a").mkdir(parents=True)
    for mark in ("run.lock", "journal.jsonl"):
        (Path("old") / mark).touch()
    Path("old/runs/0a/insights.md").write_text("Ana: hello")

    with pytest.raises(ConfigError, match=told):
        many(*overrides)


@pytest.mark.parametrize(
    ("file", "content", "overrides"),
    [
        ("many/KEY.txt", "Ana: hello", ()),
        ("a.csv", "file,role\nt000.txt,KEY\n", ("pipeline=interviews", "attributes=a.csv")),
        ("b.csv", "code,definition\nplans,on KEY\n", ("pipeline=codebook", "codebook=b.csv")),
        ("c.yaml", "every: [{type: contains, value: KEY}]", ("checks=file", "checks.file=c.yaml")),
        ("r.yaml", "- {question: Who?, answer: KEY, turns: [1]}", ("references=r.yaml",)),
    ],
)
def test_a_key_in_a_file_or_its_name_is_refused(
    file: str, content: str, overrides: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_all(2)
    key = "Zq7-RedFox_91x"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    Path("guide.md").write_text("1. Who decides?\n")
    Path(file.replace("KEY", key)).write_text(content.replace("KEY", key))
    overrides += ("guide=guide.md",) if "pipeline=interviews" in overrides else ()

    with pytest.raises(ConfigError, match="contains what looks like a key") as raised:
        job("transcript=file", "transcript.path=many", *overrides)
    assert key not in str(raised.value)


def test_every_file_has_a_run_and_a_row_and_one_bad_file_stops_no_other() -> None:
    write_all(4)
    write("t001.txt", "")
    result, transport = execute_batch(many())
    found = rows()

    assert result.exit_code == 3
    assert result.status == "partial"
    assert {"ok": 3, "failed": 1, "not_run": 0} == counts_of(load("metadata.json"))
    assert NODES * 3 == len(transport.requests)
    assert ["completed", "unreadable", "completed", "completed"] == [
        found[f"t{n:03}.txt"]["status"] for n in range(4)
    ]
    assert "7" == found["t001.txt"]["exit_code"]
    assert found["t001.txt"]["error"].startswith("no utterances")
    for number in (0, 2, 3):
        run = Path("batch") / found[f"t{number:03}.txt"]["run"]
        assert (run / "COMPLETED").is_file()
        assert (
            f"t{number:03}"
            == json.loads((run / "metadata.json").read_bytes())["transcript"]["name"]
        )
        assert read_run(run).config["transcript"]["path"] == "many"
    assert [] == verify(Path("batch"))
    assert [Path("batch")] == find_runs(Path())


def test_the_insights_of_all_runs_are_in_one_table_under_the_names_of_their_files() -> None:
    for name in ("a.txt", "deep/b.txt"):
        write(name)
    execute_batch(many())
    lines = [json.loads(line) for line in Path("batch/insights.jsonl").read_bytes().splitlines()]
    with Path("batch/insights.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    runs = dict.fromkeys(line["run"] for line in lines)
    stored = [found for run in runs for found in load(f"{run}/insights.json")]

    assert ["a.txt", "deep/b.txt"] == sorted({line["transcript"] for line in lines})
    assert [found["text"] for found in stored] == [line["text"] for line in lines]
    assert [(line["transcript"], line["text"]) for line in lines] == [
        (row["transcript"], row["text"]) for row in table
    ]


def test_a_row_that_names_another_folder_adds_no_insights() -> None:
    write("a.txt")
    execute_batch(many())
    Path("insights.json").write_text('[{"text": "planted"}]')
    results = Path("batch/results.jsonl")
    results.write_text(results.read_text() + '{"event": "x", "transcript": "p", "run": ".."}\n')
    write_insights(Path("batch"), "insight")

    assert "planted" not in Path("batch/insights.jsonl").read_text()


def test_all_bad_is_7_and_all_answered_is_0() -> None:
    write("a.txt", "")
    assert 7 == execute_batch(many())[0].exit_code
    write("a.txt")
    assert 0 == execute_batch(many(), again=True)[0].exit_code
    assert (Path("batch") / "COMPLETED").is_file()


def test_a_file_that_was_removed_is_no_longer_in_the_results_until_it_is_back() -> None:
    write("a.txt")
    write("b.txt")
    write("bad.txt", "")
    assert 3 == execute_batch(many())[0].exit_code
    Path("many/bad.txt").unlink()
    Path("many/b.txt").rename("b.txt")

    assert 0 == execute_batch(many(), again=True)[0].exit_code
    write_report(Path("batch"))
    assert ["a.txt"] == [*rows()]
    for name in ("insights.csv", "insights.jsonl", "report.html"):
        assert "b.txt" not in Path("batch", name).read_text()
    assert ["a"] == [read_run(run).transcript.name for run in single_runs([Path("batch")])]
    assert [] == verify(Path("batch"))
    Path("b.txt").rename("many/b.txt")
    _, transport = execute_batch(many(), again=True)

    assert (["a.txt", "b.txt"], []) == ([*rows()], transport.requests)
    assert [] == verify(Path("batch"))


def test_a_batch_asks_its_judge_once_about_an_answer_with_two_labels() -> None:
    write_all(3)
    labels = "".join(
        f"{{answer: a{n}, label: {w}}}, " for n in range(4) for w in ("right", "wrong")
    )
    check = f"{{type: llm-rubric, value: v, labels: [{labels}]}}"
    Path("c.yaml").write_text(f"judge: strong\nanalyzers: {{say_means: [{check}]}}")
    judged = ("+model@models.strong=simulated", "checks=file", "checks.file=c.yaml")
    strong = ScriptedTransport(lambda request: '{"reason": "so", "verdict": "A"}')
    made = many(*judged)
    execute_batch(made, strong=strong)

    assert 2 * (4 + 3) == len(strong.requests) == plan_batch(made).nodes["say_means judged"].calls


def test_a_batch_whose_quotes_are_invented_is_degraded_and_asks_nothing_again() -> None:
    write_all(2)
    first, _ = execute_batch(many(), invented)
    again, transport = execute_batch(many(), again=True)

    assert (can_help(first), "column error" in (hint_of(many(), first) or "")) == (False, True)
    assert ("degraded", 3) == (first.status, first.exit_code) == (again.status, again.exit_code)
    assert [] == transport.requests
    assert ["degraded"] * 2 == [row["status"] for row in rows().values()]
    assert all(row["error"].startswith("only 0 of") for row in rows().values())
    assert 2 == load("metadata.json")["files"]["degraded"]
    assert [] == verify(Path("batch"))


def test_tokens_and_cost_of_all_runs_are_summed_and_told() -> None:
    write_all(3)
    result, _ = execute_batch(many())
    calls = 3 * NODES
    run, metadata = load("logs/benchmark.json")["run"], load("metadata.json")

    assert run == result.benchmark["run"]
    for told in (run, metadata["totals"]):
        assert 100 * calls == told["prompt_tokens"]
        assert 20 * calls == told["completion_tokens"]
        assert pytest.approx(0.001 * calls) == told["cost_usd"]
    assert calls == run["succeeded"] == run["total"]
    assert sum(float(row["cost_usd"]) for row in rows().values()) == pytest.approx(0.001 * calls)
    assert 3 == metadata["files"]["completed"]
    assert "batch" == metadata["kind"]


def test_no_more_calls_are_out_than_there_are_slots_and_all_slots_are_used() -> None:
    write_all(12)
    result, _ = execute_batch(many("processing.max_concurrent=6"), latency_s=SECOND)
    run = result.benchmark["run"]

    assert 12 * NODES == run["sum_latency_s"]
    assert 12 * NODES / 6 == run["ideal_s"]
    # Slots idle only in the last round, in which the last runs' stage B has nobody beside it.
    assert run["wall_s"] == run["ideal_s"] + 1


def test_runs_are_finished_before_others_are_begun() -> None:
    write_all(9)
    _, transport = execute_batch(many("processing.max_concurrent=2"), latency_s=SECOND)
    last = [asked_of(transport.requests, f"t{n:03}.txt")[-1] for n in range(9)]

    assert last == sorted(last)
    for number in range(9):  # few calls of others come between those of one run
        places = asked_of(transport.requests, f"t{number:03}.txt")
        assert places[-1] - places[0] < 2 * NODES


def test_only_a_window_of_files_is_begun() -> None:
    write_all(30)
    begun: list[int] = []

    def reply(request: Request) -> str:
        begun.append(len(list(Path("batch/runs").glob("*/*"))))
        return simulated(request)

    execute_batch(many("processing.max_concurrent=2", "batch.max_active=3"), reply)

    assert max(at - place // NODES for place, at in enumerate(begun)) <= 3 + 1


def test_processing_in_sequence_is_one_run_after_the_other() -> None:
    write_all(3)
    _, transport = execute_batch(many("processing.mode=sequential"))
    files = [
        next(n for n in range(3) if f"t{n:03}.txt" in str(request.messages))
        for request in transport.requests
    ]

    assert sorted(files) == files


def test_a_corpus_that_mostly_fails_is_given_up() -> None:
    write_all(60)

    def refuse(request: Request) -> str:
        raise CallError("bad_request", "no")

    result, transport = execute_batch(many("processing.max_concurrent=2"), refuse)

    assert 4 == result.exit_code
    counts = counts_of(load("metadata.json"))
    assert 20 <= counts["failed"] <= 20 + 6
    assert counts["not_run"] == 60 - counts["failed"]
    assert len(transport.requests) <= 26 * NODES


def test_a_share_of_failures_that_is_allowed_ends_nothing() -> None:
    write_all(40)

    def mostly(request: Request) -> str:
        if "t00" not in str(request.messages):
            raise CallError("bad_request", "no")
        return simulated(request)

    result, _ = execute_batch(many("batch.max_failure_ratio=1"), mostly)

    assert 3 == result.exit_code
    assert {"ok": 10, "failed": 30, "not_run": 0} == counts_of(load("metadata.json"))


def test_a_refused_key_begins_no_further_file() -> None:
    write_all(30)

    def refuse(request: Request) -> str:
        raise CallError("auth", "no such key")

    result, transport = execute_batch(many("processing.max_concurrent=2"), refuse)

    assert 5 == result.exit_code
    assert len(transport.requests) <= 2
    assert counts_of(load("metadata.json"))["not_run"] > 15


def test_what_a_signal_left_can_be_taken_up_and_nothing_is_paid_for_twice() -> None:
    write_all(4)
    stop, made = Stop(), []

    def interrupting(request: Request) -> str:
        made.append(request)
        stop.signum = 2 if len(made) == 5 else stop.signum
        return simulated(request)

    first, before = execute_batch(many(), interrupting, stop=stop)
    second, after = execute_batch(many(), again=True)

    assert "interrupted" == first.status
    assert 130 == first.exit_code
    assert 0 == second.exit_code
    assert 4 * NODES == len(before.requests) + len(after.requests)
    assert 4 * NODES == sum(int(row["ok"]) for row in rows().values())
    assert [] == verify(Path("batch"))


def test_a_signal_leaves_files_unread_that_had_not_been_read() -> None:
    write_all(20)
    stop, read = Stop(), list[Input]()
    made = many()

    def reading(job: BatchJob, file: Input) -> Job:
        read.append(file)
        stop.signum = 2 if len(read) == 3 else stop.signum
        return for_transcript(job, file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_run, "for_transcript", reading)
        result, transport = execute_batch(made, stop=stop)

    assert "interrupted" == result.status
    assert 3 == len(read)
    assert 2 * NODES >= len(transport.requests)
    assert 18 <= counts_of(load("metadata.json"))["not_run"]


def test_what_is_complete_is_neither_asked_for_nor_read_again() -> None:
    write_all(3)
    made = many("checks=grounded", "checks.fail=false")
    execute_batch(made)
    before = rows()
    write("t003.txt")
    result, transport = execute_batch(many("checks=grounded", "checks.fail=false"), again=True)

    assert 0 == result.exit_code
    assert NODES == len(transport.requests)
    assert ["yes", "yes", "yes", "no"] == [rows()[f"t{n:03}.txt"]["reused"] for n in range(4)]
    assert {"2"} == {row["speakers"] for row in before.values()}
    assert 0 < int(before["t000.txt"]["checks"])
    assert before == {name: {**rows()[name], "reused": "no"} for name in before}
    assert 4 * NODES == load("metadata.json")["totals"]["attempts"]
    assert 3 == load("metadata.json")["files"]["reused"]
    assert [] == verify(Path("batch"))


def test_a_file_that_changed_is_asked_about_again_and_the_old_answers_stay() -> None:
    write_all(2)
    execute_batch(many())
    write("t001.txt", "Ann: This is t001.txt, and it is another talk.\n")
    _, transport = execute_batch(many(), again=True)
    run = Path("batch") / rows()["t001.txt"]["run"]

    assert NODES == len(transport.requests)
    assert NODES == len(list((run / "superseded").rglob("*.json")))
    assert [] == verify(Path("batch"))


def test_where_settings_have_changed_every_answer_is_looked_at() -> None:
    write_all(2)
    execute_batch(many())
    changed = many("analyzers.say_means.max_tokens=77")
    _, transport = execute_batch(changed, again=True, whole=False)

    assert 2 == len(transport.requests)


@pytest.mark.parametrize(
    ("change", "asked"),
    [("analyzers.say_means.max_tokens=77", 2), ("grounding.min_rate=1", 0), ("checks=grounded", 0)],
)
def test_changed_settings_reach_every_file_though_the_first_resumption_dies(
    change: str, asked: int
) -> None:
    write_all(2)
    execute_batch(many())
    changed = many(change)
    directory = RunDirectory.reopen(Path("batch"), PARTS)
    directory.write_job(changed)  # and its process is killed
    directory.close()
    _, transport = execute_batch(changed, again=True)

    assert asked == len(transport.requests)
    assert ["no", "no"] == [row["reused"] for row in rows().values()]
    assert [] == verify(Path("batch"))


def test_calls_are_charged_to_their_run_and_to_the_batch() -> None:
    write_all(2)
    execute_batch(many())
    lines = read_journal(Path("batch/journal.jsonl"))
    runs = {line["run"] for line in lines if line["event"] == "call.started"}

    assert {row["run"] for row in rows().values()} == runs
    assert ["batch.started", "batch.finished"] == [
        line["event"] for line in lines if line["event"].startswith("batch.")
    ]
    for run in runs:
        metadata = load(f"{run}/metadata.json")
        assert NODES == metadata["totals"]["attempts"]


def test_a_run_s_bug_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from runner.run.run import Run

    write_all(3)
    real = Run.execute

    async def broken(self: Run) -> Any:
        if self.job.transcript.name == "t001":
            raise ZeroDivisionError("oh")
        return await real(self)

    monkeypatch.setattr(Run, "execute", broken)
    result, _ = execute_batch(many())

    assert 1 == result.exit_code
    assert {"ok": 2, "failed": 1, "not_run": 0} == counts_of(load("metadata.json"))
    assert "ZeroDivisionError: oh" == rows()["t001.txt"]["error"]


def test_a_full_disk_ends_the_batch_and_makes_no_further_call() -> None:
    write_all(20)
    made: list[Request] = []
    written: list[Path] = []

    def fifth(path: Path) -> bool:
        if "intermediate" in path.parts:
            written.append(path)
        return "intermediate" in path.parts and len(written) > 4

    def reply(request: Request) -> str:
        made.append(request)
        return simulated(request)

    with full_disk(fifth), pytest.raises(OSError, match="No space left"):
        execute_batch(many("processing.max_concurrent=2"), reply)

    assert len(made) < 20
    assert "failed" == load("metadata.json")["status"]


def test_what_a_full_disk_refused_is_written_in_the_batch_s_reserve() -> None:
    write_all(6)
    last = "competing_hypotheses.json"
    full = full_disk(lambda path: path.name == last and Path("batch/.reserve").exists())
    with full, pytest.raises(OSError, match="No space left"):
        execute_batch(many("processing.max_concurrent=2"), latency_s=SECOND)
    lines = read_journal(Path("batch/journal.jsonl"))
    paid = [line for line in lines if line["event"] == "call.finished"]
    records = [
        json.loads(f.read_bytes()) for f in Path("batch/runs").rglob("intermediate/*/*.json")
    ]

    assert len(paid) == sum(record["status"] == "ok" for record in records)
    assert len(paid) < 6 * NODES
    _, transport = execute_batch(many(), again=True)
    assert 6 * NODES == len(paid) + len(transport.requests)


def test_no_row_is_lost_when_a_resumption_is_interrupted() -> None:
    write_all(6)
    execute_batch(many())
    stop, made = Stop(), []

    def interrupting(request: Request) -> str:
        made.append(request)
        stop.signum = 2
        return simulated(request)

    write("t006.txt")
    write("t000.txt", "Ann: This is t000.txt, changed.\n")
    execute_batch(many("batch.max_active=1"), interrupting, again=True, stop=stop)

    counts = counts_of(load("metadata.json"))
    assert 7 == len(rows()) + counts["not_run"]
    assert 5 <= counts["ok"]
    assert 5 <= load("metadata.json")["files"]["completed"]


def test_what_we_wrote_ourselves_is_no_transcript() -> None:
    write_all(2)
    Path("many").rename("here")
    Path("many").mkdir()
    for name in ("t000.txt", "t001.txt"):
        (Path("here") / name).rename(Path("many") / name)
    execute_batch(many())
    Path("batch").rename("many/batch")
    (Path("many") / "outputs").mkdir()
    write("outputs/page.md")
    (Path("many") / "earlier/runs").mkdir(parents=True)  # an output.dir of other runs
    write("earlier/index.html")

    assert ["t000.txt", "t001.txt"] == [
        given.name for given in many("output.dir=many/outputs").inputs or ()
    ]


def test_a_folder_that_may_not_be_read_is_said_to_be_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_all(1)
    Path("many/closed").mkdir()
    scan = os.scandir

    def refusing(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    inputs = many().inputs

    assert inputs is not None
    assert (1, "left out: 1 folder without permission to read") == (len(inputs), inputs.note)


def test_a_name_that_is_not_utf_8_is_left_out_and_said_so() -> None:
    write_all(1)
    write("a.png")
    write("LICENSE")
    Path("many/circle.txt").symlink_to("circle.txt")
    os.mkfifo("many/pipe.txt")
    Path("many/gespr\udce4ch.txt").write_text("Ann: Hello.\n")
    inputs = many().inputs

    assert inputs is not None
    assert 1 == len(inputs)
    assert {
        "1 with a name that is not UTF-8",
        "1 with the ending '.png'",
        "1 without an ending",
        "2 that are not regular files",
    } == set(inputs.note.removeprefix("left out: ").split(", "))


def test_a_shard_without_a_file_is_complete_and_asks_nothing() -> None:
    write_all(1)
    result, transport = execute_batch(many("batch.shards=4", "batch.shard=2"))

    assert (0, "completed") == (result.exit_code, result.status)
    assert [] == transport.requests
    assert {} == rows()


def test_a_shard_that_is_taken_up_again_has_the_files_that_it_had() -> None:
    write_all(4)
    names = [given.name for given in many("batch.shards=2", "batch.shard=1").inputs or ()]
    write("a_new_one.txt")
    settings = many("batch.shards=2", "batch.shard=1").settings
    dealt = find_inputs(settings, names)

    assert ["t001.txt", "t003.txt"] == names == [given.name for given in dealt]
    Path("many/t001.txt").unlink()
    assert ["t003.txt"] == [given.name for given in find_inputs(settings, names)]


def test_a_file_that_returns_to_its_folder_returns_to_its_shard() -> None:
    write_all(4)
    execute_batch(many("batch.shards=2", "batch.shard=1"))
    removed = Path("many/t001.txt")
    removed.rename("kept.txt")
    execute_batch(read_resumption(["resume=batch"]).job, again=True)
    assert {"t003.txt"} == {row["transcript"] for row in rows_of(Path("batch"))}
    Path("kept.txt").rename(removed)

    _, transport = execute_batch(read_resumption(["resume=batch"]).job, again=True)

    assert [] == transport.requests
    assert {"t001.txt", "t003.txt"} == {row["transcript"] for row in rows_of(Path("batch"))}


def test_a_file_returns_to_its_shard_though_it_had_left_before_it_was_read() -> None:
    write_all(4)
    stop = Stop()
    stop.signum = 2
    execute_batch(many("batch.shards=2", "batch.shard=1"), stop=stop)
    removed = Path("many/t001.txt")
    removed.rename("kept.txt")
    for _ in range(2):
        execute_batch(read_resumption(["resume=batch"]).job, again=True)
        assert ["t003.txt"] == [*rows()]
    Path("kept.txt").rename(removed)

    execute_batch(read_resumption(["resume=batch"]).job, again=True)

    assert ["t001.txt", "t003.txt"] == [*rows()]


def test_a_finished_batch_is_resumed_when_a_file_has_left_its_folder() -> None:
    write_all(2)
    execute_batch(made := many())
    assert nothing_to_do(Path("batch"), made)

    Path("many/t001.txt").unlink()

    assert not nothing_to_do(Path("batch"), many())


def test_a_batch_of_nothing_has_lost_and_not_won() -> None:
    for number in range(2):
        write(f"t{number}.txt", "")
    result, _ = execute_batch(many())
    run = result.benchmark["run"]

    assert (0, 2 * NODES) == (run["succeeded"], run["total"])
    assert math.inf == objective(["wall_s"], result.benchmark)


def test_one_run_in_a_hundred_tells_later_ones_what_calls_took() -> None:
    write_all(2)
    latency = {"say_means": 2.0}
    made = many()
    execute_batch(made, latency_s=latency)
    history = json.loads((made.root / HISTORY).read_bytes())

    assert 2.0 == history[made.main.settings.name]["say_means"]["latency_s"]


def test_a_plan_is_the_sum_of_its_files_and_sends_nothing() -> None:
    write_all(3)
    write("bad.txt", "")
    plan = plan_batch(many())
    told = plan.as_dict()
    alone = [
        make_plan(job(*ONLY_TWO, f"transcript.path=many/t{n:03}.txt"), _NONE) for n in range(3)
    ]

    assert 3 * NODES == told["calls"]
    assert sum(one.total("prompt_tokens") for one in alone) == told["prompt_tokens"]
    assert {"bad.txt"} == told["files"]["unreadable"].keys()
    assert told["wall_s"] >= max(one.wall_s for one in alone) / 3
    assert "3 of 4" in plan.as_text()
    assert "unreadable bad.txt" in plan.as_text()


class _Nothing(dict[str, Any]):
    def __missing__(self, key: str) -> dict[str, Any]:
        return {}


_NONE = _Nothing()


def test_a_plan_says_in_which_file_a_cap_is_hit() -> None:
    write_all(3)
    assert "in file 1 of 3" in (plan_batch(many("budget.max_tokens=10")).stopped_by or "")
    assert plan_batch(many("budget.max_tokens=10000000")).stopped_by is None


def test_a_plan_of_nothing_readable_is_an_error() -> None:
    write("a.txt", "")
    with pytest.raises(TranscriptError, match=r"^a\.txt: no utterances"):
        plan_batch(many())


def test_batches_compared_are_put_together() -> None:
    write_all(5)
    for shard in range(2):
        execute_batch(many("batch.shards=2", f"batch.shard={shard}"))
        Path("sweep").mkdir(exist_ok=True)
        Path("batch").rename(f"sweep/{shard}")
    comparison = compare([Path("sweep")])
    write_comparison(comparison, Path("sweep"))
    with Path("sweep/results.csv").open() as file:
        names = sorted(row["transcript"] for row in csv.DictReader(file))

    assert [f"t{n:03}.txt" for n in range(5)] == names
    assert any(note.startswith("2 batches, 5 files: 5 completed") for note in comparison.notes)


def test_a_batch_s_runs_have_their_reports_and_spans_from_its_journal() -> None:
    write_all(2)
    execute_batch(many())
    runs = single_runs(find_runs(Path()))
    spans = [run_span(read_run(run)) for run in runs]

    assert 2 == len(runs)
    with pytest.raises(SystemExit, match=r"^0$"):
        report(["batch"])
    assert ["index.html", *["report.html"] * 3] == sorted(
        path.name for path in Path().rglob("*.html")
    )
    for run, span in zip(runs, spans, strict=True):
        assert NODES == len(read_session(run).calls)
        assert span is not None
        assert 2 == len(span.children)
    assert run_span(read_run(Path("batch"))) is None


def test_traces_of_a_batch_are_sent_afterwards() -> None:
    write_all(1)
    with pytest.raises(ConfigError, match=r"colloquy-traces BATCH"):
        many("output.traces=otlp")


def test_a_batch_is_told_from_a_run() -> None:
    write_all(1)
    made = many()
    execute_batch(made)

    assert is_batch(Path("batch"))
    assert not is_batch(Path("batch/runs"))
    assert max_in_flight(made) == 3


def test_the_longest_files_are_begun_first_and_files_of_like_size_in_order(tmp_path: Path) -> None:
    for name, size in (("a", 100), ("b", 5000), ("c", 120), ("d", 40_000), ("e", 4500)):
        (tmp_path / name).write_bytes(b"x" * size)
    files = tuple(Input(tmp_path / name, name, name) for name in ("a", "b", "c", "d", "e", "gone"))

    assert ["d", "b", "e", "a", "c", "gone"] == [f.name for f in Inputs(files).longest_first()]


def test_a_plain_console_shows_progress_between_the_ends_of_files_and_nothing_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console, tally = BatchConsole("plain", Secrets()), Tally(total=2)
    for at, (attempts, out) in enumerate([(0, 0), (0, 0), (1, 0), (2, 0), (2, 0), (2, 8), (2, 8)]):
        usage = Usage(prompt_tokens=1000 * attempts)
        console.update(tally, Spent(attempts, usage, 0.5 * attempts), 10.0 * (at + 1), out)

    assert [
        "batch: 0 of 2 files",
        "batch: 0 of 2 files; 1 attempt, 1,000 tokens, $0.5000",
        "batch: 0 of 2 files; 2 attempts, 2,000 tokens, $1.00",
        "batch: 0 of 2 files; 8 calls in pending batches",
    ] == capsys.readouterr().err.splitlines()
