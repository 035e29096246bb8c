"""From whatever litellm raises to one CallError of a known kind.

litellm's classes do not tell failures apart (a refused connection arrives as a 500, an exhausted
account as a 429), so the status, the provider's error code and the chain of causes decide.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator

from runner.errors import CallError, one_line
from runner.retry import retry_after_s

BILLING_CODES = {
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "enforced_spend_limit_reached",
}
_NO_CREDIT = "credit balance is too low"  # Anthropic says so in words only
_BAD_CERTIFICATE = ssl.SSLCertVerificationError
_TOO_LONG = "context_length_exceeded"
TRANSIENT_STATUSES = frozenset({408, 409, 500, 502, 503, 504, *range(520, 530)})
_CONNECTION_NAMES = frozenset(
    {
        "APIConnectionError",
        "ClientConnectorError",
        "ClientOSError",
        "ClientPayloadError",
        "ConnectError",
        "ReadError",
        "RemoteProtocolError",
        "ServerDisconnectedError",
        "WriteError",
    }
)
_TIMEOUT_NAMES = frozenset({"Timeout", "APITimeoutError", "ReadTimeout", "ConnectTimeout"})


def classify(error: BaseException) -> CallError:
    """Return the CallError for *error*; its kind decides whether anyone tries again."""
    if isinstance(error, CallError):
        return error
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else None
    raw = dict(getattr(error, "litellm_response_headers", None) or {})
    headers = {str(name).lower(): str(value) for name, value in raw.items()}
    retry_after = retry_after_s(headers)
    kind = _kind(error, status, retry_after)
    return CallError(
        kind,
        _message(error, kind),
        status=status,
        retry_after_s=retry_after,
        final=headers.get("x-should-retry") == "false",
    )


def _kind(error: BaseException, status: int | None, retry_after: float | None) -> str:
    text, codes = str(error).lower(), set(_codes(error))
    names = {type(link).__name__ for link in _chain(error)}
    if type(error).__name__ == "ContextWindowExceededError" or _TOO_LONG in codes:
        return "context_exceeded"
    if status == 402 or BILLING_CODES & codes or (status == 400 and _NO_CREDIT in text):
        return "billing"
    if status in (401, 403) or any(isinstance(e, _BAD_CERTIFICATE) for e in _chain(error)):
        return "auth"
    if status == 404:
        return "not_found"
    if status == 429 or (status in (503, 529) and retry_after is not None):
        return "throttle"
    if names & _TIMEOUT_NAMES or status == 408:
        return "timeout"
    if any(isinstance(e, json.JSONDecodeError) for e in _chain(error)):
        return "bad_response"
    if names & _CONNECTION_NAMES or any(isinstance(e, OSError) for e in _chain(error)):
        return "connection"
    if status in TRANSIENT_STATUSES:
        return "transient"
    if status is not None and 400 <= status < 500:
        return "bad_request"
    return "transient" if status is not None and status >= 500 else "internal"


def _codes(error: BaseException) -> Iterator[str]:
    """Yield the provider's own error codes, which litellm keeps out of its message."""
    for link in _chain(error):
        for name in ("code", "type"):
            if isinstance(code := getattr(link, name, None), str):
                yield code


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _message(error: BaseException, kind: str) -> str:
    """Say what happened in one line, without the traceback that litellm may put in."""
    text = str(error).split("Traceback (most recent call last)")[0]
    prefix = f"litellm.{type(error).__name__}: "
    while text.startswith(prefix):
        text = text[len(prefix) :]
    return one_line(text or f"{kind} ({type(error).__name__})")
