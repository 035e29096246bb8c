from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers.pages import HOSTILE
from helpers.sessions import begin
from markupsafe import escape

from runner.answers.grounding.grounder import Grounder
from runner.answers.markdown import md
from runner.base.errors import one_line
from runner.record import inspection
from runner.record.lock import acquire, release
from runner.record.pages import linked, transcript_page
from runner.record.store import payload_digest
from runner.reports import verify_tables
from runner.reports.recheck import faults_of_answers
from runner.reports.report.write import write_report
from runner.reports.verify import USAGE, main, verify
from runner.reports.verify_tables import faults_of_pages
from runner.transcript.model import Segment, Transcript

pytestmark = pytest.mark.usefixtures("private")

RECORD = "intermediate/stage_a/say_means.json"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, mask = tmp_path_factory.mktemp("finished"), os.umask(0o077)
    with chdir(folder):
        begin()
    os.umask(mask)
    return folder / "run"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_bytes()), **values}))


def change_record(file: Path, **values: Any) -> None:
    record = {**json.loads(file.read_bytes()), **values}
    record.pop("sha256")
    file.write_bytes(orjson.dumps({**record, "sha256": payload_digest(record)}))


def create(file: Path, content: str = "") -> None:
    file.write_text(content)
    file.chmod(0o600)


def second_record(run: Path) -> None:
    target = run / "intermediate/stage_b/say_means.json"
    shutil.copy(run / RECORD, target)
    change_record(target, stage="stage_b")


def failed_record(run: Path) -> None:
    change_record(run / RECORD, status="error", error={"kind": "timeout", "message": "late"})


def without_completed(run: Path) -> None:
    (run / "COMPLETED").unlink()


def not_called_ok(run: Path) -> None:
    metadata = json.loads((run / "metadata.json").read_bytes())
    metadata["stages"]["stage_a"]["analyzers"]["say_means"] = "error"
    change(run / "metadata.json", stages=metadata["stages"])


def other_totals(run: Path) -> None:
    totals = json.loads((run / "metadata.json").read_bytes())["totals"]
    change(run / "metadata.json", totals={**totals, "prompt_tokens": 799})


