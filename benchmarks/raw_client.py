"""As many calls as asked for, by aiohttp alone or by `litellm.acompletion`, in this process.

    python -m benchmarks.raw_client WAY URL BODIES.json CALLS SLOTS

SLOTS calls are in flight; request N has body N of BODIES.json, which begins again at its end. A
reply is read as far as its text; nothing is checked, written or logged.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import aiohttp
import orjson

KEY = {"Authorization": "Bearer none"}
WAYS = ("aiohttp", "litellm")
Call = Callable[[Mapping[str, Any]], Awaitable[object]]


async def drive(way: str, url: str, bodies: list[dict[str, Any]], calls: int, slots: int) -> None:
    """Make *calls* calls by one of WAYS."""
    waiting = islice(cycle(bodies), calls)
    async with aiohttp.ClientSession() as session:
        call = through_litellm(url) if way == "litellm" else through_aiohttp(url, session)

        async def work() -> None:
            for body in waiting:
                await call(body)

        await asyncio.gather(*(work() for _ in range(slots)))


def through_aiohttp(url: str, session: aiohttp.ClientSession) -> Call:
    """Return how aiohttp alone makes a call, with its own ways to write and read JSON."""

    async def call(body: Mapping[str, Any]) -> object:
        async with session.post(f"{url}/chat/completions", json=body, headers=KEY) as response:
            response.raise_for_status()
            return (await response.json())["choices"][0]["message"]["content"]

    return call


def through_litellm(url: str) -> Call:
    """Return how litellm makes a call when it is asked directly."""
    import litellm

    logging.disable(logging.CRITICAL)
    litellm.suppress_debug_info = True
    fixed = {"api_base": url, "api_key": "none", "num_retries": 0, "max_retries": 0}

    async def call(body: Mapping[str, Any]) -> object:
        reply = await litellm.acompletion(**{**body, "model": f"openai/{body['model']}"}, **fixed)
        return reply.choices[0].message.content

    return call


if __name__ == "__main__":
    chosen, address, path, *numbers = sys.argv[1:]
    asyncio.run(drive(chosen, address, orjson.loads(Path(path).read_bytes()), *map(int, numbers)))
