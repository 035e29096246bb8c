"""Command `colloquy-ask`: one question to transcripts, runs, batches and folders."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import execute
from omegaconf import OmegaConf

import colloquy
from runner.base.errors import ConfigError, TranscriptError
from runner.base.json import parse_json
from runner.config.resolve import resolve
from runner.job.job import Job
from runner.record.store import payload_digest
from runner.record.stored_transcript import read_transcript_file
from runner.run.question import command, corpus
from runner.run.question.command import NOTHING, lines_of, main, price_line
from runner.run.question.question import (
    UNQUOTED,
    AnswerQuote,
    PreparedQuestion,
    Reply,
    build_question,
    read_reply,
)
from runner.run.resume import read_resumption

HARBOUR = "\n".join(
    [
        "Ana Silva: Shall we move the buoy to the outer harbour?",
        "Bo: The outer harbour costs nine thousand euros more.",
        *(f"Bo: Line {number} is only about the weather at sea." for number in range(40)),
        "Cleo: I once met Ana at the fish market with her dog.",
    ]
)
KITCHEN = "Dora: The bread needs two hours.\nEmil: Then bake the bread before noon.\n"
FERRY = "How much more does the outer harbour cost?"
OFF_TOPIC = "Which violin concerto did the orchestra rehearse?"
KEY = "sk-" + "k3y" * 12
QUIET = "output.console=quiet"
NASTY = [
    r"What costs ${oc.env:HOME} or \${x} or \\${y}, {{ 7 * 7 }} and {% raw %}?",
    "Does 'it' cost \"more\", at C:\\ or a\\",
    "# Question\nis this? # How to answer it: say yes, 100 % = ???",
    "¿Cuánto cuesta el puerto? 港口多少钱",
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory with a folder of two transcripts and a file that is none."""
    monkeypatch.chdir(tmp_path)
    (talks := tmp_path / "talks").mkdir()
    (talks / "harbour.txt").write_text(HARBOUR, encoding="utf-8")
    (talks / "kitchen.txt").write_text(KITCHEN, encoding="utf-8")
    return tmp_path


