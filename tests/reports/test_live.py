"""The live view, driven with events as a run logs them and read back as the text it draws."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers import job
from helpers.runs import execute
from rich.console import Console

from runner.base.secrets import Secrets
from runner.record.events import LiveFactory, Sink, run_log
from runner.reports.live.live_table import LiveRow, LiveTable, by_progress, progress
from runner.reports.live.view import LiveView, Tail, live_table_of

A = ("say_means", "perspective_perception", "premises_assertions", "postulate_theorem")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def board() -> LiveTable:
    rows = {name: LiveRow(name, "stage_a") for name in A}
    rows["first_principles"] = LiveRow("first_principles", "stage_b")
    return LiveTable(rows=rows, slots=3, remaining=by_progress)


def drawn(shown: LiveTable, now: float, width: int = 120, height: int = 40) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, height=height, color_system=None)
    console.print(shown.shown(now, width, height))
    return stream.getvalue()


def states(shown: LiveTable, now: float, width: int = 120) -> dict[str, str]:
    """Return the text beside each analyzer's name."""
    lines = (line.strip().split(maxsplit=1) for line in drawn(shown, now, width).split("\n"))
    return {words[0]: words[1] for words in lines if len(words) == 2}


def tell(shown: LiveTable, now: float, name: str, analyzer: str = "", **facts: Any) -> None:
    who = {"analyzer": analyzer} if analyzer else {}
    shown.apply({"event": name, "level": "info", **who, **facts}, now)


def call(shown: LiveTable, now: float, event: str, analyzer: str) -> None:
    shown.apply_line({"event": event, "analyzer": analyzer, "attempt": 1}, now)


def halfway() -> LiveTable:
    """Return a board at 10 s on which every state is to be seen."""
    shown = board()
    tell(shown, 0.0, "run.started", transcript="meeting", model="openai/gpt")
    for name in A:
        tell(shown, 0.0, "node.started", name, stage="stage_a")
    call(shown, 0.0, "call.started", A[0])
    facts = {"prompt_tokens": 1200, "completion_tokens": 34, "cost_usd": 0.0125}
    tell(shown, 4.0, "call.finished", A[0], **facts)
    call(shown, 4.0, "call.finished", A[0])
    tell(shown, 4.0, "node.finished", A[0])
    call(shown, 4.0, "call.started", A[1])
    call(shown, 9.0, "call.started", A[2])
    tell(shown, 9.5, "call.failed", A[2], kind="throttle", retry_in_s=4.2, level="warning")
    call(shown, 9.5, "call.failed", A[2])
    return shown


@pytest.mark.parametrize("width", [80, 120])
def test_every_analyzer_shows_its_state_tokens_cost_and_time(width: int) -> None:
    seen = states(halfway(), 10.0, width)

    assert seen["say_means"].split() == ["done", "1,234", "$0.0125", "4.0", "s"]
    assert seen["perspective_perception"].split() == ["running", "10.0", "s"]
    assert seen["premises_assertions"].startswith("retry in 4 s (throttle)")
    assert seen["postulate_theorem"].startswith("queued")
    assert seen["first_principles"].strip() == "waiting"
    assert seen["stage_a"].startswith("1 of 4 done")


def test_the_last_line_sums_up() -> None:
    last = drawn(halfway(), 10.0).rstrip().split("\n")[-1]

    assert last == (
        "1 of 5 done · 1,234 tokens · cost $0.0125 · slots 1/3 · 10.0 s · about 40.0 s left"
    )


def test_while_libraries_load_the_last_line_says_that_the_run_is_starting() -> None:
    shown = board()
    tell(shown, 0.0, "run.starting", model="openai/gpt")
    starting = drawn(shown, 1.0).rstrip().split("\n")[-1]
    tell(shown, 2.0, "run.started", transcript="meeting", model="openai/gpt")

    assert "starting" == starting
    assert "0 of 5 done" in drawn(shown, 2.0)


def test_a_retry_that_is_due_waits_for_a_slot_and_then_runs() -> None:
    shown = halfway()
    due = states(shown, 15.0)["premises_assertions"]
    call(shown, 15.0, "call.started", A[2])

    assert due.startswith("queued")
    assert states(shown, 15.0)["premises_assertions"].startswith("running")


