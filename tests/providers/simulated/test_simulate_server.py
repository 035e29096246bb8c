"""The simulated provider over real HTTP, as a command and as a child process."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from runner.base.errors import ConfigError
from runner.config.simulate import SimulateSettings
from runner.providers.simulated.__main__ import main, parse
from runner.providers.simulated.faults import KINDS
from runner.providers.simulated.process import IdleProcesses, simulated_process
from runner.providers.simulated.server import SimulatedProvider

BODY: dict[str, Any] = {
    "model": "simulated",
    "messages": [{"role": "user", "content": "[S0001 Ann] We should wait."}],
    "response_format": {
        "type": "json_schema",
        "json_schema": {
            "name": "say_means",
            "schema": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "value": {"type": "number"}},
            },
        },
    },
}
COMMAND = [sys.executable, "-m", "runner.providers.simulated"]


def settings(**changes: Any) -> SimulateSettings:
    return SimulateSettings.model_validate(changes)


def run(main: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(main)


async def post(url: str, body: Any = BODY, **headers: str) -> tuple[int, Any, Any]:
    """Return status, headers and text of one answer."""
    data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/chat/completions", data=data, headers=headers) as response,
    ):
        return response.status, response.headers, await response.text()


def answers(*bodies: Any, headers: dict[str, str] | None = None, **changes: Any) -> list[Any]:
    """Ask one after the other; return the answers and, last, the provider's statistics."""

    async def main() -> list[Any]:
        async with SimulatedProvider(settings=settings(**changes)) as server:
            found: list[Any] = [await post(server.url, body, **(headers or {})) for body in bodies]
            async with (
                aiohttp.ClientSession() as session,
                session.get(server.url.removesuffix("/v1") + "/stats") as response,
            ):
                return [*found, await response.json()]

    return list(run(main()))


def test_a_request_is_answered_in_its_schema_with_its_usage() -> None:
    (status, _, text), _ = answers(BODY)
    found = json.loads(text)

    assert status == 200
    assert json.loads(found["choices"][0]["message"]["content"]).keys() == {"text", "value"}
    assert found["choices"][0]["finish_reason"] == "stop"
    assert found["usage"]["prompt_tokens"] == 9
    assert found["usage"]["prompt_tokens_details"] == {"cached_tokens": 0}


def test_a_repeated_long_prompt_is_reported_as_cached() -> None:
    long = {**BODY, "messages": [{"role": "user", "content": "We should wait. " * 200}]}
    _, (_, _, text), stats = answers(long, long, cache_min_tokens=128)

    assert json.loads(text)["usage"]["prompt_tokens_details"]["cached_tokens"] == 768
    assert stats["cached_tokens"] == 768


def test_a_reply_longer_than_allowed_is_cut_and_says_so() -> None:
    (_, _, text), _ = answers({**BODY, "max_tokens": 5})
    found = json.loads(text)

    assert found["choices"][0]["finish_reason"] == "length"
    assert found["usage"]["completion_tokens"] == 5


def test_a_body_beyond_a_mebibyte_is_read() -> None:
    large = {**BODY, "messages": [{"role": "user", "content": "We should wait.\n" * 150_000}]}

    assert answers(large)[0][0] == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"messages": ["a"]}'])
def test_a_body_that_asks_nothing_is_a_bad_request(body: bytes) -> None:
    (status, _, text), _ = answers(body)

    assert status == 400
    assert json.loads(text)["error"]["code"] == "invalid_request_error"


def test_models_are_listed_and_other_addresses_are_not_there() -> None:
    async def main() -> tuple[Any, int]:
        async with SimulatedProvider() as server, aiohttp.ClientSession() as session:
            listed = await (await session.get(f"{server.url}/models")).json()
            return listed, (await session.get(f"{server.url}/engines")).status

    listed, missing = run(main())

    assert [model["id"] for model in listed["data"]] == ["simulated"]
    assert missing == 404


def test_statistics_count_by_status_fault_and_analyzer() -> None:
    *_, stats = answers(BODY, BODY, BODY, script=["status_500", "length"])

    assert (stats["requests"], stats["ok"], stats["peak_in_flight"]) == (3, 1, 1)
    assert stats["by_status"] == {"200": 2, "500": 1}
    assert stats["by_fault"] == {"length": 1, "status_500": 1}
    assert stats["by_analyzer"] == {"say_means": 3}
    assert stats["prompt_tokens"] == 18
    assert stats["in_flight"] == 0


