"""Retry-After and rate-limit reset times, read from the headers of a reply."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_S = 300.0
_EPOCH_S = 1e9  # September 2001: a larger number of seconds is a moment, not a wait
_PROXIED = "llm_provider-"
_DURATION = re.compile(
    r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?"
)


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Read Retry-After (RFC 9110, 10.2.3) in seconds; None if absent, past or not a number.

    The LiteLLM proxy puts a prefix before it, also where the refusal is its own (1.106.2).
    """
    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    for name in ("retry-after-ms", "retry-after"):
        lowered.setdefault(name, lowered.get(f"{_PROXIED}{name}", ""))
    if (millis := _seconds(lowered.get("retry-after-ms", ""))) is not None:
        return millis / 1000
    raw = lowered.get("retry-after", "").strip()
    if not raw:
        return None
    seconds = _seconds(raw)
    return seconds if seconds is not None else _until(raw, now or datetime.now(UTC))


def reset_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the longest of the rate limits' reset times in seconds, at most MAX_RETRY_AFTER_S.

    OpenAI sends `x-ratelimit-reset-requests: 1m30s`, Anthropic
    `anthropic-ratelimit-tokens-reset: 2026-11-23T12:00:30Z`; both say when a limit is whole
    again, so that it is only a hint for a 429 without Retry-After.
    """
    waits = [
        _duration(value)
        or _counted(value, now or datetime.now(UTC))
        or _until_iso(value, now or datetime.now(UTC))
        for name, value in headers.items()
        if "ratelimit" in name.lower() and "reset" in name.lower()
    ]
    known = [wait for wait in waits if wait is not None]
    return min(max(known), MAX_RETRY_AFTER_S) if known else None


def _duration(raw: str) -> float | None:
    match = _DURATION.fullmatch(raw.strip())
    if match is None or not match[0]:
        return None
    units = (86_400.0, 3600.0, 60.0, 1.0, 0.001)
    return sum(float(n) * unit for n, unit in zip(match.groups("0"), units, strict=True)) or None


def _counted(raw: str, now: datetime) -> float | None:
    """Read a plain number: seconds to wait, or a moment as seconds or milliseconds since 1970."""
    value = _seconds(raw)
    if value is None or value < _EPOCH_S:
        return value
    left = (value / 1000 if value > 1000 * _EPOCH_S else value) - now.timestamp()
    return left if left > 0 else None


def _until_iso(raw: str, now: datetime) -> float | None:
    try:
        moment = datetime.fromisoformat(raw.strip())
    except ValueError:
        return None
    left = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return left if left > 0 else None


def _seconds(raw: str) -> float | None:
    try:
        value = float(raw)
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _until(raw: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(raw)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    left = (moment - now).total_seconds()
    return left if left > 0 else None