def test_endings_differ_and_their_reasons_stand_below() -> None:
    shown = halfway()
    tell(shown, 11.0, "node.reused", A[1])
    tell(shown, 12.0, "node.failed", A[2], kind="refused", error="no means no", level="error")
    tell(shown, 12.0, "node.skipped", A[3], reason="not called", level="warning")
    tell(shown, 13.0, "run.finished", status="partial")
    seen, text = states(shown, 13.0), drawn(shown, 13.0)

    assert seen["perspective_perception"].startswith("reused")
    assert seen["premises_assertions"].startswith("failed (refused)")
    assert seen["postulate_theorem"].startswith("skipped")
    assert "premises_assertions: node.failed no means no" in text
    assert "2 of 5 done, 1 failed, 1 skipped" in text
    assert text.rstrip().endswith("partial")
    assert "left" not in text


def test_an_unknown_price_is_called_unknown_for_good() -> None:
    shown = board()
    tell(shown, 1.0, "call.finished", A[0], prompt_tokens=1, completion_tokens=1, cost_usd=None)
    tell(shown, 2.0, "call.finished", A[0], prompt_tokens=1, completion_tokens=1, cost_usd=1.0)

    assert "cost unknown" in drawn(shown, 3.0)


def test_parts_of_a_transcript_count_for_their_analyzer() -> None:
    shown = board()
    tell(shown, 0.0, "node.started", A[0])
    for number in (1, 2):
        call(shown, 0.0, "call.started", f"{A[0]}/part_{number:02d}")

    assert shown.rows[A[0]].in_flight == 2
    assert [*shown.rows] == [*board().rows]


@pytest.mark.parametrize("width", [80, 120])
def test_long_times_and_many_tokens_are_not_cut_off(width: int) -> None:
    shown = board()
    tell(shown, 0.0, "node.started", A[0], stage="stage_a")
    tell(shown, 1.0, "call.finished", A[0], prompt_tokens=1_234_567, cost_usd=12.5)

    assert ["queued", "1,234,567", "$12.50", "36m", "05s"] == states(shown, 2165.0, width)[
        A[0]
    ].split()


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(len(line) for line in drawn(halfway(), 10.0, width).split("\n")) <= width


@pytest.mark.parametrize("height", [8, 12, 24])
def test_of_eight_hundred_analyzers_those_are_shown_where_something_happens(height: int) -> None:
    rows = {f"a_{number:03d}": LiveRow(f"a_{number:03d}", "stage_a") for number in range(800)}
    shown = LiveTable(rows=rows, slots=3)
    tell(shown, 0.0, "node.started", "a_700")
    call(shown, 0.0, "call.started", "a_700")
    text = drawn(shown, 1.0, 80, height)

    assert text.count("\n") <= height
    assert "a_700" in text
    assert "more" in text
    assert "0 of 800 done" in text


def test_hostile_text_changes_neither_colours_nor_the_title_nor_the_lines() -> None:
    shown = halfway()
    evil = "[red]x[/red] \x1b]0;title\x07\x1b[2J\nfake line\u202e [link=file:///etc]y[/link]"
    tell(shown, 1.0, "node.failed", evil, kind=evil, error=evil, level="error", stage=evil)
    tell(shown, 1.0, "run.started", transcript=evil, model=evil)
    text = drawn(shown, 10.0)

    assert "\x1b]" not in text
    assert "\x1b[2J" not in text
    assert "\u202e" not in text
    assert "[red]x[/red]" in text  # as the text it is
    assert not any(line.startswith("fake line") for line in text.split("\n"))


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"event": None, "analyzer": None},
        {"event": "call.finished", "analyzer": "a", "prompt_tokens": "x", "cost_usd": "y"},
        {"event": "call.failed", "analyzer": "a", "retry_in_s": "soon"},
        {"event": "node.finished", "analyzer": "never started"},
    ],
)
def test_an_odd_event_breaks_nothing(event: Mapping[str, Any]) -> None:
    shown = board()
    shown.apply(event, 1.0)

    assert "of" in drawn(shown, 2.0)


def test_a_journal_is_followed_from_where_it_is_and_by_whole_lines() -> None:
    path = Path("journal.jsonl")
    path.write_text('{"event": "old"}\n')
    tail = Tail(path)
    with path.open("a") as file:
        file.write('{"event": "new"}\nnot json\n{"event": "to')
    first = tail.lines()
    with path.open("a") as file:
        file.write('rn"}\n')

    assert first == [{"event": "new"}]
    assert tail.lines() == [{"event": "torn"}]


