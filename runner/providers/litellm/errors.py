"""Error classification: maps whatever ends a call to a CallError of a known kind.

The session (session.py) raises the failure of network or provider; litellm and the libraries below
wrap it in their own exceptions, whose classes and statuses are not used.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.base.errors import CallError, one_line
from runner.base.json import mapping, mappings
from runner.base.secrets import Secrets
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.words import SAYS, WORDS, numbers_in
from runner.providers.retry_headers import reset_after_s, retry_after_s, stated_wait_s

_CODES = {kind: frozenset(codes) for kind, codes in WORDS["codes"].items()}
NOT_FOLLOWED = (
    "where neither key nor transcript is sent: if that is right, name it in model.api_base"
)
LOADING_S = 5.0  # between attempts while a server loads its model
PROXY_HINT = "put its user and password into HTTPS_PROXY or HTTP_PROXY"
_WRAPPING = re.compile(r"^(?:(?:litellm\.)?\w+(?:Error|Timeout): |\w+Exception - )+")
_TITLE = re.compile(r"<(?:title|h1)[^>]*>([^<]+)", re.IGNORECASE)  # of an error's web page
_ECHOED = re.compile(r"['\"]input['\"]: .*", re.DOTALL)  # Pydantic repeats what it was given
_HOLDERS = ("error", "errors", "message", "Message", "detail", "msg", "metadata", "raw")
_MAX_DEPTH, _MAX_SAID = 6, 2000
_DECODER = json.JSONDecoder()
_ANY_ROUTE, _NO_KEYS = ModelRoute("the provider"), Secrets()


class RefusedError(Exception):
    """A provider's error: HTTP status, headers, body, and whether a part of a reply preceded it."""

    def __init__(
        self, status: int, headers: Mapping[str, str], body: bytes, *, begun: bool = False
    ) -> None:
        super().__init__(body.decode(errors="replace").strip())
        self.status, self.begun = status, begun
        self.headers = {name.lower(): value for name, value in headers.items()}


def classify(
    error: BaseException,
    route: ModelRoute = _ANY_ROUTE,
    secrets: Secrets = _NO_KEYS,
    *,
    delivered: bool = False,
    sent: bool = True,
) -> CallError:
    """Return the CallError for *error* on *route*; its kind decides whether it is retried.

    *secrets* are redacted from its message, in case the provider repeats them. *delivered* says
    that a successful reply had arrived, which cannot be read and may be billed; *sent*, that a
    request had been sent. Without one, litellm's word for a fault of its own is a 500.
    """
    for link in chain_of(error):
        if isinstance(link, CallError):
            link.args = (one_line(secrets.redact(str(link))),)
            return link
        if isinstance(link, RefusedError):
            return _refusal(link, route, secrets)
    if delivered:
        message = one_line(f"the reply cannot be read: {_message(error, secrets)}")
        return CallError("bad_response", message, billed=True)
    status = getattr(error, "status_code", None)
    if any(isinstance(link, OSError) for link in chain_of(error)):
        return CallError("connection", _message(error, secrets), billed=sent)
    if not isinstance(status, int):
        return CallError("internal", _message(error, secrets))
    status = status if sent or status < 500 else 400
    return _refusal(RefusedError(status, {}, str(error).encode(errors="replace")), route, secrets)


def _refusal(error: RefusedError, route: ModelRoute, secrets: Secrets) -> CallError:
    """Return the CallError for a provider's *error*."""
    status, headers, text = error.status, error.headers, str(error)
    message, said = _message(error, secrets), _ECHOED.sub("", text)
    of_day = "PerDay" in said  # Gemini asks for seconds, which do not renew its quotas of a day
    retry_after = None if of_day else _asked_wait_s(status, headers, said)
    named = error_in(_body(text))
    parts = (named, *mappings(named.get("details")))
    codes = {str(part.get(name)) for part in parts for name in ("code", "type", "reason")}
    kind = _kind(status, codes, _ECHOED.sub("", message), retry_after)
    may_renew = kind == "throttle" or (kind == "auth" and status == 403)
    if may_renew and retry_after is None and (of_day or not SAYS["of_minute"].search(said)):
        kind = "unavailable" if SAYS["used_up"].search(said) else kind
    full = status in (498, 503, 529) or _CODES["no_capacity"] & codes
    at_flex = "flex" in (route.delivery, route.service_tier)
    if at_flex and kind in ("throttle", "transient", "bad_request"):
        kind = "no_capacity" if full or SAYS["no_capacity"].search(message) else kind
    if kind == "throttle" and retry_after is None and status == 429:
        retry_after = reset_after_s(headers)
    window, prompt = numbers_in(text) if kind == "context_exceeded" else (None, None)
    message = _full_message(message or f"status {status}", kind, route, window, status)
    billed = kind == "timeout" or error.begun
    found = CallError(kind, message, status=status, retry_after_s=retry_after, billed=billed)
    found.final = headers.get("x-should-retry") == "false"
    found.window, found.prompt_tokens = window, prompt
    return found


def _asked_wait_s(status: int, headers: Mapping[str, str], said: str) -> float | None:
    """Return the seconds to wait that an error asks for in *headers*, else in what it *said*."""
    asked = retry_after_s(headers)
    if asked is None and (status == 429 or status >= 500):
        asked = stated_wait_s(said)
    return LOADING_S if asked is None and status == 503 and SAYS["loading"].search(said) else asked


