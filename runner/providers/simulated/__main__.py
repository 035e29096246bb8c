"""Command `colloquy-simulate`: serves the simulated provider until a signal ends it."""

import asyncio
import errno
import signal
import sys
from collections.abc import Sequence
from importlib.resources import files

from pydantic import ValidationError

from runner.base.command import Arguments, command
from runner.base.errors import ConfigError, OutputError, did_you_mean, one_line
from runner.config.section import explain
from runner.config.simulate import SimulateSettings
from runner.providers.simulated.behaviour import check
from runner.providers.simulated.faults import KINDS
from runner.providers.simulated.server import SimulatedProvider

DEFAULT_PORT = 8089
CHILD = "--child"  # settings as JSON lines on standard input; ends when that closes

_HELP = """\
colloquy-simulate [port=8089] [KEY=VALUE ...]

Serves a simulated LLM provider on this machine: OpenAI's chat API, without a key and without
cost. Replies are generated from the requested schema; no model reads the prompt. Use it to try
settings, limits and failures before paying for them:

    colloquy-simulate latency_s=0.2 rpm=60 'faults={{status_500: 0.1}}'
    colloquy model=simulated model.api_base=http://127.0.0.1:8089/v1

Ctrl-C ends it. http://127.0.0.1:8089/stats shows counts of its requests.

Keys and their defaults:

    port: 8089                      # 0 takes a free port
{defaults}

Kinds of fault, for `faults` (their rates) and `script` (one entry per request):

    status_NNN            an error with that status, 400 to 599
    status_NNN_after_S    the same, with `Retry-After: S`
{kinds}
"""


def _run(given: Arguments) -> None:
    if CHILD in given.options:
        asyncio.run(_serve_parent())
    else:
        asyncio.run(_serve(*parse(given.words), asyncio.Event()))


def parse(arguments: Sequence[str]) -> tuple[SimulateSettings, int]:
    """Return the settings and the port of `key=value` *arguments*; raise ConfigError.

    The settings are those of conf/model/simulated.yaml with the changes of *arguments*.
    """
    from omegaconf import OmegaConf  # here, since a child process does not need it

    for argument in arguments:
        if "=" not in argument:
            raise ConfigError(f"{argument!r} is not key=value, such as latency_s=0.2; see --help")
    shipped = OmegaConf.create(_shipped()).simulate
    try:
        merged = OmegaConf.merge(shipped, OmegaConf.from_dotlist(list(arguments)))
        values = OmegaConf.to_container(merged, resolve=False)
    except Exception as error:  # OmegaConf and its YAML parser raise anything
        raise ConfigError(f"{' '.join(arguments)}: {one_line(str(error))}") from error
    assert isinstance(values, dict)
    port = values.pop("port", DEFAULT_PORT)
    if not isinstance(port, int) or not 0 <= port <= 65535:
        raise ConfigError(f"port={port}: expected a number from 0 to 65535")
    try:
        settings = SimulateSettings.model_validate(values)
    except ValidationError as error:
        known = ("port", *SimulateSettings.model_fields)
        raise ConfigError(explain(error, lambda path: did_you_mean(path[-1], known))) from error
    check(settings, above="")
    return settings, port


def _shipped() -> str:
    return files("conf").joinpath("model/simulated.yaml").read_text(encoding="utf-8")


def _help() -> str:
    _, _, section = _shipped().partition("\nsimulate:\n")
    defaults = [f"  {line}" for line in section.split("\n") if line.startswith("  ")]
    kinds = (f"    {name:<21} {kind.summary}" for name, kind in KINDS.items())
    return _HELP.format(defaults="\n".join(defaults), kinds="\n".join(kinds))


async def _serve_parent() -> None:
    """Serve the settings in each line of standard input until the empty line after it."""
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while line := await reader.readline():
        settings, ended = SimulateSettings.model_validate_json(line), asyncio.Event()
        end_of_run = asyncio.create_task(reader.readline())
        end_of_run.add_done_callback(lambda _, ended=ended: ended.set())  # type: ignore[misc]
        await _serve(settings, 0, ended)
        if end_of_run.cancel():
            return  # ended by a signal


async def _serve(settings: SimulateSettings, port: int, ended: asyncio.Event) -> None:
    """Serve until *ended* is set or a signal comes; raise OutputError if the port is taken."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        async with SimulatedProvider(settings=settings, port=port) as server:
            print(f"serving {server.url}", flush=True)
            await ended.wait()
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "is in use; choose another, or port=0 for a free one" if taken else f"fails: {error}"
        raise OutputError(f"port {port} of 127.0.0.1 {why}") from error


main = command("colloquy-simulate", _help, _run, flags=(CHILD,), least=0)

if __name__ == "__main__":
    main()
