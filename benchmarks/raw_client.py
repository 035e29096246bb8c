"""Calls by aiohttp alone or by `litellm.acompletion` alone, to compare ours with.

    python -m benchmarks.raw_client WAY URL BODIES.json CALLS SLOTS

SLOTS calls are in flight. Request N has body N of BODIES.json, modulo their number. Of a reply
only the text is read; nothing is checked, written or logged.
"""

import asyncio
import logging
import os
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
    """Return a function that makes a call with aiohttp and its own JSON functions."""

    async def call(body: Mapping[str, Any]) -> object:
        async with session.post(f"{url}/chat/completions", json=body, headers=KEY) as response:
            response.raise_for_status()
            return (await response.json())["choices"][0]["message"]["content"]

    return call


def through_litellm(url: str) -> Call:
    """Return a function that makes a call with litellm.acompletion."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # no download
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
