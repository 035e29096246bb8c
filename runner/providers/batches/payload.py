"""Payloads of batch APIs: ids, keys, times and counts, checked before they are used."""

import re
from datetime import UTC, datetime
from typing import Any

from runner.base.errors import CallError
from runner.base.json import amount, mapping, number

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def id_in(value: Any, prefix: str = "") -> str:
    """Return a provider's id without its *prefix*; raise CallError if unsafe in an address."""
    name = value.removeprefix(prefix) if isinstance(value, str) else ""
    if not _ID.fullmatch(name) or ".." in name:
        raise CallError("bad_response", "invalid id of a batch or file")
    return name


def key_in(value: Any) -> str:
    """Return *value* if it can be the key of a request; raise ValueError if not."""
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise ValueError("invalid key of a request: expected up to 64 of A-Z a-z 0-9 _ -")
    return value


def time_in(value: Any) -> float | None:
    """Return a time, in seconds or ISO 8601, as seconds since 1970; None for anything else."""
    if isinstance(value, str) and len(value) < 64:
        try:
            parsed = datetime.fromisoformat(value)
            return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    return number(value)


def counts_in(value: Any) -> dict[str, int]:
    """Return the counts of requests in *value*, numbers or their texts, by name."""
    items = list(mapping(value).items())[:20]
    whole = {
        str(k)[:40]: int(v) if str(v).isdecimal() and len(str(v)) < 16 else v for k, v in items
    }
    return {name: int(amount(n)) for name, n in whole.items() if number(n) is not None}


def not_executed(why: str) -> CallError:
    """Return the failure of a request that its batch ended without, which costs nothing."""
    return CallError("transient", f"the batch was over before this request: {why}")
