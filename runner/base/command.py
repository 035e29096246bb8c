"""The skeleton of every command: options, one line for an error, exit codes, closed pipes."""

import os
import sys
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from io import TextIOWrapper
from typing import NoReturn, TextIO

from runner.base import errors
from runner.base.errors import ColloquyError, ConfigError, OutputError, as_known, reason
from runner.base.secrets import secrets_of
from runner.base.text import DISTRIBUTION, own_version, print_stderr, to_safe_text, to_terminal


@dataclass(frozen=True, slots=True)
class Arguments:
    """A command line: *words* are its arguments; *options* are by name, flags with ""."""

    words: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)


def command(
    name: str,
    usage: str | Callable[[], str],
    work: Callable[[Arguments], int | None],
    *,
    flags: Sequence[str] = (),
    options: Sequence[str] = (),
    least: int = 1,
) -> Callable[..., NoReturn]:
    """Return the `main` of a command: it does *work* on the process's arguments or those given.

    It ends the process with the code that *work* returns, 0 for None. `--help` prints *usage*,
    `--version` the name and the version.
    *flags* take no value, *options* one; fewer than *least* words, like an unknown option, are one
    line and exit code 2. So is every ColloquyError, with its own code.
    """

    def main(arguments: Sequence[str] | None = None) -> NoReturn:
        os.umask(0o077)
        prepare_streams()
        given = list(sys.argv[1:] if arguments is None else arguments)
        code: int | None = errors.EXIT_OK
        try:
            if {"-h", "--help"} & set(given):
                print((usage if isinstance(usage, str) else usage()).rstrip(), flush=True)
            elif "--version" in given:
                print(name, own_version(), flush=True)
            else:
                about = usage if isinstance(usage, str) else name
                code = work(parse(about.splitlines()[0], given, flags, options, least))
        except KeyboardInterrupt:
            print_stderr(f"{name}: interrupted")
            code = errors.EXIT_INTERRUPTED
        except BrokenPipeError:  # the reader, such as head, has what it wanted
            pass
        except Exception as error:
            if (known := as_known(error)) is None:
                raise
            code = print_error(known, name)
        sys.exit(settle_streams(code or errors.EXIT_OK, name))

    return main


def parse(
    usage: str, given: Sequence[str], flags: Sequence[str], options: Sequence[str], least: int = 0
) -> Arguments:
    """Return a command line, taken apart; raise ConfigError, with *usage* for too few words."""
    parsed, left = Arguments(), list(given)
    while left:
        argument = left.pop(0)
        if argument == "--":  # what follows are words, even if they begin with a dash
            parsed.words.extend(left)
            break
        key, joined, value = argument.partition("=")
        if key in options:
            value = value if joined else (left.pop(0) if left else "")
            if not value:
                raise ConfigError(f"{key}: expected a value; {usage}")
            parsed.options[key] = value
        elif argument in flags:
            parsed.options[argument] = ""
        elif not argument:
            raise ConfigError(f"an argument is empty; {usage}")
        elif argument.startswith("-"):
            near = errors.did_you_mean(key, (*flags, *options, "--help"))
            raise ConfigError(f"{key}: no such option{near}")
        else:
            parsed.words.append(argument)
    if len(parsed.words) < least:
        raise ConfigError(f"too few arguments; {usage}")
    return parsed


def install_hint(name: str) -> str:
    """Return `the extra: …` with the command that adds the extra *name* to this environment."""
    python = sys.executable
    with_pip = find_spec("pip") is not None  # uv makes environments without it
    install = f"{python} -m pip install" if with_pip else f"uv pip install --python {python}"
    return f"the extra: {install} '{DISTRIBUTION}[{name}]'"


def print_error(error: ColloquyError, name: str = "colloquy") -> int:
    """Print *error* as one line, keys masked; return its exit code."""
    print_stderr(f"{name}: {to_terminal(secrets_of().redact(str(error)))}")
    return error.exit_code


def print_bug(key_envs: Collection[str] = ()) -> int:
    """Print the traceback of the current exception without keys, return its exit code."""
    redacted = secrets_of(*key_envs).redact(traceback.format_exc())
    print_stderr(to_safe_text(redacted).rstrip())
    return errors.EXIT_BUG


def prepare_streams() -> None:
    """Print UTF-8 whatever the locale; escape what UTF-8 cannot encode.

    A stream that the caller has closed becomes one that fails on printing, so that no
    file of ours takes its place. Standard error then discards its input.
    """
    for name, flags in (("stdin", os.O_RDONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, flags)
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def silence(stream: TextIO) -> None:
    """Discard the buffered and later output of *stream*, which is closed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def settle_streams(code: int, name: str = "colloquy") -> int:
    """Flush what was printed; return *code*, or EXIT_OUTPUT if it could not be printed."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            # What is left would fail again as the interpreter ends, which makes its code 120.
            silence(stream)
            if stream is sys.stdout and not isinstance(error, BrokenPipeError):
                code = print_error(OutputError(f"standard output: {reason(error)}"), name)
    return code
