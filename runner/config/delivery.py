"""Settings of delivery: the deadline, and what happens to pending batches."""

import re
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator

from runner.config.section import SettingsSection

_PART = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)([smhd])")
_DURATION = re.compile(f"(?:{_PART.pattern})+")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def deadline_of(by: str, begun: float) -> float:
    """Return the time that *by* names, in seconds since 1970; raise ValueError.

    It is a duration after *begun*, such as `1h30m`, or a time, local unless it has an offset.
    """
    if _DURATION.fullmatch(by.strip()):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(by))
        if seconds > 0:
            return begun + seconds
    try:
        return datetime.fromisoformat(by.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        expected = "a duration such as 30m, 1h30m or 1d, or a time such as 2026-12-01T08:00"
        raise ValueError(f"expected {expected}") from None


def _as_deadline(by: object) -> object:
    """Return *by* if it names a time; YAML may have made it a date."""
    if by is not None:
        by = by.isoformat() if isinstance(by, date) else str(by)
        deadline_of(by, 0.0)
    return by


class DeliverySettings(SettingsSection):
    """The deadline of batches, and the handling of repairs and interrupted batches."""

    by: Annotated[str | None, BeforeValidator(_as_deadline)] = None
    repair: Literal["batch", "live"] = "batch"
    on_interrupt: Literal["leave", "cancel"] = "leave"
