from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from helpers import job
from helpers.runs import execute
from structlog.testing import capture_logs

from runner.base.errors import ConfigError
from runner.base.text import digest
from runner.job import checks
from runner.job.checks import check_extras
from runner.reports.export import traces
from runner.reports.export.spans import TraceSpan, run_span
from runner.reports.stored_run import read_run

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

KEY = "sk-canary-0123456789abcdef"
SAID = "the pump failed before noon"
T0_S = 1_795_503_480  # 2026-11-24T06:58:00Z


def at(seconds: float) -> int:
    """Return a moment of the run below, in ns."""
    return T0_S * 10**9 + round(seconds * 1000) * 10**6


def line(seconds: float, event: str, **facts: Any) -> dict[str, Any]:
    return {"at": f"2026-11-24T06:58:{seconds:06.3f}+00:00", "event": event, **facts}


def call(name: str, attempt: int, start: float, end: float, **facts: Any) -> list[dict[str, Any]]:
    about = {"analyzer": name, "attempt": attempt}
    spent = {"prompt_tokens": 100, "completion_tokens": 20, "cached_tokens": 10, "cost_usd": 0.01}
    ended = "call.failed" if facts else "call.finished"
    return [
        line(start, "call.started", **about, may_use_tokens=0, may_cost_usd=0.0),
        line(end, ended, **about, **(facts or spent)),
    ]


ONE_SESSION = [
    line(0.0, "run.started", config_digest="c"),
    *call("alpha", 1, 0.1, 0.5, kind="transient", status=503, charged_tokens=0, charged_usd=0.0),
    *call("alpha", 2, 0.9, 1.5),
    *call("beta", 1, 1.6, 2.0),
    *call("beta", 2, 2.1, 2.6),
    line(2.7, "run.finished", status="partial", exit_code=3),
]


def stored(lines: list[dict[str, Any]], path: Path = Path("run"), **metadata: Any) -> Path:
    """Write a run of two stages with one analyzer each, whose files hold what was said."""
    config = {
        "model": {
            **{"name": "azure/gpt-4o-mini", "temperature": 0.2, "simulate": None},
            **{"api_base": "https://example.invalid", "api_key_env": "SOME_API_KEY"},
        },
        "models": {},
        "processing": {"mode": "concurrent", "max_concurrent": 3},
        "analyzers": {
            "alpha": {"max_tokens": 4000, "temperature": None},
            "beta": {"max_tokens": 500, "temperature": 0.7},
        },
    }
    told = {
        "status": "partial",
        "exit_code": 3,
        "stages": {
            "stage_a": {"needs": [], "analyzers": {"alpha": "ok"}},
            "stage_b": {"needs": ["stage_a"], "analyzers": {"beta": "error", "gamma": "not_run"}},
        },
        "totals": {"attempts": 4, "prompt_tokens": 300, "cost_usd": 0.03},
    }
    nodes = {
        "alpha": {"ready_s": 0.001, "done_s": 1.501, "queue_wait_s": 0.099, "reused": None},
        "beta": {"ready_s": 1.502, "done_s": 2.601, "queue_wait_s": 0.1, "reused": None},
        "gamma": {"ready_s": 2.602, "done_s": 2.602, "queue_wait_s": 0.0, "reused": None},
    }
    files = {
        "journal.jsonl": "".join(json.dumps(each) + "\n" for each in lines),
        "metadata.json": json.dumps({**told, **metadata}),
        "logs/benchmark.json": json.dumps({"run": {}, "analyzers": nodes}),
        "config/resolved.yaml": yaml.safe_dump(config),
        "context/stage_b.md": SAID,
        "intermediate/stage_b/beta.json": json.dumps(beta_record()),
    }
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(content)
    return path


def beta_record() -> dict[str, Any]:
    from runner.record.run_directory import SCHEMA_VERSION
    from runner.record.store import payload_digest

    record = {
        "schema_version": SCHEMA_VERSION,
        "analyzer": "beta",
        "stage": "stage_b",
        "status": "error",
        "error": {"kind": "truncated", "message": f"{SAID} {KEY}"},
        "key": digest("beta"),
        "model": "azure/gpt-4o-mini",
        "insights": [],
        "structured_data": {},
        "raw_output": f"{SAID} {KEY}",
    }
    return {**record, "sha256": payload_digest(record)}


def sent(path: Path) -> Any:
    exporter = InMemorySpanExporter()

    assert traces.send([read_run(path)], exporter) is None
    return {f"{span.name} {span.start_time}": span for span in exporter.get_finished_spans()}


def paths(span: TraceSpan, above: str = "") -> list[str]:
    name = f"{above}/{span.name}"
    return [name, *(path for child in span.children for path in paths(child, name))]


