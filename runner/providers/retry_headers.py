"""Retry delays and rate limits stated in headers or error texts."""

import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

MAX_RETRY_AFTER_S = 300.0
_LONGEST_S = 10 * 365 * 86_400.0  # of a wait; beyond a calendar's years there is no date
_EPOCH_S = 1e9  # September 2001: a larger number of seconds is a time, not a wait
_PROXIED = "llm_provider-"
_ROLE = re.compile(r"-?(?<![a-z])(limit|remaining|reset)(?![a-z])")
_ROLES = {"r": "remaining", "t": "reset"}  # in `RateLimit: "api";r=0;t=17`, an IETF draft
_AMOUNT = re.compile(r"\b([rt])=(\d{1,9})\b")
_WINDOWS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0, "month": 30 * 86_400.0}
_KINDS = {  # by words in a header's name, Anthropic's and Fireworks' first
    "input": ("input", "prompt"),
    "output": ("output", "generated"),
    "tokens": ("token", "bysize"),  # the latter at Mistral
}
_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}  # by their first letter
_UNIT = (
    "m(?:illi)?s(?:ec(?:ond)?s?)?|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?"
)
_NUMBER = r"\d{1,9}(?:\.\d{1,12})?"
_PART = re.compile(rf"({_NUMBER})\s*({_UNIT})(?![a-z])", re.IGNORECASE)
_SPAN = re.compile(rf"(?:{_NUMBER}\s*(?:{_UNIT})(?![a-z])[\s,]*(?:and )?)+", re.IGNORECASE)
_IN_WORDS = re.compile(
    r"(?:again|retry(?:ing)?|wait|resets?|retry[-_ ]?(?:after|delay))[\s\"':=,]{0,4}"
    rf"(?:(?:in|after|for|at least|about|approximately|another) ){{0,3}}({_SPAN.pattern})",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"retry[-_ ]?after(?:_?seconds|_?s|(_?ms))?[\s\"':=]{{1,4}}({_NUMBER})(?!\s*[\w.])",
    re.IGNORECASE,
)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After in seconds; None if absent, past or neither a time nor a duration.

    Beside the forms of RFC 9110, 10.2.3, those of gateways: `1m30s`, ISO 8601 and seconds since
    1970; OpenAI's and Azure's headers have milliseconds. The LiteLLM proxy puts a prefix before
    the name, also where the refusal is its own (1.106.2).
    """
    lowered = {str(name).lower(): str(value).strip() for name, value in headers.items()}
    now = _clock(headers)
    for name, unit in (
        ("retry-after-ms", "ms"),
        ("x-ms-retry-after-ms", "ms"),
        ("retry-after", ""),
    ):
        raw = (lowered.get(name) or lowered.get(f"{_PROXIED}{name}", "")) + unit
        if wait := _reset_s(raw, now) or _until(raw, now, parsedate_to_datetime):
            return min(wait, _LONGEST_S)
    return None


def reset_after_s(headers: Mapping[str, str]) -> float | None:
    """Return when the scarcest of the rate limits resets, in seconds, at most MAX_RETRY_AFTER_S.

    OpenAI sends `x-ratelimit-reset-requests: 1m30s`, Anthropic
    `anthropic-ratelimit-tokens-reset: 2026-11-23T12:00:30Z`; both state when a limit is full again,
    so it is only a hint for a 429 without Retry-After. Of equally scarce ones, the longest.
    """
    found, now = list[tuple[float, float]](), _clock(headers)
    for group in _groups(headers).values():
        wait = _reset_s(group.get("reset", ""), now)
        left, limit = (_number(group.get(role, "")) for role in ("remaining", "limit"))
        share = left / limit if limit > 0 else float(not left <= 0)
        if wait is not None:
            found.append((-1.0 if math.isnan(share) else -share, wait))
    return min(max(found)[1], MAX_RETRY_AFTER_S) if found else None


def stated_wait_s(text: str) -> float | None:
    """Return the wait that an error's *text* asks for, in seconds.

    "Please try again in 1m30s" (OpenAI, Groq), "Please retry after 20 seconds" (Azure),
    `"retryDelay": "13s"` (google.rpc.RetryInfo), `"retry_after_ms": 500`.
    """
    waits = [_span_s(match[1]) for match in _IN_WORDS.finditer(text)]
    waits += [float(m[2]) * (0.001 if m[1] else 1.0) for m in _BARE.finditer(text)]
    return min(max(waits), _LONGEST_S) if any(waits) else None


def _span_s(text: str) -> float:
    parts = ((float(number), unit.lower()) for number, unit in _PART.findall(text))
    return sum(
        number * (0.001 if unit.startswith(("ms", "mil")) else _UNITS_S[unit[0]])
        for number, unit in parts
    )


class RemainingLimit(NamedTuple):
    """The amount *left* of a limit that is full again in *reset_s* seconds; *limit* if known."""

    left: float
    limit: float | None
    reset_s: float


def remaining_limits(headers: Mapping[str, str]) -> dict[str, RemainingLimit]:
    """Return the remaining limits in a reply's headers, by kind.

    Kinds are `requests`, `tokens`, `input` (prompt tokens) and `output`. Impossible and
    useless values are left out: a reset that is past, or far off and of no known
    limit. Of two limits of one kind (per minute and per day), the one with less room.
    """
    if not (groups := _groups(headers)):
        return {}
    found, now = dict[str, RemainingLimit](), _clock(headers)
    for name, group in groups.items():
        left, kind = _remaining(name, group, now), _kind(name)
        if left is not None and (kind not in found or left.left < found[kind].left):
            found[kind] = left
    return found


def _clock(headers: Mapping[str, str]) -> datetime:
    """Return the time of a reply by its provider's clock, from which ours may differ."""
    said = next((str(value) for name, value in headers.items() if str(name).lower() == "date"), "")
    with suppress(ValueError, OverflowError):
        sent = parsedate_to_datetime(said)
        return sent.replace(tzinfo=sent.tzinfo or UTC)
    return datetime.now(UTC)


