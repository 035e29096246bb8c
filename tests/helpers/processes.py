"""The command in processes of its own, with a provider that counts its calls."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import IO, Any

from aiohttp import web

from helpers import running, warm
from runner.providers.simulated.chat import asked_of
from runner.providers.simulated.server import SimulatedProvider

END_S = 600.0  # after which a process that goes on has failed its test, however busy the machine


class Process:
    """A process that runs a command, with what it has written so far."""

    def __init__(self, pid: int, folder: Path, told: IO[bytes]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._folder = folder
        self._told = told

    @property
    def output(self) -> str:
        return (self._folder / "out").read_text(encoding="utf-8", errors="replace")

    @property
    def errors(self) -> str:
        return (self._folder / "err").read_text(encoding="utf-8", errors="replace")

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> subprocess.CompletedProcess[str]:
        """Return its exit code and all that it wrote when it has ended."""
        if self.returncode is None:
            self.returncode = int(self._told.readline())
            self._told.close()
        return subprocess.CompletedProcess([], self.returncode, self.output, self.errors)


class WarmServer:
    """The process of `helpers.warm`, which forks the others; *door* is its socket."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="warm-")
        self._numbers = count()
        self.door = str(Path(self._folder.name, "door"))
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(
            [sys.executable, warm.__file__, "serve", self.door],
            env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def start(self, *argv: str, cwd: Path, env: Mapping[str, str]) -> Process:
        folder = Path(self._folder.name, str(next(self._numbers)))
        folder.mkdir()
        with (
            Path(os.devnull).open("rb") as nothing,
            (folder / "out").open("wb") as out,
            (folder / "err").open("wb") as err,
        ):
            streams = [each.fileno() for each in (nothing, out, err)]
            pid, told = warm.fork(self.door, streams, argv, str(cwd), env, END_S)
        return Process(pid, folder, told)


@cache
def warm_server() -> WarmServer:
    """Return the one server of this process, started when first needed."""
    return WarmServer()


@cache
def warm_python() -> str:
    """Return a program like Python, but that modules of ours with arguments are forked.

    Options before `-m` start Python itself.
    """
    path = Path(warm_server().door).with_name("python")
    call = shlex.join([sys.executable, "-SE", warm.__file__, "call", warm_server().door])
    forked = f'case "$1 $2" in "-m runner"|"-m benchmarks."*) exec {call} "$@" ;; esac'
    path.write_text(f'#!/bin/sh\n{forked}\nexec {shlex.quote(sys.executable)} "$@"\n')
    path.chmod(0o755)
    return str(path)


def start(*arguments: str, cwd: Path, **env: str) -> Process:
    """Start `colloquy` with *arguments* in *cwd*, and *env* beside this environment."""
    return warm_server().start("colloquy", *arguments, cwd=cwd, env={**os.environ, **env})


def colloquy(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `colloquy` with *arguments* to its end."""
    return start(*arguments, cwd=cwd, **env).wait()


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process brings about."""
    end = time.monotonic() + END_S
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


class Provider(SimulatedProvider):
    """Counts the calls of each analyzer; replies to those *held* only after `release`."""

    def __init__(self, *held: str, port: int = 0) -> None:
        super().__init__(port=port)
        self.asked = Counter[str]()
        self._held = held
        self._released = asyncio.Event()

    async def respond(
        self, request: web.BaseRequest, body: Mapping[str, Any], arrived_s: float
    ) -> web.StreamResponse:
        self._loop = asyncio.get_running_loop()
        self.asked[analyzer := asked_of(body)] += 1
        if analyzer in self._held:
            await self._released.wait()
        return await super().respond(request, body, arrived_s)

    def release(self) -> None:
        """Send the replies that were kept back, and from now on each at once."""
        self._loop.call_soon_threadsafe(self._released.set)


@contextmanager
def provider(*held: str, port: int = 0) -> Iterator[Provider]:
    """Run a provider that answers at once, but for the analyzers that are *held*."""
    server = Provider(*held, port=port)
    with running(server):
        yield server


def start_at(url: str, cwd: Path, *arguments: str) -> Process:
    """Start a run, or what *arguments* say, with a key for the provider at *url*."""
    if not arguments:
        arguments = ("model=openai", f"model.api_base={url}", "processing.max_concurrent=4")
    return start(*arguments, cwd=cwd, OPENAI_API_KEY="not-a-real-key")


def run_of(folder: Path) -> Path:
    (run,) = (folder / "outputs/runs").iterdir()
    return run


def finish(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Resume the one run in *folder*."""
    return start_at(url, folder, f"resume={run_of(folder)}", f"model.api_base={url}").wait()
