"""A server that is not ours, from PyPI: the LiteLLM proxy in front of `colloquy-simulate`.

Opt-in: COLLOQUY_LITELLM_PROXY=…/bin/litellm pytest -m third_party
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

import pytest
import yaml

from runner.providers.retry_headers import retry_after_s

PROXY = os.environ.get("COLLOQUY_LITELLM_PROXY")
KEY = "sk-third-party-0123456789"
ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.third_party,
    pytest.mark.skipif(PROXY is None, reason="COLLOQUY_LITELLM_PROXY names no litellm"),
]


@contextmanager
def started(*command: str, ready: str, **env: str) -> Iterator[None]:
    """Run *command* until the block ends; begin once a line of its output holds *ready*."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
    )
    assert process.stdout is not None
    seen: list[str] = []
    try:
        for line in process.stdout:
            seen.append(line)
            if ready in line:
                break
        else:
            raise AssertionError("".join(seen))
        drain = threading.Thread(target=process.stdout.read)  # a full pipe would stop it
        drain.start()
        try:
            yield
        finally:
            process.kill()
            drain.join()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Yield the addresses of the proxy and of the simulated provider behind it."""
    with serving(tmp_path, {"num_retries": 0}) as addresses:
        yield addresses


@contextmanager
def serving(
    tmp_path: Path, router: Mapping[str, object], **limits: int
) -> Iterator[tuple[str, str]]:
    behind, front = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    upstream: dict[str, object] = {
        "model": "openai/simulated",
        "api_base": f"{behind}/v1",
        "api_key": "not-needed",
    }
    upstream |= limits
    config = tmp_path / "proxy.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "model_list": [{"model_name": "simulated", "litellm_params": upstream}],
                "router_settings": dict(router),
                "general_settings": {"master_key": KEY},
            }
        )
    )
    port = behind.rpartition(":")[2]
    simulate = (
        sys.executable,
        "-m",
        "runner.providers.simulated",
        f"port={port}",
        "latency_s=0.05",
    )
    host = ("--host", "127.0.0.1", "--port", front.rpartition(":")[2])
    assert PROXY is not None
    with (
        started(*simulate, ready=port, PYTHONPATH=str(ROOT)),
        started(
            *(PROXY, "--config", str(config), *host),
            ready="Uvicorn running",
            LITELLM_LOCAL_MODEL_COST_MAP="True",
        ),
    ):
        yield front, behind


def colloquy(front: str, key: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    overrides = ("model.name=litellm_proxy/simulated", f"model.api_base={front}", "reuse=off")
    return subprocess.run(
        [sys.executable, "-m", "runner", "model=litellm_proxy", *overrides],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LITELLM_PROXY_API_KEY": key},
        capture_output=True,
        text=True,
    )


def requests(behind: str) -> int:
    with urllib.request.urlopen(f"{behind}/stats") as response:
        return int(json.load(response)["requests"])


def test_all_analyzers_are_answered_through_the_proxy_and_a_wrong_key_gets_nowhere(
    servers: tuple[str, str], tmp_path: Path
) -> None:
    front, behind = servers
    good = colloquy(front, KEY, tmp_path)
    sent = requests(behind)
    wrong = colloquy(front, "sk-wrong-0123456789", tmp_path)

    assert good.returncode == 0, good.stderr
    assert "ok=8 failed=0" in good.stdout
    assert sent == 8
    assert wrong.returncode == 4, wrong.stderr  # a proxy without a database answers with a 400
    assert 'status=400 error="No connected db."' in wrong.stderr
    assert "wrong-0123456789" not in wrong.stderr + wrong.stdout
    assert requests(behind) == 8


def test_a_limit_of_the_proxys_own_says_when_to_come_back(tmp_path: Path) -> None:
    """As docs/scale.md sets it up; three requests meet at most two minutes of the clock."""
    limit = {"optional_pre_call_checks": ["enforce_model_rate_limits"], "disable_cooldowns": True}
    message = {"role": "user", "content": "Say one word."}
    body = json.dumps({"model": "simulated", "max_tokens": 10, "messages": [message]}).encode()
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    refused = []
    with serving(tmp_path, {"num_retries": 0, **limit}, rpm=1) as (front, behind):
        for _ in range(3):
            try:
                url = f"{front}/v1/chat/completions"
                urllib.request.urlopen(urllib.request.Request(url, body, headers)).close()
            except HTTPError as error:
                refused.append((error.code, retry_after_s(dict(error.headers))))
        sent = requests(behind)

    assert sent + len(refused) == 3
    assert set(refused) == {(429, 60.0)}
