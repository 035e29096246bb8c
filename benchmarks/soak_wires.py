"""The simulated provider behind Anthropic's and Gemini's wire, in a process of its own.

Part of `benchmarks.soak`. Requests are converted to OpenAI's form, and replies and errors to the
form of the wire; what is no JSON, and what breaks off, goes out as it is.
"""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from runner.config.simulate import SimulateSettings
from runner.providers.simulated.server import SimulatedProvider

_ENDS = {
    "anthropic": {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"},
    "gemini": {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"},
}
_ERRORS = {  # by status, in the providers' references
    400: ("invalid_request_error", "INVALID_ARGUMENT"),
    429: ("rate_limit_error", "RESOURCE_EXHAUSTED"),
    503: ("api_error", "UNAVAILABLE"),
    529: ("overloaded_error", "UNAVAILABLE"),
}


def wire_of(path: str) -> str:
    """Return the wire that a request's path belongs to; "" for OpenAI's and others."""
    if path.endswith("/messages"):
        return "anthropic"
    return "gemini" if path.endswith(":generateContent") else ""


def chat_of(wire: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request in OpenAI's form."""
    if wire == "anthropic":
        messages, limit = body["messages"], body.get("max_tokens")
        schema = body.get("output_format", {}).get("schema")
    else:
        parts = [message["parts"] for message in body["contents"]]
        messages = [{"role": "user", "content": each} for each in parts]
        settings = body.get("generationConfig", {})
        limit, schema = settings.get("max_output_tokens"), settings.get("response_json_schema")
    form = {"json_schema": {"name": "soak", "schema": schema}} if schema else None
    return {"messages": messages, "max_tokens": limit, "response_format": form}


def converted(wire: str, status: int, body: Any) -> Any:
    """Return a completion or an error of OpenAI's form in the form of *wire*."""
    if not isinstance(body, dict):
        return body
    if isinstance(error := body.get("error"), dict):
        kind, name = _ERRORS.get(status, ("api_error", "INTERNAL"))
        if wire == "anthropic":
            return {"type": "error", "error": {"type": kind, "message": error["message"]}}
        return {"error": {"code": status, "message": error["message"], "status": name}}
    choice = next(iter(body.get("choices") or []), None)
    message = choice["message"] if choice else {}
    refused = message.get("refusal") and "content_filter"
    end = _ENDS[wire][refused or (choice["finish_reason"] if choice else "stop")]
    texts = [{"text": text}] if (text := message.get("refusal") or message.get("content")) else []
    usage = body.get("usage")
    if wire == "anthropic":
        content = [{"type": "text", **part} for part in texts]
        made = {"id": "msg", "type": "message", "role": "assistant", "model": "simulated"}
        return {**made, "content": content, "stop_reason": end, **_anthropic_usage(usage)}
    part = {"content": {"parts": texts, "role": "model"}, "finishReason": end, "index": 0}
    return {"candidates": [part] if choice else [], **_gemini_usage(usage)}


def _anthropic_usage(usage: Mapping[str, Any] | None) -> dict[str, Any]:
    if usage is None:
        return {}
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    counts = {"input_tokens": usage["prompt_tokens"] - cached, "cache_read_input_tokens": cached}
    return {"usage": {**counts, "output_tokens": usage["completion_tokens"]}}


def _gemini_usage(usage: Mapping[str, Any] | None) -> dict[str, Any]:
    if usage is None:
        return {}
    counts = {
        "promptTokenCount": usage["prompt_tokens"],
        "candidatesTokenCount": usage["completion_tokens"],
        "totalTokenCount": usage["total_tokens"],
        "cachedContentTokenCount": usage["prompt_tokens_details"]["cached_tokens"],
    }
    return {"usageMetadata": counts}


class WireProvider(SimulatedProvider):
    """A simulated provider that also speaks the two other wires."""

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        wire = wire_of(request.path)
        if not wire:
            return await super()._handle(request)
        arrived_s = asyncio.get_running_loop().time()
        self.stats.begin(wire)
        try:
            body = chat_of(wire, json.loads(await request.read()))
            reply = await self.respond(request, body, arrived_s)
        finally:
            self.stats.in_flight -= 1
        if not isinstance(reply, web.Response):
            return reply
        try:
            made = converted(wire, reply.status, json.loads(reply.text or ""))
        except ValueError:
            return reply
        headers = {k: v for k, v in reply.headers.items() if k.lower() != "content-length"}
        return web.Response(status=reply.status, headers=headers, body=json.dumps(made).encode())


@asynccontextmanager
async def wire_process(settings: SimulateSettings) -> AsyncIterator[str]:
    """Serve *settings* in a process that ends with the block; yield the address of the API."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.soak_wires"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(settings.model_dump_json().encode() + b"\n")
        yield (await child.stdout.readline()).decode().strip()
    finally:
        child.kill()
        await child.wait()


async def serve() -> None:
    """Serve the settings of standard input's first line until the process is killed."""
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # clients that leave
    settings = SimulateSettings.model_validate_json(sys.stdin.readline())
    async with WireProvider(settings=settings) as server:
        print(server.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)  # or until the parent has died


if __name__ == "__main__":
    asyncio.run(serve())
