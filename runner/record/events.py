"""Event log in JSON lines: our events, those of libraries, and warnings."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn, Protocol, TextIO

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, WrappedLogger

from runner.base.files import Lines
from runner.base.secrets import Secrets, secrets_of
from runner.base.text import to_terminal

# Tracebacks without local variables, which hold prompts and keys.
_TRACEBACKS = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
_DETAIL = frozenset({"call.finished", "node.started"})  # in the file, not on the terminal
_JSON = (  # values of other types go through `default`, which masks keys
    orjson.OPT_NON_STR_KEYS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_APPEND_NEWLINE
)
_LIBRARIES = ("LiteLLM", "httpx", "httpcore", "openai", "asyncio")


class Sink(Protocol):
    """Takes the events of one run."""

    def __call__(self, event: EventDict) -> None:
        """Show or store *event* without changing it."""

    def close(self) -> None:
        """Flush and close."""


# Makes the live view of a run directory; the flag forces it without a terminal.
LiveFactory = Callable[[Path, TextIO, Secrets, bool], Sink]

_sinks: list[tuple[Path, Sink]] = []  # of this process's open runs, with their log files
_lock = threading.RLock()
_RUN: ContextVar[Path | None] = ContextVar("run", default=None)  # log file of this task's run


@contextmanager
def run_log(
    path: Path,
    console: str,
    stream: TextIO | None = None,
    *,
    secrets: Secrets | None = None,
    hold_s: float = 0.0,
    live: LiveFactory | None = None,
) -> Iterator[None]:
    """Write events to *path* and *stream*, by default standard error, while the block runs.

    *console* is `plain` (one readable line per milestone), `json` (the events themselves),
    `live` (a table, drawn by *live*), `auto` (live on a terminal, else plain) or `quiet`.
    *secrets*, by default those of the environment, are masked in all events, tracebacks
    included. Lines are buffered for *hold_s* seconds.
    """
    secrets, stream = secrets or secrets_of(), stream or sys.stderr
    sinks: list[Sink] = [_File(path, secrets, hold_s)]
    if console != "quiet":
        sinks.append(_console(console, path, stream, secrets, live))
    root = logging.getLogger()
    level = root.level
    _configure()
    root.setLevel(logging.INFO)
    root.addHandler(_HANDLER)  # once, however many runs are open
    logging.captureWarnings(True)  # Python prints them, with values of replies
    _sinks.extend((path, sink) for sink in sinks)
    token = _RUN.set(path)
    try:
        yield
    finally:
        _RUN.reset(token)
        with _lock:
            _sinks[:] = [entry for entry in _sinks if entry[1] not in sinks]
        for sink in sinks:
            sink.close()
        if not _sinks:
            root.setLevel(level)
            logging.captureWarnings(False)
            root.removeHandler(_HANDLER)


def _console(
    console: str, path: Path, stream: TextIO, secrets: Secrets, live: LiveFactory | None
) -> Sink:
    as_table = console == "live" or (console == "auto" and is_live(stream))
    if live is not None and as_table and not _sinks:  # two tables would overwrite each other
        return live(path.parent.parent, stream, secrets, console == "live")
    return _Stream(stream, secrets, as_json=console == "json")


def is_live(stream: TextIO) -> bool:
    """Return whether *stream* is a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")


class _File:
    """Appends events as whole lines; a failed write is ignored: the journal's ends the run."""

    def __init__(self, path: Path, secrets: Secrets, hold_s: float) -> None:
        self._secrets, self._hold_s = secrets, hold_s
        self._file = Lines(path)
        self._lines: list[bytes] = []
        self._written_at = 0.0

    def __call__(self, event: EventDict) -> None:
        self._lines.append(_json_line(event, self._secrets).encode())
        if (now := time.monotonic()) - self._written_at >= self._hold_s:
            self._written_at = now
            self._write()

    def _write(self) -> None:
        data, self._lines = b"".join(self._lines), []
        with suppress(OSError):
            self._file.append(data)

    def close(self) -> None:
        self._write()
        self._file.close()


class _Stream:
    """Prints milestones as readable lines, or all events as JSON."""

    def __init__(self, stream: TextIO, secrets: Secrets, *, as_json: bool) -> None:
        self._stream, self._secrets, self._as_json = stream, secrets, as_json

    def __call__(self, event: EventDict) -> None:
        if not self._as_json and not is_milestone(event):
            return
        text = (_json_line if self._as_json else _plain_line)(event, self._secrets)
        with suppress(OSError, ValueError):  # a closed pipe
            self._stream.write(text)
            self._stream.flush()

    def close(self) -> None:
        """Keep the stream open: it belongs to the caller."""


class _LibraryHandler(logging.Handler):
    """Passes log records of libraries to the sinks."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(Exception):  # a library's message must not end a run
            event: EventDict = {
                "event": record.getMessage(),
                **structlog.contextvars.get_contextvars(),
                "level": record.levelname.lower(),
                "logger": record.name,
                "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            }
            if record.exc_info:
                event["exc_info"] = record.exc_info
            _deliver(_TRACEBACKS(None, "", event))


_HANDLER = _LibraryHandler()


def _configure() -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _TRACEBACKS,
            _end,
        ],
        logger_factory=lambda name="": SimpleNamespace(name=name),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,  # so that a later configuration takes effect
    )


def _end(_: WrappedLogger, __: str, event: EventDict) -> NoReturn:
    _deliver(event)
    raise structlog.DropEvent


def _deliver(event: EventDict) -> None:
    run = _RUN.get()
    with _lock:
        for path, sink in _sinks:
            if run in (path, None):
                sink(event)


def set_library_levels() -> None:
    """Log only warnings of the libraries; litellm's import sets levels too, and comes first."""
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def _json_line(event: EventDict, secrets: Secrets) -> str:
    """Return *event* as one line of JSON, keys masked in every string."""

    def masked(value: object) -> str:
        return secrets.redact(str(value))

    line = orjson.dumps(event, default=masked, option=_JSON).decode()
    if secrets.redact(line) == line:
        return line
    return orjson.dumps(secrets.redact_all(event), default=masked, option=_JSON).decode()


def is_milestone(event: EventDict) -> bool:
    """Return whether the console shows *event*: no details, and only errors of libraries."""
    if not str(event.get("logger", "")).startswith("colloquy"):
        return event.get("level") in ("error", "critical")
    return event.get("event") not in _DETAIL


def _plain_line(event: EventDict, secrets: Secrets) -> str:
    """Return `12:30:01 node.finished analyzer=say_means latency_s=1.2`."""
    hidden = ("timestamp", "event", "level", "logger", "run", "exception")
    clock, name = str(event.get("timestamp", ""))[11:19], str(event.get("event", ""))
    line = f"{clock} {to_terminal(secrets.redact(name))}"
    for key, value in event.items():
        if value is not None and key not in hidden:
            text = to_terminal(secrets.redact(str(value)), 200)
            quoted = f'"{text}"' if " " in text else text
            line += f" {to_terminal(secrets.redact(str(key)))}={quoted}"
    return f"{line}\n"
