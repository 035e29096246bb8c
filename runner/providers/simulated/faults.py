"""Every kind of fault by name, and what a client gets on the wire instead of its reply."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.base.errors import ConfigError, did_you_mean

OUTAGE = "outage"
POISON = "poison"
RATE_LIMIT = "rate_limit"

FOREVER_S = 86_400.0
MIB = 1 << 20

_STATUS = re.compile(r"status_([45]\d\d)(?:_after_(\d{1,6}))?")
_EXAMPLES = ("status_429", "status_429_after_3", "status_500", "status_503")


@dataclass(frozen=True, slots=True)
class Fault:
    """What one request gets instead of its reply.

    *status* 0 drops the connection without an answer; *body* is sent as it is, *delay_s*
    seconds after the request arrived; *cut* closes the connection after that many bytes.
    *times* sends the body that often in a row, *drip_s* its first byte again and again, one
    every that many seconds, until the client leaves.
    """

    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "simulated fault", "code": "simulated"}}'
    delay_s: float = 0.0
    cut: int | None = None
    times: int = 1
    drip_s: float | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a fault may spoil: the good reply and the completion around it.

    *authorization* is the header that came with the request, or "".
    """

    text: str
    completion: Mapping[str, Any]
    authorization: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    *status* 0 is no answer; *generates* says that the model has worked for it, so that it takes
    and costs what a good reply does; *headers* are sent beside the provider's own.
    """

    status: int
    summary: str
    make: Callable[[Exchange], Fault]
    generates: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


def find_kind(name: str) -> Kind:
    """Return kind *name*; raises ConfigError naming the nearest one."""
    kind = KINDS.get(name) or INTERNAL.get(name)
    if kind is not None:
        return kind
    match = _STATUS.fullmatch(name)
    if match is None:
        near = did_you_mean(name, (*KINDS, *_EXAMPLES))
        raise ConfigError(f"unknown kind of fault '{name}'{near}")
    headers = {"Retry-After": match[2]} if match[2] else {}
    return _refusal(int(match[1]), f"simulated {match[1]}", "simulated", headers=headers)


def _error(status: int, message: str, code: str) -> Fault:
    error = {"message": message, "type": code, "param": None, "code": code}
    return Fault(status, body=json.dumps({"error": error}))


def _refusal(
    status: int, message: str, code: str, *, headers: Mapping[str, str] | None = None
) -> Kind:
    summary = f"{status}: {message}"
    return Kind(status, summary, lambda _: _error(status, message, code), headers=headers or {})


def _fixed(status: int, summary: str, fault: Fault) -> Kind:
    return Kind(status, summary, lambda _: fault)


def _spoiled(summary: str, change: Callable[[Exchange], Mapping[str, Any]]) -> Kind:
    """Return a kind that answers 200 with the completion as *change* leaves it."""
    return Kind(
        200,
        summary,
        lambda exchange: Fault(200, body=json.dumps(change(exchange))),
        generates=True,
    )


def _choice(exchange: Exchange, finish_reason: str = "stop", **message: Any) -> dict[str, Any]:
    choice = dict(exchange.completion["choices"][0])
    choice["finish_reason"] = finish_reason
    choice["message"] = {**choice["message"], **message}
    return {**exchange.completion, "choices": [choice]}


def _without(exchange: Exchange, key: str) -> dict[str, Any]:
    return {k: v for k, v in exchange.completion.items() if k != key}


def _cut(exchange: Exchange) -> Fault:
    return Fault(200, body=json.dumps(exchange.completion), cut=40)


def _echo(exchange: Exchange) -> Fault:
    return _error(400, f"bad request with {exchange.authorization or 'no key'}", "bad_request")


def _with_surrogate(text: str) -> str:
    """Put half a character after the first word, where JSON can hold it, else at the end."""
    changed, count = re.subn(r"(?<=[a-z])(?= )", "\ud800", text, count=1)
    return changed if count else f"{text}\ud800"


def _with_nan(text: str) -> str:
    """Put NaN for the first number of a JSON reply; it is no JSON (RFC 8259, section 6)."""
    changed, count = re.subn(r'(?<=": )-?\d[\d.]*', "NaN", text, count=1)
    return changed if count else '{"value": NaN}'


# What users may name in `faults` and `script`, besides status_NNN and status_NNN_after_S.
KINDS: Mapping[str, Kind] = {
    "quota": _refusal(429, "you exceeded your current quota", "insufficient_quota"),
    "context": _refusal(
        400, "this model's maximum context length is exceeded", "context_length_exceeded"
    ),
    "echo_key": Kind(400, "400 that repeats the key it was sent", _echo),
    "reset": _fixed(0, "the connection is reset without an answer", Fault(0)),
    "hang": _fixed(0, "no answer, ever", Fault(200, delay_s=FOREVER_S)),
    "cut": Kind(200, "the connection breaks 40 bytes into the body", _cut, generates=True),
    "slow_body": _fixed(200, "headers, then a byte every 0.5 s", Fault(200, body=" ", drip_s=0.5)),
    "huge_body": _fixed(200, "a body of 200 MiB", Fault(200, body=" " * MIB, times=200)),
    "html": _fixed(
        200,
        "a web page, as captive portals send it",
        Fault(200, {"Content-Type": "text/html"}, "<html><body>Please sign in.</body></html>"),
    ),
    "bad_json": _fixed(200, "a body that is not JSON", Fault(200, body='{"choices": [{"mess')),
    "no_choices": _spoiled("choices: []", lambda e: {**e.completion, "choices": []}),
    "no_content": _spoiled("content: null", lambda e: _choice(e, content=None)),
    "no_usage": _spoiled("a reply without its token counts", lambda e: _without(e, "usage")),
    "length": _spoiled(
        "half a reply, finish_reason length",
        lambda e: _choice(e, "length", content=e.text[: len(e.text) // 2]),
    ),
    "content_filter": _spoiled(
        "nothing, finish_reason content_filter", lambda e: _choice(e, "content_filter", content="")
    ),
    "refusal": _spoiled(
        "the model declines", lambda e: _choice(e, content=None, refusal="I cannot help with that.")
    ),
    "surrogate": _spoiled(
        "half a character inside the reply", lambda e: _choice(e, content=_with_surrogate(e.text))
    ),
    "bad_answer": _spoiled(
        "a JSON object of no asked shape",
        lambda e: _choice(e, content='{"simulated": "fits no schema"}'),
    ),
    "bad_text": _spoiled(
        "words instead of JSON", lambda e: _choice(e, content="Simulated: this is not JSON.")
    ),
    "nan": _spoiled("NaN in the reply's JSON", lambda e: _choice(e, content=_with_nan(e.text))),
}

# What the provider does by its other settings; counted under these names.
INTERNAL: Mapping[str, Kind] = {
    RATE_LIMIT: _refusal(429, "rate limit reached", "rate_limit_exceeded"),
    OUTAGE: _refusal(503, "the provider is down", "service_unavailable"),
    POISON: _refusal(500, "the server had an error with this request", "server_error"),
}


def error_body(status: int, message: str) -> Fault:
    """Return an error in OpenAI's form, for requests that are wrong themselves."""
    return _error(status, message, "invalid_request_error")
