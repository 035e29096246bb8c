"""The project's commands, forked from one process that has imported everything once.

Starting Python and importing litellm costs seconds of CPU for each command of the documentation;
a fork costs milliseconds. `serve SOCKET` is that process; `call SOCKET NAME ARGUMENT…` runs a
command in a fork of it, with the caller's directory, environment and streams, and ends with its
exit code.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sys

STREAMS = 3
# Without the extra of a launcher, Hydra takes a command that sweeps a range for a single run.
LACKS_EXTRA = re.compile(r"pip install -e '\.\[\w+\]'|requires --multirun")
LAUNCHED = re.compile(r"hydra.launcher|=range\(")  # what --cfg cannot compose without the extra


def call(path: str, name: str, *arguments: str) -> int:
    """Run the command *name*; return its exit code.

    A command that only lacks an extra says so and counts as a success. If the extra is a launcher
    of sweeps, the rest of the command line must compose.
    """
    code, errors = _ask(path, name, *arguments)
    if code == 2 and LACKS_EXTRA.search(errors):
        rest = [each for each in arguments if not LAUNCHED.search(each)]
        code = _ask(path, name, *rest, "--cfg", "job")[0] if rest != list(arguments) else 0
    return code


def _ask(path: str, name: str, *arguments: str) -> tuple[int, str]:
    """Return the exit code and the errors of one fork; the errors are printed, too."""
    request = {"argv": [name, *arguments], "cwd": os.getcwd(), "env": dict(os.environ)}  # noqa: PTH109 - importing pathlib would double the start-up time
    with socket.socket(socket.AF_UNIX) as server, open(f"{path}.{os.getpid()}", "w+b") as errors:  # noqa: PTH123 - the same
        server.connect(path)
        socket.send_fds(server, [json.dumps(request).encode()], [0, 1, errors.fileno()])
        server.shutdown(socket.SHUT_WR)
        code = int(server.recv(16) or b"1")
        errors.seek(0)
        text = errors.read().decode(errors="replace")
    sys.stderr.write(text)
    return code, text


def serve(path: str) -> None:
    """Print "ready", then fork for each call to *path* until the process is terminated."""
    import gc
    import tomllib
    from pathlib import Path

    import runner.run.execute  # noqa: F401 - imported by `colloquy` when it runs a job
    from helpers import job
    from runner.providers.litellm.loading import load_litellm
    from runner.run.command import register_resolvers

    load_litellm("openai/simulated")
    register_resolvers()
    job()  # loads the analyzers and the tokenizer
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        print("ready", flush=True)
        while True:
            caller, _ = server.accept()
            with caller:
                if os.fork() == 0:
                    server.close()
                    _answer(caller, project["project"]["scripts"])
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG) != (0, 0):
                    pass


def _answer(caller: socket.socket, scripts: dict[str, str]) -> None:
    """Run the command that *caller* sends in this process, and end the process."""
    import traceback
    from pkgutil import resolve_name

    data, streams, _, _ = socket.recv_fds(caller, 1 << 20, STREAMS)
    while more := caller.recv(1 << 20):
        data += more
    request = json.loads(data)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = request["argv"]
    code: object = 0
    try:
        resolve_name(scripts[sys.argv[0]])()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # noqa: BLE001 - the caller gets it as exit code 1
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    caller.sendall(str(code if isinstance(code, int) else 1).encode())
    os._exit(0)


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    sys.exit(call(*rest) if kind == "call" else serve(*rest))