def test_a_refusal_has_the_limits_headers_and_an_error_body() -> None:
    _, (status, headers, text), _ = answers(BODY, BODY, rpm=6)

    assert status == 429
    assert headers["Retry-After"] == "13"
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert json.loads(text)["error"]["code"] == "rate_limit_exceeded"


FAULTS = (
    ("status_418", 418, '"code": "simulated"'),
    ("quota", 429, '"code": "insufficient_quota"'),
    ("context", 400, '"code": "context_length_exceeded"'),
    ("echo_key", 400, "Bearer canary"),
    ("html", 200, "<html>"),
    ("bad_json", 200, '{"choices": [{"mess'),
    ("no_choices", 200, '"choices": []'),
    ("no_content", 200, '"content": null'),
    ("length", 200, '"finish_reason": "length"'),
    ("content_filter", 200, '"finish_reason": "content_filter"'),
    ("refusal", 200, '"refusal": "I cannot help with that."'),
    ("surrogate", 200, "Simulated\\ud800 text"),
    ("bad_answer", 200, "fits no schema"),
    ("bad_text", 200, "this is not JSON"),
    ("nan", 200, '\\"value\\": NaN'),
)


def test_each_fault_is_sent_as_its_name_says() -> None:
    bodies, kinds = [BODY] * (len(FAULTS) + 1), [kind for kind, *_ in FAULTS]
    *found, (_, _, unmetered), _ = answers(
        *bodies, headers={"Authorization": "Bearer canary"}, script=[*kinds, "no_usage"]
    )

    for (kind, status, part), (actual, _, text) in zip(FAULTS, found, strict=True):
        assert status == actual, kind
        assert part in text, kind
    assert "usage" not in json.loads(unmetered)
    assert json.loads(unmetered)["choices"][0]["message"]["content"]


def test_a_repeated_key_is_whole_whatever_its_characters() -> None:
    told = {"Authorization": 'Bearer ca"na\\ry'}
    (_, _, text), _ = answers(BODY, headers=told, script=["echo_key"])

    assert json.loads(text)["error"]["message"] == f"bad request with {told['Authorization']}"


@pytest.mark.parametrize(
    ("kind", "error"),
    [("reset", aiohttp.ClientConnectionError), ("cut", aiohttp.ClientPayloadError)],
)
def test_a_broken_connection_breaks_for_the_client_once(kind: str, error: type[Exception]) -> None:
    async def main() -> tuple[int, int]:
        async with SimulatedProvider(settings=settings(script=[kind])) as server:
            with pytest.raises(error):
                await post(server.url)
            return (await post(server.url))[0], server.stats.in_flight

    assert run(main()) == (200, 0)


def test_a_slow_body_comes_byte_by_byte_after_its_headers() -> None:
    async def main() -> tuple[int, bytes]:
        async with (
            SimulatedProvider(settings=settings(script=["slow_body"])) as server,
            aiohttp.ClientSession() as session,
            session.post(f"{server.url}/chat/completions", json=BODY) as response,
        ):
            return response.status, await response.content.readexactly(2)

    assert run(main()) == (200, b"  ")


def test_a_request_that_hangs_is_forgotten_when_its_client_leaves() -> None:
    async def main() -> tuple[int, int]:
        async with SimulatedProvider(settings=settings(script=["hang"])) as server:
            asked = asyncio.create_task(post(server.url))
            while not server.stats.by_fault["hang"]:
                await asyncio.sleep(0)
            waiting = server.stats.in_flight
            asked.cancel()
            while server.stats.in_flight:
                await asyncio.sleep(0)
            return waiting, server.stats.peak_in_flight

    assert run(main()) == (1, 1)


def test_a_huge_body_is_200_mebibytes() -> None:
    async def main() -> int:
        async with (
            SimulatedProvider(settings=settings(script=["huge_body"])) as server,
            aiohttp.ClientSession() as session,
            session.post(f"{server.url}/chat/completions", json=BODY) as response,
        ):
            return int(response.headers["Content-Length"])

    assert run(main()) == 200 << 20


