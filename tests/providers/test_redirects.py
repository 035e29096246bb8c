"""Nobody but the host that was named gets the key or the transcript."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any, Literal

import pytest
from aiohttp import web
from helpers.fault_server import FaultServer, good

from runner.base.errors import CallError
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.session import open_session
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Completion, Request

pytestmark = pytest.mark.slow

KEPT = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", 0))
REQUEST = Request("say_means", ({"role": "user", "content": "TRANSCRIPT"},), max_tokens=10)
MODELS = (
    "openai/gpt-4o-mini",
    "anthropic/claude-sonnet-4-6",  # its key goes in a header that httpx does not know as one
    "gemini/gemini-2.0-flash",
)


def ask(model: str, *answers: web.Response) -> tuple[list[str], CallError]:
    """Ask a server that gives *answers*; return who heard of it and how the last call ended.

    `{elsewhere}` in a Location is the address of a second server.
    """
    heard: list[str] = []
    elsewhere = ""
    given = iter(answers)

    async def first(_: web.BaseRequest) -> web.Response:
        heard.append("first")
        answer = next(given)
        if "Location" in answer.headers:
            answer.headers["Location"] = answer.headers["Location"].format(elsewhere=elsewhere)
        return answer

    async def second(_: web.BaseRequest) -> web.Response:
        heard.append("second")
        return web.json_response({})

    async def main() -> CallError:
        nonlocal elsewhere
        runners = [web.ServerRunner(web.Server(handle)) for handle in (first, second)]
        for runner in runners:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports = [runner.addresses[0][1] for runner in runners]
        elsewhere = f"http://127.0.0.1:{ports[1]}"
        route = ModelRoute(model, f"http://127.0.0.1:{ports[0]}/v1", "MY_KEY")
        transport = LiteLLMTransport(route)
        await transport.open()
        try:
            with pytest.raises(CallError) as caught:
                await transport.complete(REQUEST, 600.0)
            return caught.value
        finally:
            await transport.close()
            for runner in runners:
                await runner.cleanup()

    return heard, asyncio.run(main())


@pytest.mark.parametrize(
    ("model", "status"),
    [
        *((model, 307) for model in MODELS),
        *((MODELS[0], status) for status in (301, 302, 303, 308)),
    ],
)
def test_a_redirection_is_not_followed(model: str, status: int) -> None:
    moved = web.Response(status=status, headers={"Location": "{elsewhere}/v1/chat/completions"})
    heard, error = ask(model, moved)

    assert ["first"] == heard
    assert ("bad_request", status) == (error.kind, error.status)
    assert "neither key nor transcript is sent" in str(error)


def test_a_redirection_to_nowhere_or_to_itself_is_not_followed_either() -> None:
    for target in ("", "/v1/elsewhere", "http://user:pass@[::1", "file:///etc/passwd"):
        headers = {"Location": target} if target else {}
        heard, error = ask(MODELS[0], web.Response(status=307, headers=headers))

        assert ["first"] == heard
        assert "bad_request" == error.kind
        assert "pass" not in str(error)


def test_a_reply_of_more_than_two_million_characters_is_a_bad_response() -> None:
    message = {"role": "assistant", "content": "a" * 2_000_001}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    _, error = ask(MODELS[0], web.json_response(body))

    assert "bad_response" == error.kind
    assert "2,000,001 characters" in str(error)


@pytest.mark.parametrize("way", ["auto", "litellm"])
def test_calls_beyond_this_machine_take_the_proxy_of_the_environment(
    way: Literal["auto", "litellm"], monkeypatch: pytest.MonkeyPatch
) -> None:

    async def main(address: str, base: str = "http://far.invalid") -> Completion:
        route = ModelRoute(MODELS[0], f"{base}/v1", "MY_KEY", transport=way)
        monkeypatch.setenv("HTTP_PROXY", address.replace("://", "://user:hidden-word@"))
        monkeypatch.delenv("http_proxy", raising=False)
        transport = LiteLLMTransport(route)
        await transport.open()
        try:
            return await transport.complete(REQUEST, 600.0)
        finally:
            await transport.close()

    with FaultServer(good) as server:
        assert asyncio.run(main(server.url())).text
        assert ["http://far.invalid/v1/chat/completions"] == [one.path for one in server.asked]
        dead = "http://127.0.0.1:9"  # the proxy of a user with a model on this machine
        assert asyncio.run(main(dead, server.url())).text
    with pytest.raises(CallError, match="no connection to the proxy") as caught:
        asyncio.run(main(server.url()))
    assert "hidden-word" not in str(caught.value)


@pytest.mark.parametrize("model", MODELS)
def test_a_login_in_netrc_is_not_sent_beside_the_key(
    model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """aiohttp adds it where the environment names a proxy, or refuses to send it beside a key."""
    logins = tmp_path / "netrc"
    logins.write_text("default login me password hidden-word\n")
    monkeypatch.setenv("NETRC", str(logins))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    async def main(url: str) -> Completion:
        transport = LiteLLMTransport(ModelRoute(model, url, "MY_KEY"))
        await transport.open()
        try:
            return await transport.complete(REQUEST, 600.0)
        finally:
            await transport.close()

    with FaultServer(good) as server:
        assert asyncio.run(main(server.url())).text
    assert "Basic " not in str(server.asked)


def test_hosts_without_a_proxy_name_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiohttp looks proxies up in a thread for every request if it is told to."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "localhost")

    async def main() -> bool:
        async with open_session() as session:
            return session.trust_env

    assert not asyncio.run(main())


def test_a_silent_connection_is_probed_so_that_no_gateway_drops_it() -> None:
    async def main(url: str) -> list[int]:
        options = (socket.SOL_SOCKET, socket.SO_KEEPALIVE), (socket.IPPROTO_TCP, KEPT)
        async with open_session(whole=False) as session, session.get(url) as reply:
            assert reply.connection is not None
            assert reply.connection.transport is not None
            held = reply.connection.transport.get_extra_info("socket")
            return [held.getsockopt(*option) for option in options]

    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    with FaultServer(lambda _: [endless, "left"]) as server:
        on, idle_s = asyncio.run(main(server.url()))
    assert on
    assert 0 < idle_s <= 60


def test_a_system_without_these_options_makes_calls_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Plain(socket.socket):
        def setsockopt(self, level: int, name: int, value: Any, *_: Any) -> None:
            if (level, name) == (socket.SOL_SOCKET, socket.SO_KEEPALIVE):
                raise OSError("not supported")
            super().setsockopt(level, name, value)

    async def main(url: str) -> int:
        async with open_session(whole=False) as session, session.get(url) as reply:
            return reply.status

    with FaultServer(lambda _: [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]) as server:
        monkeypatch.setattr(socket, "socket", Plain)
        assert 200 == asyncio.run(main(server.url()))