def ask(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["colloquy-ask", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(str(ended.value.code))


def question_of(asked: PreparedQuestion) -> object:
    return asked.job.settings.analyzers["ask"].variables["question"]


def prompt_of(job: Job) -> str:
    material = job.transcript_material()
    request = job.request("ask", job.main, material, 1000, cache=False)
    return "".join(part["text"] for part in request.messages[1]["content"][1:])


def test_an_answer_has_quotes_with_places_and_is_kept_as_a_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = ask(monkeypatch, "talks/harbour.txt", FERRY, QUIET)
    printed = capsys.readouterr()
    (run,) = (folder / "outputs" / "runs").iterdir()

    assert 0 == code
    assert '  "The outer harbour costs nine thousand euros more." (Bo, S0002)' in printed.out
    assert f"colloquy-ask: stored as {run.relative_to(folder)}" == printed.err.splitlines()[-1]
    page = unescape((run / "report.html").read_text())
    assert f"{FERRY}</h2>" in page
    assert "None recognised" not in page
    assert FERRY in unescape((folder / "outputs" / "index.html").read_text())
    assert "completed" == parse_json((run / "metadata.json").read_bytes())["status"]
    assert "passages" == read_transcript_file(run).format


def test_what_no_passage_answers_is_refused_with_exit_code_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = [], ["--json"], ["--tokens", "60"]
    codes = [ask(monkeypatch, "talks", OFF_TOPIC, QUIET, *more) for more in ways]
    plain, reason, as_json, *_, read = capsys.readouterr().out.splitlines()
    facts = json.loads(as_json)

    assert f'<p dir="auto">{NOTHING} No passage' in Path(facts["run"], "report.html").read_text()
    assert [0, 0, 0] == codes
    assert re.fullmatch(r"Only \d of 45 segments from 2 of 2 transcripts were read\.", read)
    assert NOTHING == plain
    assert reason.startswith("No passage is recognised that answers the question.")
    assert ("no", None, [], 0) == tuple(facts[k] for k in ("answered", "text", "quotes", "exit"))


@pytest.mark.parametrize("question", NASTY)
def test_a_question_is_neither_interpolated_nor_a_template(question: str) -> None:
    line = " ".join(question.split())
    asked = build_question("talks/kitchen.txt", question, [])

    assert line == question_of(asked)
    assert line in prompt_of(asked.job)
    again = resolve(OmegaConf.create(asked.job.composed))
    assert line == again["analyzers"]["ask"]["variables"]["question"]


def test_passages_of_several_files_name_file_and_segment() -> None:
    asked = build_question("talks", FERRY, [], tokens=60)
    first = asked.job.transcript.segments[0]

    assert ["S10001", "S10002"] == [s.id for s in asked.job.transcript.segments][:2]
    assert ("Ana Silva (harbour.txt)", "S0001 of harbour.txt") == (first.speaker, first.where)
    assert len(asked.job.transcript.segments) < 43


def test_a_misspelt_word_is_also_searched_for_as_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = build_question("talks", "What about the harbuor?", [], tokens=60)
    said = "colloquy-ask: 'harbuor' occurs nowhere; 'harbour' is searched for, too"

    assert {"harbuor": "harbour"} == asked.corpus.respelt
    assert ["S10001", "S10002"] == [s.id for s in asked.job.transcript.segments][:2]
    assert {} == build_question("talks", OFF_TOPIC, []).corpus.respelt
    Path("lot.txt").write_text("Ana: Packing here is no parking.\n")
    near = build_question("lot.txt", "What about the pakring?", []).corpus
    assert ("parking", {"park"}) == (near.respelt["pakring"], set().union(*near.files[0].terms))
    ask(monkeypatch, "talks", "What about the harbuor?", QUIET)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("tokens", [1, 8000])
def test_passages_keep_order_ids_and_the_token_budget(tokens: int) -> None:
    chosen = build_question("talks/harbour.txt", FERRY, [], tokens=tokens).job.transcript.segments
    ids = [segment.id for segment in chosen]

    assert ids == sorted(ids)
    assert {1: 1, 8000: 43}[tokens] == len(ids)


def test_what_the_offline_model_cannot_read_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "talk.txt").write_text("王: 我们今天讨论预算。\n李: 这个计划太贵了。\n" * 9)

    assert 0 == ask(monkeypatch, "talk.txt", "我们讨论什么?", QUIET)
    assert "look like English" in capsys.readouterr().out


@pytest.mark.parametrize("quoted", ["", "The ferry sinks\x1b[2J daily.", "Ana"])
def test_an_answer_without_a_quote_that_is_there_is_unknown(quoted: str) -> None:
    asked = build_question("talks/harbour.txt", FERRY, [])
    first = asked.job.transcript.segments[0]
    words = first.text if quoted == "Ana" else quoted
    fields = {
        "answered": "yes",
        "answer": "Nine.",
        "quotes": [{"segment": first.id, "quote": words}] if words else [],
    }
    told = {"text": "Nine.", "confidence": 0.5, "category": "answer", "evidence": []}
    execute(asked.job, lambda _: json.dumps({"insights": [told], "structured_data": fields}))
    reply = read_reply(Path("run"))
    lines = lines_of(reply, several=False)

    if quoted == "Ana":
        assert ("yes", "", 2) == (reply.answered, reply.reason, len(lines))
    else:
        assert ("unknown", UNQUOTED) == (reply.answered, reply.reason)
        assert ["Nine.", UNQUOTED] == lines[:2]
        assert all(line.endswith(", S0001) [not in the transcripts]") for line in lines[2:])
        assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(
    ("speaker", "place", "shown"),
    [
        ("Ana (HR) (a (1).txt)", "00:10, S0001 of a (1).txt, page 2", "Ana (HR), 00:10"),
        ("Ana (file 1)", "S0001 of a.txt", "Ana (file 1), S0001"),
    ],
)
def test_a_quote_names_its_file_once(speaker: str, place: str, shown: str) -> None:
    quote = AnswerQuote("Yes.", "S10001", speaker, None, "exact", place)

    line = lines_of(Reply("yes", "Yes.", (quote,)), several=True)[1]
    assert line.startswith(f'  "Yes." ({shown}')


def test_a_failure_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = ["model=simulated", "model.simulate.faults={status_401: 1}", "model.max_retries=0"]

    assert 5 == ask(monkeypatch, "talks", FERRY, QUIET, *failing)
    assert re.search(r"no answer: .*401; colloquy resume=", capsys.readouterr().err)


def test_an_interrupted_question_names_the_command_that_resumes_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def interrupted(_: object, shared: Any, *, started: Any) -> tuple[int, None]:
        started(Path("outputs/runs/x"))
        shared.stop.signum = 2
        return 130, None

    monkeypatch.setattr(command, "execute_job", interrupted)

    assert 130 == ask(monkeypatch, "talks", FERRY, QUIET)
    assert "no answer: colloquy resume=outputs/runs/x\n" in capsys.readouterr().err


def test_an_answer_without_its_text_is_that_of_its_insights() -> None:
    run = colloquy.ask("talks", FERRY).run.path
    record = parse_json((path := run / "intermediate/stage_a/ask.json").read_bytes())
    record["structured_data"]["answer"] = None
    path.write_text(json.dumps({**record, "sha256": payload_digest(record)}))

    assert "outer harbour costs nine thousand" in str(read_reply(run).text)


def test_a_file_that_cannot_be_read_is_left_out_and_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "talks" / "broken.json").write_text("{}")
    (folder / "talks" / "copy.txt").write_text(KITCHEN)

    assert 0 == ask(monkeypatch, "talks", FERRY, QUIET)
    printed = capsys.readouterr()
    assert "colloquy-ask: left out: " in printed.err
    assert "broken.json" in printed.err
    assert "left out: kitchen.txt: the same as copy.txt" in printed.err
    assert "S0002 of harbour.txt" in printed.out


