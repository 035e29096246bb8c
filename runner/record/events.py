"""Log events as JSON lines: ours through structlog, litellm's and httpx's in the same file.

Events are `noun.past_participle` with keys, never formatted text:
batch.started, batch.advanced, batch.given_up, batch.finished · input.unreadable ·
run.started, run.finished, run.interrupted, run.crashed · transcript.sanitised ·
model.failed · record.restored ·
stage.started, stage.finished · context.reduced, context.trimmed ·
node.started, node.finished, node.reused, node.failed, node.skipped ·
call.finished, call.failed · answer.rejected, answer.outdated ·
limit.lowered, breaker.opened, breaker.closed · record.damaged, record.superseded ·
store.damaged, store.failed, history.failed, traces.failed, report.failed ·
page.failed, node.crashed (bugs, with a traceback)
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from runner.base.files import open_for_append
from runner.base.secrets import Secrets, secrets_of
from runner.base.text import to_terminal

_TRACEBACKS = structlog.processors.ExceptionRenderer(
    ExceptionDictTransformer(show_locals=False)  # locals hold prompts and keys
)
_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
# Which run's file events of this task go to, where several runs share an event loop.
_RUN: ContextVar[Path | None] = ContextVar("run", default=None)
_DETAIL = frozenset({"call.finished", "node.started"})  # in the file, not on the terminal
_JSON = (  # what is not plain data goes through `default`, which masks
    orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS
)
# Makes the live view of the run in a directory; the flag draws it off a terminal, too.
LiveHandler = Callable[[Path, TextIO, Secrets, bool], logging.Handler]

_NOISY = ("LiteLLM", "httpx", "httpcore", "openai", "asyncio")


@contextmanager
def run_log(
    path: Path,
    console: str,
    stream: TextIO | None = None,
    *,
    secrets: Secrets | None = None,
    hold_s: float = 0.0,
    live: LiveHandler | None = None,
) -> Iterator[None]:
    """Send every event of this process to *path* while the block runs.

    *console* is `plain` (one readable line per milestone), `json` (the events themselves),
    `live` (a table that is drawn anew), `auto` (live on a terminal, else plain) or `quiet`; all
    go to *stream*, standard error unless given. *secrets*, by default what the environment
    holds now, are masked in whatever anybody logs, tracebacks included. Lines may wait in memory
    for *hold_s* seconds and the next line: of thousands of calls, each would wait for the disk.
    """
    secrets = secrets or secrets_of()
    file = _OwnFile(path, encoding="utf-8", errors="backslashreplace")
    file.hold_s = hold_s
    file.setFormatter(_json_formatter(secrets))
    handlers: list[logging.Handler] = [file]
    if console != "quiet":
        handlers.append(_console_handler(console, path, stream or sys.stderr, secrets, live))
    root = logging.getLogger()
    level = root.level
    _configure()
    root.setLevel(logging.INFO)
    token = _RUN.set(path)
    for handler in handlers:
        handler.addFilter(lambda _: _RUN.get() in (path, None))
        root.addHandler(handler)
    try:
        yield
    finally:
        _RUN.reset(token)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
        if not any(isinstance(other, _OwnFile) for other in root.handlers):
            root.setLevel(level)  # no other run beside this one is still logging


def _console_handler(
    console: str, path: Path, stream: TextIO, secrets: Secrets, live: LiveHandler | None
) -> logging.Handler:
    beside = any(isinstance(other, _OwnFile) for other in logging.getLogger().handlers)
    wanted = console == "live" or (console == "auto" and is_live(stream))
    if live is not None and wanted and not beside:  # two tables would draw over each other
        return live(path.parent.parent, stream, secrets, console == "live")
    shown = logging.StreamHandler(stream)
    make = _json_formatter if console == "json" else _plain_formatter
    shown.setFormatter(make(secrets))
    if console != "json":
        shown.addFilter(_is_milestone)
    return shown


def is_live(stream: TextIO) -> bool:
    """Return whether *stream* is a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")


class _OwnFile(logging.FileHandler):
    """Appends to a file of the run's own, never to what a planted link leads to."""

    hold_s = 0.0
    _flushed_at = 0.0

    def flush(self) -> None:
        """Hand lines to the system, unless they may wait; closing does so in any case."""
        now = time.monotonic()
        if now - self._flushed_at >= self.hold_s:
            self._flushed_at = now
            super().flush()

    def close(self) -> None:
        """Write what has waited, and close the file."""
        self.hold_s = 0.0
        with suppress(OSError):  # a full disk has been told of already
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say nothing: the journal beside the log meets the same disk, and ends the run."""

    def _open(self) -> TextIOWrapper:
        descriptor = open_for_append(Path(self.baseFilename))
        return os.fdopen(descriptor, "a", encoding=self.encoding, errors=self.errors)


def _configure() -> None:
    structlog.configure(
        processors=[
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # A cached logger would write a sweep's second job into the first job's file.
        cache_logger_on_first_use=False,
    )


def set_library_levels() -> None:
    """Let httpx report each request and the others only what is wrong.

    To be called once the libraries are imported: litellm sets levels of its own then.
    """
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.INFO)


def _masking(secrets: Secrets) -> Processor:
    """Return the processor that masks keys; it comes last, when nothing more is added."""

    def mask(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        masked: EventDict = secrets.redact_all(event)
        return masked

    return mask


def _json_formatter(secrets: Secrets) -> logging.Formatter:
    def shown(other: object) -> str:
        return secrets.redact(str(other))

    def dumps(value: Any, **_: Any) -> str:
        """Return one line; where a key may be in it, every string of it is looked at."""
        line = orjson.dumps(value, default=shown, option=_JSON).decode()
        if "\\" in line or secrets.redact(line) != line:
            line = orjson.dumps(secrets.redact_all(value), default=shown, option=_JSON).decode()
        return line

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _TRACEBACKS,
            structlog.processors.JSONRenderer(serializer=dumps),
        ],
    )


def _plain_formatter(secrets: Secrets) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _strings,
            _masking(secrets),
            _plain_line,
        ],
    )


def _strings(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Make text of every value that is shown, so that keys inside it are found."""
    return {key: value if value is None else str(value) for key, value in event.items()}


def _is_milestone(record: logging.LogRecord) -> bool:
    if not record.name.startswith("colloquy"):
        return record.levelno >= logging.ERROR
    event = record.msg.get("event") if isinstance(record.msg, dict) else None
    return event not in _DETAIL


def _plain_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    """Show `12:30:01 node.finished analyzer=say_means latency_s=1.2`."""
    clock = str(event.pop("timestamp", ""))[11:19]
    name = event.pop("event", "")
    for key in ("level", "logger", "run", "exc_info", "exception"):
        event.pop(key, None)
    facts = " ".join(f"{key}={_fact(value)}" for key, value in event.items() if value is not None)
    return f"{clock} {to_terminal(str(name))} {facts}".rstrip()


def _fact(value: Any) -> str:
    text = to_terminal(str(value), 200)
    return f'"{text}"' if " " in text else text
