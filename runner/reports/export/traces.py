"""Runs as OpenTelemetry traces: `colloquy-traces DIR…` sends stored ones over OTLP/HTTP."""

from __future__ import annotations

import logging
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from runner.base.command import Arguments, command, install_hint
from runner.base.errors import EXIT_UNAVAILABLE, ConfigError
from runner.base.regular_files import as_given
from runner.base.secrets import secrets_of
from runner.base.text import digest, own_version, print_stderr, to_terminal
from runner.base.threads import offload
from runner.job.checks import has_extra
from runner.record.batch_directory import single_runs
from runner.reports.export.spans import TraceSpan, run_span
from runner.reports.stored_run import StoredRun, read_run, runs_in

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import SpanContext

USAGE = """usage: colloquy-traces DIR…
Sends the traces of the runs in and below every DIR to OTEL_EXPORTER_OTLP_ENDPOINT.

Exit codes: 0 sent, 2 no run or no extra, 75 the collector did not accept them."""
SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"
BATCH = 512  # spans in a request, as in OpenTelemetry's own batches
TIMEOUT_S = 5.0  # for a request and its retries, by default
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")

log = structlog.get_logger("colloquy.traces")


async def export_run(path: Path) -> str | None:
    """Send the trace of the run in *path*; log a failure, return it and the command to repeat."""
    try:
        fault = await offload(lambda: send([read_run(path)]))
    except Exception as error:  # noqa: BLE001 - a foreign library; the run itself is done
        fault = type(error).__name__
    if fault is None:
        return None
    log.warning("traces.failed", error=fault)
    command_line = shlex.join(("colloquy-traces", str(as_given(path, ""))))
    return f"cannot send the trace of {path.name}: {fault}; once that is fixed: {command_line}"


def send(runs: Sequence[StoredRun], exporter: SpanExporter | None = None) -> str | None:
    """Send the traces of *runs*, by default over OTLP/HTTP; return the error, None on success."""
    spans = [span for run in runs for span in readable_spans(run)]
    if not spans:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    timeout_s = None if any(map(os.environ.get, _TIMEOUTS)) else TIMEOUT_S
    with _complaints() as complaints:
        exporter = exporter or OTLPSpanExporter(timeout=timeout_s)
        try:
            for start in range(0, len(spans), BATCH):
                if exporter.export(spans[start : start + BATCH]) is not SpanExportResult.SUCCESS:
                    return _fault(complaints)
        finally:
            exporter.shutdown()
    return None


def readable_spans(run: StoredRun) -> list[ReadableSpan]:
    """Return all spans of *run*, children before their parents, with keys masked.

    Ids are digests of the run and the span's place in it: sending a run twice duplicates nothing.
    """
    root = run_span(run)
    if root is None:
        return []
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    name = os.environ.get("OTEL_SERVICE_NAME") or "colloquy"
    own = own_version()
    origin = {
        "resource": Resource.create({SERVICE_NAME: name, SERVICE_VERSION: own}),
        "instrumentation_scope": InstrumentationScope("colloquy", own, SCHEMA_URL),
    }
    return list(_readable(root, f"{run.name} {root.start_ns}", origin, None, ""))


def _readable(
    span: TraceSpan, seed: str, origin: Mapping[str, Any], parent: SpanContext | None, path: str
) -> Iterator[ReadableSpan]:
    """Yield the spans inside *span*, then itself; *path* names the spans that it is in."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

    path = f"{path}/{span.name}"
    if (attempt := span.facts.get("colloquy.attempt")) is not None:
        path += f" {span.facts.get('colloquy.part')} {attempt} {span.start_ns}"
    ids = int(digest(seed, 32), 16), int(digest(seed + path, 16), 16)
    context = SpanContext(*ids, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    for child in span.children:
        yield from _readable(child, seed, origin, context, path)
    mask = secrets_of().redact_all
    error = {"error.type": span.error} if span.error else {}
    yield ReadableSpan(
        mask(span.name),
        context,
        parent,
        attributes=mask({**span.facts, **error}),
        kind=SpanKind.CLIENT if span.sent else SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR, mask(span.error)) if span.error else Status(),
        start_time=span.start_ns,
        end_time=span.end_ns,
        **origin,
    )


@contextmanager
def _complaints() -> Iterator[list[logging.LogRecord]]:
    """Collect the library's own log lines while the block runs."""
    logger, handler = logging.getLogger("opentelemetry"), BufferingHandler(1000)
    handler.setLevel(logging.WARNING)
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield handler.buffer
    finally:
        logger.propagate = before
        logger.removeHandler(handler)


def _fault(complaints: Sequence[logging.LogRecord]) -> str:
    """Return host and port of the collector, without secrets in its address, and the error."""
    given = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)
    try:
        address = urlsplit(given or "http://localhost:4318")
        host = f"{address.hostname}:{address.port}" if address.port else str(address.hostname)
    except ValueError:
        host = "OTEL_EXPORTER_OTLP_ENDPOINT"
    codes = re.findall(r"code: (\d+)", "\n".join(each.getMessage() for each in complaints))
    return f"{host} accepted no trace: {f'HTTP {codes[-1]}' if codes else 'no connection'}"


def _send(given: Arguments) -> int | None:
    if not has_extra("otel"):
        raise ConfigError(f"traces need {install_hint('otel')}")
    found = [run for word in given.words for run in runs_in(Path(word))]
    for path in dict.fromkeys(single_runs(found)):
        if (fault := send([read_run(path)])) is not None:
            print_stderr(to_terminal(f"colloquy-traces: {fault}"))
            return EXIT_UNAVAILABLE
        print(to_terminal(f"sent {path}"))
    return None


main = command("colloquy-traces", USAGE, _send)
