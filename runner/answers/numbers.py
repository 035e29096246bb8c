"""Numbers as models write them: in words, as per cent, and on a scale that was not asked for."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NUMBER = re.compile(r"[+-]?(?:\d{1,300}\.?\d{0,300}|\.\d{1,300})(?:[eE][+-]?\d{1,3})?")
_SHARE = re.compile(
    r"(\d{1,3}(?:[.,]\d{1,30})?)\s*(?:(%|per ?cent)|(?:/|out of|of)\s*(100|10|5|1)(?:\.0)?)", re.I
)
_ASIDE = re.compile(r"(?<=\d)\s*\([^()\d]{1,80}\)\Z")  # 0.8 (high)
_DECIMAL_COMMA = re.compile(r"0,\d{1,30}|\d\d?,\d\d?")
_WHOLES = (1, 10, 100)  # upper bounds of scales from 0


@dataclass(frozen=True, slots=True)
class _ShareScale:
    """Shares written as parts of *whole*; *doubt*: why that is unsure; *mixed*: some are of 1."""

    whole: int
    doubt: str = ""
    mixed: bool = False


class Numbers:
    """Reads the numbers of one answer; *notes* get a line on how, with the path of each.

    Shares of 1 are read twice: only all of one field together show their scale.
    """

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes
        self._shares: dict[str, list[float]] = {}  # by field
        self._scales: dict[str, _ShareScale] = {}
        self.doubt = ""  # what is not certain about these

    def find_scales(self) -> bool:
        """Return whether shares were written on another scale, and must be read again."""
        scales = ((field, _scale_of(shares)) for field, shares in self._shares.items())
        self._scales = {field: scale for field, scale in scales if scale is not None}
        return bool(self._scales)

    def read(self, value: Any, schema: Mapping[str, Any], path: str, field: str) -> Any:
        """Return the number that is meant, within the bounds; leave anything else to validation."""
        if isinstance(value, bool):
            return str(value).lower()
        low, high = schema.get("minimum"), schema.get("maximum")
        whole = high if 0 in (low, schema.get("exclusiveMinimum")) and high in _WHOLES else None
        has_scale = is_share(schema)
        if isinstance(value, str):
            meant, is_scaled = _stated(_ASIDE.sub("", value.strip()), schema, whole)
            if meant is None:
                return value
            self._notes.append(f"{path}: {value!r:.40} was read as {meant:g}")
            value, has_scale = meant, has_scale and not is_scaled
        if not isinstance(value, int | float):
            return value
        if has_scale:
            self._shares.setdefault(field, []).append(value)
            value = self._share(value, self._scales.get(field), path)
        return self._within(value, low, high, path)

    def _share(self, value: float, scale: _ShareScale | None, path: str) -> float:
        if scale is None or value == 0 or (scale.mixed and value <= 1):
            return value
        share, where = value / scale.whole, f"on a scale of {scale.whole}"
        if scale.doubt:
            why, where = f"({scale.doubt}?), write a number from 0 to 1", f"probably {where}"
            self.doubt = f"{path}: the scale of {value:g} is not certain {why}"
        self._notes.append(f"{path}: {value:g} was read as {share:g}, {where}")
        return share

    def _within(self, value: float, low: float | None, high: float | None, path: str) -> float:
        """Return *value*, clamped unless it is so far outside that it is on another scale."""
        bound = min(value, high) if high is not None else value
        bound = max(bound, low) if low is not None else bound
        width = math.inf if low is None or high is None else high - low
        if bound == value or abs(value - bound) > width:
            return value
        self._notes.append(f"{path}: {value!r:.20} was clamped to {bound:g}")
        return type(value)(bound)


def is_share(schema: Mapping[str, Any]) -> bool:
    """Return whether *schema* is that of a number from 0 to 1."""
    is_number = schema.get("type") == "number" and schema.get("maximum") == 1
    return is_number and 0 in (schema.get("minimum"), schema.get("exclusiveMinimum"))


def _scale_of(shares: Sequence[float]) -> _ShareScale | None:
    """Return the scale on which *shares* of 1, all of one field, were written; None for that of 1.

    Numbers above 10 are per cent, without a doubt if no other could be a share of 1. Numbers up to
    10 may be of 10, of 5, or per cent. Numbers below 2 are shares, some of them too large.
    """
    if max(shares) < 2 or max(shares) > 100 or min(shares) < 0:
        return None
    mixed = any(0 < share < 1 for share in shares)
    if max(shares) <= 10:
        return _ShareScale(10, "of 10, of 5 or per cent", mixed)
    return _ShareScale(100, "shares of 1 or per cent" if mixed or 1 in shares else "", mixed)


def _stated(
    text: str, schema: Mapping[str, Any], whole: float | None
) -> tuple[int | float | None, bool]:
    """Return the number that *text* states, None for none, and whether it states its scale.

    *whole* is the end of the scale from 0 that is asked for, None for another range.
    """
    if whole and (share := _SHARE.fullmatch(text)):
        shown, of = float(share[1].replace(",", ".")), 100 if share[2] else int(share[3])
        return (round(shown * whole / of, 12) if shown <= of else None), True
    if whole and _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if _NUMBER.fullmatch(text):
        found = int(text) if text.lstrip("+-").isdigit() else float(text)
        return (found if math.isfinite(found) else None), False
    return _described(text, str(schema.get("description") or "")), True


def _described(word: str, description: str) -> float | None:
    """Return the number that *description* gives for *word*: 0.2 of "0.2 (low), 0.8 (high)"."""
    if not re.search(r"[^\W\d_]{3}", word) or len(word) > 80:
        return None
    one, number = re.escape(word), r"(?<![\w.,-])(\d+(?:\.\d+)?)"
    beside = rf"{number}\s?[:=(–-]?\s?{one}\b(?!\s?[:=])|\b{one}\s?[:=(]?\s?{number}(?![\w.]*[\w-])"
    found = {float(match[1] or match[2]) for match in re.finditer(beside, description, re.I)}
    return found.pop() if len(found) == 1 else None