def test_a_run_is_a_tree_of_stages_analyzers_and_attempts() -> None:
    root = run_span(read_run(stored(ONE_SESSION)))
    stage_a, stage_b = "/colloquy run/stage stage_a", "/colloquy run/stage stage_b"

    assert root is not None
    assert paths(root) == [
        "/colloquy run",
        stage_a,
        f"{stage_a}/analyzer alpha",
        *[f"{stage_a}/analyzer alpha/chat gpt-4o-mini"] * 2,
        stage_b,
        f"{stage_b}/analyzer beta",
        *[f"{stage_b}/analyzer beta/chat gpt-4o-mini"] * 2,
        f"{stage_b}/analyzer gamma",
    ]


def test_spans_have_the_times_that_the_journal_and_the_benchmark_tell() -> None:
    root = run_span(read_run(stored(ONE_SESSION)))
    assert root is not None
    stage_a, stage_b = root.children
    alpha, gamma = stage_a.children[0], stage_b.children[1]
    first, second = alpha.children

    assert (root.start_ns, root.end_ns) == (at(0), at(2.7))
    assert (stage_b.start_ns, stage_b.end_ns) == (at(1.502), at(2.602))
    assert (alpha.start_ns, alpha.end_ns) == (at(0.001), at(1.501))
    assert (first.start_ns, first.end_ns) == (at(0.1), at(0.5))
    assert (second.start_ns, second.end_ns) == (at(0.9), at(1.5))
    assert (gamma.start_ns, gamma.end_ns) == (at(2.602), at(2.602))


def test_an_attempt_has_the_attributes_of_the_conventions_and_leaves_us() -> None:
    span = sent(stored(ONE_SESSION))[f"chat gpt-4o-mini {at(0.9)}"]

    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "azure.ai.openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.max_tokens": 4000,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 10,
        "colloquy.cost_usd": 0.01,
        "colloquy.attempt": 2,
    }


def test_failures_are_errors() -> None:
    spans = sent(stored(ONE_SESSION))
    failed = spans[f"chat gpt-4o-mini {at(0.1)}"]
    alpha, beta = spans[f"analyzer alpha {at(0.001)}"], spans[f"analyzer beta {at(1.502)}"]

    assert failed.status.status_code is StatusCode.ERROR
    assert failed.attributes["error.type"] == "transient"
    assert failed.attributes["http.response.status_code"] == 503
    assert alpha.status.status_code is StatusCode.UNSET
    assert beta.status.status_code is StatusCode.ERROR
    assert beta.attributes["error.type"] == "truncated"


def test_nothing_that_was_said_and_no_key_is_in_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    path = stored(ONE_SESSION, status=f"partial {KEY}")
    shown = "".join(span.to_json() for span in sent(path).values())

    assert "partial ***" in shown
    assert KEY not in shown
    assert SAID not in shown
    assert "example.invalid" not in shown


def test_the_same_run_has_the_same_ids_whenever_it_is_sent() -> None:
    one, other = sent(stored(ONE_SESSION)), sent(Path("run"))
    ids = {name: span.context.span_id for name, span in one.items()}

    assert ids == {name: span.context.span_id for name, span in other.items()}
    assert len(set(ids.values())) == len(ids) == 10
    assert len({span.context.trace_id for span in [*one.values(), *other.values()]}) == 1


def test_what_a_crash_cut_off_ends_when_the_last_was_heard_and_a_resumed_run_is_one_trace() -> None:
    lines = [
        line(0.0, "run.started"),
        line(0.1, "call.started", analyzer="alpha", attempt=1),
        *call("beta", 1, 0.2, 0.7),
        line(9.0, "run.started"),
        *call("alpha", 1, 9.1, 9.9),
        line(10.0, "run.finished", status="completed", exit_code=0),
    ]
    path = stored(lines, status="completed")
    (path / "logs/benchmark.json").unlink()
    root = run_span(read_run(path))
    assert root is not None
    lost, again = root.children[0].children[0].children

    assert (lost.error, lost.start_ns, lost.end_ns) == ("lost", at(0.1), at(0.7))
    assert (again.error, again.end_ns) == (None, at(9.9))
    assert (root.error, root.end_ns) == (None, at(10.0))
    assert root.facts["colloquy.sessions"] == 2


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [line(0.0, "call.finished", analyzer="alpha", attempt=1)],
        [{"event": "run.started"}, {"event": "run.started", "at": 5}],
    ],
)
def test_a_run_without_a_time_has_no_trace(lines: list[dict[str, Any]]) -> None:
    assert run_span(read_run(stored(lines))) is None
    assert sent(Path("run")) == {}


def test_odd_values_in_the_files_are_left_out() -> None:
    odd = [
        *ONE_SESSION,
        line(2.8, "call.finished", analyzer=[], attempt={}),
        line(2.9, "run.finished"),
    ]
    path = stored(odd, totals={"attempts": [1]}, stages={"stage_a": {"analyzers": {"alpha": 7}}})
    (path / "config/resolved.yaml").write_text("model: [1]\nanalyzers: 3\n")
    spans = sent(path)

    assert {name.rpartition(" ")[0] for name in spans} >= {"colloquy run", "analyzer alpha"}


