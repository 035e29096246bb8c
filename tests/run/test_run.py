from __future__ import annotations

import asyncio
import json
from contextlib import chdir
from pathlib import Path

import pytest
from helpers import ScriptedTransport, completion, job
from helpers.disk import full_disk
from helpers.runs import LATENCY, STAGE_A, STAGE_B, execute, failing, load, prompt_of, simulated

from runner.base.errors import CallError, OutputError
from runner.base.event_loops import run_virtually
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.providers.request import Completion, Request
from runner.record.run_directory import RunDirectory
from runner.reports.report.write import write_report
from runner.reports.stored_run import counts_of
from runner.run.run import Run, RunResult

Executed = tuple[RunResult, Path, ScriptedTransport]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    """Return a run of all analyzers that nothing happened to."""
    with chdir(tmp_path_factory.mktemp("whole")):
        result, path, transport = execute(job())
        return result, path.absolute(), transport


def test_all_eight_answer_and_the_run_is_complete(whole: Executed) -> None:
    result, path, transport = whole

    assert result.exit_code == 0
    assert [o.status for o in result.outcomes.values()] == ["ok"] * 8
    assert (path / "COMPLETED").is_file()
    assert len(transport.requests) == 8


def test_the_run_directory_holds_what_the_design_lists(whole: Executed) -> None:
    path = whole[1]
    names = sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())
    nodes = [("stage_a", n) for n in STAGE_A] + [("stage_b", n) for n in STAGE_B]

    assert names == sorted(
        [
            "COMPLETED",
            "run.lock",
            "config/composed.yaml",
            "config/overrides.json",
            "config/prompts.json",
            "config/resolved.yaml",
            "config/signature.json",
            "transcript.json",
            "transcript.md",
            "insights.json",
            "insights.csv",
            "insights.md",
            "coverage.json",
            "grounding.json",
            "context/stage_b.md",
            "context/stage_b_ledger.json",
            "journal.jsonl",
            "logs/benchmark.json",
            "logs/events.jsonl",
            "metadata.json",
            *(
                f"intermediate/{stage}/{name}.{kind}"
                for stage, name in nodes
                for kind in ("json", "md")
            ),
        ]
    )


def test_metadata_tells_the_status_of_every_analyzer(whole: Executed) -> None:
    metadata = json.loads((whole[1] / "metadata.json").read_bytes())

    assert metadata["schema_version"] == 2
    assert metadata["status"] == "completed"
    assert metadata["exit_code"] == 0
    assert metadata["stages"]["stage_a"]["analyzers"] == dict.fromkeys(STAGE_A, "ok")
    assert metadata["stages"]["stage_b"]["needs"] == ["stage_a"]
    assert metadata["totals"]["prompt_tokens"] == 800
    assert metadata["totals"]["cost_usd"] == pytest.approx(0.008)
    assert set(metadata["versions"]) >= {"python", "colloquy", "litellm"}


@pytest.mark.parametrize("slots", [1, 2, 3, 4, 8])
def test_a_whole_run_takes_exactly_its_ideal_in_virtual_time(slots: int) -> None:
    """By hand: 14+14, 7+7, 5+5, 5+5, 5+5 once the first run has taught who is slow."""
    made = job(f"processing.max_concurrent={slots}")
    execute(made, latency_s=LATENCY, into="first")
    result, _, _ = execute(made, latency_s=LATENCY)
    run = result.benchmark["run"]
    expected = {1: 28.0, 2: 14.0, 3: 10.0, 4: 10.0, 8: 10.0}[slots]

    assert run["wall_s"] == run["ideal_s"] == expected
    assert run["efficiency"] == 1.0
    assert run["sum_latency_s"] == 28.0


def test_the_benchmark_accounts_for_queue_latency_and_tokens() -> None:
    result, _path, _ = execute(job("processing.max_concurrent=1"), latency_s=LATENCY)
    measured = load("logs/benchmark.json")

    assert measured == json.loads(json.dumps(result.benchmark))
    assert measured["run"]["critical_path"] == ["postulate_theorem", "first_principles"]
    assert measured["run"]["critical_path_s"] == 10.0
    assert measured["run"]["speed_up"] == 1.0
    assert measured["stages"]["stage_a"]["wall_s"] == 14.0
    assert measured["stages"]["stage_b"]["start_s"] == 14.0
    assert measured["analyzers"]["first_principles"]["latency_s"] == 5.0
    assert sum(a["queue_wait_s"] for a in measured["analyzers"].values()) > 0
    assert [a["prompt_tokens"] for a in measured["analyzers"].values()] == [100] * 8
    assert measured["run"]["attempts"] == 8


