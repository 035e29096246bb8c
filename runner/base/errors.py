"""Errors of this program, with the exit code of a process that does not handle them."""

import difflib
import errno
from asyncio import CancelledError
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

EXIT_OK = 0
EXIT_BUG = 1
EXIT_CONFIG = 2
EXIT_PARTIAL = 3
EXIT_NOTHING = 4
EXIT_AUTH = 5
EXIT_BUDGET = 6
EXIT_INPUT = 7
EXIT_OUTPUT = 8
EXIT_LOCKED = 9
EXIT_UNAVAILABLE = 75  # EX_TEMPFAIL of sysexits.h: the same command may succeed later
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

MAX_MESSAGE_CHARS = 500
_LISTED = 30  # choices in a line


class ColloquyError(Exception):
    """Base class; the message is one line that a user can act on."""

    exit_code = EXIT_BUG


class ConfigError(ColloquyError):
    """The configuration is wrong; nothing was sent and nothing was written."""

    exit_code = EXIT_CONFIG


class GraphError(ConfigError):
    """The stages or their needs do not form a graph that can run."""


class TranscriptError(ColloquyError):
    """The transcript is missing, empty, not text or not in the format it claims."""

    exit_code = EXIT_INPUT


class OutputError(ColloquyError):
    """The run directory cannot be created or written."""

    exit_code = EXIT_OUTPUT


class LockedError(ColloquyError):
    """Another process works in the run directory; nothing in it was changed."""

    exit_code = EXIT_LOCKED


class ResourceError(ColloquyError):
    """This machine has no memory or threads left for the command."""

    exit_code = EXIT_UNAVAILABLE


class CallError(ColloquyError):
    """One call failed.

    *kind* is one of `throttle`, `no_capacity` (of a flex tier), `transient`, `timeout`,
    `connection`, `bad_response`, `auth`, `billing`, `not_found`, `bad_request`,
    `context_exceeded`, `context_empty`, `empty`, `truncated`, `refused`, `invalid_output`;
    `budget`, `unavailable` and `interrupted` end a whole run; `internal` is a bug.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        final: bool = False,
        billed: bool = False,
        slow: bool = False,
    ) -> None:
        super().__init__(one_line(message))
        self.kind = kind
        self.status = status  # of HTTP
        self.retry_after_s = retry_after_s  # as the provider asked
        self.final = final  # it asked for no retry
        self.billed = billed  # it may have charged for the failed call
        self.again = False  # to be sent at once: the transport now leaves out what was refused
        self.slow = slow  # it had received the request and had not answered
        self.window: int | None = None  # of a server that finds a prompt too long, unchecked
        self.prompt_tokens: int | None = None  # the same

    @property
    def unreached(self) -> bool:
        """Whether no connection to a server was made."""
        return self.kind == "connection" and not self.billed

    def copy(self) -> Self:
        """Return a copy to raise again: a raised error keeps the frames of its traceback alive."""
        copied = type(self).__new__(type(self), *self.args)
        vars(copied).update(vars(self))
        return copied


class NotRunError(CallError):
    """A call was not made, since the run, the account or the budget had ended."""


class AnswerError(CallError):
    """A reply is not a valid answer; *text* is the reply."""

    def __init__(
        self, kind: str, message: str, *, text: str, kept: Any = None, again: bool = True
    ) -> None:
        super().__init__(kind, message)
        self.text, self.again = text, again  # whether another request may help
        self.kept = kept  # what it is worth if no other reply is better, None for nothing


def as_known(error: BaseException) -> ColloquyError | None:
    """Return a system error as an error of this program, None for a bug."""
    if isinstance(error, ColloquyError):
        return error
    if isinstance(error, MemoryError):
        return ResourceError("this process may use no more memory (see ulimit -v)")
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return ResourceError("this process may start no more threads (see ulimit -u)")
    if isinstance(error, RuntimeError) and "Symlink loop" in str(error):  # of Path.resolve
        return OutputError(one_line(str(error)))
    return OutputError(reason(error)) if isinstance(error, OSError) else None


def exit_code_of(error: BaseException) -> int:
    """Return the exit code of a process that *error* ends."""
    if isinstance(error, CancelledError):
        return EXIT_INTERRUPTED
    known = as_known(error)
    return EXIT_BUG if known is None else known.exit_code


def one_line(text: str, limit: int = MAX_MESSAGE_CHARS) -> str:
    """Return *text* on one line, cut to *limit* characters with an ellipsis."""
    folded = " ".join(text.split(maxsplit=limit))  # so many words are longer than the limit
    return folded if len(folded) <= limit else folded[: limit - 2].rstrip() + " …"


def reason(error: OSError, path: object = "") -> str:
    """Return why the system refused, and which file unless it is *path*."""
    file = error.filename2 or error.filename  # of a rename the new name
    why = "is a link, expected a file" if error.errno == errno.ELOOP else error.strerror
    if why is None or file in (None, str(path)):
        return why or str(error)
    return f"{file}: {why}"


@contextmanager
def readable(path: object, key: str = "") -> Iterator[None]:
    """Say in a ConfigError of one line why *path*, the value of *key*, cannot be read."""
    try:
        yield
    except (OSError, ValueError) as error:
        why = reason(error, path) if isinstance(error, OSError) else str(error)
        raise ConfigError(f"{key}{path} cannot be read: {one_line(why)}") from error


@contextmanager
def writable(path: object, what: str = "") -> Iterator[None]:
    """Say in an OutputError of one line why *path*, which is *what*, cannot be written."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {what}{path}: {reason(error, path)}") from error


def did_you_mean(name: str, choices: Iterable[str], before: str = "", after: str = "") -> str:
    """Return a clause with the nearest of *choices*, between *before* and *after*.

    Without a near one it lists the first 30; it is empty without any.
    """
    names = sorted(set(choices))
    by_folded = {each.casefold(): each for each in reversed(names)}  # capitals first
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{before}{by_folded[close[0]]}{after}'?"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"; known: {', '.join(names[:_LISTED])}{more}" if names else ""