def test_a_real_run_has_a_span_for_every_stage_analyzer_and_call() -> None:
    _, path, transport = execute(job())
    spans = traces.readable_spans(read_run(path))
    said = [s["text"] for s in json.loads((path / "transcript.json").read_bytes())["segments"]]
    shown = "".join(span.to_json() for span in spans)

    assert len(transport.requests) == 8
    assert sum(s.name == "chat extractive" for s in spans) == 8
    assert sum(s.name.startswith("analyzer ") for s in spans) == 8
    assert sum(s.name.startswith("stage ") for s in spans) == 2
    assert not any(text in shown for text in said if len(text) > 20)


def test_the_extra_is_asked_for_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = job("output.traces=otlp").settings
    check_extras(settings)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp", None)
    monkeypatch.setattr(checks, "find_spec", missing)

    check_extras(job().settings)
    with pytest.raises(ConfigError, match=r"pip install .*'colloquy-runner\[otel\]'"):
        check_extras(settings)


def missing(name: str) -> None:
    raise ModuleNotFoundError(name)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name a collector that does not listen, with a password in its address."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://me:{KEY}@127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")


@pytest.mark.usefixtures("nobody")
def test_a_collector_that_is_not_there_is_one_warning_and_the_loop_goes_on() -> None:
    path, turns = stored(ONE_SESSION), 0

    async def main() -> str | None:
        nonlocal turns
        sending = asyncio.create_task(traces.export_run(path))
        while not sending.done():
            turns += 1
            await asyncio.sleep(0)
        return await sending

    with capture_logs() as logged:
        line = asyncio.run(main())

    why, command_line = (line or "").rsplit("; once that is fixed: ")
    assert f"cannot send the trace of {path.name}: {logged[0]['error']}" == why
    assert f"colloquy-traces {path}" == command_line
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [
        ("traces.failed", "warning")
    ]
    assert logged[0]["error"] == "127.0.0.1:9 accepted no trace: no connection"
    assert turns > 1  # a send in the loop would let it turn once


class Collector:
    """Takes OTLP over HTTP as a collector does."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.spans: list[Any] = []
        self.headers: list[Mapping[str, str]] = []

    async def take(self, request: web.Request) -> web.Response:
        batch = ExportTraceServiceRequest.FromString(await request.read())
        self.headers.append(request.headers)
        for resource in batch.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return web.Response(status=self.status)

    async def serve(self) -> tuple[web.AppRunner, str]:
        app = web.Application()
        app.router.add_post("/v1/traces", self.take)
        running = web.AppRunner(app)
        await running.setup()
        site = web.TCPSite(running, "127.0.0.1", 0)
        await site.start()
        return running, f"http://127.0.0.1:{running.addresses[0][1]}"


def exported(collector: Collector, path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Send the run in *path* to *collector* from its own event loop; return what was logged."""

    async def main() -> None:
        running, url = await collector.serve()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        try:
            await traces.export_run(path)
        finally:
            await running.cleanup()

    with capture_logs() as logged:
        asyncio.run(main())
    return list(logged)


def test_a_collector_gets_the_whole_trace_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=pumps")
    collector = Collector()
    logged = exported(collector, stored(ONE_SESSION), monkeypatch)
    by_id = {span.span_id: span for span in collector.spans}
    (root,) = (span for span in collector.spans if not span.parent_span_id)

    assert logged == []
    assert collector.headers[0]["x-team"] == "pumps"
    assert len(by_id) == 10
    assert (root.name, root.start_time_unix_nano) == ("colloquy run", at(0))
    assert all(s.parent_span_id in by_id for s in collector.spans if s is not root)


def test_a_collector_that_refuses_is_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    logged = exported(Collector(status=403), stored(ONE_SESSION), monkeypatch)

    assert [entry["event"] for entry in logged] == ["traces.failed"]
    assert logged[0]["error"].endswith("accepted no trace: HTTP 403")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 2, "colloquy-traces: too few arguments; usage: colloquy-traces DIR…\n"),
        (["nowhere"], 2, "colloquy-traces: nowhere: there is no run"),
        (["."], 75, "colloquy-traces: 127.0.0.1:9 accepted no trace: no connection"),
    ],
)
@pytest.mark.usefixtures("nobody")
def test_the_command_ends_with_a_code_that_says_what_was_wrong(
    arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(ONE_SESSION)
    with pytest.raises(SystemExit) as ended:
        traces.main(arguments)
    shown = capsys.readouterr()

    assert ended.value.code == code
    assert (shown.out + shown.err).startswith(told)


def test_stored_runs_are_sent_by_a_command_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(ONE_SESSION, Path("outputs/runs/one"))
    stored(ONE_SESSION, Path("outputs/sweeps/two/0"))
    collector = Collector()

    def command() -> object:
        with pytest.raises(SystemExit) as ended:
            traces.main(["outputs"])
        return ended.value.code

    async def main() -> object:
        running, url = await collector.serve()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        code = await asyncio.to_thread(command)
        await running.cleanup()
        return code

    assert 0 == asyncio.run(main())
    assert "sent outputs/runs/one\nsent outputs/sweeps/two/0\n" == capsys.readouterr().out
    assert len(collector.spans) == 20
    assert len({span.trace_id for span in collector.spans}) == 2