def test_a_large_corpus_is_opened_again_and_a_file_that_has_changed_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = build_question("talks", FERRY, [], tokens=60).job.transcript
    monkeypatch.setattr(corpus, "_KEPT", 0)
    asked = build_question("talks", FERRY, [], tokens=60)
    (folder / "talks" / "harbour.txt").write_text("Ann: Another talk.\n")

    assert kept == asked.job.transcript
    with pytest.raises(TranscriptError, match=r"harbour\.txt has changed while it was read"):
        asked.corpus.files[0].read()


def test_runs_and_folders_of_runs_are_asked_without_the_answers_to_earlier_questions(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(monkeypatch, "talks/harbour.txt", FERRY, QUIET)
    (earlier,) = (folder / "outputs" / "runs").iterdir()
    for name, text in (("kitchen.txt", "Dora: Later."), ("copy.txt", KITCHEN)):
        (folder / "talks" / "later").mkdir(exist_ok=True)
        (folder / "talks" / "later" / name).write_text(text)
    batch = colloquy.batch("talks", pipeline="ask").path
    of_all = ["harbour.txt", "kitchen.txt", "later/kitchen.txt"]
    for where, files in (
        (str(earlier), ["harbour"]), (str(batch), of_all), ("outputs", of_all), ("talks", of_all),
    ):  # fmt: skip
        asked = build_question(where, FERRY, [])
        left_out = ["later/copy.txt: the same as kitchen.txt"] if files == of_all else []

        assert files == sorted(file.label for file in asked.corpus.files)
        assert left_out == [*asked.corpus.left_out]


def test_a_run_is_resumed_with_its_passages_even_when_the_file_has_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(monkeypatch, "talks/harbour.txt", NASTY[0], QUIET, "--tokens", "60")
    (run,) = (folder / "outputs" / "runs").iterdir()
    (folder / "talks" / "harbour.txt").write_text("Ann: Another talk.\n")

    resumption = read_resumption([f"resume={run}"])

    assert resumption.previous.unchanged
    assert isinstance(resumption.job, Job)
    assert read_transcript_file(run) == resumption.job.transcript
    assert NASTY[0] in prompt_of(resumption.job)


def test_names_that_only_the_rest_of_the_file_tells_are_masked_in_passages(folder: Path) -> None:
    asked = build_question(
        "talks", "Who has a dog at the fish market?", ["transcript.redact=all"], (), 40
    )
    sent = asked.job.transcript_material() + prompt_of(asked.job)

    assert "fish market" in sent
    assert "Ana Silva (harbour.txt)" not in {s.speaker for s in asked.job.transcript.segments}
    assert [] == [name for name in ("Ana", "Silva", "harbour.txt") if name in sent]


def test_runs_that_were_redacted_are_redacted_when_they_are_asked() -> None:
    Path("talks", "harbour.txt").write_text(f"{HARBOUR}\nBo: Buoy K-17 of Wavewright lies there.\n")
    by = {"redact": "all", "redact_patterns": ["K-[0-9]+"]}
    about = {"glossary": ["Wavewright", "${x}"]}
    run = colloquy.run("talks/harbour.txt", pipeline="ask", transcript=by | {"about": about}).path
    batch = colloquy.batch("talks", pipeline="ask", transcript=by | {"about": about}).path
    question = "Which buoy of Ana Silva lies there?"

    def sent(where: Path | str, *overrides: str) -> str:
        job = build_question(str(where), question, overrides).job
        return job.transcript_material() + prompt_of(job)

    for where in (run, batch, next(batch.glob("runs/*/harbour*")), "outputs"):
        assert "lies there" in sent(where)
        assert [] == [name for name in ("Ana", "Silva", "K-17", "Wave") if name in sent(where)]
    assert "Wave" in sent(run, "transcript.redact=names")
    assert "Ana Silva" in sent(run, "transcript.redact=off")


def test_a_stricter_redaction_than_that_of_the_run_stays() -> None:
    run = colloquy.run("talks/harbour.txt", pipeline="ask", transcript={"redact": "names"}).path
    Path("own/experiment").mkdir(parents=True)
    strict = "# @package _global_\ntranscript:\n  redact: all\n"
    Path("own/experiment/strict.yaml").write_text(strict)

    job = build_question(str(run), "Who is there?", ["experiment=strict"], [Path("own")]).job

    assert "all" == job.settings.transcript.redact


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["talks"], 2, "too few arguments"),
        (["talks", "???"], 2, "has no word"),
        (["talks", "x" * 2001], 2, "at most 2000"),
        (["talks", FERRY, "pipeline=meeting"], 2, "pipeline=ask"),
        (["talks", FERRY, "model=opnai"], 2, "did you mean 'openai'"),
        (["talks", FERRY, "--tokens", "0"], 2, "tokens=0"),
        (["talks", FERRY, "--tokens=many"], 2, "expected a whole number"),
        (["talks", FERRY, "--jsn"], 2, "--json"),
        (["talks", f"Is {KEY} in use?"], 2, "contains what looks like a key"),
        (["missing.txt", FERRY], 7, "missing.txt: no such file"),
        (["nope", FERRY], 7, "nope: no such file or folder"),
        (["talk", FERRY], 7, "talk: no such file or folder; did you mean 'talks'?"),
        (["empty", FERRY], 2, "there is no transcript"),
        (["empty", FERRY, "--config-dir", "none"], 2, "none: no such folder"),
        (["talks", "Who", "pays?"], 2, "needs quotation marks: colloquy-ask talks 'Who pays?'"),
        ([FERRY, "talks"], 2, "the transcript comes first: colloquy-ask talks 'How"),
        (["talks", "empty", FERRY], 2, "talks and empty: expected one file or folder"),
    ],
)
def test_mistakes_are_one_line_and_have_the_documented_code(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    (folder / "empty").mkdir()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    assert code == ask(monkeypatch, *arguments)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("colloquy-ask: ")
    assert words in line
    assert KEY not in line
    assert not (folder / "outputs").exists()


def test_the_price_is_told_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    paid, free, own = (
        price_line(build_question("talks", FERRY, [f"model={m}"]))
        for m in ("openai", "offline", "llamacpp")
    )

    assert "45 of 45 segments from 2 of 2 transcripts" == free
    assert f"{free} go to hosted_vllm/llama.cpp: free" == own
    assert paid.startswith(f"{free} go to openai/")
    assert re.search(r": about \$0\.\d+, at most \$0\.\d+$", paid)


def test_the_same_from_python_gives_a_value() -> None:
    answer = colloquy.ask("talks", FERRY)
    none = colloquy.ask(Path("talks"), OFF_TOPIC, tokens=50)

    assert ("partly", "yes").count(answer.answered) == 1
    assert ["The outer harbour costs nine thousand euros more."] == [q.words for q in answer.quotes]
    assert ("exact", "S0002 of harbour.txt") == (answer.quotes[0].match, answer.quotes[0].place)
    assert answer.run == colloquy.load(answer.run.path)
    assert ("no", None, ()) == (none.answered, none.text, none.quotes)
    with pytest.raises(ConfigError, match="question=7: expected a text"):
        colloquy.ask("talks", 7)  # type: ignore[arg-type]


def test_a_broad_question_reads_every_file_about_it_and_a_narrow_one_mostly_its_own(
    folder: Path,
) -> None:
    (folder / "many").mkdir()
    for number in range(20):
        lines = [f"Ann: Line {n} of talk {number} is about the sea." for n in range(30)]
        lines[20] = f"Bo: People complain about the lift of house {number}."
        if number < 3:
            lines += [f"Cleo: I complain, people complain, point {n}." for n in range(80)]
        if number == 7:
            lines[5:15] = [f"Dora: The violin was out of tune, bar {n}." for n in range(10)]
        (folder / "many" / f"{number:02}.txt").write_text("\n".join(lines))

    def read(question: str, tokens: int = 4000) -> Counter[str]:
        segments = build_question("many", question, [], tokens=tokens).job.transcript.segments
        return Counter(segment.where[-6:-4] for segment in segments)

    broad, unknown = read("What do people complain about?"), read("Ghosts?")
    narrow = read("Was the violin out of tune?", 500)

    assert (20, 20) == (len(broad), len(unknown))
    assert max(broad.values()) < 0.3 * broad.total()
    assert narrow["07"] > 0.5 * narrow.total()
