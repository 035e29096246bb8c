"""The simulated provider behind Gemini's wire, in a process of its own.

Part of `benchmarks.soak`. Requests are converted to OpenAI's form, and replies and errors to
Gemini's; what is no JSON, and what breaks off, goes out as it is.
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

_ENDS = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
_ERRORS = {  # by status, in the provider's reference
    400: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    529: "UNAVAILABLE",
}


def chat_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request in OpenAI's form."""
    messages = [{"role": "user", "content": message["parts"]} for message in body["contents"]]
    settings = body.get("generationConfig", {})
    limit, schema = settings.get("max_output_tokens"), settings.get("response_json_schema")
    form = {"json_schema": {"name": "soak", "schema": schema}} if schema else None
    return {"messages": messages, "max_tokens": limit, "response_format": form}


def converted(status: int, body: Any) -> Any:
    """Return a completion or an error of OpenAI's form in Gemini's."""
    if not isinstance(body, dict):
        return body
    if isinstance(error := body.get("error"), dict):
        name = _ERRORS.get(status, "INTERNAL")
        return {"error": {"code": status, "message": error["message"], "status": name}}
    choice = next(iter(body.get("choices") or []), None)
    message = choice["message"] if choice else {}
    refused = message.get("refusal") and "content_filter"
    end = _ENDS[refused or (choice["finish_reason"] if choice else "stop")]
    texts = [{"text": text}] if (text := message.get("refusal") or message.get("content")) else []
    part = {"content": {"parts": texts, "role": "model"}, "finishReason": end, "index": 0}
    return {"candidates": [part] if choice else [], **_usage(body.get("usage"))}


def _usage(usage: Mapping[str, Any] | None) -> dict[str, Any]:
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
    """A simulated provider that also speaks Gemini's wire."""

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if not request.path.endswith(":generateContent"):
            return await super()._handle(request)
        arrived_s = asyncio.get_running_loop().time()
        self.stats.begin("gemini")
        try:
            body = chat_of(json.loads(await request.read()))
            reply = await self.respond(request, body, arrived_s)
        finally:
            self.stats.in_flight -= 1
        if not isinstance(reply, web.Response):
            return reply
        try:
            made = converted(reply.status, json.loads(reply.text or ""))
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
