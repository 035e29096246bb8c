"""The simulated provider as a child process that never outlives the one that started it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from runner.base.errors import OutputError
from runner.config.schema import SimulateSettings
from runner.providers.simulated.behaviour import check

START_S = 60.0  # for imports and the vocabulary on a loaded machine; usually under 2

_ROOT = Path(__file__).resolve().parents[2]  # where the package `runner` lies
_Child = subprocess.Popen[bytes]


class Idle:
    """Children that have served and wait to serve another run, as if new; one at a time each.

    They end with this, and with the process.
    """

    def __init__(self) -> None:
        self._children: list[_Child] = []
        self.end = weakref.finalize(self, _end_all, self._children)

    def take(self) -> _Child | None:
        """Return a child that lives, None if there is none."""
        while self._children:
            child = self._children.pop()
            if child.poll() is None:
                return child
            _end(child)
        return None

    def keep(self, child: _Child) -> bool:
        """Let *child* stop serving and wait; return whether it could be told."""
        kept = _tell(child, b"")
        if kept:
            self._children.append(child)
        return kept


@asynccontextmanager
async def simulated_process(
    settings: SimulateSettings, idle: Idle | None = None
) -> AsyncIterator[str]:
    """Serve as *settings* say on a free port; yield the address for `model.api_base`.

    The child is one of *idle*, if any waits there, and goes there when the block has ended well;
    else it ends with the block. Raises ConfigError for settings that cannot be, OutputError when
    the child does not start.
    """
    check(settings)
    child, kept = (idle.take() if idle else None) or _start(), False
    try:
        yield await _address(child, settings)
        kept = idle is not None and idle.keep(child)
    finally:
        if not kept:
            _end(child)


def _start() -> _Child:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "runner.providers.simulated", "--child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": _search_path()},
        start_new_session=True,  # Ctrl-C is for us: calls in flight may still be answered
    )


async def _address(child: _Child, settings: SimulateSettings) -> str:
    assert child.stdout is not None
    line = b""
    if _tell(child, settings.model_dump_json().encode()):
        with suppress(TimeoutError):
            async with asyncio.timeout(START_S):  # the thread ends with the child, at the latest
                line = await asyncio.to_thread(child.stdout.readline)
    word, _, url = line.decode().strip().partition(" ")
    if word != "serving":
        raise OutputError("the simulated provider did not start; its own message is above")
    return url


def _tell(child: _Child, line: bytes) -> bool:
    """Send *line*; return whether the child can still be told anything."""
    assert child.stdin is not None
    with suppress(OSError):
        child.stdin.write(line + b"\n")
        child.stdin.flush()
        return True
    return False


def _end(child: _Child) -> None:
    """Kill *child*, which has nothing to save, and wait for it."""
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):  # what could not be sent any more
                pipe.close()


def _end_all(children: list[_Child]) -> None:
    while children:
        _end(children.pop())


def _search_path() -> str:
    """Let the child find the very code that runs here, wherever it was started."""
    return os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