def torn_in_the_middle(run: Path) -> None:
    file = run / "logs/events.jsonl"
    first, second, *rest = file.read_bytes().split(b"\n")
    file.write_bytes(b"\n".join([first, second[:20], *rest]))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "json": (
        lambda run: (run / "config/prompts.json").write_text("{"),
        "config/prompts.json: not JSON from line 1, column 2",
    ),
    "utf8": (
        lambda run: (run / "config/overrides.json").write_bytes(b'["\xff"]'),
        "config/overrides.json: not JSON from line 1, column 1",
    ),
    "nan": (
        lambda run: (run / "logs/benchmark.json").write_text("NaN"),
        "logs/benchmark.json: not JSON from line 1, column 1",
    ),
    "lines": (torn_in_the_middle, "logs/events.jsonl: line 2 is not JSON"),
    "digest": (
        lambda run: change(run / RECORD, latency_s=99.0),
        f"{RECORD}: its content does not match its checksum",
    ),
    "record": (lambda run: (run / RECORD).write_text("{}"), f"{RECORD}: not a record"),
    "two_records": (
        second_record,
        "intermediate/stage_b/say_means.json: say_means has another record in stage_a",
    ),
    "wrong_place": (
        lambda run: shutil.copy(run / RECORD, run / "intermediate/stage_b/extra.json"),
        "intermediate/stage_b/extra.json: is the record of stage_a/say_means",
    ),
    "no_record": (
        lambda run: (run / RECORD).unlink(),
        "metadata.json: calls say_means ok, but its record is missing",
    ),
    "failed_record": (
        failed_record,
        "metadata.json: calls say_means ok, but its record is 'error'",
    ),
    "not_called_ok": (
        not_called_ok,
        "metadata.json: calls say_means 'error', but its record is ok",
    ),
    "totals": (
        other_totals,
        "metadata.json: totals.prompt_tokens is 799, the journal's sum 800",
    ),
    "no_totals": (
        lambda run: change(run / "metadata.json", stages=7),
        "metadata.json: has no status of the analyzers",
    ),
    "temporary": (
        lambda run: create(run / "context/.tmp.stage_b.md.7.ab", "half"),
        "context/.tmp.stage_b.md.7.ab: left over by a run that is completed",
    ),
    "reserve": (
        lambda run: create(run / ".reserve"),
        ".reserve: left over by a run that is completed",
    ),
    "not_completed": (without_completed, "COMPLETED: is missing, but metadata.json says completed"),
    "completed": (
        lambda run: change(run / "metadata.json", status="partial"),
        "COMPLETED: is there, but metadata.json says partial",
    ),
    "no_metadata": (
        lambda run: (run / "metadata.json").unlink(),
        "COMPLETED: exists, but metadata.json does not",
    ),
    "metadata": (
        lambda run: (run / "metadata.json").write_text("[]"),
        "metadata.json: not an object",
    ),
    "status": (
        lambda run: change(run / "metadata.json", status=["x"]),
        "metadata.json: status ['x'] is not one of running, completed, degraded, partial, failed, "
        "interrupted",
    ),
    "schema": (
        lambda run: change(run / "metadata.json", schema_version=99),
        "metadata.json: schema version 99, expected 2",
    ),
    "journal": (
        lambda run: create(run / "journal.jsonl", '{"event":"call.finished"}\n'),
        "journal.jsonl: a line lacks fields of its event",
    ),
    "link": (
        lambda run: (run / "context/link.md").symlink_to("/etc/hostname"),
        "context/link.md: a symbolic link",
    ),
    "link_to_folder": (
        lambda run: (run / "elsewhere").symlink_to("/etc"),
        "elsewhere: a symbolic link",
    ),
    "pipe": (
        lambda run: os.mkfifo(run / "pipe.json", 0o600),
        "pipe.json: neither a file nor a directory",
    ),
    "file_mode": (
        lambda run: (run / RECORD).chmod(0o640),
        f"{RECORD}: mode 640, expected 600",
    ),
    "folder_mode": (lambda run: (run / "logs").chmod(0o755), "logs: mode 755, expected 700"),
    "root_mode": (lambda run: run.chmod(0o711), ".: mode 711, expected 700"),
    "name": (
        lambda run: create(run / "context/a\nb\x1b[31m.json"),
        "context/a b[31m.json: not JSON from line 1, column 1",
    ),
}


@pytest.mark.parametrize(("harm", "line"), FAULTS.values(), ids=FAULTS)
def test_each_fault_has_its_line(run: Path, harm: Callable[[Path], object], line: str) -> None:
    harm(run)

    assert [line] == verify(run)


