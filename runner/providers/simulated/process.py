"""Child process that serves the simulated provider and never outlives its parent."""

import asyncio
import os
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import runner
from runner.base.errors import OutputError
from runner.base.threads import offload
from runner.config.simulate import SimulateSettings
from runner.providers.simulated.behaviour import check

START_S = 60.0  # for imports and the vocabulary on a loaded machine; usually under 2

_Child = subprocess.Popen[bytes]


class IdleProcesses:
    """Children that have served one run and can serve another; killed with this object."""

    def __init__(self) -> None:
        self._children: list[_Child] = []
        self.end = weakref.finalize(self, _kill_all, self._children)

    def take(self) -> _Child | None:
        """Return a living child, None if there is none."""
        while self._children:
            child = self._children.pop()
            if child.poll() is None:
                return child
            _kill(child)
        return None

    def keep(self, child: _Child) -> bool:
        """Make *child* stop serving and wait; return whether it is still alive."""
        if alive := _send(child, b""):
            self._children.append(child)
        return alive


@asynccontextmanager
async def simulated_process(
    settings: SimulateSettings, idle: IdleProcesses | None = None
) -> AsyncIterator[str]:
    """Serve *settings* on a free port; yield the address for `model.api_base`.

    The child is taken from *idle* and returned to it when the block ends without an error; without
    *idle* the child ends with the block. Raises ConfigError for settings that `check` refuses,
    OutputError when the child does not start.
    """
    check(settings)
    child, kept = (idle.take() if idle else None) or _start(), False
    try:
        yield await _address(child, settings)
        kept = idle is not None and idle.keep(child)
    finally:
        if not kept:
            _kill(child)


def _start() -> _Child:
    # The child runs the same code as this process, from any directory.
    root = str(Path(runner.__file__).resolve().parents[1])
    search_path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "runner.providers.simulated", "--child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": search_path},
        start_new_session=True,  # Ctrl-C ends the run, and calls in flight may still be answered
    )


async def _address(child: _Child, settings: SimulateSettings) -> str:
    assert child.stdout is not None
    line = b""
    if _send(child, settings.model_dump_json().encode()):
        with suppress(TimeoutError):
            async with asyncio.timeout(START_S):  # the thread ends with the child at the latest
                line = await offload(child.stdout.readline)
    word, _, url = line.decode().strip().partition(" ")
    if word != "serving":
        raise OutputError("the simulated provider did not start; its own message is above")
    return url


def _send(child: _Child, line: bytes) -> bool:
    """Send *line*; return whether the child received it."""
    assert child.stdin is not None
    with suppress(OSError):
        child.stdin.write(line + b"\n")
        child.stdin.flush()
        return True
    return False


def _kill(child: _Child) -> None:
    """Kill *child*, which has nothing to save, and wait for it."""
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):  # bytes that could not be sent any more
                pipe.close()


def _kill_all(children: list[_Child]) -> None:
    while children:
        _kill(children.pop())
