"""From whatever litellm raises to one CallError of a known kind.

litellm's classes do not tell failures apart (a refused connection arrives as a 500, an exhausted
account as a 429), so the status, the provider's error code and the chain of causes decide.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from runner.base.errors import CallError, one_line
from runner.base.secrets import Secrets
from runner.providers.retry_headers import reset_after_s, retry_after_s

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
_NO_COMPLETION = "empty or invalid response from llm endpoint"  # litellm's words for a web page
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
NOT_FOLLOWED = (
    "where neither key nor transcript is sent: if that is right, name it in model.api_base"
)
_WRAPPING = re.compile(r"^(?:(?:litellm\.)?\w+(?:Error|Timeout): |\w+Exception - )+")
_RETRY_INFO = re.compile(r'"retryDelay":\s*"(\d{1,6}(?:\.\d{1,9})?)s"')
_TIMEOUT_NAMES = frozenset({"Timeout", "APITimeoutError", "ReadTimeout", "ConnectTimeout"})


@dataclass(frozen=True, slots=True)
class Where:
    """Whom a call went to, for messages: a host or a provider, a model, and the key's variable."""

    host: str = "the provider"
    model: str = ""
    key_env: str | None = None


def classify(
    error: BaseException, where: Where | None = None, secrets: Secrets | None = None
) -> CallError:
    """Return the CallError for *error*; its kind decides whether anyone tries again.

    Its message holds none of *secrets*, whatever the provider echoed.
    """
    ours = next((link for link in _chain(error) if isinstance(link, CallError)), None)
    if ours is not None:
        return ours
    if (moved := _redirection(error)) is not None:
        told = f"{(where or Where()).host} redirects elsewhere ({moved}), {NOT_FOLLOWED}"
        return CallError("bad_request", told, status=moved)
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else None
    raw = dict(getattr(error, "litellm_response_headers", None) or {})
    headers = {str(name).lower(): str(value) for name, value in raw.items()}
    retry_after = retry_after_s(headers)
    kind = _kind(error, status, retry_after)
    if kind == "throttle" and retry_after is None and status == 429:
        retry_after = reset_after_s(headers) or _told_in_body(error)
    return CallError(
        kind,
        _told(error, kind, where or Where(), secrets or Secrets()),
        status=status,
        retry_after_s=retry_after,
        final=headers.get("x-should-retry") == "false",
        billed=_may_be_billed(error, kind),
    )


def _redirection(error: BaseException) -> int | None:
    """Return the status of a redirection, which litellm reports as a lost connection."""
    statuses = (getattr(link, "status_code", None) for link in _chain(error))
    return next((s for s in statuses if isinstance(s, int) and 300 <= s < 400), None)


def _told_in_body(error: BaseException) -> float | None:
    """Return the wait that Google puts into a 429's body (google.rpc.RetryInfo), in seconds."""
    match = _RETRY_INFO.search(str(error))
    return float(match[1]) if match else None


def _may_be_billed(error: BaseException, kind: str) -> bool:
    """Return whether the provider may have done the work although no answer came whole."""
    names = {type(link).__name__ for link in _chain(error)}
    unsent = any(name.startswith("ClientConnector") for name in names) or "ConnectTimeout" in names
    # httpx's name for it; litellm uses it for a reset long after the request has left, too
    connected = not (unsent or ("ConnectError" in names and "ClientOSError" not in names))
    return kind in ("timeout", "bad_response") or (kind == "connection" and connected)


def _told(error: BaseException, kind: str, where: Where, secrets: Secrets) -> str:
    """Name who failed and why, in the words of the provider where it has any."""
    message = _message(error, kind, secrets)
    if kind == "connection":
        return f"no connection to {where.host}: {secrets.redact(_cause(error)) or message}"
    if kind == "auth":
        certificate = next((e for e in _chain(error) if isinstance(e, _BAD_CERTIFICATE)), None)
        if certificate is not None:
            why = getattr(certificate, "verify_message", "") or str(certificate)
            why = one_line(secrets.redact(why))
            return f"{where.host}: certificate verify failed: {why}"
        key = f"the key in ${where.key_env}" if where.key_env else "a call without a key"
        return f"{where.host} rejected {key}: {message}"
    if kind == "not_found":
        return f"{where.host} has no model {where.model!r}: {message}"
    return message


def _cause(error: BaseException) -> str:
    """Return the operating system's own words, which libraries wrap several times over."""
    causes = [link for link in _chain(error) if isinstance(link, OSError) and link.args]
    return str(causes[-1]) if causes else ""


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
    if _NO_COMPLETION in text or any(isinstance(e, json.JSONDecodeError) for e in _chain(error)):
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


def cause_of(error: Exception) -> Exception | None:
    """Return what a CallError made of *error* is to be raised from: it holds on to nothing.

    The frames that litellm's errors came through hold on to one another and the request until a
    collection of garbage, and so does a CallError of ours among their causes.
    """
    known: set[int] = set()
    open_: list[BaseException] = [error]
    while open_:
        link = open_.pop()
        if id(link) in known:
            continue
        known.add(id(link))
        link.__traceback__ = None
        open_ += [e for e in (link.__cause__, link.__context__) if e is not None]
        if isinstance(link.__cause__, CallError):
            link.__cause__ = None
        if isinstance(link.__context__, CallError):
            link.__context__ = None
    return None if isinstance(error, CallError) else error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _message(error: BaseException, kind: str, secrets: Secrets) -> str:
    """Say what happened in one line, without the traceback that litellm may put in.

    Keys are masked before the line is cut, which could leave the better part of one.
    """
    text = secrets.redact(str(error).split("Traceback (most recent call last)")[0])
    text = _WRAPPING.sub("", text)
    return one_line(text or f"{kind} ({type(error).__name__})")
