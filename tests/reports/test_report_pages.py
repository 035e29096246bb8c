"""The index, the command, the page left at a run's end, and a real run's report."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
import structlog
from helpers.disk import full_disk
from helpers.pages import HOSTILE, Seen, page_of
from helpers.processes import colloquy
from structlog.testing import capture_logs

from benchmarks.report import synthetic_run
from runner.reports.report.write import main as report
from runner.reports.report.write import try_write_index, try_write_report, write_index


def sweep_of(root: Path) -> Path:
    """Make a sweep of two jobs under *root*."""
    for number, slots in enumerate((1, 8)):
        job = synthetic_run(root / "sweeps" / "s1" / str(number), 4)
        (job / "config/overrides.json").write_text(f'["processing.max_concurrent={slots}"]')
    return root / "sweeps" / "s1"


def indexed(root: Path) -> tuple[str, Seen]:
    text = write_index(root).read_text()
    seen = Seen(text)

    assert "script" not in seen.tags
    assert "default-src 'none'" in text
    links = [link for link in seen.links if not link.startswith("#")]
    assert all(link.startswith("./") and (root / unquote(link)).is_file() for link in links)
    return text, seen


def test_the_index_lists_runs_newest_first_and_leads_to_their_reports(tmp_path: Path) -> None:
    for name, started in (("old", "2026-01-01T00:00:00"), ("new", "2026-02-01T00:00:00")):
        path = synthetic_run(tmp_path / "runs" / name, 4)
        metadata = json.loads((path / "metadata.json").read_bytes())
        (path / "metadata.json").write_text(json.dumps({**metadata, "started_at": started}))
    try_write_report(tmp_path / "runs" / "new")
    _, seen = indexed(tmp_path)

    assert seen.links == ["./runs/new/report.html"]
    assert seen.words.index("new") < seen.words.index("old")
    assert "4 of 4" in seen.words
    assert "simulated provider" in seen.words


def test_the_index_lists_a_sweep_with_its_comparison_and_what_its_jobs_differ_in(
    tmp_path: Path,
) -> None:
    sweep = sweep_of(tmp_path)
    _, before = indexed(tmp_path)
    (sweep / "comparison.html").write_text("<!doctype html>")
    _, seen = indexed(tmp_path)

    assert before.links == []
    assert seen.links == ["./sweeps/s1/comparison.html"]
    assert "2 of 2 jobs completed" in seen.words
    assert "processing.max_concurrent=8" in seen.words


def test_of_a_job_the_index_shows_only_overrides_that_not_all_jobs_have(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path)
    for number in range(2):
        said = ["model=offline", f"processing.max_concurrent={number}"]
        (sweep / f"{number}/config/overrides.json").write_text(json.dumps(said))
    _, seen = indexed(tmp_path)

    assert "processing.max_concurrent=0" in seen.words
    assert "model=offline" not in seen.words


def test_batches_have_a_section_and_lead_to_their_page_or_else_to_their_results(
    tmp_path: Path,
) -> None:
    for name in ("b1", "b2"):
        path = tmp_path / "batches" / name
        (path / "config").mkdir(parents=True)
        files = {"total": 3, "completed": 1, "degraded": 1, "unreadable": 1}
        told = {"kind": "batch", "status": "partial", "files": files}
        (path / "metadata.json").write_text(json.dumps(told))
        (path / "results.jsonl").touch()
        (path / "results.csv").touch()
    (tmp_path / "batches/b2/report.html").touch()
    _, seen = indexed(tmp_path)

    assert "batches" in seen.ids
    assert "2 of 3 files" in seen.words
    assert sorted(seen.links) == ["./batches/b1/results.csv", "./batches/b2/report.html"]


def test_a_name_that_is_no_unicode_is_a_link_all_the_same(tmp_path: Path) -> None:
    path = synthetic_run(tmp_path / "runs" / os.fsdecode(b"odd\xff"), 4)
    (path / "report.html").touch()
    seen = Seen(write_index(tmp_path).read_text())

    assert seen.links == ["./runs/odd%FF/report.html"]


def test_a_page_of_another_program_stays_as_it_is(tmp_path: Path) -> None:
    own = write_index(tmp_path)
    own.write_text("<html>mine</html>")
    with pytest.raises(FileExistsError, match="another program"):
        write_index(tmp_path)

    assert "<html>mine</html>" == own.read_text()


def test_hostile_names_in_the_index_are_words(tmp_path: Path) -> None:
    path = synthetic_run(tmp_path / "runs" / "javascript:alert(1)#x?y<b>&", 4)
    metadata = json.loads((path / "metadata.json").read_bytes())
    metadata |= {"status": HOSTILE, "model": HOSTILE, "started_at": HOSTILE}
    metadata["transcript"]["name"] = HOSTILE
    (path / "metadata.json").write_text(json.dumps(metadata))
    try_write_report(path)
    text = write_index(tmp_path).read_text()
    seen = Seen(text)

    assert seen.links == ["./runs/javascript%3Aalert%281%29%23x%3Fy%3Cb%3E%26/report.html"]
    assert "<script>alert(1)</script>" in seen.words
    assert "\x1b" not in text


def test_an_index_of_nothing_says_so(tmp_path: Path) -> None:
    assert "No runs yet." in indexed(tmp_path)[1].words


def test_the_command_writes_reports_and_the_index_above(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = synthetic_run(tmp_path / "outputs" / "runs" / "r1", 4)
    sweep = sweep_of(tmp_path / "outputs")

    with pytest.raises(SystemExit, match=r"^0$"):
        report([str(run), str(sweep)])
    assert capsys.readouterr().out.splitlines() == [
        str(run / "report.html"),
        str(sweep / "0/report.html"),
        str(sweep / "1/report.html"),
        str(tmp_path / "outputs/index.html"),
    ]


def test_the_command_refuses_what_is_no_run_before_it_writes_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = synthetic_run(tmp_path / "runs" / "some_run", 4)

    with pytest.raises(SystemExit, match=r"^2$"):
        report([str(run), str(run.with_name("some_rum"))])
    line = capsys.readouterr().err.strip()
    assert line.endswith(f"there is no run; did you mean '{run}'?")
    assert "\n" not in line
    assert not (run / "report.html").exists()


@pytest.mark.parametrize("content", ["{}", '{"source": "an archive"}', "[1]", "no JSON"])
def test_a_metadata_json_of_another_program_makes_no_run(content: str, tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/metadata.json").write_text(content)

    with pytest.raises(SystemExit, match=r"^2$"):
        report([str(tmp_path)])
    assert ["metadata.json"] == [file.name for file in tmp_path.rglob("*.*")]


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["--wrong"], 2), (["--help"], 0)])
def test_the_command_says_how_it_is_used(arguments: list[str], code: int) -> None:
    with pytest.raises(SystemExit, match=rf"^{code}$"):
        report(arguments)


def test_a_page_that_cannot_be_made_is_one_warning(tmp_path: Path) -> None:
    structlog.reset_defaults()
    with capture_logs() as logs:
        line = try_write_report(tmp_path / "nothing", tmp_path)

    assert line is not None
    assert f"the pages of {tmp_path / 'nothing'}: ConfigError: " in line
    assert [(line["event"], line["log_level"]) for line in logs] == [("report.failed", "warning")]


def test_an_index_that_cannot_be_written_is_one_line_with_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "index.html"
    with full_disk(lambda path: path == file):
        try_write_index(tmp_path)

    fixed = "once that is fixed: colloquy-report ."
    said = f"colloquy: cannot write {file}: No space left on device; {fixed}\n"
    assert said == capsys.readouterr().err


def test_the_pages_leave_no_half_written_file(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path / "runs" / "r1", 4)
    try_write_report(run, tmp_path)

    assert not list(tmp_path.rglob(".tmp.*"))
    assert (run / "report.html").stat().st_mode & 0o777 == 0o600


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run all three stages of the shipped pipeline on the sample, read in parts, offline."""
    folder = tmp_path_factory.mktemp("real")
    wanted = [
        "pipeline=transcript_analysis",
        "transcript.token_budget=1500",
        "output.console=quiet",
    ]
    done = colloquy(*wanted, cwd=folder)
    assert done.returncode == 0, done.stderr
    (path,) = (folder / "outputs/runs").iterdir()
    return path


@pytest.mark.slow
def test_a_real_run_has_its_final_notes_first_and_every_part_of_the_page(real: Path) -> None:
    text, seen = page_of(real)
    places = [seen.words.index(f"\n{name} ") for name in ("Meeting notes", "Say means")]

    assert places == sorted(places)
    assert "extractive baseline, not a language model" in seen.words
    assert {"contexts", "parts", "timeline", "tokens", "grounding"} <= set(seen.ids)
    assert 'class="ach"' in text
    assert "transcript.token_budget=1500" in seen.words
    assert "of 8,000 tokens" in seen.words
    assert "Where people mean something else than they say" in seen.words
    read = seen.words.rpartition("Configuration")[0]
    assert re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", read) == []
