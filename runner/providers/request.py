"""Request and completion: the input and output of a transport."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from runner.answers.analyzer import Message
from runner.base.errors import CallError
from runner.base.secrets import Secrets
from runner.base.text import to_safe_text
from runner.base.usage import Usage
from runner.providers.messages import text_parts
from runner.providers.retry_headers import RemainingLimit

MAX_REPLY_CHARS = 2_000_000
MAX_REPLY_MARKS = 150_000  # of JSON; a record with more could not be read again
SHARED = "answer"  # the name of a schema that several nodes share


@dataclass(slots=True)
class Exchange:
    """One attempt: what its client asks of it, and what the session reports.

    *first_token* is called when the reply begins, at the latest when it is whole; without it, no
    stream is requested. *on_sent* is called when a server was reached. From *on_arrival* on, no
    deadline may discard the reply. *plain*: it comes from no model and is not converted. *sent*: a
    server was reached, so that a missing reply is slow, not an outage. *headers* are the reply's,
    *stopped* is why the model stopped. After a *failure* no further request is sent, even if
    libraries retry.
    """

    first_token: Callable[[], object] | None = None
    on_sent: Callable[[], object] | None = None
    on_arrival: Callable[[], object] | None = None
    plain: bool = False
    streams: bool = False
    sent: bool = False
    arrived: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    stopped: str = ""
    failure: Exception | None = None

    @contextmanager
    def begun(self) -> Iterator[Self]:
        """Let the calls of libraries within the block belong to this attempt."""
        token = _EXCHANGE.set(self)
        try:
            yield self
        finally:
            _EXCHANGE.reset(token)

    def send(self) -> None:
        """Note that a server was reached."""
        self.sent = True
        if self.on_sent is not None:
            self.on_sent()

    def arrive(self) -> None:
        """Note that the reply has arrived whole."""
        self.arrived = True
        for callback in filter(None, (self.on_arrival, self.first_token)):
            callback()


_EXCHANGE: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


def current_exchange() -> Exchange:
    """Return the attempt to which this call belongs, a new one without any."""
    return _EXCHANGE.get() or Exchange()


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
    def texts(self) -> list[str]:
        """The texts of all messages."""
        return [part for message in self.messages for part in text_parts(message)]

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


Result = Completion | CallError


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
    marks, most = sum(map(text.count, ",:[{")), f"{MAX_REPLY_CHARS:,} and {MAX_REPLY_MARKS:,}"
    if len(text) > MAX_REPLY_CHARS or marks > MAX_REPLY_MARKS:
        found = f"{len(text):,} characters with {marks:,} commas, colons and brackets"
        message = f"the reply has {found}, expected at most {most}"
        raise CallError("bad_response", message, billed=True)
    return secrets.redact_values(to_safe_text(text))  # a provider may repeat the request
