"""The project's commands, forked from one process that has imported everything once.

Starting Python and importing litellm costs seconds of CPU for each command; a fork costs
milliseconds. `serve SOCKET` is that process; `call SOCKET NAME ARGUMENT…` runs a command in a fork
of it, with the caller's directory, environment and streams, and ends with its exit code. The name
is that of an installed script, or `-m MODULE`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any

STREAMS = 3
# Without the extra of a launcher, Hydra takes a command that sweeps a range for a single run.
LACKS_EXTRA = re.compile(r"pip install .*\[\w+\]'|requires --multirun")
LAUNCHED = re.compile(r"hydra.launcher|=range\(")  # what --cfg cannot compose without the extra


def call(path: str, name: str, *arguments: str) -> int:
    """Run the command *name*; return its exit code.

    A command that only lacks an extra says so and counts as a success. If the extra is a launcher
    of sweeps, the rest of the command line must compose.
    """
    code, errors = _run(path, name, *arguments)
    if code == 2 and LACKS_EXTRA.search(errors):
        rest = [each for each in arguments if not LAUNCHED.search(each)]
        code = _run(path, name, *rest, "--cfg", "job")[0] if rest != list(arguments) else 0
    return code


def _run(path: str, *argv: str) -> tuple[int, str]:
    """Return the exit code and the errors of one fork; the errors are printed, too."""
    with open(f"{path}.{os.getpid()}", "w+b") as errors:  # noqa: PTH123 - importing pathlib would double the start-up time
        streams, cwd = (0, 1, errors.fileno()), os.getcwd()  # noqa: PTH109 - the same
        _, told = fork(path, streams, argv, cwd, dict(os.environ))
        code = int(told.readline())
        errors.seek(0)
        text = errors.read().decode(errors="replace")
    sys.stderr.write(text)
    return code, text


def fork(
    path: str,
    streams: Sequence[int],
    argv: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    timeout_s: float | None = None,
) -> tuple[int, IO[bytes]]:
    """Start the command *argv*; return its process id, and what gives its exit code as a line.

    Nothing is waited for longer than *timeout_s*.
    """
    request = {"argv": argv, "cwd": cwd, "env": dict(env)}
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(timeout_s)
        server.connect(path)
        socket.send_fds(server, [json.dumps(request).encode()], streams)
        server.shutdown(socket.SHUT_WR)
        told = server.makefile("rb")
    return int(told.readline()), told


def serve(path: str) -> None:
    """Print "ready", and fork for each call to *path* until standard input ends.

    Returns in each child, after its command.
    """
    import selectors

    scripts = _import_all()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    callers: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX) as door, selectors.DefaultSelector() as ready:
        door.bind(path)
        door.listen(64)
        for source in (door.fileno(), woken, 0):
            ready.register(source, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _ in ready.select():
                if key.fd == 0:
                    return None
                if key.fd == woken:
                    os.read(woken, 4096)
                    _tell_ended(callers)
                    continue
                caller = door.accept()[0]
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    return _become(caller, scripts)
                callers[pid] = caller
                _tell(caller, pid)


def _import_all() -> dict[str, str]:
    """Import what commands import; return the project's commands, as `module:function`."""
    import gc
    import pkgutil
    import tomllib
    from importlib import import_module
    from pathlib import Path

    gc.disable()  # nothing that is imported is garbage
    import runner
    from helpers import job
    from runner.providers.litellm.loading import load_litellm, load_openai
    from runner.reports.report.render import environment
    from runner.run.cli.compose import register_resolvers

    for module in pkgutil.walk_packages(runner.__path__, "runner."):
        import_module(module.name)
    load_openai(load_litellm(), "openai")
    register_resolvers()
    job()  # loads the analyzers and the tokenizer
    pages = environment()
    for name in pages.list_templates(extensions=["html"]):
        pages.get_template(name)
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())
    gc.freeze()
    gc.enable()
    scripts: dict[str, str] = project["project"]["scripts"]
    return scripts


def _tell(caller: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # it may have gone
        caller.sendall(b"%d\n" % number)


def _tell_ended(callers: dict[int, socket.socket]) -> None:
    while callers:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with callers.pop(pid) as caller:
            _tell(caller, os.waitstatus_to_exitcode(status))


def _become(caller: socket.socket, scripts: Mapping[str, str]) -> None:
    """Become the process that *caller* asks for: its streams, directory, environment, command."""
    from pkgutil import resolve_name
    from runpy import run_module

    data, streams, _, _ = socket.recv_fds(caller, 1 << 20, STREAMS)
    while more := caller.recv(1 << 20):
        data += more
    caller.close()
    request: dict[str, Any] = json.loads(data)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115 - the old one may want to seek
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    kind, *rest = sys.argv = request["argv"]
    try:
        if kind == "-m":
            sys.argv = rest
            run_module(rest[0], run_name="__main__", alter_sys=True)
        else:
            resolve_name(scripts[kind])()
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            raise
        _leave(end.code or 0)


def _leave(code: int) -> None:
    """End as Python does, but leave memory as it is: to free it would copy what is shared."""
    import atexit
    import threading

    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    sys.exit(call(*rest) if kind == "call" else serve(*rest))
