"""Forks processes that run the command, from one that has imported what takes seconds.

Run as a program it serves: a line of JSON asks for a process, lines of JSON tell its id and, when
it has ended, its exit code.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import selectors
import signal
import sys
from importlib import import_module
from typing import Any


def serve() -> None:
    """Fork for each line of standard input; return in each child, after its command."""
    _import_all()
    gc.freeze()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    numbers: dict[int, int] = {}
    with selectors.DefaultSelector() as ready:
        ready.register(sys.stdin.buffer.fileno(), selectors.EVENT_READ)
        ready.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fd == woken:
                    os.read(woken, 4096)
                    _tell_ended(numbers)
                    continue
                line = sys.stdin.buffer.raw.readline()  # type: ignore[attr-defined]
                if not line:
                    return None
                wanted = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    return _run(wanted)
                numbers[pid] = wanted["number"]
                _tell(number=wanted["number"], pid=pid)


def _import_all() -> None:
    import runner
    from runner.providers.litellm.loading import load_litellm

    for module in pkgutil.walk_packages(runner.__path__, "runner."):
        import_module(module.name)
    load_litellm("openai/gpt-4o-mini")


def _tell(**facts: int) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _tell_ended(numbers: dict[int, int]) -> None:
    while numbers:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        _tell(number=numbers.pop(pid), code=os.waitstatus_to_exitcode(status))


def _run(wanted: dict[str, Any]) -> None:
    """Become the process that is *wanted*: its streams, directory, environment and arguments."""
    streams = (os.devnull, os.O_RDONLY), (wanted["out"], os.O_WRONLY), (wanted["err"], os.O_WRONLY)
    for number, (path, flags) in enumerate(streams):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    sys.argv = ["colloquy", *wanted["arguments"]]
    import_module("runner.__main__").main()


if __name__ == "__main__":
    serve()
