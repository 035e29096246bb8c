"""Request and completion: the input and output of a transport."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from runner.answers.analyzer import Message
from runner.base.errors import CallError
from runner.base.secrets import Secrets
from runner.base.text import to_safe_text
from runner.base.usage import Usage
from runner.providers.retry_headers import RemainingLimit

MAX_REPLY_CHARS = 2_000_000
MAX_REPLY_MARKS = 150_000  # of JSON; a record with more could not be read again
SHARED = "answer"  # the name of a schema that several nodes share

_ON_ARRIVAL: ContextVar[Callable[[], object]] = ContextVar("on_arrival", default=lambda: None)
_ON_FIRST_TOKEN: ContextVar[Callable[[], object] | None] = ContextVar("first_token", default=None)
_ON_SENT: ContextVar[Callable[[], object]] = ContextVar("on_sent", default=lambda: None)


def on_arrival(callback: Callable[[], object]) -> AbstractContextManager[None]:
    """Call *callback* when the reply to the block's call has arrived whole; blocks may nest."""
    return _nested(_ON_ARRIVAL, callback)


def on_sent(callback: Callable[[], object]) -> AbstractContextManager[None]:
    """Call *callback* when a server has taken the request of the block's call; blocks may nest."""
    return _nested(_ON_SENT, callback)


@contextmanager
def _nested(
    holder: ContextVar[Callable[[], object]], callback: Callable[[], object]
) -> Iterator[None]:
    outer = holder.get()
    token = holder.set(lambda: (callback(), outer()))
    try:
        yield
    finally:
        holder.reset(token)


def request_sent() -> None:
    """Report that a server was reached: a missing reply is then slow, not an outage."""
    _ON_SENT.get()()


def reply_arrived() -> None:
    """Report that the reply has arrived whole: from here on no deadline may discard it."""
    _ON_ARRIVAL.get()()


@contextmanager
def on_first_token(callback: Callable[[], object] | None) -> Iterator[None]:
    """Call *callback* when the reply to the block's call begins, at the latest when it is whole.

    None requests no stream.
    """
    token = _ON_FIRST_TOKEN.set(callback)
    try:
        with on_arrival(callback or (lambda: None)):
            yield
    finally:
        _ON_FIRST_TOKEN.reset(token)


def first_token_callback() -> Callable[[], object] | None:
    """Return the callback for the reply's first token, None without one."""
    return _ON_FIRST_TOKEN.get()


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that is sent for one call.

    *node* is the node that asks, for the log; *schema* is a JSON schema the reply must match, or
    None for free text; *own_schema* is this node's part of it, if several share it; *max_tokens*
    bounds the reply. *cache* requests caching of the prefix up to the first part of the first user
    message, which other calls share.
    """

    node: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float | None = None
    schema: Mapping[str, Any] | None = None
    own_schema: Mapping[str, Any] | None = None
    cache: bool = False

    @property
    def schema_name(self) -> str:
        """The schema's name on the wire, the same for all that share it."""
        return self.node if self.own_schema is None else SHARED


@dataclass(frozen=True, slots=True)
class Completion:
    """One reply; the *usage*'s cost is None where no price is known, never 0 for that reason.

    *stopped* is the provider's stop reason, *limits* its reported remaining rate limits, by kind;
    *tier* the service tier that it reports.
    """

    text: str
    finish_reason: str
    usage: Usage
    stopped: str = ""
    limits: Mapping[str, RemainingLimit] = field(default_factory=dict)
    tier: str = ""


class Transport(Protocol):
    """Makes exactly one attempt; raises CallError when it fails."""

    async def open(self) -> None:
        """Load the dependencies of calls; by default none."""
        return

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        """Send *request* once and return the reply."""

    async def close(self) -> None:
        """Release connections; by default there are none."""
        return


def checked_text(text: str, secrets: Secrets) -> str:
    """Return *text* without keys; raises CallError for more than may be stored."""
    marks = sum(map(text.count, ",:[{"))
    for number, most, what in (
        (len(text), MAX_REPLY_CHARS, "characters"),
        (marks, MAX_REPLY_MARKS, "commas, colons and brackets"),
    ):
        if number > most:
            message = f"the reply has {number:,} {what}, expected at most {most:,}"
            raise CallError("bad_response", message, billed=True)
    return secrets.redact_values(to_safe_text(text))  # a provider may repeat the request
