"""What crosses the seam to a provider: one request in, one completion out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from runner.answers.analyzer import Message
from runner.base.errors import CallError
from runner.base.secrets import Secrets
from runner.base.text import to_safe_text
from runner.base.usage import Usage

MAX_REPLY_CHARS = 2_000_000


_ARRIVED: ContextVar[Callable[[], None]] = ContextVar("arrived", default=lambda: None)


@contextmanager
def arrival_told(tell: Callable[[], None]) -> Iterator[None]:
    """Let *tell* be called when the reply to the block's call has arrived whole."""
    token = _ARRIVED.set(tell)
    try:
        yield
    finally:
        _ARRIVED.reset(token)


def arrived() -> None:
    """Tell who calls that the reply has arrived whole: no deadline may then take it back."""
    _ARRIVED.get()()


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that is sent for one call.

    *node* names who asks, for the log; *schema* is a JSON schema the reply must match, or
    None for free text; *max_tokens* bounds the reply. *cache* asks the provider to keep the
    prefix that ends with the first part of the first user message, which other calls share.
    """

    node: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float | None = None
    schema: Mapping[str, Any] | None = None
    cache: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """One reply. *cost_usd* is None where no price is known, never 0 for that reason."""

    text: str
    finish_reason: str
    usage: Usage
    cost_usd: float | None


class Transport(Protocol):
    """Makes exactly one attempt; raises CallError when it fails."""

    async def open(self, samples: Sequence[Request] = ()) -> None:
        """Get ready for calls like *samples*, so that the first does not pay for it."""

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        """Send *request* once and return the reply."""

    async def close(self) -> None:
        """Release connections."""


def checked_text(text: str, secrets: Secrets) -> str:
    """Return a reply's *text* as it may be kept; raises CallError for one without end."""
    text = secrets.redact_values(to_safe_text(text))  # of a provider that repeats what it was sent
    if len(text) > MAX_REPLY_CHARS:
        told = f"the reply has {len(text):,} characters, expected at most {MAX_REPLY_CHARS:,}"
        raise CallError("bad_response", told, billed=True)
    return text
