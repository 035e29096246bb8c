"""Nobody but the host that was named gets the key or the transcript."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from runner.base.errors import CallError
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Request

pytestmark = pytest.mark.slow

KEY = "canary-47114711"
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
def test_a_redirection_is_not_followed(
    model: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    moved = web.Response(status=status, headers={"Location": "{elsewhere}/v1/chat/completions"})
    heard, error = ask(model, moved)

    assert ["first"] == heard
    assert ("bad_request", status) == (error.kind, error.status)
    assert "neither key nor transcript is sent" in str(error)


def test_a_redirection_to_nowhere_or_to_itself_is_not_followed_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    for target in ("", "/v1/elsewhere", "http://user:pass@[::1", "file:///etc/passwd"):
        headers = {"Location": target} if target else {}
        heard, error = ask(MODELS[0], web.Response(status=307, headers=headers))

        assert ["first"] == heard
        assert "bad_request" == error.kind
        assert "pass" not in str(error)


def test_a_reply_of_more_than_two_million_characters_is_a_bad_response(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    message = {"role": "assistant", "content": "a" * 2_000_001}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    _, error = ask(MODELS[0], web.json_response(body))

    assert "bad_response" == error.kind
    assert "2,000,001 characters" in str(error)