def test_arguments_override_the_shipped_settings() -> None:
    served, port = parse(
        ["port=0", "latency_s=0.2", "rpm=60", "faults={status_500: 0.1}", "script=[reset, null]"]
    )
    shipped, default_port = parse([])

    assert (0, 8089) == (port, default_port)
    assert served == shipped.model_copy(
        update={
            "latency_s": 0.2,
            "rpm": 60,
            "faults": {"status_500": 0.1},
            "script": ["reset", None],
        }
    )


def test_text_of_an_argument_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "canary")

    served, _ = parse(["poison=${oc.env:MY_KEY}"])

    assert served.poison == "${oc.env:MY_KEY}"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("latency=3", "unknown key 'latency'; did you mean 'latency_s'?"),
        ("latency_s=abc", "latency_s='abc': expected a valid number"),
        ("port=99999", "port=99999: expected a number from 0 to 65535"),
        ("", "'' is not key=value, such as latency_s=0.2; see --help"),
        ("rpm", "'rpm' is not key=value, such as latency_s=0.2; see --help"),
        (
            "faults={resett: 1}",
            "faults: unknown kind of fault 'resett'; did you mean 'reset'?",
        ),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line(argument: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse([argument])

    assert str(caught.value) == message


Command = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """Run the command in this process; return its exit code, output and errors."""
    before = os.umask(0o077)

    def run_it(argument: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["colloquy-simulate", argument])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    yield run_it
    os.umask(before)


def test_help_names_every_key_and_every_kind(command: Command) -> None:
    code, out, _ = command("--help")
    named = set(re.findall(r"^    (\w+)", out, re.MULTILINE))

    assert 0 == code
    assert {"port", *SimulateSettings.model_fields, *KINDS} <= named


def test_a_wrong_argument_ends_the_command_with_2_and_a_taken_port_with_8(
    command: Command,
) -> None:
    wrong, _, said = command("latency=3")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        busy, _, errors = command(f"port={port}")

    assert (2, 1) == (wrong, said.count("\n"))
    assert (8, 1) == (busy, errors.count("\n"))
    assert f"port {port} of 127.0.0.1 is in use" in errors


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_with_0(number: signal.Signals) -> None:
    with subprocess.Popen([*COMMAND, "port=0"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        child.send_signal(number)

        assert re.fullmatch(r"serving http://127\.0\.0\.1:\d+/v1\n", line)
        assert child.wait() == 0


@pytest.mark.slow
def test_the_child_process_ends_when_its_block_is_cancelled() -> None:
    async def main() -> str:
        found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def block() -> None:
            async with simulated_process(settings()) as url:
                found.set_result(url)
                await asyncio.Event().wait()

        task = asyncio.create_task(block())
        url = await found
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return url

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(run(main())).port or 0), 5)


@pytest.mark.slow
def test_a_child_serves_again_as_if_new_and_a_dead_one_is_replaced() -> None:
    idle = IdleProcesses()

    async def serve(**changes: Any) -> list[int]:
        """Return the statuses of two requests, in an event loop of their own."""
        async with simulated_process(settings(**changes), idle) as url:
            return [(await post(url))[0] for _ in range(2)]

    first, second = run(serve(script=["status_503"])), run(serve(script=["status_429"]))
    child = idle.take()

    assert [[503, 200], [429, 200]] == [first, second]
    assert child is not None
    assert idle.take() is None  # both were served by one
    idle.keep(child)
    child.kill()
    child.wait()

    assert [200, 200] == run(serve())  # by another one
    last = idle.take()
    assert last is not None
    idle.keep(last)
    idle.end()

    assert last.poll() is not None


PARENT = """
import asyncio, sys
from runner.config.simulate import SimulateSettings
from runner.providers.simulated.process import simulated_process

async def main():
    async with simulated_process(SimulateSettings.model_validate_json(sys.argv[1])) as url:
        print(url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.slow
def test_the_child_process_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, settings().model_dump_json()],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    port = urlsplit(parent.stdout.readline().strip()).port or 0
    with parent, socket.create_connection(("127.0.0.1", port), 30) as connection:
        os.kill(parent.pid, signal.SIGKILL)

        assert connection.recv(1) == b""  # the kernel closes it when the child ends


@pytest.mark.slow
def test_impossible_settings_start_no_child() -> None:
    async def main() -> None:
        async with simulated_process(settings(script=["nonsense"])):
            raise AssertionError("it started")

    with pytest.raises(ConfigError):
        run(main())
