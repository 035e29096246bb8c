"""A reply that is delivered has a place on the disk, however small that is."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers import job
from helpers.batches import execute_batch, many, write_all
from helpers.disk import full_disk, small_disk
from helpers.pages import batch_by_hand
from helpers.runs import LATENCY, ONLY_TWO, execute, execute_models, simulated
from helpers.sessions import begin_anew, resume
from helpers.themes_by_hand import collection, with_collection

from runner.base.errors import OutputError
from runner.providers.request import Request
from runner.record import recorder
from runner.reports.report.write import try_write_report
from runner.reports.verify import verify

SMALL = "model.max_tokens=1000"  # of a reply, so that a record gets 32 kB
RUN, BATCH = Path("run"), Path("batch")

pytestmark = pytest.mark.usefixtures("private")


def kept(root: Path) -> int:
    """Return how many answers are stored under *root*."""
    records = (json.loads(p.read_bytes()) for p in root.glob("**/intermediate/**/[!.]*.json"))
    return sum(record["status"] == "ok" for record in records)


def fill(disk: AbstractContextManager[None], latency: Any = None, *overrides: str) -> list[str]:
    """Run the eight analyzers on *disk*, which becomes full; return those that were asked."""
    asked: list[str] = []

    def reply(request: Request) -> str:
        asked.append(request.node)
        return simulated(request)

    with disk, pytest.raises(OSError, match="No space left"):
        execute(job(SMALL, *overrides), reply, latency)
    return asked


def assert_nothing_is_lost(asked: list[str], *overrides: str) -> None:
    assert len(asked) == kept(RUN)
    assert [] == verify(RUN)

    result, transports = execute_models(job(SMALL, *overrides), again=True)

    assert 0 == result.exit_code
    assert kept(RUN) == len(asked) + len(transports["main"].requests)
    assert [] == verify(RUN)


@pytest.mark.parametrize("latency", [{}, LATENCY], ids=["at_once", "in_seconds"])
@pytest.mark.parametrize("kilobytes", [130, 170, 230, 300])
def test_no_delivered_reply_is_lost_on_a_small_disk(
    kilobytes: int, latency: dict[str, float]
) -> None:
    assert_nothing_is_lost(fill(small_disk(RUN, kilobytes * 1024), latency))


@pytest.mark.parametrize("inodes", [18, 24, 34])
def test_no_delivered_reply_is_lost_where_inodes_are_few(inodes: int) -> None:
    assert_nothing_is_lost(fill(small_disk(RUN, files=inodes), LATENCY))


@pytest.mark.parametrize("kilobytes", [170, 300])
def test_no_delivered_reply_about_a_part_is_lost_on_a_small_disk(kilobytes: int) -> None:
    parts = "transcript.token_budget=700"

    assert_nothing_is_lost(fill(small_disk(RUN, kilobytes * 1024), LATENCY, parts), parts)


@pytest.mark.parametrize("kilobytes", [200, 400])
def test_no_delivered_reply_is_lost_in_a_batch_on_a_small_disk(kilobytes: int) -> None:
    write_all(6)
    asked: list[str] = []

    def reply(request: Request) -> str:
        asked.append(request.node)
        return simulated(request)

    seconds = dict.fromkeys(LATENCY, 1.0)
    with small_disk(BATCH, kilobytes * 1024), pytest.raises(OSError, match="No space left"):
        execute_batch(many(SMALL), reply, seconds)

    assert len(asked) == kept(BATCH)
    assert [] == verify(BATCH)

    result, transport = execute_batch(many(SMALL), again=True)

    assert 0 == result.exit_code
    assert kept(BATCH) == len(asked) + len(transport.requests)
    assert [] == verify(BATCH)


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_call_whose_record_has_no_place_is_not_made(code: int) -> None:
    file = RUN / "intermediate/stage_a/say_means.json"
    asked: list[str] = []

    def reply(request: Request) -> str:
        asked.append(request.node)
        return simulated(request)

    with (
        full_disk(lambda path: path == file, code),
        pytest.raises(OSError, match=os.strerror(code)),
    ):
        execute(job("processing.max_concurrent=1"), reply)

    assert "say_means" not in asked
    assert len(asked) == kept(RUN)
    assert [] == verify(RUN)


def test_a_record_that_outgrows_its_room_is_written_in_the_reserve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recorder, "TOKEN_BYTES", 0)
    monkeypatch.setattr(recorder, "OTHER_BYTES", 1)
    monkeypatch.setattr(recorder, "MIN_BYTES", 1)
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        file = Path(f"/proc/self/fd/{descriptor}").readlink()
        if "intermediate" in file.parts and (RUN / ".reserve").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    with monkeypatch.context() as disk, pytest.raises(OSError, match="No space left"):
        disk.setattr(os, "write", full)
        execute(job(*ONLY_TWO, "processing.max_concurrent=1"))

    assert 2 == kept(RUN)
    assert [] == verify(RUN)


def test_what_a_new_answer_replaces_has_a_place_before_the_call_goes_out() -> None:
    execute(job(*ONLY_TWO))
    refused = full_disk_of_directories(lambda path: "superseded" in path.parts)
    with refused, pytest.raises(OSError, match="No space left"):
        execute_models(job(*ONLY_TWO, "analyzers.say_means.max_tokens=999"), again=True)

    assert 3 == kept(RUN)
    _, transports = execute_models(job(*ONLY_TWO, "analyzers.say_means.max_tokens=999"), again=True)
    assert ["say_means"] == [request.node for request in transports["main"].requests]


def test_an_answer_that_cannot_be_moved_back_is_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, other = job(*ONLY_TWO), job(*ONLY_TWO, "analyzers.say_means.max_tokens=999")
    execute(first)
    execute_models(other, again=True)
    real = os.replace

    def refusing(source: Any, target: Any) -> None:
        if "superseded" in Path(source).parts:
            raise OSError(errno.EIO, "Input/output error")
        real(source, target)

    with monkeypatch.context() as disk:
        disk.setattr(os, "replace", refusing)
        result, transports = execute_models(first, again=True)
    assert (8, "partial") == (result.exit_code, result.status)
    assert [] == transports["main"].requests

    result, transports = execute_models(first, again=True)
    assert (0, []) == (result.exit_code, transports["main"].requests)
    assert [] == verify(RUN)


@contextmanager
def full_disk_of_directories(refuses: Callable[[Path], bool]) -> Any:
    real = os.mkdir

    def mkdir(path: Any, *rest: Any, **named: Any) -> None:
        if refuses(Path(path)):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, *rest, **named)

    os.mkdir = mkdir
    try:
        yield
    finally:
        os.mkdir = real


@pytest.mark.parametrize("kilobytes", [230])
def test_no_delivered_reply_is_lost_on_a_real_small_disk(kilobytes: int) -> None:
    RUN.mkdir(mode=0o700)
    mounting = ["mount", "-t", "tmpfs", "-o", f"mode=700,size={kilobytes}k", "tmpfs", str(RUN)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        asked = fill(small_disk(RUN), LATENCY)

        assert len(asked) == kept(RUN)
        assert [] == verify(RUN)
    finally:
        subprocess.run(["umount", str(RUN)], check=True)


def refused(*names: str) -> AbstractContextManager[None]:
    """Let no file with one of these names be written."""
    return full_disk(lambda path: path.name in names)


def test_a_report_without_room_is_named_with_the_command_that_writes_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with refused("report.html"):
        code, _ = begin_anew(*ONLY_TWO)
    told = capsys.readouterr()

    page = "cannot write run/report.html: No space left on device"
    assert f"colloquy: {page}; once that is fixed: colloquy-report run\n" == told.err
    assert 0 == code
    assert told.out.startswith("status=completed exit=0 ")
    assert " report=" not in told.out


def test_a_report_without_room_is_written_when_the_finished_run_is_resumed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with refused("report.html"):
        begin_anew(*ONLY_TWO)
    capsys.readouterr()

    assert (0, []) == resume()
    assert (RUN / "report.html").is_file()
    assert "colloquy: run is complete; written: run/report.html\n" == capsys.readouterr().err
    assert (0, []) == resume()
    assert "colloquy: nothing to do: run is complete\n" == capsys.readouterr().err


def test_reports_of_a_batch_without_room_are_written_when_it_is_resumed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_all(2)
    with refused("report.html"):
        begin_anew(*ONLY_TWO, "transcript=file", "transcript.path=many")
    assert (0, []) == resume()
    reports = [*RUN.glob("runs/*/*/report.html"), RUN / "report.html"]
    assert 3 == len(reports)
    reports[0].unlink()
    capsys.readouterr()
    lacking = f"cannot write run: {reports[0]}: No space left on device"
    with refused("report.html"), pytest.raises(OutputError, match=lacking):
        resume()
    assert ("", "") == capsys.readouterr()

    assert (0, []) == resume()
    assert reports[0].is_file()
    assert "colloquy: run is complete; written: run/report.html\n" == capsys.readouterr().err
    assert (0, []) == resume()
    assert "colloquy: nothing to do: run is complete\n" == capsys.readouterr().err


def test_an_index_without_room_is_named_and_the_report_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with refused("index.html"):
        begin_anew(*ONLY_TWO)

    assert "/index.html: No space left on device; once" in capsys.readouterr().err
    assert (RUN / "report.html").is_file()


def test_a_full_disk_that_ends_the_run_says_only_how_to_resume_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with refused("report.html", "insights.json"), pytest.raises(OutputError, match="resume=run"):
        begin_anew(*ONLY_TWO)

    assert "" == capsys.readouterr().err


def test_pages_of_a_batch_without_room_are_counted() -> None:
    write_all(3)
    execute_batch(many())
    with refused("report.html"):
        line = try_write_report(BATCH)

    assert line is not None
    assert line.endswith(", nor 3 further pages; once that is fixed: colloquy-report batch")
    assert "/report.html: No space left on device, nor" in line


@pytest.mark.parametrize("page", ["themes.docx", "themes.md", "report.html"])
def test_a_page_of_a_collection_without_room_is_named(page: str) -> None:
    with_collection(batch_by_hand(BATCH), collection(), pages="docx")
    with full_disk(lambda path: path == BATCH / "collection" / page):
        line = try_write_report(BATCH)

    fixed = "once that is fixed: colloquy-report batch"
    assert f"cannot write batch/collection/{page}: No space left on device; {fixed}" == line