def test_in_sequence_a_reply_is_repaired_before_the_next_analyzer_is_asked() -> None:
    broken = {"say_means"}

    def reply(request: Request) -> str:
        if request.node in broken:
            broken.remove(request.node)
            return "no JSON at all"
        return simulated(request)

    _, _, transport = execute(job("processing.mode=sequential"), reply, LATENCY)

    assert ["say_means", "say_means", "perspective_perception"] == [
        request.node for request in transport.requests[:3]
    ]


def test_sequential_mode_gives_the_same_answers(whole: Executed) -> None:
    sequential, _, _ = execute(job("processing.mode=sequential"), latency_s=LATENCY)

    assert sequential.benchmark["run"]["wall_s"] == 28.0
    assert {n: o.answer for n, o in sequential.outcomes.items()} == {
        n: o.answer for n, o in whole[0].outcomes.items()
    }


def test_a_failing_analyzer_never_stops_its_siblings() -> None:
    made = job()
    result, path, _ = execute(made, failing({"say_means": CallError("timeout", "late")}))
    record = load("intermediate/stage_a/say_means.json")

    assert result.exit_code == 3
    assert [n for n, o in result.outcomes.items() if o.status != "ok"] == ["say_means"]
    assert record["status"] == "error"
    assert record["error"] == {"kind": "timeout", "message": "late"}
    assert not (path / "COMPLETED").exists()
    assert load("metadata.json")["status"] == "partial"


@pytest.mark.parametrize("subset", [1, 2, 4, 8, 7, 14])
def test_stage_b_runs_on_whatever_succeeded_and_says_what_is_missing(subset: int) -> None:
    lost = [name for bit, name in enumerate(STAGE_A) if subset >> bit & 1]
    made = job()
    faults = {name: CallError("timeout", "late") for name in lost}
    result, path, transport = execute(made, failing(faults))
    context = (path / "context/stage_b.md").read_text()
    record = load("intermediate/stage_b/patentability.json")
    asked = [prompt_of(r) for r in transport.requests if r.node in STAGE_B]

    assert [result.outcomes[name].status for name in STAGE_B] == ["ok"] * 4
    assert f"Not available: {', '.join(f'{n} (timeout)' for n in lost)}" in context
    assert all(f"## {n}\n" in context for n in STAGE_A if n not in lost)
    assert all("Not available" in prompt for prompt in asked)
    assert record["degraded"] is True
    assert record["missing"] == dict.fromkeys(lost, "timeout")
    assert "Degraded" in (path / "intermediate/stage_b/patentability.md").read_text()
    assert result.exit_code == 3


def test_nothing_is_asked_when_there_is_nothing_to_read() -> None:
    made = job()
    faults = {name: CallError("transient", "down") for name in STAGE_A}
    result, _, transport = execute(made, failing(faults))

    assert [result.outcomes[name].status for name in STAGE_B] == ["skipped"] * 4
    assert len(transport.requests) == 4
    assert result.exit_code == 4


def test_an_account_fault_decides_the_exit_code() -> None:
    made = job()
    result, _, _ = execute(made, failing({"say_means": CallError("auth", "bad key")}))

    assert result.exit_code == 5


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (completion("half of it", "length"), "truncated"),
        (completion("", "stop"), "empty"),
        (completion("", "content_filter"), "refused"),
        (completion("I would rather not.", "refusal"), "refused"),
        ("not json at all", "invalid_output"),
        ('{"insights": [], "structured_data": {}}', "invalid_output"),
        (ValueError("a bug in a plugin"), "internal"),
    ],
)
def test_a_reply_that_is_no_answer_is_never_recorded_as_ok(
    reply: str | Completion | Exception, kind: str
) -> None:
    made = job()
    result, _path, _ = execute(made, failing({"patentability": reply}))
    record = load("intermediate/stage_b/patentability.json")

    assert result.outcomes["patentability"].kind == kind
    assert record["status"] == "error"
    assert record["insights"] == []
    assert not isinstance(reply, str) or record["raw_output"] == reply
    assert result.exit_code == 3