def test_what_does_not_follow_from_the_answers_is_found(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.loads((run / RECORD).read_bytes())
    quote = answer["insights"][0]["evidence"][0]
    changes: dict[str, tuple[Callable[[Any], object], str]] = {
        "grounding.json": (lambda d: d["total"].update(rate=0.5), "total.rate is 0.5, the answers"),
        "coverage.json": (lambda d: d["total"]["cited"].update(segments=0), "total.cited.segments"),
        "logs/benchmark.json": (lambda d: d["run"].update(coverage=1), "run.coverage is 1, the"),
        "insights.json": (lambda d: d[0].update(text="No."), "insight 1 is in no answer of its"),
        "metadata.json": (lambda d: d["grounding"].update(exact=0), "grounding.exact is 0, the"),
        "transcript.json": (
            lambda d: [each.update(text="Hm.") for each in d["segments"]],
            f"say_means quotes {one_line(quote['quote'], 60)!r} of {quote['segment']}, which this",
        ),
    }
    for name, (harm, line) in changes.items():
        whole = (run / name).read_bytes()
        harm(data := json.loads(whole))
        create(run / name, json.dumps(data))

        assert f"{name}: {line}" in "\n".join(verify(run))
        (run / name).write_bytes(whole)
    page = write_report(run)
    assert [] == verify(run)
    table = run / "insights.csv"
    whole = table.read_text()
    text = json.loads((run / "insights.json").read_bytes())[0]["text"]
    create(table, whole.replace(text, f"Not {text}", 1))
    [line] = verify(run)
    assert line.startswith(f"insights.csv: text of {line.split()[3]} is 'Not ")
    create(table, whole.rpartition("\n")[0].rpartition("\n")[0])
    [line] = verify(run)
    assert line.startswith("insights.csv: has ")
    create(table, whole)
    with monkeypatch.context() as limits:  # a batch's table may be larger than a file of JSON
        limits.setattr(verify_tables, "MAX_BYTES", 100)
        assert [] == list(verify_tables.faults_of_insights(run))
    said = answer["insights"][0]["text"]
    create(page, page.read_text().replace(escape(said), escape(said[::-1])))

    assert [f"report.html: lacks {one_line(said, 60)!r}"] == [
        line.partition(";")[0] for line in verify(run)
    ]


@pytest.mark.parametrize("name", ["insights.md", RECORD.replace(".json", ".md"), "transcript.md"])
def test_a_page_with_other_words_than_the_answers_or_the_transcript_is_a_fault(
    run: Path, name: str
) -> None:
    key = "segments" if name == "transcript.md" else "insights"
    source = RECORD if name.startswith("intermediate") else name.replace(".md", ".json")
    held = json.loads((run / source).read_bytes())
    said = " ".join((held if isinstance(held, list) else held[key])[1]["text"].split())
    page = (run / name).read_text()
    assert said in page
    create(run / name, page.replace(said, said[::-1]))

    assert [f"{name}: lacks {one_line(said, 60)!r}"] == verify(run)


@pytest.mark.parametrize("style", ["markdown", "obsidian"])
@pytest.mark.parametrize(
    "said", [HOSTILE, "1. a_b **c** \\d &amp; [x](y) {{z}} www.a.b", "S0002", "C:\\logs\\S0002"]
)
def test_the_page_of_any_transcript_shows_it(tmp_path: Path, said: str, style: str) -> None:
    spoken = tuple(Segment(f"S000{n}", None, None, None, f"{n} {said}") for n in (1, 2))
    made = Transcript("t", "text", "", spoken)
    create(tmp_path / "transcript.md", transcript_page(made, style))
    create(tmp_path / "report.html", str(escape(said)))
    (tmp_path / "intermediate/s").mkdir(parents=True)
    page = linked(md(said), {"S0002": ""}, "../../", style)
    create(tmp_path / "intermediate/s/a.md", page)
    told = {"a": {"stage": "s", "insights": [{"text": said}]}}

    assert [] == list(faults_of_pages(tmp_path, told, made.segments))


@pytest.mark.parametrize(
    ("harm", "place"),
    [
        (
            lambda d: d["analyzers"]["say_means"].update(latency_s=9.5),
            "analyzers.say_means.latency_s",
        ),
        (
            lambda d: d["analyzers"]["say_means"].update(cost_usd=7.5),
            "analyzers.say_means.cost_usd",
        ),
        (
            lambda d: d["analyzers"]["say_means"].update(prompt_tokens=1),
            "analyzers.say_means.prompt_",
        ),
        (lambda d: d["run"].update(sum_latency_s=9.5), "run.sum_latency_s is 9.5"),
        (lambda d: d["run"].update(wall_s=9.5, speed_up=9.5), "run.speed_up is 9.5"),
    ],
)
def test_figures_of_calls_that_their_records_contradict_are_found(
    run: Path, harm: Callable[[Any], object], place: str
) -> None:
    file = run / "logs/benchmark.json"
    harm(data := json.loads(file.read_bytes()))
    create(file, json.dumps(data))

    assert f"logs/benchmark.json: {place}" in "\n".join(verify(run))


def test_a_finished_run_is_sound_and_stays_as_it_is(run: Path) -> None:
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in run.rglob("*")}

    assert [] == verify(run)
    assert before == {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in run.rglob("*")}


