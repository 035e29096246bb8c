"""The skeleton of every command: options, one line for an error, exit codes, closed pipes."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper

from runner.base import errors
from runner.base.errors import ColloquyError, ConfigError, OutputError, did_you_mean
from runner.base.secrets import secrets_of
from runner.base.text import print_stderr, to_terminal


@dataclass(frozen=True, slots=True)
class Arguments:
    """A command line: *words* are its arguments; *options* are by name, flags with ""."""

    words: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)


Work = Callable[[Arguments], int | None]  # returns the exit code; None is 0


def run_command(
    name: str,
    usage: Callable[[], str],
    work: Work,
    arguments: Sequence[str] | None = None,
    *,
    flags: Sequence[str] = (),
    options: Sequence[str] = (),
    least: int = 1,
) -> int:
    """Do *work* on *arguments*, by default the process's; return the exit code.

    `--help` prints *usage*. *flags* take no value, *options* one; fewer than *least* words, like
    an unknown option, are one line and exit code 2. So is every ColloquyError, with its own code.
    """
    os.umask(0o077)
    use_utf8()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if {"-h", "--help"} & set(given):
            print(usage().rstrip(), flush=True)
            return errors.EXIT_OK
        parsed = parse(name, given, flags, options)
        if len(parsed.words) < least:
            raise ConfigError(f"too few arguments; see {name} --help")
        code = work(parsed)
        sys.stdout.flush()
    except ColloquyError as error:
        return print_error(error, name)
    except BrokenPipeError:  # the reader, such as head, has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return errors.EXIT_OK
    except OSError as error:
        return print_error(OutputError(str(error)), name)
    except KeyboardInterrupt:
        print_stderr(f"{name}: interrupted")
        return errors.EXIT_INTERRUPTED
    return errors.EXIT_OK if code is None else code


def parse(
    name: str, given: Sequence[str], flags: Sequence[str], options: Sequence[str]
) -> Arguments:
    """Return the command line of *name*, taken apart; raise ConfigError for an unknown option."""
    parsed, left = Arguments(), list(given)
    while left:
        argument = left.pop(0)
        key, joined, value = argument.partition("=")
        if key in options:
            value = value if joined else (left.pop(0) if left else "")
            if not value:
                raise ConfigError(f"{key}: expected a value; see {name} --help")
            parsed.options[key] = value
        elif argument in flags:
            parsed.options[argument] = ""
        elif argument.startswith("-"):
            near = did_you_mean(key, (*flags, *options, "--help"))
            raise ConfigError(f"{key}: no such option{near}")
        else:
            parsed.words.append(argument)
    return parsed


def print_error(error: ColloquyError, name: str = "colloquy") -> int:
    """Print *error* as one line, keys masked; return its exit code."""
    print_stderr(f"{name}: {to_terminal(secrets_of().redact(str(error)))}")
    return error.exit_code


def use_utf8() -> None:
    """Print UTF-8 whatever the locale; what UTF-8 cannot hold is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