def test_an_answer_that_cannot_be_stored_is_an_error_and_its_text_is_kept() -> None:
    """An integer of more than 64 bits is JSON, and no writer here takes it."""
    made = job()
    good = simulated

    def reply(request: Request) -> str:
        answer = json.loads(good(request))
        if request.node == "determining_factors":
            answer["structured_data"]["factors"][0]["strength"] = 2**70
        return json.dumps(answer)

    result, _path, _ = execute(made, reply)
    record = load("intermediate/stage_b/determining_factors.json")

    assert result.exit_code == 3
    assert record["error"]["kind"] == "invalid_output"
    assert str(2**70) in record["raw_output"]


def test_a_full_disk_at_the_end_leaves_no_run_that_looks_alive() -> None:
    full = full_disk(lambda path: path.name == "benchmark.json")
    with full, pytest.raises(OSError, match="No space left"):
        execute(job())

    assert load("metadata.json")["status"] == "failed"


def test_a_failed_write_stops_the_run_before_more_is_paid_for() -> None:
    made = job()
    transport = ScriptedTransport(simulated, LATENCY)
    directory = RunDirectory.create(Path("run"))

    async def main() -> None:
        client = Client(transport, RetryPolicy(), 60.0)
        await Run(made, {"main": client}, directory).execute()

    full = full_disk(lambda path: path.name == "premises_assertions.md")
    with full, pytest.raises(OSError, match="No space left"):
        run_virtually(main)

    assert len(transport.requests) == 4


def test_a_lost_history_does_not_spoil_a_run() -> None:
    Path("outputs").mkdir()
    Path("outputs/history.json").mkdir()  # cannot be replaced by a file
    result, path, _ = execute(job())

    assert result.exit_code == 0
    assert (path / "COMPLETED").is_file()
    assert "history.failed" in (path / "logs/events.jsonl").read_text()


def test_a_directory_that_holds_a_run_is_not_written_into() -> None:
    execute(job())
    with pytest.raises(OutputError, match="run holds a run already"):
        execute(job())


def test_insights_beyond_the_limit_are_counted_not_lost() -> None:
    result, _path, _ = execute(job("output.max_insights_per_analyzer=1"))
    record = load("intermediate/stage_a/say_means.json")
    raw = json.loads(record["raw_output"])

    assert len(record["insights"]) == 1
    assert record["insights_dropped"] == len(raw["insights"]) - 1 > 0
    assert result.exit_code == 0


def test_the_shared_part_of_the_prompt_is_byte_identical_across_a_stage(whole: Executed) -> None:
    transport = whole[2]
    for stage in (STAGE_A, STAGE_B):
        heads = {
            json.dumps([r.messages[0], r.messages[1]["content"][0]])
            for r in transport.requests
            if r.node in stage
        }
        questions = {r.messages[1]["content"][1]["text"] for r in transport.requests}

        assert len(heads) == 1
        assert len(questions) == 8


def test_stage_b_is_given_no_transcript(whole: Executed) -> None:
    prompts = {r.node: prompt_of(r) for r in whole[2].requests}

    assert all('<transcript id="' in prompts[name] for name in STAGE_A)
    assert all('<transcript id="' not in prompts[name] for name in STAGE_B)


def test_the_context_stays_within_its_budget() -> None:
    made = job("processing.stage_b_context_token_budget=700")
    _, path, _ = execute(made)
    ledger = load("context/stage_b_ledger.json")
    text = (path / "context/stage_b.md").read_text()

    assert made.main.tokenizer.count(text) == ledger["tokens"] <= 700
    assert ledger["items_dropped"] > 0
    assert set(ledger["sections"]) == set(STAGE_A)


def test_an_analyzers_own_context_is_stored_beside_the_stages() -> None:
    _, _path, _ = execute(job("analyzers.patentability.context.token_budget=900"))

    assert load("context/stage_b.patentability_ledger.json")["tokens"] <= 900
    assert load("context/stage_b_ledger.json")["settings"]["token_budget"] == 8000


def test_a_context_that_holds_nothing_is_an_error_before_the_call() -> None:
    result, _, transport = execute(job("processing.stage_b_context_token_budget=3"))

    assert {result.outcomes[name].kind for name in STAGE_B} == {"context_empty"}
    assert len(transport.requests) == 4


def test_requests_carry_the_analyzers_own_limits() -> None:
    made = job("analyzers.say_means.max_tokens=77", "analyzers.say_means.temperature=1")
    _, _, transport = execute(made)
    request = next(r for r in transport.requests if r.node == "say_means")

    assert (request.max_tokens, request.temperature) == (77, 1.0)


def test_the_schema_goes_into_the_prompt_where_it_cannot_go_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    _, _, transport = execute(job("model=openai", "model.reply_format=text"))
    request = transport.requests[0]

    assert request.schema is None
    assert '"additionalProperties":false' in prompt_of(request)