@pytest.mark.parametrize("place", [RECORD, "logs/events.jsonl", "context/stage_b.md"])
def test_a_key_of_the_environment_is_found_in_any_file(
    run: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-0123456789")
    record = json.loads((run / RECORD).read_bytes())
    if place == RECORD:
        change_record(run / place, raw_output=f"{record['raw_output']} canary-0123456789")
    else:
        with (run / place).open("a") as file:
            file.write('{"event": "canary-0123456789"}\n')

    assert [f"{place}: holds the value of a key"] == verify(run)


def test_a_key_in_a_name_is_found_and_not_shown(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-0123456789")
    create(run / "context/canary-0123456789.md")

    assert ["a name in it: holds the value of a key"] == verify(run)


@pytest.mark.parametrize("name", ["journal.jsonl", "logs/events.jsonl"])
def test_a_torn_last_line_is_no_fault(run: Path, name: str) -> None:
    with (run / name).open("a") as file:
        file.write('{"event": "call.fini')

    assert [] == verify(run)


def test_a_line_that_a_crash_tore_is_no_fault_where_the_next_session_begins(run: Path) -> None:
    with (run / "logs/events.jsonl").open("a") as file:
        file.write('{"event": "call.fini\n{"event": "run.started"}\n')

    assert [] == verify(run)


def test_a_run_that_goes_on_may_have_what_a_finished_one_may_not(run: Path) -> None:
    create(run / ".reserve")
    create(run / ".tmp.metadata.json.7.ab", "half")
    (run / "COMPLETED").unlink()
    held = acquire(run)

    assert [] == verify(run)

    release(held)

    assert 3 == len(verify(run))

    change(run / "metadata.json", status="running")

    assert [] == verify(run), "it died on its way and can be finished"


def test_metadata_of_an_earlier_session_is_not_held_against_a_later_one_that_died(
    run: Path,
) -> None:
    line = {"at": "2999-01-01T00:00:00.000+00:00", "event": "run.started"}
    call = {"at": line["at"], "event": "call.started", "analyzer": "say_means", "attempt": 1}
    call |= {"may_use_tokens": 0, "may_cost_usd": 0.0}
    with (run / "journal.jsonl").open("a") as file:
        file.write(f"{json.dumps(line)}\n{json.dumps(call)}\n")

    assert [] == verify(run)


def test_records_that_were_superseded_are_checked_too(run: Path) -> None:
    folder = run / "superseded/stage_a"
    folder.mkdir(parents=True)
    shutil.copy(run / RECORD, folder / "say_means-0123456789ab.json")

    assert [] == verify(run)

    change(folder / "say_means-0123456789ab.json", latency_s=99.0)

    assert 1 == len(verify(run))


def test_a_file_that_is_too_large_is_not_read(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "MAX_BYTES", 1_000_000)
    create(run / "context/large.json", "x" * 1_000_001)

    assert [
        f"context/large.json: cannot be read: {run}/context/large.json is not a regular file of "
        "at most 1,000,000 bytes"
    ] == verify(run)


def test_what_is_no_directory_is_said_to_be_none(tmp_path: Path) -> None:
    create(tmp_path / "file")

    assert [f"{tmp_path}/file: not a directory"] == verify(tmp_path / "file")
    assert [f"{tmp_path}/none: not a directory"] == verify(tmp_path / "none")


@pytest.mark.parametrize("seed", range(25))
def test_nothing_that_lies_there_makes_it_raise(run: Path, seed: int) -> None:
    """Bytes of one file are replaced, cut or doubled at random, or its JSON is of another shape."""
    rng = random.Random(seed)
    files = sorted(path for path in run.rglob("*") if path.suffix in (".json", ".jsonl"))
    shapes = [b"[]", b"7", b"null", b'"x"', b"{}", b'{"stages":[1],"totals":[]}', b"[" * 5000]
    for file in rng.sample(files, 3):
        data, place = file.read_bytes(), rng.randrange(1 + file.stat().st_size)
        noise = bytes(rng.randrange(256) for _ in range(8))
        file.write_bytes(
            rng.choice([data[:place] + noise + data[place:], data[:place], data * 2, *shapes])
        )
    metadata = rng.choice([{"stages": {"a": 1}}, {"totals": 3}, {"exit_code": []}, {"stages": []}])
    (run / "metadata.json").write_text(
        json.dumps({"schema_version": 2, "status": "failed"} | metadata)
    )
    found = verify(run)

    assert all(": " in line and "\n" not in line for line in found)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["good"], 0, ""),
        (["good", "bad"], 1, "bad: .reserve: left over by a run that is completed\n"),
        (
            ["."],
            1,
            "bad: .reserve: left over by a run that is completed\n"
            "sweeps/lost: COMPLETED: exists, but metadata.json does not\n"
            "sweeps/lost/config/resolved.yaml is not as it was signed\n",
        ),
        (
            ["sweeps"],
            1,
            "sweeps/lost: COMPLETED: exists, but metadata.json does not\n"
            "sweeps/lost/config/resolved.yaml is not as it was signed\n",
        ),
        (["good", "nothing"], 2, "colloquy-verify: nothing: there is no run; known: bad, good\n"),
        (["nowhere"], 2, "colloquy-verify: nowhere: there is no run; known: bad, good\n"),
        ([], 2, "colloquy-verify: too few arguments; usage: colloquy-verify DIR…\n"),
        (["--help"], 0, ""),
    ],
)
def test_the_command_tells_each_fault_and_ends_with_its_code(
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    shutil.copytree(finished, "good")
    shutil.copytree(finished, "bad")
    create(Path("bad/.reserve"))
    Path("nothing").mkdir()
    shutil.copytree(finished, "sweeps/lost")
    for name in ("metadata.json", "config/resolved.yaml"):
        (Path("sweeps/lost") / name).unlink()
    monkeypatch.setattr(sys, "argv", ["colloquy-verify", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()

    out, err = capsys.readouterr()

    assert code == ended.value.code
    assert said == err
    assert out == {
        "good": "sound: 1\nsigned by you: 1\n",
        "good bad": "signed by you: 2\n",
        ".": "signed by you: 2\n",
        "--help": f"{USAGE}\n",
    }.get(" ".join(arguments), "")


@pytest.mark.parametrize(
    ("change", "code", "out", "err"),
    [
        ("unsigned", 0, "sound: 1\nrun: not signed by you\n", ""),
        ("of another", 0, "sound: 1\nrun: config/signature.json is not by your key\n", ""),
        ("altered", 1, "", "run/config/overrides.json is not as it was signed\n"),
        (
            "open key",
            0,
            "sound: 1\nrun: the signing key KEY is open to others: expected mode 600\n",
            "",
        ),
    ],
)
def test_the_command_tells_who_has_signed_a_run(
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: str,
    code: int,
    out: str,
    err: str,
) -> None:
    shutil.copytree(finished, "run")
    key = tmp_path / "other.key"
    match change:
        case "unsigned":
            Path("run/config/signature.json").unlink()
        case "altered":
            Path("run/config/overrides.json").write_text("[]\n\n")
        case _:
            create(key, "0" * 64)
            key.chmod(0o644 if change == "open key" else 0o600)
            monkeypatch.setenv("COLLOQUY_SIGNING_KEY", str(key))
    monkeypatch.setattr(sys, "argv", ["colloquy-verify", "run"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()

    assert (code, out.replace("KEY", str(key)), err) == (ended.value.code, told.out, told.err)


@pytest.mark.parametrize("said", ["We wait until May, I think", "We wait. Yeah. Until May"])
def test_a_quote_around_anothers_word_is_found_again(said: str) -> None:
    turns = (("Ann", "We wait."), ("Bob", "Yeah."), ("Ann", "Until May, I think."))
    spoken = [Segment(f"S000{n}", who, None, None, text) for n, (who, text) in enumerate(turns, 1)]
    evidence = [{"segment": "S0001", "quote": said}]
    answer, counts = Grounder(spoken).ground({"insights": [{"evidence": evidence}]})

    assert 1 == counts.near
    assert [] == list(faults_of_answers({}, {"notes": answer}, {}, spoken))


def test_words_of_two_people_that_another_version_took_as_exact_are_sound() -> None:
    spoken = [
        Segment("S0001", "Ann", None, None, "Is it?"),
        Segment("S0002", "Bob", None, None, "No."),
    ]
    quote = {"segment": "S0001", "quote": "Is it? No.", "match": "exact"}

    assert [] == list(faults_of_answers({}, {"notes": {"insights": [quote]}}, {}, spoken))
