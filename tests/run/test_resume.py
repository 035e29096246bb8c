from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from helpers.runs import STAGE_A, STAGE_B, failing, invented, load, simulated
from helpers.sessions import RUN, begin, resume, session

from runner.base.errors import CallError, ConfigError, LockedError, OutputError
from runner.base.regular_files import SHELL, as_given
from runner.providers.request import Completion, Request
from runner.record.lock import acquire, release
from runner.record.run_directory import RunDirectory
from runner.record.signature import SIGNED, sign_stored
from runner.reports.verify import verify
from runner.run.execute import resume_job
from runner.run.resume import read_resumption
from runner.run.resume_arguments import enter_start, from_here
from runner.run.resume_sweep import read_sweep

pytestmark = pytest.mark.usefixtures("private")


def tree() -> dict[str, tuple[bytes, int]]:
    files = (path for path in RUN.rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def refusal(*arguments: str) -> str:
    """Return why *arguments* are refused; nothing may have been touched then."""
    before = tree()
    with pytest.raises(ConfigError) as raised:
        read_resumption([f"resume={RUN}", *arguments])

    assert before == tree()
    assert 2 == raised.value.exit_code
    return str(raised.value)


@pytest.mark.parametrize("answers", [1, 4, 7])
def test_a_run_interrupted_after_some_answers_asks_for_the_rest_only(answers: int) -> None:
    code, first = begin(answers=answers)

    assert (130, answers) == (code, len(first))
    assert "interrupted" == load("metadata.json")["status"]
    assert [] == verify(RUN)

    code, rest = resume()
    totals = load("metadata.json")["totals"]

    assert 0 == code
    assert sorted(STAGE_A + STAGE_B) == sorted(first + rest)
    assert (8, 800, 160) == tuple(
        totals[name] for name in ("attempts", "prompt_tokens", "completion_tokens")
    )
    assert totals["cost_usd"] == pytest.approx(0.008)
    assert (RUN / "COMPLETED").is_file()
    assert [] == verify(RUN)


def test_a_run_interrupted_again_and_again_asks_for_each_answer_once() -> None:
    _, asked = begin(answers=1)
    for _ in range(7):
        asked += resume(answers=1)[1]

    assert sorted(STAGE_A + STAGE_B) == sorted(asked)
    assert (0, []) == resume()
    assert "completed" == load("metadata.json")["status"]


def test_a_finished_run_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    begin()
    before = tree()
    capsys.readouterr()

    assert (0, []) == resume()
    assert (0, []) == resume("processing.max_concurrent=8")
    assert before == tree()
    told = capsys.readouterr()
    assert "nothing to do: run is complete" in told.err
    assert 2 * ["status=completed exit=0 ok=8"] == [
        line.partition(" failed=")[0] for line in told.out.splitlines()
    ]


def test_a_degraded_run_ends_as_before_when_it_is_resumed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, _ = begin(reply=invented)
    ended = capsys.readouterr().out

    assert 3 == first
    assert (3, []) == resume()
    assert ended == capsys.readouterr().out
    assert "grounding.min_rate" in ended


def test_a_finished_run_whose_end_was_cut_off_is_put_right() -> None:
    begin()
    (RUN / ".reserve").write_bytes(b"")

    assert [".reserve: left over by a run that is completed"] == verify(RUN)
    assert (0, []) == resume()
    assert [] == verify(RUN)


@pytest.mark.parametrize("content", [b"", b'{"schema_version": ', b"7", b"\xff"])
@pytest.mark.parametrize("answers", [2, None])
def test_damaged_metadata_is_kept_aside_and_made_again(answers: int | None, content: bytes) -> None:
    begin(answers=answers)
    (RUN / "metadata.json").write_bytes(content)
    resume()

    assert "completed" == load("metadata.json")["status"]
    assert content == (RUN / "metadata.json.corrupt-1").read_bytes()
    assert [] == verify(RUN)


def test_a_damaged_file_of_a_finished_run_is_made_again() -> None:
    begin()
    whole = (RUN / "insights.json").read_bytes()
    (RUN / "insights.json").write_bytes(whole[:9])

    assert (0, []) == resume()
    assert whole == (RUN / "insights.json").read_bytes()


CHANGES = {
    "analyzers.say_means.temperature=0.9": "analyzers.say_means.temperature: 0.2 -> 0.9",
    "analyzers.say_means.max_tokens=77": "analyzers.say_means.max_tokens: 4000 -> 77",
    "analyzers.patentability.context.token_budget=9": "patentability.context.token_budget: N",
    "stages.stage_b.context.token_budget=900": "stage_b.context.token_budget: 8000 -> 900",
    "stages.stage_b.context.top_insights=2": "stages.stage_b.context.top_insights: 5 -> 2",
    "output.max_insights_per_analyzer=3": "output.max_insights_per_analyzer: 10 -> 3",
    "model.params={seed: 7}": "model.params.seed: None -> 7",
    "model.temperature=0.9": "model.temperature: 0.2 -> 0.9",
    "repeat=1": "repeat: 0 -> 1",
}


def test_a_change_that_touches_an_answer_is_refused_and_named() -> None:
    begin(answers=2)

    for override, said in CHANGES.items():
        assert said in refusal(override)


def test_a_change_that_touches_no_answer_is_accepted() -> None:
    _, first = begin(answers=6)
    code, rest = resume(
        "processing.max_concurrent=8",
        "processing.mode=sequential",
        "processing.strict=true",
        "model.timeout_s=5",
        "model.max_retries=0",
        "model.retry_delay_s=2",
        "model.deadline_s=100",
        "model.rpm=100000",
        "budget.max_tokens=1000000",
        "output.console=json",
        "reuse=off",
    )

    assert 0 == code
    assert sorted(STAGE_A + STAGE_B) == sorted(first + rest)


def test_another_rate_of_quotes_is_judged_without_a_call() -> None:
    first, _ = begin(reply=invented)

    assert (3, (0, [])) == (first, resume("grounding.min_rate=0"))
    assert "completed" == load("metadata.json")["status"]
    assert [] == verify(RUN)


def test_an_allowed_change_asks_anew_what_it_touches_and_keeps_what_was_there() -> None:
    """The reply does not depend on the temperature: stage B reads what it read."""
    begin()
    before = load("intermediate/stage_a/say_means.json")
    code, asked = resume("analyzers.say_means.temperature=0.9", "allow_changed=true")
    kept = list((RUN / "superseded").rglob("*.json"))

    assert (0, ["say_means"]) == (code, asked)
    assert [f"say_means-{before['key'][:12]}.json"] == [path.name for path in kept]
    assert before == json.loads(kept[0].read_bytes())
    assert before["key"] != load("intermediate/stage_a/say_means.json")["key"]
    assert [] == verify(RUN)
    assert (0, []) == resume()


@pytest.mark.parametrize("kind", ["bad_request", "context_exceeded"])
def test_what_failed_for_good_is_asked_again_only_when_that_is_wanted(kind: str) -> None:
    begin(faults={"patentability": CallError(kind, "no")})

    assert (3, []) == resume()
    assert (3, []) == resume()
    assert kind == load("intermediate/stage_b/patentability.json")["error"]["kind"]
    assert (0, ["patentability"]) == resume("retry_failed=true")
    assert [] == verify(RUN)


def test_an_answer_on_a_context_that_had_to_be_cut_is_not_asked_for_again() -> None:
    sizes: list[int] = []

    answer = failing({"first_principles": CallError("timeout", "late")})

    def small(request: Request) -> str | Completion:
        if request.node == "patentability":
            sizes.append(len(str(request.messages)))
            if sizes[-1] == max(sizes):
                raise CallError("context_exceeded", "too long")
        return answer(request)

    begin("processing.stage_b_context_token_budget=3000", reply=small)

    assert sizes[0] > sizes[1]
    assert (0, ["first_principles"]) == resume()


def test_what_failed_for_a_while_is_asked_again_and_so_is_what_did_without_it() -> None:
    begin(faults={"say_means": CallError("timeout", "late")})
    code, asked = resume()

    assert 0 == code
    assert ["say_means", *sorted(STAGE_B)] == [asked[0], *sorted(asked[1:])]
    assert sorted(STAGE_B) == sorted(p.name[:-18] for p in (RUN / "superseded").rglob("*.json"))


def test_a_changed_prompt_is_refused_or_asked_again() -> None:
    mine = Path("mine/analyzers")
    mine.mkdir(parents=True)
    packaged = Path(__file__).resolve().parents[2] / "analyzers/say_means.md"
    (mine / "say_means.md").write_text(packaged.read_text())
    begin("analyzers.say_means.answer=say_means", answers=6, folders=(Path("mine"),))
    (mine / "say_means.md").write_text(packaged.read_text() + "\nBe brief.\n")

    again = ("--config-dir", "mine")

    assert "--config-dir" in refusal()  # code is not taken from where a run directory says
    assert "analyzers.say_means: its prompt or answer shape has changed" in refusal(*again)

    code, asked = resume(*again, "allow_changed=true")

    assert 0 == code
    assert ["say_means", *sorted(STAGE_B)] == [asked[0], *sorted(asked[1:])]


def begin_with_file(answers: int) -> Path:
    talk = Path("talk.md")
    sample = Path(__file__).resolve().parents[2] / "samples/sample1.md"
    talk.write_text(sample.read_text())
    begin(f"transcript.path={talk}", answers=answers)
    return talk


def test_a_changed_transcript_is_refused_or_read_again() -> None:
    talk = begin_with_file(2)
    with talk.open("a") as file:
        file.write("\nAnna: One more thing about the harbour.\n")

    assert "transcript talk.md: " in refusal()

    code, asked = resume("allow_changed=true")

    assert 0 == code
    assert sorted(STAGE_A + STAGE_B) == sorted(asked)
    assert 2 == len(list((RUN / "superseded").rglob("*.json")))


def test_a_transcript_that_is_gone_is_read_as_it_was() -> None:
    begin_with_file(2).unlink()
    code, asked = resume()

    assert (0, 6) == (code, len(asked))


def test_a_transcript_that_has_moved_may_be_named_again() -> None:
    talk = begin_with_file(2)
    talk.rename("elsewhere.md")
    code, asked = resume("transcript.path=elsewhere.md")

    assert (0, 6) == (code, len(asked))


def test_a_run_of_an_unknown_schema_version_is_refused_and_not_touched() -> None:
    begin(answers=2)
    metadata = {**load("metadata.json"), "schema_version": 99}
    (RUN / "metadata.json").write_text(json.dumps(metadata))

    assert "written in schema version 99, expected 2" in refusal()


@pytest.mark.parametrize("content", [b"", b'{"schema_version": 2, "sta', b"[]", b"\x00" * 9])
def test_damaged_metadata_stop_no_run_and_forget_no_cost(content: bytes) -> None:
    _, first = begin(answers=2)
    (RUN / "metadata.json").write_bytes(content)
    (RUN / "journal.jsonl").unlink()  # the account's other half
    code, rest = resume()

    assert 0 == code
    assert sorted(STAGE_A + STAGE_B) == sorted(first + rest)
    assert load("metadata.json")["totals"]["cost_usd"] == pytest.approx(0.008)
    assert [] == verify(RUN)


def test_a_run_whose_journal_is_a_link_is_left_as_it_is() -> None:
    begin(answers=2)
    (RUN / "journal.jsonl").rename("journal")
    (RUN / "journal.jsonl").symlink_to(Path("journal").absolute())
    before = tree()

    with pytest.raises(OutputError, match="is a link, expected a file"):
        RunDirectory.reopen(RUN)
    assert before.keys() == tree().keys()  # nothing is left over; the lock was taken


UNFIT = {
    "-m": "resume takes overrides only, not -m",
    "--config-name=other": "not --config-name=other",
    "processing.max_concurent=2": "did you mean 'processing.max_concurrent'?",
    "nonsense.key=2": "unknown key 'nonsense.key'",
    "processing.max_concurrent=1,2": "KEY=VALUE only",
    "~analyzers.say_means": "KEY=VALUE only",
    "model=openai": "override single keys, as model.KEY=VALUE",
    "pipeline=interview": "a run is resumed with its own pipeline",
    "allow_changed=yes": "expected allow_changed=true or allow_changed=false",
    "processing.max_concurrent=0": "processing.max_concurrent=0",
}


def test_an_argument_that_does_not_fit_is_refused() -> None:
    begin(answers=1)

    for argument, said in UNFIT.items():
        assert said in refusal(argument)


def test_a_finished_run_gets_checks_without_a_call(tmp_path: Path) -> None:
    begin()
    ours = tmp_path / "mine/checks/ours.yaml"
    ours.parent.mkdir(parents=True)
    ours.write_text("defaults: [grounded, _self_]\nfail: true\n")
    given = ("checks=ours", f"--config-dir={tmp_path / 'mine'}", "checks.judge=null")
    code, asked = resume(*given)

    assert (0, []) == (code, asked)
    assert 16 == load("checks.json")["total"]["checks"]
    assert "no such choice" in refusal("checks=nosuch", given[1])


def test_resuming_nothing_does_not_resume_what_is_here() -> None:
    for read in (read_sweep, read_resumption):
        with pytest.raises(ConfigError, match="resume=: expected the directory of a run"):
            read(["resume="])
        with pytest.raises(ConfigError, match="resume=a resume=b: expected one directory"):
            read(["resume=a", "resume=b"])


def test_a_degraded_run_of_a_sweep_is_resumed_for_its_exit_code() -> None:
    begin(reply=invented)
    Path("sweep").mkdir()
    RUN.rename("sweep/0")
    Path("sweep/multirun.yaml").write_text('{"hydra": {"sweep": {}}}')
    sweep = read_sweep(["resume=sweep"])

    assert sweep is not None
    assert [["resume=sweep/0"]] == sweep.finish


def test_a_missing_run_of_a_sweep_is_started_with_all_folders_of_the_configuration() -> None:
    hydra = {
        "sweeper": {"_target_": "x.BasicSweeper", "params": {"repeat": "0,1"}},
        "sweep": {"subdir": "${hydra.job.num}"},
    }
    for name in ("sweep", "ours", "theirs"):
        Path(name).mkdir()
    Path("sweep/multirun.yaml").write_text(json.dumps({"hydra": hydra}))
    sweep = read_sweep(["resume=sweep", "trusted=true", "-cd", "ours", "--config-dir=theirs"])
    folders = [f"'file://{Path(name).resolve()}'" for name in ("ours", "theirs")]

    assert sweep is not None
    assert [f"hydra.searchpath=[{','.join(folders)}]"] * 2 == [start[0] for start in sweep.start]


def test_a_directory_without_a_run_is_refused_and_the_nearest_one_named() -> None:
    begin(answers=1)
    with pytest.raises(ConfigError, match=r"resume=ron: there is no run; did you mean 'run'\?"):
        read_resumption(["resume=ron"])

    assert not Path("ron").exists()


def test_a_folder_of_runs_is_no_sweep_and_one_to_resume_is_named() -> None:
    begin(answers=1)
    shutil.copytree(RUN, "outputs/runs/begun")
    for folder in ("outputs", "outputs/runs"):
        assert read_sweep([f"resume={folder}"]) is None
        with pytest.raises(ConfigError, match=r"it holds 1 run; .* resume=outputs/runs/begun"):
            read_resumption([f"resume={folder}"])


def test_a_run_is_resumed_in_the_directory_in_which_it_was_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin("output.dir=own/out")
    start = Path.cwd()
    run = start / "own/out/runs/begun"
    shutil.copytree(RUN, run)
    Path("other").mkdir()
    given = [
        *("resume=../own/out/runs/begun", "--config-dir", "mine/", "--config-dir=more"),
        *("trusted=true", "budget.max_tokens=9"),
        *("references='of people.csv'", "codebook=/of/ours.csv", "attributes=null"),
    ]

    monkeypatch.setattr(SHELL, "folder", None)
    assert ["resume=own/out/runs/begun"] == enter_start(["resume=own/out/runs/begun"])
    monkeypatch.chdir("other")
    folders = [f"--config-dir={start}/other/{name}" for name in ("mine", "more")]
    typed = [f"references='{start}/other/of people.csv'", "codebook='/of/ours.csv'"]
    assert [*typed, given[-1]] == from_here(Path(given[0][7:]), given[-3:])
    kept = [f"resume={run}", *folders, *given[4:6], *typed, "attributes=null"]
    assert (kept, start) == (enter_start(given), Path.cwd())
    assert as_given(run, "own/out") == run  # in messages to the shell

    monkeypatch.chdir("other")
    (run / "config/signature.json").unlink()
    assert (given, start / "other") == (enter_start(given), Path.cwd())


def test_the_start_of_a_run_is_not_mistaken(monkeypatch: pytest.MonkeyPatch) -> None:
    begin("output.dir=own/out")
    start = Path.cwd()
    shutil.copytree(RUN, "disk/own/out/runs/begun")
    shutil.rmtree("own")
    Path("own").symlink_to("disk/own")
    of_link = ["resume=own/out/runs/begun"]
    assert (of_link, start) == (enter_start(of_link), Path.cwd())

    sweep = Path("disk/own/out/sweeps/begun")
    shutil.copytree(RUN, sweep / "0")
    (sweep / "0/config/signature.json").unlink()
    (sweep / "multirun.yaml").write_text("{}")
    sign_stored(sweep)
    monkeypatch.chdir("disk/own")
    of_sweep = ["resume=out/sweeps/begun"]
    assert (of_sweep, start / "disk/own") == (enter_start(of_sweep), Path.cwd())
    shutil.rmtree("out/sweeps/begun/0/config")
    assert (of_sweep, start / "disk/own") == (enter_start(of_sweep), Path.cwd())


def test_a_damaged_file_that_a_run_is_made_of_is_named_with_the_way_out() -> None:
    begin(answers=1)
    for name in SIGNED:
        if not (RUN / name).exists():
            continue
        whole = (RUN / name).read_bytes()
        for content in (b"", b"7", b"\xff", b'{"x": ', None):
            (RUN / name).unlink()
            if content is not None:
                (RUN / name).write_bytes(content)

            for given in ((), ("trusted=true",)):
                assert f"run/{name} " in (said := refusal(*given))
                assert said.endswith("takes the answers already paid for from the store")
        (RUN / name).write_bytes(whole)


def test_a_run_that_is_moved_meanwhile_ends_and_is_resumed_where_it_is() -> None:
    asked: list[str] = []

    def moving(request: Request) -> str:
        asked.append(request.node)
        if len(asked) == 3:
            RUN.rename("moved")
        return simulated(request)

    with pytest.raises(OutputError, match=r"run: it was moved or removed; .* resume=run"):
        begin(reply=moving)
    assert not RUN.exists()
    Path("moved").rename(RUN)

    assert sorted(STAGE_A + STAGE_B) == sorted(asked + resume()[1])
    assert [] == verify(RUN)


def test_a_run_that_goes_on_cannot_be_taken_up() -> None:
    begin(answers=1)
    held = acquire(RUN)
    resumption = read_resumption([f"resume={RUN}"])
    with pytest.raises(LockedError, match=f"process {os.getpid()}"):
        session(lambda shared: resume_job(resumption, shared), simulated)
    release(held)

    assert 0 == resume()[0]
