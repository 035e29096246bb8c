"""What several benchmarks measure with: a simulated provider, and this process's memory."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from omegaconf import OmegaConf

from runner.config.schema import SimulateSettings
from runner.providers.request import Request


def provider(**values: Any) -> SimulateSettings:
    """Return the simulated provider's settings as shipped, but for its times and *values*."""
    text = files("conf").joinpath("model/simulated.yaml").read_text(encoding="utf-8")
    shipped = OmegaConf.to_container(OmegaConf.create(text))
    assert isinstance(shipped, dict)
    still = {"per_token_s": 0.0, "per_prompt_token_s": 0.0}
    return SimulateSettings.model_validate({**shipped["simulate"], **still, **values})


def chat_arguments(model: str, request: Request) -> dict[str, Any]:
    """Return *request* as the fields of OpenAI's chat API."""
    named = {"name": request.node, "schema": request.schema, "strict": True}
    return {
        "model": model,
        "messages": request.messages,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "response_format": {"type": "json_schema", "json_schema": named},
    }


async def post(session: aiohttp.ClientSession, url: str, body: Mapping[str, Any]) -> str:
    """Ask with aiohttp alone; return the reply's text."""
    data = orjson.dumps(body)
    async with session.post(f"{url}/chat/completions", data=data) as response:
        response.raise_for_status()
        text: str = orjson.loads(await response.read())["choices"][0]["message"]["content"]
        return text


def rss_mib() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def peak_mib() -> float:
    """Return the most memory that this process has held; ru_maxrss may be its parent's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (found,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(found) / 1024