def _kind(status: int, codes: set[str], message: str, retry_after: float | None) -> str:
    def means(kind: str) -> bool:
        return bool(_CODES[kind] & codes or SAYS[kind].search(message))

    client = 400 <= status < 500
    if client and means("filtered"):
        return "refused"
    if status == 413 or (status in (400, 422, 500) and means("too_long")):
        return "context_exceeded"
    if status == 429 and SAYS["too_large"].search(message):
        return "context_exceeded"
    if status == 402 or _CODES["billing"] & codes or (client and means("billing")):
        return "billing"
    found = status != 404 or SAYS["no_host"].search(message)
    if not found or means("no_model"):
        return "not_found"
    if status in (401, 403, 407) or (status == 400 and means("auth")):
        return "auth"
    if status == 429 or (status in (503, 529) and retry_after is not None):
        return "throttle"
    if status in (408, 504, 524):  # the last is Cloudflare's
        return "timeout"
    refused = status == 501 or (client and status not in (409, 424, 425, 499))
    return "bad_request" if refused else "transient"


def _body(text: str) -> Any:
    """Return the first JSON value in *text*, None if it holds none."""
    start = min((at for at in map(text.find, "{[") if at >= 0), default=len(text))
    try:
        return _DECODER.raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        return None


def error_in(body: Any) -> Mapping[str, Any]:
    """Return the error object of a reply's *body*, which may be the error itself."""
    body = body[0] if isinstance(body, list) and body else body  # Gemini's
    error = mapping(body).get("error") or mapping(body).get("errors") or body
    error = error[0] if isinstance(error, list) and error else error
    return {"message": error, "code": error} if isinstance(error, str) else mapping(error)


def _message(error: BaseException, secrets: Secrets) -> str:
    """Return the message of *error* without a traceback; keys are redacted before it is cut."""
    text = str(error).split("Traceback (most recent call last)")[0]
    title = _TITLE.search(text) if text.lstrip().startswith("<") else None
    said = "; ".join(dict.fromkeys(_parts_of(text).messages)) or (title[1] if title else text)
    text = _WRAPPING.sub("", secrets.redact(said))
    return one_line(text or ("" if isinstance(error, RefusedError) else type(error).__name__))


def _full_message(
    message: str, kind: str, route: ModelRoute, window: int | None, status: int
) -> str:
    """Return *message* with its origin and the setting to change."""
    if status == 407:
        return f"the proxy before {route.host} refuses the call: {message} ({PROXY_HINT})"
    if kind == "auth":
        key = f"the key in ${route.api_key_env}" if route.api_key_env else "a call without a key"
        is_wrong = not route.api_key_env or status == 401 or "key" in message.lower()
        return f"{route.host} {'rejected' if is_wrong else 'refused a call with'} {key}: {message}"
    if kind == "not_found":
        hint = "" if "model" in message.lower() else " (check the path of model.api_base, too)"
        return f"{route.host} has no model {route.name!r}: {message}{hint}"
    if kind == "refused":
        return f"the provider's filter refused the request: {message}"
    if kind == "unavailable":
        return f"{message} (resume the run when the quota is renewed)"
    advice = WORDS["advice"].items() if kind in ("bad_request", "throttle") else ()
    hint = next((todo for said, todo in advice if re.search(said, message, re.I)), "")
    if kind == "context_exceeded":
        hint = "set model.context_window" + (f"={window}" if window else "")
    return f"{one_line(message, 400)} ({hint})" if hint else message


def refusal_text(error: BaseException) -> str:
    """Return a provider's text about a refused request, the parameters it names first.

    Values that it repeats are left out: they may be text of the transcript.
    """
    text = str(next((e for e in chain_of(error) if isinstance(e, RefusedError)), error))
    parts = _parts_of(text)
    message = _ECHOED.sub("", " ".join(parts.messages) or text)
    return " ".join([*parts.parameters, message])[:_MAX_SAID]


@dataclass(slots=True)
class _ErrorParts:
    """What the JSON of an error holds: the *parameters* that it names, and its *messages*."""

    parameters: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def add(self, part: Any, depth: int) -> None:
        """Add those in *part*, down to *depth* levels; JSON in a text counts as a level."""
        if isinstance(part, str) and part[:1] in "{[":
            part = _body(part) or part
        if isinstance(part, str):
            self.messages.append(part)
        elif depth and isinstance(part, list):
            for each in part:
                self.add(each, depth - 1)
        elif depth and isinstance(part, Mapping):
            loc = part["loc"] if isinstance(part.get("loc"), list) else []
            self.messages += [".".join(map(str, loc))] if loc else []
            self.parameters += [n for n in (part.get("param"), *loc) if isinstance(n, str)]
            for held in filter(None, map(part.get, _HOLDERS)):
                self.add(held, depth - 1)


def _parts_of(text: str) -> _ErrorParts:
    """Return the parts of the JSON in an error's *text*, none if it has no JSON."""
    parts = _ErrorParts()
    parts.add(_body(text), _MAX_DEPTH)
    return parts


def forget_causes(error: Exception) -> None:
    """Cut the chain of *error*, whose frames keep the request alive until a garbage collection."""
    for link in list(chain_of(error)):
        link.__traceback__ = link.__cause__ = link.__context__ = None


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield *error* and its causes, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
