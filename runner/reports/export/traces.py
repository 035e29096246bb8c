"""Runs as OpenTelemetry traces: `colloquy-traces DIR…` sends stored ones over OTLP/HTTP."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from runner.base.command import Arguments, run_command
from runner.base.errors import EXIT_UNAVAILABLE, ConfigError
from runner.base.secrets import secrets_of
from runner.base.text import digest, print_stderr, to_terminal
from runner.base.threads import offload
from runner.job.checks import has_otlp
from runner.record.batch_directory import single_runs
from runner.reports.export.spans import TraceSpan, run_span
from runner.reports.stored_run import StoredRun, find_runs, read_run

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

USAGE = """usage: colloquy-traces DIR…
Sends the traces of the runs in and below every DIR to OTEL_EXPORTER_OTLP_ENDPOINT.

Exit codes: 0 sent, 2 no run or no extra, 75 the collector did not accept them."""
SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"
BATCH = 512  # spans in a request, as in OpenTelemetry's own batches
TIMEOUT_S = 5.0  # for a request and its retries, unless OTEL_EXPORTER_OTLP_TIMEOUT says else
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")

log = structlog.get_logger("colloquy.traces")


async def export_run(path: Path) -> None:
    """Send the trace of the run in *path*; that nobody takes it is one warning and no failure."""
    fault = await offload(_send_stored, path)
    if fault is not None:
        log.warning("traces.failed", error=fault)


def _send_stored(path: Path) -> str | None:
    try:
        return send([read_run(path)])
    except Exception as error:  # noqa: BLE001 - a foreign library; the run itself is done
        return type(error).__name__


def send(runs: Sequence[StoredRun], exporter: SpanExporter | None = None) -> str | None:
    """Send the traces of *runs*, over OTLP/HTTP unless told otherwise; return what went wrong."""
    spans = [span for run in runs for span in readable_spans(run)]
    if not spans:
        return None
    from opentelemetry.sdk.trace.export import SpanExportResult

    with _complaints() as complaints:
        exporter = exporter or _otlp()
        try:
            for start in range(0, len(spans), BATCH):
                if exporter.export(spans[start : start + BATCH]) is not SpanExportResult.SUCCESS:
                    return _fault(complaints)
        finally:
            exporter.shutdown()
    return None


def readable_spans(run: StoredRun) -> Sequence[ReadableSpan]:
    """Return all spans of *run*, children before their parents; keys are masked.

    The same run has the same ids whenever it is read, so that sending it twice makes no two.
    """
    root = run_span(run)
    if root is None:
        return ()
    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    name = os.environ.get("OTEL_SERVICE_NAME") or "colloquy"
    kept, ids = InMemorySpanExporter(), _new_ids(f"{run.name} {root.start_ns}")
    provider = TracerProvider(
        sampler=ALWAYS_ON,
        resource=Resource.create({SERVICE_NAME: name, SERVICE_VERSION: version("colloquy")}),
        shutdown_on_exit=False,
        id_generator=ids,
    )
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("colloquy", version("colloquy"), schema_url=SCHEMA_URL)
    _emit(root, tracer, ids, Context())  # nothing else that is traced here is our parent
    provider.shutdown()
    return kept.get_finished_spans()


def _new_ids(seed: str) -> Any:
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class FromPath(IdGenerator):
        """Ids by the place of a span in its run."""

        path = ""
        mask = staticmethod(secrets_of().redact_all)

        def generate_trace_id(self) -> int:
            return int(digest(seed, 32), 16)

        def generate_span_id(self) -> int:
            return int(digest(seed + self.path, 16), 16)

    return FromPath()


def _emit(span: TraceSpan, tracer: Tracer, ids: Any, above: Context, path: str = "") -> None:
    """Make *span* and all inside it; *path* names what it is in."""
    from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

    path = f"{path}/{span.name}"
    if (attempt := span.facts.get("colloquy.attempt")) is not None:
        path += f" {span.facts.get('colloquy.part')} {attempt} {span.start_ns}"
    ids.path = path
    made = tracer.start_span(
        ids.mask(span.name),
        above,
        SpanKind.CLIENT if span.sent else SpanKind.INTERNAL,
        ids.mask({**span.facts, **({"error.type": span.error} if span.error else {})}),
        start_time=span.start_ns,
    )
    for event in span.events:
        made.add_event(event.name, ids.mask(event.facts), event.at_ns)
    if span.error:
        made.set_status(Status(StatusCode.ERROR, ids.mask(span.error)))
    for child in span.children:
        _emit(child, tracer, ids, set_span_in_context(made, above), path)
    made.end(span.end_ns)


def _otlp() -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    told = any(os.environ.get(name) for name in _TIMEOUTS)
    return OTLPSpanExporter(timeout=None if told else TIMEOUT_S)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Keep what the library logs, so that one warning can be made of it."""
    lines: list[str] = []
    logger = logging.getLogger("opentelemetry")
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield lines
    finally:
        logger.propagate = before
        logger.removeHandler(handler)


def _fault(complaints: Sequence[str]) -> str:
    """Name the collector without what its address may hold, and why it did not take a trace."""
    given = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)
    try:
        address = urlsplit(given or "http://localhost:4318")
        host = f"{address.hostname}:{address.port}" if address.port else str(address.hostname)
    except ValueError:
        host = "OTEL_EXPORTER_OTLP_ENDPOINT"
    codes = [line for line in complaints if "code: " in line]
    code = codes[-1].partition("code: ")[2].partition(",")[0] if codes else "None"
    return f"{host} took no trace: {'no connection' if code == 'None' else f'HTTP {code}'}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    sys.exit(run_command("colloquy-traces", lambda: USAGE, _send, arguments))


def _send(given: Arguments) -> int | None:
    for path in _runs_to_send([Path(word) for word in given.words]):
        if (fault := send([read_run(path)])) is not None:
            print_stderr(to_terminal(f"colloquy-traces: {fault}"))
            return EXIT_UNAVAILABLE
        print(to_terminal(f"sent {path}"))
    return None


def _runs_to_send(paths: Sequence[Path]) -> list[Path]:
    if not has_otlp():
        raise ConfigError("traces need the extra: pip install -e '.[otel]'")
    runs = single_runs(find_runs(paths))
    if not runs:
        raise ConfigError(f"{', '.join(map(str, paths))}: there is no run")
    return runs


if __name__ == "__main__":
    main()
