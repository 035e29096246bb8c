"""The simulated provider as a child process that never outlives the one that started it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from runner.errors import OutputError
from runner.settings import SimulateSettings
from runner.simulate.behaviour import check

START_S = 60.0  # for imports and the vocabulary on a loaded machine; usually under 2

_ROOT = Path(__file__).resolve().parents[2]  # where the package `runner` lies


@asynccontextmanager
async def simulated_process(settings: SimulateSettings) -> AsyncIterator[str]:
    """Serve as *settings* say on a free port; yield the address for `model.api_base`.

    Raises ConfigError for settings that cannot be, OutputError when the child does not start.
    """
    check(settings)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "runner.simulate", "--child"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": _search_path()},
        start_new_session=True,  # Ctrl-C is for us: calls in flight may still be answered
    )
    try:
        yield await _address(child, settings)
    finally:
        with suppress(ProcessLookupError):
            child.kill()  # it has nothing to save
        await child.wait()


async def _address(child: asyncio.subprocess.Process, settings: SimulateSettings) -> str:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(settings.model_dump_json().encode() + b"\n")
    line = ""
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(START_S):
            line = (await child.stdout.readline()).decode()
    word, _, url = line.strip().partition(" ")
    if word != "serving":
        raise OutputError("the simulated provider did not start; its own message is above")
    return url


def _search_path() -> str:
    """Let the child find the very code that runs here, wherever it was started."""
    return os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
