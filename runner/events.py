"""Log events as JSON lines: ours through structlog, litellm's and httpx's in the same file.

Events are `noun.past_participle` with keys, never formatted text:
run.started, run.finished · stage.started, stage.finished · context.reduced ·
node.started, node.finished, node.failed, node.skipped · call.finished, call.failed ·
history.failed · page.failed, node.crashed (bugs, with a traceback)
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, WrappedLogger

from runner.text import to_terminal

_TRACEBACKS = structlog.processors.ExceptionRenderer(
    ExceptionDictTransformer(show_locals=False)  # locals hold prompts and keys
)
_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_DETAIL = frozenset({"call.finished", "node.started"})  # in the file, not on the terminal
_NOISY = ("LiteLLM", "httpx", "httpcore", "openai", "asyncio")


@contextmanager
def run_log(path: Path, console: str, stream: TextIO | None = None) -> Iterator[None]:
    """Send every event of this process to *path* while the block runs.

    *console* is `plain` (one readable line per milestone), `json` (the events themselves) or
    `quiet`; both go to *stream*, standard error unless given.
    """
    file = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    file.setFormatter(_json_formatter())
    handlers: list[logging.Handler] = [file]
    if console != "quiet":
        shown = logging.StreamHandler(stream or sys.stderr)
        shown.setFormatter(_json_formatter() if console == "json" else _plain_formatter())
        if console == "plain":
            shown.addFilter(_is_milestone)
        handlers.append(shown)
    root = logging.getLogger()
    level = root.level
    _configure()
    root.setLevel(logging.INFO)
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(level)


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


def _json_formatter() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _TRACEBACKS,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
    )


def _plain_formatter() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _plain_line],
    )


def _dumps(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _is_milestone(record: logging.LogRecord) -> bool:
    if not record.name.startswith("colloquy"):
        return record.levelno >= logging.ERROR
    event = record.msg.get("event") if isinstance(record.msg, dict) else None
    return event not in _DETAIL


def _plain_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    """Show `12:30:01 node.finished analyzer=say_means latency_s=1.2`."""
    clock = str(event.pop("timestamp", ""))[11:19]
    name = event.pop("event", "")
    event.pop("exception", None)
    for key in ("level", "logger", "run"):
        event.pop(key, None)
    facts = " ".join(f"{key}={_fact(value)}" for key, value in event.items() if value is not None)
    return f"{clock} {to_terminal(str(name))} {facts}".rstrip()


def _fact(value: Any) -> str:
    text = to_terminal(str(value), 200)
    return f'"{text}"' if " " in text else text
