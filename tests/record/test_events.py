from __future__ import annotations

import io
import json
import logging
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import structlog

from runner.base.secrets import Secrets
from runner.record.events import run_log, set_library_levels

ROOT = Path(__file__).parents[2]
log = structlog.get_logger("colloquy.test")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_two_runs_in_one_process_keep_their_events_apart() -> None:
    """The logger is made once, at import, as in every module of the runner."""
    for name in ("first", "second"):
        with run_log(Path(f"{name}.jsonl"), "quiet"):
            log.info("thing.done", job=name)

    assert [event["job"] for event in lines(Path("first.jsonl"))] == ["first"]
    assert [event["job"] for event in lines(Path("second.jsonl"))] == ["second"]


def test_every_event_is_in_the_documentation() -> None:
    written = re.compile(r'log\.(?:info|warning|error|exception)\(\s*"([a-z_]+\.[a-z_]+)"')
    sources = (file.read_text("utf-8") for file in (ROOT / "runner").rglob("*.py"))
    names = {name for source in sources for name in written.findall(source)}
    page = (ROOT / "docs" / "observability.md").read_text("utf-8")
    rows = re.findall(r"^\| (\w+) \| (.*) \|$", page, re.MULTILINE)
    documented = {f"{noun}.{each}" for noun, all_ in rows for each in re.findall(r"\w+", all_)}

    assert "run.started" in names
    assert set() == names - documented


def test_records_of_other_libraries_are_in_the_same_file_as_json() -> None:
    set_library_levels()
    with run_log(Path("log.jsonl"), "quiet"):
        logging.getLogger("httpx").warning("told: %s", "this")
        logging.getLogger("LiteLLM").warning("careful")
        logging.getLogger("httpx").info("not this, which the session logs")
    found = lines(Path("log.jsonl"))

    assert [(e["logger"], e["event"]) for e in found] == [
        ("httpx", "told: this"),
        ("LiteLLM", "careful"),
    ]


def test_a_warning_of_python_is_logged_masked_and_not_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with (
        warnings.catch_warnings(),
        run_log(Path("log.jsonl"), "plain", secrets=Secrets(("canary-4711-value",))),
    ):
        warnings.simplefilter("always")
        warnings.warn("expected int, got 'canary-4711-value'", stacklevel=1)
    (line,) = lines(Path("log.jsonl"))

    assert "py.warnings" == line["logger"]
    assert "expected int, got '***'" in line["event"]
    assert "" == capsys.readouterr().err


def test_a_traceback_holds_no_local_variable() -> None:
    with run_log(Path("log.jsonl"), "quiet"):
        try:
            secret = "canary-" + "4711"
            raise ValueError(len(secret))
        except ValueError:
            log.exception("thing.failed")
    text = Path("log.jsonl").read_text()

    assert "ValueError" in text
    assert "canary-4711" not in text


def test_hostile_values_make_one_line_each_and_no_terminal_code() -> None:
    shown = io.StringIO()
    with run_log(Path("log.jsonl"), "plain", shown):
        log.info("thing.done", speaker="Ann\nfake.event x=1\x1b]0;title\x07")

    assert len(lines(Path("log.jsonl"))) == 1
    assert shown.getvalue().count("\n") == 1
    assert "\x1b" not in shown.getvalue()


def test_the_console_shows_milestones_and_the_file_shows_everything() -> None:
    shown = io.StringIO()
    with run_log(Path("log.jsonl"), "plain", shown):
        log.info("call.finished", analyzer="a")
        log.info("node.finished", analyzer="a")

    assert "call.finished" not in shown.getvalue()
    assert "node.finished analyzer=a" in shown.getvalue()
    assert len(lines(Path("log.jsonl"))) == 2


def test_nothing_is_left_behind_in_the_root_logger() -> None:
    before = list(logging.getLogger().handlers), logging.getLogger().level
    with run_log(Path("log.jsonl"), "json", io.StringIO()):
        pass

    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before
