"""Error classification: maps any exception of litellm or aiohttp to a CallError of a known kind.

litellm's classes do not tell failures apart (a refused connection is a 500, an exhausted account
a 429), so the status, the provider's error code and the chain of causes decide.
"""

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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
_NO_CREDIT = "credit balance is too low"  # Anthropic sends no code for it
_BAD_CERTIFICATE = ssl.SSLCertVerificationError
_TOO_LONG = "context_length_exceeded"
# litellm's messages for a web page, and for a reply with parts that it cannot read
_NO_COMPLETION = (
    "empty or invalid response from llm endpoint",
    "error converting to valid response block",
    "invalid response object",
    "litellm: provider returned",
)
_MISREAD = frozenset({"AttributeError", "KeyError", "TypeError", "ValidationError"})
TRANSIENT_STATUSES = frozenset({408, 409, 500, 502, 503, 504, *range(520, 530)})
_WRAPPER = "APIConnectionError"
_CONNECTION_NAMES = frozenset(
    {
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
_DECODER = json.JSONDecoder()
_TIMEOUT_NAMES = frozenset({"Timeout", "APITimeoutError", "ReadTimeout", "ConnectTimeout"})


@dataclass(frozen=True, slots=True)
class Where:
    """Destination of a call, for messages: host or provider, model, and the key's variable."""

    host: str = "the provider"
    model: str = ""
    key_env: str | None = None


def classify(
    error: BaseException, where: Where | None = None, secrets: Secrets | None = None
) -> CallError:
    """Return the CallError for *error*; its kind decides whether the call is retried.

    *secrets* are redacted from its message, in case the provider repeats them.
    """
    ours = next((link for link in _chain(error) if isinstance(link, CallError)), None)
    if ours is not None:
        ours.args = ((secrets or Secrets()).redact(str(ours)),)
        return ours
    if (moved := _redirection(error)) is not None:
        message = f"{(where or Where()).host} redirects elsewhere ({moved}), {NOT_FOLLOWED}"
        return CallError("bad_request", message, status=moved)
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else None
    raw = dict(getattr(error, "litellm_response_headers", None) or {})
    headers = {str(name).lower(): str(value) for name, value in raw.items()}
    retry_after = retry_after_s(headers)
    kind = _kind(error, status, retry_after)
    if kind == "connection":
        status = None  # litellm reports 500 without a response
    if kind == "throttle" and retry_after is None and status == 429:
        retry_after = reset_after_s(headers) or _retry_delay_s(error)
    return CallError(
        kind,
        _full_message(error, kind, where or Where(), secrets or Secrets()),
        status=status,
        retry_after_s=retry_after,
        final=headers.get("x-should-retry") == "false",
        billed=_may_be_billed(error, kind),
    )


def _redirection(error: BaseException) -> int | None:
    """Return the status of a redirect, which litellm reports as a lost connection; None if none."""
    statuses = (getattr(link, "status_code", None) for link in _chain(error))
    return next((s for s in statuses if isinstance(s, int) and 300 <= s < 400), None)


def _retry_delay_s(error: BaseException) -> float | None:
    """Return the seconds to wait in the body of Google's 429 (google.rpc.RetryInfo), or None."""
    match = _RETRY_INFO.search(str(error))
    return float(match[1]) if match else None


def _may_be_billed(error: BaseException, kind: str) -> bool:
    """Return whether the provider may bill the call although no complete reply arrived."""
    names = {type(link).__name__ for link in _chain(error)}
    unsent = any(name.startswith("ClientConnector") for name in names) or "ConnectTimeout" in names
    # litellm also uses httpx's ConnectError for a reset after the request was sent
    connected = not (unsent or ("ConnectError" in names and "ClientOSError" not in names))
    return kind in ("timeout", "bad_response") or (kind == "connection" and connected)


def _full_message(error: BaseException, kind: str, where: Where, secrets: Secrets) -> str:
    """Return the message of a CallError: what failed, and the provider's own message if any."""
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
    """Return the operating system's message, which libraries wrap; empty if there is none."""
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
    unread = any(words in text for words in _NO_COMPLETION)
    if unread or any(isinstance(e, json.JSONDecodeError) for e in _chain(error)):
        return "bad_response"
    if names & _CONNECTION_NAMES or any(isinstance(e, OSError) for e in _chain(error)):
        return "connection"
    if _WRAPPER in names:  # litellm's word for a lost connection and for a reply it misreads
        return "bad_response" if names & _MISREAD else "connection"
    if status in TRANSIENT_STATUSES:
        return "transient"
    if status is not None and 400 <= status < 500:
        return "bad_request"
    return "transient" if status is not None and status >= 500 else "internal"


def _codes(error: BaseException) -> Iterator[str]:
    """Yield the provider's error codes from the exceptions and from the JSON in their messages."""
    for link in _chain(error):
        said = _said(str(link))
        for name in ("code", "type"):
            yield from (
                c for c in (getattr(link, name, None), said.get(name)) if isinstance(c, str)
            )


def _said(text: str) -> Mapping[str, Any]:
    """Return the error object of the provider's reply in *text*; empty if it holds no JSON."""
    try:
        body, _ = _DECODER.raw_decode(text, text.find("{") % (len(text) + 1))
    except ValueError:
        return {}
    error = body.get("error", body) if isinstance(body, dict) else {}
    return error if isinstance(error, dict) else {"message": error}


def cause_of(error: Exception) -> Exception | None:
    """Return the `__cause__` for the CallError of *error*, with tracebacks removed.

    The frames of litellm's errors form reference cycles that keep the request alive until a
    garbage collection; so does a CallError among the causes, which is removed.
    """
    seen: set[int] = set()
    pending: list[BaseException] = [error]
    while pending:
        link = pending.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        link.__traceback__ = None
        pending += [e for e in (link.__cause__, link.__context__) if e is not None]
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
    """Return the message of *error* on one line, without a traceback.

    Keys are redacted before the line is cut, since a cut key would not be recognised.
    """
    text = str(error).split("Traceback (most recent call last)")[0]
    said = _said(text).get("message")
    text = _WRAPPING.sub("", secrets.redact(said if isinstance(said, str) and said else text))
    return one_line(text or f"{kind} ({type(error).__name__})")
