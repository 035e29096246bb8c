"""The live view: draws a run's log events and journal in a thread of its own."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.live import Live

from runner.base.errors import ColloquyError
from runner.base.json import load_yaml
from runner.base.regular_files import MAX_LOG, kind_of, open_regular
from runner.base.secrets import Secrets
from runner.calls.schedule import Duration, ideal_makespan
from runner.config.schema import Settings, validate
from runner.job.graph import Pipeline, make_pipeline
from runner.record.history import read_history
from runner.record.journal import parse_lines
from runner.record.run_directory import check_folders
from runner.reports.live.live_table import LiveRow, LiveTable, by_progress

REDRAWS_PER_S = 8
MAX_READ = 16 * 1024 * 1024  # bytes of the journal in one redraw
PREDICTED_S = 1.0  # between predictions of the time left
MAX_PREDICTED = 64  # nodes; with more, the time left is estimated from progress


class LiveView:
    """Draws the run in directory *path* on *stream*, *forced* without a terminal, until closed.

    The event loop only appends records to a queue; everything else happens in rich's thread, so
    a slow terminal blocks nothing. *secrets* are masked.
    """

    def __init__(
        self,
        path: Path,
        stream: TextIO,
        secrets: Secrets,
        forced: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.table = live_table_of(path)
        self._secrets, self._clock = secrets, clock
        self._events: deque[tuple[float, Mapping[str, Any]]] = deque()
        self._calls = Tail(path / "journal.jsonl")
        self._console = Console(
            file=stream, force_terminal=forced or None, markup=False, emoji=False, highlight=False
        )
        self._live = Live(
            console=self._console,
            get_renderable=self.draw,
            refresh_per_second=REDRAWS_PER_S,
            vertical_overflow="crop",
        )
        with suppress(OSError):  # a terminal that is gone
            self._live.start()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Queue *event* for the next redraw; of libraries' events only errors."""
        if str(event.get("logger")).startswith("colloquy"):
            self._events.append((self._clock(), dict(event)))
        elif event.get("level") in ("error", "critical"):
            text = {"event": event.get("logger"), "error": event.get("event"), "level": "error"}
            self._events.append((self._clock(), text))

    def draw(self) -> RenderableType:
        """Apply queued events and journal lines; return the frame."""
        while self._events:
            then, event = self._events.popleft()
            self.table.apply(self._secrets.redact_all(dict(event)), then)
        for line in self._calls.lines():
            self.table.apply_line(line, self._clock())
        size = self._console.size
        return self.table.shown(self._clock(), size.width, size.height)

    def close(self) -> None:
        """Draw the last frame and restore the terminal."""
        with suppress(OSError):
            self._live.stop()


class Tail:
    """Follows the JSON lines appended to a file from now on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = path.stat().st_size if kind_of(path) else 0
        self._torn = b""

    def lines(self) -> list[dict[str, Any]]:
        """Return the complete lines since the last call."""
        try:
            with open_regular(self._path, MAX_LOG) as file:
                file.seek(self._at)
                data = file.read(MAX_READ)
        except OSError:
            return []
        self._at += len(data)
        *whole, self._torn = (self._torn + data).split(b"\n")
        return list(parse_lines(whole))


def live_table_of(path: Path) -> LiveTable:
    """Return the table of the run in *path* before it begins, empty without a valid pipeline."""
    try:
        check_folders(path)
        settings = validate(load_yaml(path / "config" / "resolved.yaml"))
        pipeline = make_pipeline(settings.stages, settings.analyzers)
    except (OSError, ValueError, TypeError, ColloquyError):
        return LiveTable(remaining=by_progress)
    rows = {node.name: LiveRow(node.name, node.stage) for node in pipeline.nodes}
    processing = settings.processing
    return LiveTable(
        rows=rows,
        slots=pipeline.slot_pools(processing.max_concurrent, processing.mode).total,
        remaining=_predictor(settings, pipeline),
    )


def _predictor(
    settings: Settings, pipeline: Pipeline
) -> Callable[[LiveTable, float], float | None]:
    """Return a function that predicts the seconds left from recorded latencies, if there are."""
    seen = read_history(Path(settings.output.dir), settings.model.name)
    names = [node.name for node in pipeline.nodes]
    if len(names) > MAX_PREDICTED or {*names} - seen.keys():
        return by_progress
    last: list[float] = []  # time and value of the last prediction

    def left_s(row: LiveRow, now: float) -> float:
        sent = now if row.sent is None or not row.in_flight else row.sent
        return 0.0 if row.ending else max(0.0, seen[row.name].latency_s - (now - sent))

    def remaining(table: LiveTable, now: float) -> float | None:
        if not last or now - last[0] >= PREDICTED_S:
            work = {name: Duration(left_s(table.rows[name], now)) for name in names}
            processing = settings.processing
            wall_s = ideal_makespan(pipeline, work, processing.max_concurrent, processing.mode)
            last[:] = [now, wall_s]
        return max(0.0, last[1] - (now - last[0]))

    return remaining
