"""Faults of the simulated provider: every kind by name, and the response it sends."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runner.base.errors import ConfigError, did_you_mean

OUTAGE = "outage"
POISON = "poison"
NO_CAPACITY = "no_capacity"
RATE_LIMIT = "rate_limit"

Completion = Mapping[str, Any]  # of OpenAI's chat API

FOREVER_S = 86_400.0
MIB = 1 << 20

_STATUS = re.compile(r"status_([45]\d\d)(?:_after_(\d{1,6}))?")
_KEY = "{key}"  # in a body: the Authorization header of the request
_EXAMPLES = ("status_429", "status_429_after_3", "status_500", "status_503")


@dataclass(frozen=True, slots=True)
class FaultResponse:
    """The response that a faulty request gets.

    *status* 0 resets the connection without a response; *body* is sent as it is, *delay_s*
    seconds after the request arrived; *cut* closes the connection after that many bytes.
    *times* repeats the body; *drip_s* sends its first byte again and again, one every that many
    seconds, until the client leaves.
    """

    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "simulated fault", "code": "simulated"}}'
    delay_s: float = 0.0
    cut: int | None = None
    times: int = 1
    drip_s: float | None = None


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault: its *response*, whose body is made by *change* of the good completion.

    With a *change* the model has run, so that the fault has the time and cost of a good reply.
    """

    summary: str
    response: FaultResponse
    change: Callable[[Completion], Completion] | None = None

    @property
    def status(self) -> int:
        """The HTTP status, 0 for no response."""
        return self.response.status

    def make(self, completion: Completion, key: str = "no key") -> FaultResponse:
        """Return the response in place of *completion* to a request with *key*."""
        if self.change is None:
            in_json = json.dumps(key)[1:-1]
            return replace(self.response, body=self.response.body.replace(_KEY, in_json))
        return replace(self.response, body=json.dumps(self.change(completion)))


def find_kind(name: str) -> FaultKind:
    """Return kind *name*; raise ConfigError naming the nearest one."""
    if kind := KINDS.get(name) or INTERNAL.get(name):
        return kind
    if (match := _STATUS.fullmatch(name)) is None:
        near = did_you_mean(name, (*KINDS, *_EXAMPLES))
        raise ConfigError(f"unknown kind of fault '{name}'{near}")
    headers = {"Retry-After": match[2]} if match[2] else {}
    return _refusal(int(match[1]), f"simulated {match[1]}", "simulated", headers)


def drawn_fault(rates: Mapping[str, float], chance: float) -> str | None:
    """Return the fault that *chance*, 0 to 1, selects by the rates; None for a good reply."""
    for name, rate in rates.items():
        if chance < rate:
            return name
        chance -= rate
    return None


def error_response(status: int, message: str, code: str = "invalid_request_error") -> FaultResponse:
    """Return an error in OpenAI's form, by default for a request that is wrong itself."""
    error = {"message": message, "type": code, "param": None, "code": code}
    return FaultResponse(status, body=json.dumps({"error": error}))


def _refusal(status: int, message: str, code: str, headers: Mapping[str, str] = {}) -> FaultKind:
    response = replace(error_response(status, message, code), headers=headers)
    return FaultKind(f"{status}: {message}", response)


def _fixed(summary: str, status: int = 200, **changes: Any) -> FaultKind:
    return FaultKind(summary, FaultResponse(status, **changes))


def _changed(
    summary: str, change: Callable[[Completion], Completion], cut: int | None = None
) -> FaultKind:
    """Return a kind that responds 200 with the completion after *change*, up to byte *cut*."""
    return FaultKind(summary, FaultResponse(200, cut=cut), change)


def _message(
    summary: str,
    content: str | Callable[[str], str] | None = None,
    finish_reason: str = "stop",
    **more: str,
) -> FaultKind:
    """Return a kind whose message has *content*, maybe a function of the good reply, and *more*."""

    def change(good: Completion) -> Completion:
        choice = good["choices"][0]
        text = content(choice["message"]["content"]) if callable(content) else content
        message = {**choice["message"], "content": text, **more}
        return {**good, "choices": [{**choice, "message": message, "finish_reason": finish_reason}]}

    return _changed(summary, change)


def _with_surrogate(text: str) -> str:
    """Put a lone surrogate after the first word, where JSON can hold it, else at the end."""
    changed, count = re.subn(r"(?<=[a-z])(?= )", "\ud800", text, count=1)
    return changed if count else f"{text}\ud800"


def _with_nan(text: str) -> str:
    """Replace the first number of a JSON reply by NaN, which is not JSON (RFC 8259, section 6)."""
    changed, count = re.subn(r'(?<=": )-?\d[\d.]*', "NaN", text, count=1)
    return changed if count else '{"value": NaN}'


_HTML = {"Content-Type": "text/html"}
_LOGIN_PAGE = "<html><body>Please sign in.</body></html>"

# Kinds for `faults` and `script`, besides status_NNN and status_NNN_after_S.
KINDS: Mapping[str, FaultKind] = {
    "quota": _refusal(429, "you exceeded your current quota", "insufficient_quota"),
    NO_CAPACITY: _refusal(429, "flex has no capacity now", "resource_unavailable"),
    "context": _refusal(
        400, "this model's maximum context length is exceeded", "context_length_exceeded"
    ),
    "echo_key": FaultKind(
        "400 that repeats the key it was sent",
        error_response(400, f"bad request with {_KEY}", "bad_request"),
    ),
    "reset": _fixed("the connection is reset without a response", 0),
    "hang": _fixed("no response, ever", 0, delay_s=FOREVER_S),
    "cut": _changed("the connection breaks 40 bytes into the body", lambda good: good, 40),
    "slow_body": _fixed("headers, then a byte every 0.5 s", body=" ", drip_s=0.5),
    "huge_body": _fixed("a body of 200 MiB", body=" " * MIB, times=200),
    "html": _fixed("a web page, as captive portals send it", headers=_HTML, body=_LOGIN_PAGE),
    "bad_json": _fixed("a body that is not JSON", body='{"choices": [{"mess'),
    "no_choices": _changed("choices: []", lambda good: {**good, "choices": []}),
    "no_usage": _changed(
        "a reply without its token counts",
        lambda good: {k: v for k, v in good.items() if k != "usage"},
    ),
    "no_content": _message("content: null"),
    "length": _message(
        "half a reply, finish_reason length", lambda text: text[: len(text) // 2], "length"
    ),
    "content_filter": _message("nothing, finish_reason content_filter", "", "content_filter"),
    "refusal": _message("the model declines", refusal="I cannot help with that."),
    "surrogate": _message("half a character inside the reply", _with_surrogate),
    "bad_answer": _message("a JSON object of the wrong shape", '{"simulated": "fits no schema"}'),
    "bad_text": _message("words instead of JSON", "Simulated: this is not JSON."),
    "nan": _message("NaN in the reply's JSON", _with_nan),
}

# Effects of other settings, counted under these names.
INTERNAL: Mapping[str, FaultKind] = {
    RATE_LIMIT: _refusal(429, "rate limit reached", "rate_limit_exceeded"),
    OUTAGE: _refusal(503, "the provider is down", "service_unavailable"),
    POISON: _refusal(500, "the server had an error with this request", "server_error"),
}
