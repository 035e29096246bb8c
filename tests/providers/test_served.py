"""What servers of one's own tell of their model before a run, in the forms of their APIs."""

from __future__ import annotations

import gzip
import itertools
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from helpers import job

from runner.config.learned import LearnedFacts
from runner.job.build import with_served_windows
from runner.providers import served
from runner.providers.served import is_self_hosted, learn_served

LLAMA = {"/props": {"default_generation_settings": {"n_ctx": 2048}, "total_slots": 2}}
META = {"data": [{"id": "smollm2", "meta": {"n_ctx": 4096, "n_ctx_train": 8192}}]}
VLLM = {"/v1/models": {"data": [{"id": "x"}, {"id": "org/model", "max_model_len": 8192}]}}
SHOW = {"model_info": {"llama.context_length": 8192}, "parameters": "num_ctx    3000\nstop x"}
STUDIO = {"id": "org/model", "max_context_length": 32768}
NOTHING: list[Mapping[str, Any]] = [
    {},
    {"/props": b"<html>", "/v1/models": b"[" * 9999, "/api/show": b"elsewhere"},
    {"/props": {"default_generation_settings": {"n_ctx": "big"}, "total_slots": -1}},
    {"/props": {"default_generation_settings": {"n_ctx": 10**12}, "total_slots": 0}},
    {"/v1/models": {"data": [7, {"id": "org/model", "max_model_len": 1}]}},
    {"/api/v0/models": {"data": [STUDIO]}},  # it may be loaded with a smaller one
]


class Server(ThreadingHTTPServer):
    """Answers with what is in *told* by path; *asked* are the requests."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.told, self.asked = told, list[tuple[str, Any, str | None]]()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.path, body, self.headers.get("Authorization")))
        found = self.server.told.get(self.path)
        data = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.send_response(404 if found is None else 302 if data == b"elsewhere" else 200)
        if data == b"elsewhere":
            self.send_header("Location", "/v1/secret")
        elif "gzip" in self.headers.get("Accept-Encoding", ""):
            data = gzip.compress(data)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def serving(told: Mapping[str, Any]) -> Iterator[Server]:
    server = Server(told)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def learned(
    told: Mapping[str, Any], name: str = "hosted_vllm/org/model", **settings: Any
) -> LearnedFacts:
    found = LearnedFacts()
    with serving(told) as server:
        model = job("model=vllm", "model.context_window=null").main.settings
        changed = {"name": name, "api_base": f"{server.url}/v1", **settings}
        learn_served(model.model_copy(update=changed), found, None, "text", 400)
    return found


def test_a_server_that_does_not_finish_its_reply_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SimpleNamespace(monotonic=itertools.count(0.0, served.TIMEOUT_S + 1).__next__)
    monkeypatch.setattr(served, "time", clock)

    assert learned(LLAMA).window is None


def test_a_server_is_trusted_by_the_certificates_of_the_system_as_in_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trusted = list[object]()

    class Client(httpx.Client):
        def __init__(self, *, verify: object = True, **settings: Any) -> None:
            trusted.append(verify)
            super().__init__(**settings)

    monkeypatch.setattr(httpx, "Client", Client)

    assert 2048 == learned(LLAMA).window
    assert {ssl.SSLContext} == set(map(type, trusted))


@pytest.mark.parametrize(
    ("told", "more", "window", "source", "slots"),
    [
        (LLAMA, {}, 2048, "/props", 2),
        ({"/v1/models": META}, {}, 4096, "/v1/models", None),
        (VLLM, {}, 8192, "/v1/models", None),
        (VLLM, {"name": "hosted_vllm/other"}, None, "", None),  # whose, is not known
        (
            {"/api/v0/models": {"data": [{**STUDIO, "loaded_context_length": 4096}]}},
            *({"name": "lm_studio/org/model"}, 4096, "/api/v0/models", None),
        ),
        ({"/api/show": SHOW}, {"name": "ollama_chat/x"}, 3000, "num_ctx in /api/show", None),
        ({"/api/show": SHOW}, {"params": {"num_ctx": 32768}}, 8192, "/api/show", None),
        (LLAMA, {"context_window": 1024}, None, "", 2),  # a smaller one was meant
        (LLAMA, {"context_window": 131072}, 2048, "/props", 2),
        *((told, {}, None, "", None) for told in NOTHING),
    ],
)
def test_the_window_is_the_servers_where_it_tells_a_credible_one(
    told: Mapping[str, Any],
    more: Mapping[str, Any],
    window: int | None,
    source: str,
    slots: int | None,
) -> None:
    found = learned(told, **more)

    assert (window, source, slots) == (found.window, found.source, found.slots)


def test_a_server_that_has_told_its_window_is_not_asked_for_it_again() -> None:
    with serving(LLAMA) as server:
        settings = job("model=vllm", "model.context_window=null").main.settings
        own = settings.model_copy(update={"api_base": server.url})
        learn_served(own, LearnedFacts(), None, "text", 0)

    assert ["/props"] == [path for path, *_ in server.asked]


@pytest.mark.parametrize(
    ("reply", "factor"),
    [
        ({"tokens": [1] * 480}, 1.2),  # llama.cpp
        ({"count": 600, "tokens": []}, 1.5),  # vLLM
        ({"tokens": 480}, None),
        ({"count": 10**9}, 4.0),
        ({"count": "600"}, None),
        ([], None),
    ],
)
def test_a_server_that_counts_tokens_is_measured_before_the_first_call(
    reply: Any, factor: float | None
) -> None:
    assert factor == learned({**LLAMA, "/tokenize": reply}).factor


def test_nobody_answers_and_nothing_is_learned() -> None:
    model = job("model=vllm", "model.api_base=http://127.0.0.1:9/v1").main.settings
    found = LearnedFacts()
    learn_served(model, found, None, "text", 400)

    assert LearnedFacts() == found


@pytest.mark.parametrize(
    ("overrides", "asked"),
    [
        (["model=llamacpp"], True),
        (["model=ollama"], True),
        (["model=vllm", "model.name=openai/x"], False),
        (["model=openai", "model.api_key_env=null", "plan=true"], False),
        (["model=simulated", "model.api_base=http://127.0.0.1:1/v1"], False),
        (["model=offline"], False),
    ],
)
def test_only_servers_of_ones_own_are_asked(overrides: list[str], asked: bool) -> None:
    assert asked == is_self_hosted(job(*overrides).main.settings)


def test_a_job_is_cut_for_the_window_that_is_told_and_the_key_goes_where_calls_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MINE", "a-key-of-mine-0123456789")
    with serving({**LLAMA, "/tokenize": {"tokens": [1] * 1900}}) as server:
        base = f"model.api_base={server.url}/v1"
        made = job("model=llamacpp", base, "model.api_key_env=MINE", "model.max_tokens=400")
        cut = with_served_windows(made)
    fit = cut.fits["say_means", "main"]

    assert made.fits["say_means", "main"].room is None
    assert 2048 == fit.window
    assert len(fit.chunks) > 1
    assert {"Bearer a-key-of-mine-0123456789"} == {key for _, _, key in server.asked}