def _groups(headers: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the headers of each rate limit by role: `limit`, `remaining` or `reset`."""
    groups: dict[str, dict[str, str]] = {}
    for header, value in headers.items():
        name = str(header).lower().removeprefix(_PROXIED)
        role = _ROLE.search(name) if "ratelimit" in name else None
        if role is not None:
            rest = f"{name[: role.start()]}{name[role.end() :]}"
            groups.setdefault(rest, {})[role[1]] = str(value)
        elif name == "ratelimit":
            groups[name] = {_ROLES[role]: amount for role, amount in _AMOUNT.findall(str(value))}
    return groups


def _remaining(name: str, group: Mapping[str, str], now: datetime) -> RemainingLimit | None:
    """Return the values of one limit's headers, by role; None if they are useless."""
    amounts = (_number(group.get(role, "")) for role in ("remaining", "limit"))
    left, limit = (each if 0 <= each < _EPOCH_S * 1000 else None for each in amounts)
    window = next((s for word, s in _WINDOWS.items() if word in name), 60.0)
    raw = group.get("reset", "")
    reset = _reset_s(raw, now) if raw else window
    if left is None or reset is None or (limit is not None and not left <= limit > 0):
        return None
    if limit is None and (not raw or reset > MAX_RETRY_AFTER_S):
        return None
    return RemainingLimit(left, limit, reset)


def _kind(name: str) -> str:
    for kind, words in _KINDS.items():
        if any(word in name for word in words):
            return kind
    return "requests"


def _reset_s(raw: str, now: datetime) -> float | None:
    """Read a duration, or a moment, also as seconds or milliseconds since 1970."""
    if _SPAN.fullmatch(raw.strip()):
        return _span_s(raw) or None
    value = _number(raw)
    if math.isnan(value):
        return _until(raw, now, datetime.fromisoformat)
    if _EPOCH_S <= value < math.inf:
        value = (value / 1000 if value > 1000 * _EPOCH_S else value) - now.timestamp()
    return value if 0 < value < math.inf else None


def _number(raw: str) -> float:
    """Return the number in *raw*, NaN for none."""
    try:
        return float(raw)
    except ValueError:
        return math.nan


def _until(raw: str, now: datetime, parse: Callable[[str], datetime]) -> float | None:
    """Return the seconds until the moment in *raw*, UTC unless it says otherwise; None if past."""
    try:
        moment = parse(raw.strip())
    except (ValueError, OverflowError):
        return None
    left = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return left if left > 0 else None