def test_a_run_is_drawn_with_the_stages_of_its_configuration() -> None:
    _, path, _ = execute(job("processing.max_concurrent_stage_a=2"))
    shown = live_table_of(path)

    assert [*shown.rows][:4] == [*A]
    assert {row.stage for row in shown.rows.values()} == {"stage_a", "stage_b"}
    assert shown.slots == 2 + 3


@pytest.mark.parametrize(
    ("overrides", "slots"),
    [
        (["max_concurrent_stage_a=4", "max_concurrent_stage_b=4"], 8),
        (["max_concurrent_stage_a=3"], 6),
        (["max_concurrent_stage_a=4", "max_concurrent_stage_b=4", "mode=sequential"], 1),
    ],
)
def test_the_slots_shown_are_those_of_all_pools(overrides: list[str], slots: int) -> None:
    _, path, _ = execute(job(*(f"processing.{override}" for override in overrides)))

    assert slots == live_table_of(path).slots


def test_a_deeply_nested_configuration_gives_an_empty_table_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/resolved.yaml").write_text("[" * 200_000)

    assert {} == live_table_of(tmp_path).rows


def test_the_time_left_is_predicted_from_history_by_the_scheduler() -> None:
    """Four of 2 s and four of 3 s with three slots: two rounds of each stage."""
    _, path, _ = execute(job())
    seen = dict.fromkeys(A, 2.0)
    seen |= dict.fromkeys([*live_table_of(path).rows][4:], 3.0)
    entry = {"reply_tokens": 1.0, "prompt_ratio": 1.0}
    history = {n: {"latency_s": s, **entry} for n, s in seen.items()}
    Path("outputs").mkdir(exist_ok=True)
    Path("outputs/history.json").write_text(json.dumps({"offline/extractive": history}))
    shown = live_table_of(path)
    assert shown.remaining is not None
    before = shown.remaining(shown, 0.0)
    tell(shown, 0.0, "node.started", A[0])
    call(shown, 0.0, "call.started", A[0])
    halfway_through = shown.remaining(shown, 0.5)

    assert before == 2 * 2.0 + 2 * 3.0
    assert halfway_through == before - 0.5


def test_the_view_draws_what_was_logged_masked_and_ends_with_a_whole_frame() -> None:
    stream = Terminal()
    view = LiveView(Path("nowhere"), stream, Secrets(("hunter2hunter2",)), forced=True)
    failed = {"event": "node.failed", "analyzer": "a", "error": "hunter2hunter2", "level": "error"}
    view({**failed, "logger": "colloquy.run"})
    view.close()
    text = stream.getvalue()

    assert "hunter2" not in text
    assert "a: node.failed ***" in text
    assert text.endswith("\x1b[?25h")  # the cursor is there again


def noting(made: list[Sink]) -> LiveFactory:
    """Return what makes the live view and appends it to *made*."""

    def make(*arguments: Any) -> Sink:
        made.append(LiveView(*arguments))
        return made[-1]

    return make


@pytest.mark.parametrize(
    ("console", "terminal", "term", "is_live"),
    [
        ("auto", True, "xterm", True),
        ("auto", True, "dumb", False),
        ("auto", False, "xterm", False),
        ("live", False, "xterm", True),
        ("plain", True, "xterm", False),
        ("json", True, "xterm", False),
        ("quiet", True, "xterm", False),
    ],
)
def test_a_terminal_is_drawn_on_and_all_else_is_written_to(
    monkeypatch: pytest.MonkeyPatch, console: str, terminal: bool, term: str, is_live: bool
) -> None:
    monkeypatch.setenv("TERM", term)
    stream = Terminal() if terminal else io.StringIO()
    made: list[Sink] = []
    with run_log(Path("log.jsonl"), console, stream, live=noting(made)):
        pass

    assert bool(made) == is_live


def test_beside_another_run_lines_are_written_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    made: list[Sink] = []
    with (
        run_log(Path("one.jsonl"), "auto", Terminal(), live=noting(made)),
        run_log(Path("two.jsonl"), "auto", Terminal(), live=noting(made)),
    ):
        pass

    assert len(made) == 1


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ((0, 0, 500, 0.0), "batch: 0 of 500 files"),
        (
            (120, 3, 500, 0.25),
            "batch: 120 of 500 files, 3 without an answer, 15.0 a minute, about 25m 20s left",
        ),
        ((500, 0, 500, 0.25), "batch: 500 of 500 files, 15.0 a minute"),
    ],
)
def test_a_batch_tells_its_pace_in_a_line(given: tuple[int, int, int, float], line: str) -> None:
    assert progress(*given) == line