def test_every_event_is_one_json_line_of_this_run_without_a_prompt(whole: Executed) -> None:
    lines = (whole[1] / "logs/events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    names = [event["event"] for event in events]

    assert names[0] == "run.started"
    assert names[-1] == "run.finished"
    assert names.count("node.started") == names.count("node.finished") == 8
    assert names.count("call.finished") == 8
    assert all({"timestamp", "level", "logger"} <= set(event) for event in events)
    assert not any("harbour" in line for line in lines)


@pytest.mark.parametrize(
    ("budget", "key"),
    [
        ("stages.stage_b.context.token_budget=200", "stages.stage_b.context.token_budget"),
        (
            "analyzers.patentability.context.token_budget=200",
            "analyzers.patentability.context.token_budget",
        ),
        ("stages.stage_b.context.token_budget=4000", None),
    ],
)
def test_a_stage_that_reads_a_small_share_of_the_findings_is_warned_about(
    budget: str, key: str | None
) -> None:
    _, path, _ = execute(job(budget))
    lines = map(json.loads, (path / "logs/events.jsonl").read_text().splitlines())
    told = [line for line in lines if line["event"] == "context.scarce"]
    page = write_report(path).read_text()

    assert [key] * (key is not None) == [line["to_keep_more"] for line in told]
    assert all(line["level"] == "warning" for line in told)
    assert ("of earlier stages: its context is cut to 200 tokens" in page) == bool(told)
    assert "where people mean something else than they say" in page.lower()


def test_the_journal_keeps_what_was_paid(whole: Executed) -> None:
    lines = [json.loads(line) for line in (whole[1] / "journal.jsonl").read_text().splitlines()]
    committed = [line for line in lines if line["event"] == "node.committed"]

    assert [lines[0]["event"], lines[-1]["event"]] == ["run.started", "run.finished"]
    paid = [line for line in lines if line["event"] == "call.finished"]

    assert len(committed) == 8
    assert sum(line["prompt_tokens"] for line in paid) == 800


def test_metadata_is_written_at_stage_boundaries_and_not_for_every_node() -> None:
    written: list[str] = []

    def noted(path: Path) -> bool:
        written.append(path.name)
        return False

    with full_disk(noted):
        execute(job(), latency_s=LATENCY)

    assert 5 == written.count("metadata.json")
    assert "completed" == load("metadata.json")["status"]


def test_an_interrupted_run_says_so_in_its_metadata() -> None:
    made = job()
    transport = ScriptedTransport(simulated, dict.fromkeys(LATENCY, 1e6))
    directory = RunDirectory.create(Path("run"))

    async def main() -> None:
        client = Client(transport, RetryPolicy(), 1e7)
        task = asyncio.create_task(Run(made, {"main": client}, directory).execute())
        await asyncio.sleep(10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtually(main)

    assert load("metadata.json")["status"] == "interrupted"
    assert {"ok": 0, "failed": 0, "not_run": 8} == counts_of(load("metadata.json"))


def test_a_page_that_cannot_be_rendered_loses_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    made = job()

    def broken(answer: object) -> str:
        raise RuntimeError("no page today")

    monkeypatch.setattr(type(made.analyzers["say_means"]), "markdown", lambda *_, **__: broken(0))
    result, path, _ = execute(made)
    lines = map(json.loads, (path / "logs/events.jsonl").read_text().splitlines())

    assert result.exit_code == 0
    assert load("intermediate/stage_a/say_means.json")["status"] == "ok"
    failed = {line["error"] for line in lines if line["event"] == "page.failed"}
    assert {"RuntimeError('no page today')"} == failed


def test_a_key_that_is_said_in_the_transcript_is_neither_sent_nor_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "Zq7-RedFox_91x"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    said = f"Ana: The key is {key}, as we said.\nBob: I wrote it down.\n{key}: Then we are done.\n"
    Path("talk.md").write_text(said * 3)
    made = job("transcript=file", "transcript.path=talk.md")
    result, path, transport = execute(made)
    reading = made.transcript.reading

    assert 0 == result.exit_code  # quotes are found in the masked transcript
    assert not any(key in str(request.messages) for request in transport.requests)
    assert [] == [p for p in path.rglob("*") if p.is_file() and key.encode() in p.read_bytes()]
    assert reading is not None
    assert {"Ana": 3, "Bob": 3, "***": 3} == dict(reading.speakers)
    assert "masked as ***" in reading.warnings[-1]
