"""The package `colloquy`, as scripts and notebooks use it."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from helpers.documentation import PAGES, ROOT, blocks
from helpers.processes import provider, until

import colloquy
from colloquy.results import Comparison
from runner.base.errors import ConfigError, TranscriptError
from runner.reports.verify import main as verify

TALK = "Ann: I will call the port tomorrow.\nBob: We agreed to wait until May.\nAnn: Agreed.\n"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    file = tmp_path / "talk.txt"
    file.write_text(TALK)
    return file


def test_importing_it_loads_no_part_of_the_runner() -> None:
    code = "import sys, colloquy; print([m for m in sys.modules if m.startswith('runner')])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "[]" == done.stdout.strip()


def test_a_run_is_what_the_command_leaves_and_can_be_loaded_again(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = colloquy.run(talk, pipeline="meeting", output={"max_insights_per_analyzer": 3})

    assert ("", "") == capsys.readouterr()
    assert (True, "completed", 0, "talk") == (run.ok, run.status, run.exit_code, run.transcript)
    assert run == colloquy.load(run.path)
    assert run.report.is_file()
    assert {"decisions", "action_items"} <= run.answers.keys()
    assert [insight.text for insight in run.insights()] == [
        found["text"] for found in json.loads((run.path / "insights.json").read_bytes())
    ]
    assert {"Ann", "Bob"} >= {quote.speaker for i in run.insights() for quote in i.quotes}
    assert "pipeline=meeting" in json.loads((run.path / "config/overrides.json").read_bytes())


def test_what_is_refused_leaves_no_directory(
    talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key = tmp_path / "open.key"
    key.write_text("0" * 64)
    key.chmod(0o644)
    for override in ("budget.max_tokens=1", "plan=true", "output.dir=elsewhere"):
        if override.startswith("output"):
            monkeypatch.setenv("COLLOQUY_SIGNING_KEY", str(key))
        with pytest.raises(ConfigError):
            colloquy.run(talk, override)

    assert {path.name for path in tmp_path.iterdir()} == {"talk.txt", "open.key"}


def test_it_works_where_a_loop_is_running_and_in_it(talk: Path) -> None:
    async def main() -> list[str]:
        waited = colloquy.run(talk, pipeline="interview")
        awaited = await colloquy.run_async(talk, "pipeline=interview")
        return [waited.status, awaited.status]

    assert ["completed"] * 2 == asyncio.run(main())


def test_an_interrupt_where_a_loop_is_running_ends_the_run_at_once(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-real-key")
    with provider("decisions") as at:
        server = ["model=openai", f"model.api_base={at.url}"]

        def interrupt() -> None:
            until(lambda: bool(at.asked["decisions"]))
            os.kill(os.getpid(), signal.SIGINT)

        async def main() -> None:
            Thread(target=interrupt).start()
            with pytest.raises(KeyboardInterrupt):
                colloquy.run(talk, *server, f"output.dir={talk.parent}", pipeline="meeting")

        with closing(asyncio.new_event_loop()) as loop:  # asyncio.run has its own handler
            loop.run_until_complete(main())
        at.release()
        (path,) = (talk.parent / "runs").iterdir()
        run = colloquy.load(path)

        assert ("interrupted", 130) == (run.status, run.exit_code)
        assert colloquy.resume(path, *server[1:]).ok


def test_a_folder_is_a_batch_with_the_insights_of_its_runs(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = talk.parent / "many"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(TALK)
    batch = colloquy.batch(folder, pipeline="meeting")

    assert (True, ["a.txt", "b.txt"]) == (batch.ok, sorted(r["transcript"] for r in batch.rows))
    assert {"a", "b"} == {insight.transcript for insight in batch.insights()}
    assert batch == colloquy.load(batch.path)
    assert batch == colloquy.resume(batch.path)
    with pytest.raises(SystemExit):
        verify([str(batch.path)])
    assert "sound: 2\nsigned by you: 2\n" == capsys.readouterr().out
    themes = batch.path / "collection" / "themes.json"
    assert {} == batch.collection()
    themes.parent.mkdir()
    themes.write_text('{"themes": []}')
    assert {"themes": []} == batch.collection()
    with pytest.raises(ConfigError, match=r"is for colloquy\.batch"):
        colloquy.run(folder)


def test_a_run_is_resumed_from_anywhere(
    talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("guide.txt").write_text("Why?\nHow?\n")
    given = {"pipeline": "interviews", "guide": "guide.txt", "output": {"dir": "out"}}
    run = colloquy.run("talk.txt", **given)
    answers = tmp_path / run.path / "intermediate/stage_a"
    for gone in (tmp_path / run.path / "COMPLETED", answers / "why.json", Path("guide.txt")):
        gone.unlink()
    before = (answers / "how.json").read_bytes()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    again = colloquy.resume(f"../{run.path}")

    assert again.ok
    assert before == (answers / "how.json").read_bytes()
    assert (answers / "why.json").is_file()
    assert [] == list(elsewhere.iterdir())


def test_mistakes_are_the_lines_that_the_command_prints(talk: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'pipelin'; did you mean 'pipeline'\?"):
        colloquy.run(talk, pipelin="meeting")
    with pytest.raises(TranscriptError, match="no such file"):
        colloquy.run(talk.with_name("none.txt"))
    with pytest.raises(TranscriptError, match=r"Ann: I will call .*: no such file"):
        colloquy.run(TALK)
    with pytest.raises(ConfigError, match=r"\['a.txt', 'b.txt'\]: expected a file, a folder or"):
        colloquy.batch(["a.txt", "b.txt"])  # type: ignore[arg-type]
    for paths in ((), ("",), (["a", "b"],), (None,)):
        with pytest.raises(ConfigError, match="expected the directories of runs"):
            colloquy.compare(*paths)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="there is no run"):
        colloquy.load("nowhere")
    with pytest.raises(ConfigError, match=r"--config-dir .*nowhere: no such folder"):
        colloquy.run(talk, config_dir="nowhere")
    with pytest.raises(ConfigError, match=r"config_dir=\['a'\]: expected one folder"):
        colloquy.run(talk, config_dir=["a"])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="tokens=0: expected at least 1"):
        colloquy.ask(talk, "Who calls?", tokens=0)
    with pytest.raises(ConfigError, match="5: expected an override such as 'model=openai'"):
        colloquy.run(talk, 5)  # type: ignore[arg-type]
    for given in ("--multirun", "sweep=max_concurrent", "hydra.run.dir=x"):
        with pytest.raises(ConfigError, match="only the command colloquy takes options"):
            colloquy.run(talk, given)


def test_the_transcript_may_be_an_override_or_the_sample(talk: Path) -> None:
    assert "talk" == colloquy.run(None, f"transcript={talk}", pipeline="meeting").transcript
    assert "sample1" == colloquy.run(pipeline="meeting").transcript
    with pytest.raises(ConfigError, match="unknown key 'text'"):
        colloquy.run(text=TALK)


def test_settings_of_the_transcript_are_keywords_beside_it_and_alone(talk: Path) -> None:
    talk.write_text(TALK.replace("Ann:", "Speaker (1), the 2.:"))
    renamed = {"speakers": {"Speaker (1), the 2.": "Ana"}}
    run = colloquy.run(talk, pipeline="meeting", transcript=renamed)
    alone = colloquy.run(transcript=talk, pipeline="meeting")

    assert "Ana" in {quote.speaker for each in run.insights() for quote in each.quotes}
    assert alone.ok


def test_the_quotes_of_a_run_have_their_place(tmp_path: Path) -> None:
    cues = tmp_path / "cues.vtt"
    cues.write_text("WEBVTT\n\n01:01.000 --> 01:04.000\n<v Ann>We agreed to wait until May.\n")

    (place,) = {
        quote.place
        for each in colloquy.run(cues, pipeline="meeting").insights()
        for quote in each.quotes
    }
    assert "0:01:01" == place


def test_a_plan_needs_no_key_and_leaves_nothing(talk: Path) -> None:
    planned = colloquy.plan(talk, model="openai")

    assert 8 == planned["calls"]
    assert not Path("outputs").exists()


def test_tables_escape_what_transcripts_and_models_say(talk: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    talk.write_text(f"{evil}: We agreed to wait until May, {evil} said.\nAnn: Agreed.\n")
    run = colloquy.run(talk, pipeline="meeting")
    shown = colloquy.compare(run.path)

    assert "<img" not in run._repr_html_() + shown._repr_html_()
    assert isinstance(shown, Comparison)


def test_values_become_overrides_whatever_they_hold(talk: Path) -> None:
    odd = talk.with_name("it's, [odd] ${x} = 1.txt")
    odd.write_text(TALK)
    out = "out put\\"
    run = colloquy.run(odd, pipeline="meeting", output={"dir": out}, budget={"max_tokens": None})
    given = {"params": {"seed": 7, "tags": [{"a": "null"}]}}
    planned = colloquy.plan(odd, "++output.console=quiet", output={"dir": "null"}, model=given)
    priced = colloquy.plan(talk, model="openai/gpt-4o-mini", budget={"max_cost_usd": Decimal(1)})

    assert run.ok
    assert Path(out) == run.path.parents[1]
    assert [8, 8] == [planned["calls"], priced["calls"]]


@pytest.mark.parametrize("text", blocks("python", PAGES["docs/python.md"]))
@pytest.mark.parametrize("said", ["I will call the port tomorrow.", "Hello."])
def test_the_documentation_runs_as_printed(text: str, said: str, talk: Path) -> None:
    Path("talks").mkdir()
    for file in (Path("talks/a.txt"), Path("talks/b.txt")):
        file.write_text(TALK)
    Path("meeting.vtt").write_text(f"WEBVTT\n\n00:01.000 --> 00:04.000\n<v Ann>{said}\n")
    exec(compile(text, "python.md", "exec"), {})


def test_the_notebook_runs_in_a_running_loop_as_printed() -> None:
    cells = json.loads((ROOT / "docs/notebook.ipynb").read_bytes())["cells"]
    names: dict[str, Any] = {}

    async def main() -> None:
        for cell in cells:
            if cell["cell_type"] == "code":
                flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
                code = compile("".join(cell["source"]), "notebook", "exec", flags=flags)
                made = eval(code, names)
                if made is not None:
                    await made

    asyncio.run(main())

    assert names["run"].ok
    assert names["again"].ok
