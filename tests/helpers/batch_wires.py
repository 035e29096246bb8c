"""Batch APIs of real providers: what each is sent and what it answers, and a server that does.

Bodies follow the providers' API references as of 2026-11; nothing here has met a provider.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from aiohttp import web

from helpers import KEY
from helpers.provider_chat import AZURE, GROQ, MISTRAL, OPENAI
from helpers.provider_own import ANTHROPIC, GEMINI
from helpers.provider_wire import NEEDS, VALUES, Wire, build
from runner.config.schema import ModelSettings
from runner.providers.batches.endpoint import BatchEndpoint
from runner.providers.batches.factory import batch_endpoint
from runner.providers.litellm.route import ModelRoute

MARK, SINCE = "run-1", 1795900000.0
CREATED, CREATED_ISO = 1795900007, "2026-11-28T21:06:47Z"
ENDED, ENDED_ISO = 1795903607, "2026-11-28T22:06:47Z"
CUT = object()  # the connection breaks off before the end of the answer
Answer = Any  # a JSON value, the bytes of a file, a web.Response, or bytes and CUT


@dataclass(frozen=True)
class Met:
    """One request as it arrived; a form is the content of its file."""

    what: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Double:
    """A loopback server that gives the *answers* by method and path, the last one for ever."""

    answers: dict[str, list[Answer]]
    url: str = ""
    met: list[Met] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        what = f"{request.method} {request.path_qs}"
        if request.content_type.startswith("multipart/"):
            form = await request.post()
            file = form["file"]
            assert isinstance(file, web.FileField)
            body: Any = file.file.read()
        else:
            raw = await request.read()
            body = json.loads(raw) if request.content_type == "application/json" and raw else raw
        self.met.append(Met(what, request.headers, body))
        queue = self.answers.get(what) or self.answers.get("*") or [404]
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if callable(answer):
            answer = answer(self)
        if isinstance(answer, web.StreamResponse):
            return answer
        if isinstance(answer, int):
            return web.json_response({"error": {"message": f"status {answer}"}}, status=answer)
        if isinstance(answer, tuple):  # a torn download
            response = web.StreamResponse(headers={"Content-Length": "100000"})
            await response.prepare(request)
            await response.write(answer[0])
            assert request.transport is not None
            request.transport.close()
            return response
        if isinstance(answer, bytes):
            return web.Response(body=answer)
        return web.json_response(answer)


@dataclass(frozen=True)
class Spoken:
    """One batch API: the *prefix* of its paths below the server, and a batch with an *id*.

    *sent* are the requests of a submission, *made* the body of the last of them; *line* is what
    surrounds the body of a request; *told* describes the batch in one of its own *states*;
    *at* are the paths of status, list, cancelling and results; *result* is a line of success.
    """

    wire: Wire
    id: str
    sent: tuple[str, ...]
    answers: Mapping[str, Answer]
    made: Any
    line: Callable[[str, Any], Any]
    told: Callable[..., Any]
    states: Mapping[str, str]
    at: tuple[str, str, str, str]
    listed: Callable[[list[Any]], Any]
    result: Callable[[str, Any], Any]
    failed: Callable[[str], Any]
    unexecuted: Callable[[str], Any]


@asynccontextmanager
async def speaking(
    spoken: Spoken, answers: Mapping[str, Any] = {}, **route: Any
) -> AsyncIterator[tuple[BatchEndpoint, Double]]:
    """Serve *spoken*'s answers with *answers* in their place; yield its endpoint, opened."""
    whole = {**spoken.answers, **answers}
    double = Double({k: v if isinstance(v, list) else [v] for k, v in whole.items()})
    runner = web.ServerRunner(web.Server(double.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    double.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    wire, base = spoken.wire, double.url + spoken.wire.base
    if wire.address_env:
        os.environ[wire.address_env] = base
    made = shipped(wire)
    at = None if wire.address_env else base
    keys = {"effort": made.effort, "params": made.params, **route}
    endpoint = batch_endpoint(ModelRoute(made.name, at, made.api_key_env, **keys))
    await endpoint.open()
    try:
        yield endpoint, double
    finally:
        await endpoint.close()
        await runner.cleanup()


def fake_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set every provider's variables, none of them real."""
    for name in (name for names in NEEDS.values() for name in names):
        monkeypatch.setenv(name, VALUES.get(name, KEY))
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)


@cache
def shipped(wire: Wire) -> ModelSettings:
    return build(wire.choice, *wire.overrides).settings.model


def run(main: Callable[[], Any]) -> Any:
    return asyncio.run(main())


def openai_batch(state: str = "in_progress", **more: Any) -> Any:
    return {
        **{"id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions"},
        **{"errors": None, "input_file_id": "file-in", "completion_window": "24h"},
        **{"status": state, "output_file_id": "file-out", "error_file_id": "file-err"},
        **{"created_at": CREATED, "completed_at": ENDED, "expires_at": CREATED + 86_400},
        "request_counts": {"total": 2, "completed": 1, "failed": 1},
        "metadata": {"colloquy": MARK},
        **more,
    }


def openai_line(key: str, body: Any) -> Any:
    return {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}


def openai_result(key: str, body: Any, status: int = 200) -> Any:
    response = {"status_code": status, "request_id": "req_1", "body": body}
    return {"id": "batch_req_1", "custom_id": key, "response": response, "error": None}


def openai_failed(key: str) -> Any:
    return openai_result(key, {"error": {"message": "Overloaded.", "code": None}}, 503)


def openai_expired(key: str) -> Any:
    error = {"code": "batch_expired", "message": "This request could not be executed."}
    return {"id": "batch_req_2", "custom_id": key, "response": None, "error": error}


OPENAI_STATES = {
    **{"validating": "waiting", "in_progress": "running", "finalizing": "running"},
    **{"completed": "ended", "failed": "failed", "expired": "expired", "new_one": "running"},
    **{"cancelling": "running", "cancelled": "cancelled"},
}


def like_openai(wire: Wire, prefix: str, query: str = "", end: str = "/v1/chat") -> Spoken:
    ask = f"?{query}" if query else ""
    path = end + "/completions"
    lists = f"{prefix}/batches?{query + '&' if query else ''}limit=100"
    return Spoken(
        wire,
        "batch_1",
        (f"POST {prefix}/files{ask}", f"POST {prefix}/batches{ask}"),
        {
            f"POST {prefix}/files{ask}": {"id": "file-in", "status": "processed"},
            f"POST {prefix}/batches{ask}": openai_batch("validating"),
            f"GET {prefix}/files/file-out/content{ask}": b"",
            f"GET {prefix}/files/file-err/content{ask}": b"",
        },
        {
            **{"input_file_id": "file-in", "endpoint": path, "completion_window": "24h"},
            "metadata": {"colloquy": MARK},
        },
        lambda key, body: {**openai_line(key, body), "url": path},
        openai_batch,
        OPENAI_STATES,
        (
            *(f"GET {prefix}/batches/batch_1{ask}", f"GET {lists}"),
            *(
                f"POST {prefix}/batches/batch_1/cancel{ask}",
                f"GET {prefix}/files/file-out/content{ask}",
            ),
        ),
        lambda data: {"object": "list", "data": data, "has_more": False},
        *(openai_result, openai_failed, openai_expired),
    )


def mistral_job(state: str = "RUNNING", **more: Any) -> Any:
    return {
        **{"id": "job-1", "object": "batch", "input_files": ["file-in"], "status": state},
        **{"endpoint": "/v1/chat/completions", "model": "mistral-medium-2604", "errors": []},
        **{"metadata": {"colloquy": MARK}, "output_file": "file-out", "error_file": None},
        **{"created_at": CREATED, "started_at": CREATED, "completed_at": ENDED},
        **{"total_requests": 2, "completed_requests": 2, "succeeded_requests": 1},
        "failed_requests": 1,
        **more,
    }


def anthropic_batch(state: str = "in_progress", **more: Any) -> Any:
    return {
        **{"id": "msgbatch_1", "type": "message_batch", "processing_status": state},
        **{"created_at": CREATED_ISO, "ended_at": ENDED_ISO, "expires_at": ENDED_ISO},
        **{"archived_at": None, "cancel_initiated_at": None},
        "request_counts": {
            **{"processing": 0, "succeeded": 1, "errored": 1, "canceled": 0, "expired": 0}
        },
        "results_url": "https://elsewhere.example/steal",
        **more,
    }


def anthropic_result(key: str, kind: str, **more: Any) -> Any:
    return {"custom_id": key, "result": {"type": kind, **more}}


def anthropic_failed(key: str) -> Any:
    error = {"type": "overloaded_error", "message": "Overloaded"}
    return anthropic_result(key, "errored", error={"type": "error", "error": error})


def gemini_batch(state: str = "BATCH_STATE_RUNNING", **more: Any) -> Any:
    return {
        "name": "batches/b-1",
        "metadata": {
            **{"model": "models/gemini-3.8-flash", "displayName": MARK, "state": state},
            **{"createTime": CREATED_ISO, "endTime": ENDED_ISO},
            "batchStats": {"requestCount": "2", "successfulRequestCount": "1"},
            "output": {"responsesFile": "files/batch-out"},
        },
        **more,
    }


def upload_place(double: Double) -> web.Response:
    place = f"{double.url}/upload/v1beta/files?upload_id=1"
    return web.Response(headers={"X-Goog-Upload-URL": place})


MISTRAL_SPOKEN = Spoken(
    MISTRAL,
    "job-1",
    ("POST /v1/files", "POST /v1/batch/jobs"),
    {
        "POST /v1/files": {"id": "file-in"},
        "POST /v1/batch/jobs": mistral_job("QUEUED"),
    },
    {
        **{"input_files": ["file-in"], "model": "mistral-medium-2604", "timeout_hours": 24},
        **{"endpoint": "/v1/chat/completions", "metadata": {"colloquy": MARK}},
    },
    lambda key, body: {"custom_id": key, "body": body},
    mistral_job,
    {
        **{"QUEUED": "waiting", "RUNNING": "running", "SUCCESS": "ended", "FAILED": "failed"},
        **{"TIMEOUT_EXCEEDED": "expired", "CANCELLATION_REQUESTED": "running"},
        "CANCELLED": "cancelled",
    },
    (
        "GET /v1/batch/jobs/job-1",
        "GET /v1/batch/jobs?page=0&page_size=100&created_after=2026-11-28T21:01:40Z",
        *("POST /v1/batch/jobs/job-1/cancel", "GET /v1/files/file-out/content"),
    ),
    lambda data: {"object": "list", "data": data, "total": len(data)},
    *(openai_result, openai_failed, openai_expired),
)
ANTHROPIC_SPOKEN = Spoken(
    ANTHROPIC,
    "msgbatch_1",
    ("POST /v1/messages/batches",),
    {"POST /v1/messages/batches": anthropic_batch()},
    None,
    lambda key, body: {"custom_id": key, "params": body},
    anthropic_batch,
    {"in_progress": "running", "canceling": "running", "ended": "ended"},
    (
        "GET /v1/messages/batches/msgbatch_1",
        "GET /v1/messages/batches?limit=100",
        "POST /v1/messages/batches/msgbatch_1/cancel",
        "GET /v1/messages/batches/msgbatch_1/results",
    ),
    lambda data: {"data": data, "has_more": False, "first_id": None, "last_id": None},
    lambda key, body: anthropic_result(key, "succeeded", message=body),
    anthropic_failed,
    lambda key: anthropic_result(key, "expired"),
)
GEMINI_SPOKEN = Spoken(
    GEMINI,
    "b-1",
    (
        *("POST /upload/v1beta/files", "POST /upload/v1beta/files?upload_id=1"),
        "POST /v1beta/models/gemini-3.8-flash:batchGenerateContent",
    ),
    {
        "POST /upload/v1beta/files": upload_place,
        "POST /upload/v1beta/files?upload_id=1": {"file": {"name": "files/in"}},
        "POST /v1beta/models/gemini-3.8-flash:batchGenerateContent": gemini_batch(
            "BATCH_STATE_PENDING"
        ),
    },
    {"batch": {"display_name": MARK, "input_config": {"file_name": "files/in"}}},
    lambda key, body: {"key": key, "request": body},
    gemini_batch,
    {
        **{f"BATCH_STATE_{s.upper()}": s for s in ("failed", "expired", "cancelled", "running")},
        **{"BATCH_STATE_PENDING": "waiting", "JOB_STATE_SUCCEEDED": "ended"},
    },
    (
        *("GET /v1beta/batches/b-1", "GET /v1beta/batches?pageSize=100"),
        "POST /v1beta/batches/b-1:cancel",
        "GET /download/v1beta/files/batch-out:download?alt=media",
    ),
    lambda data: {"operations": data},
    lambda key, body: {"key": key, "response": body},
    lambda key: {"key": key, "error": {"code": 503, "message": "Overloaded"}},
    lambda key: {"key": key, "error": {"code": 499, "message": "cancelled"}},
)
OPENAI_SPOKEN = like_openai(OPENAI, "/v1")
AZURE_SPOKEN = like_openai(AZURE, "/openai", "api-version=2025-04-01-preview", "/chat")
GROQ_SPOKEN = like_openai(GROQ, "/openai/v1")
SPOKEN = (
    *(OPENAI_SPOKEN, AZURE_SPOKEN, GROQ_SPOKEN, MISTRAL_SPOKEN, ANTHROPIC_SPOKEN, GEMINI_SPOKEN),
)
