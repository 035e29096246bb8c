"""Time scale of a file: the units of its time stamps, inferred from all of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from runner.transcript.times import Stamp, day_number

_NUMERIC = re.compile(r"(\d{1,2})[-./](\d{1,2})[-./]")
_MAX_WORDS_A_SECOND = 6  # with faster speech, the numbers are hours and minutes
_DAY_S = 86_400
_HALF_DAY_S = 43_200


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Turns stamps into seconds; days count from the first date of the file."""

    month_first: bool = False
    first_day: int | None = None
    in_hours: bool = False
    half_days: bool = False  # AM or PM follows only some times

    def seconds(
        self, stamp: Stamp | None, after_s: float = 0.0
    ) -> tuple[float | None, float | None]:
        """Return start and end of *stamp* in seconds; the one before it is at *after_s*."""
        if stamp is None:
            return None, None
        start, end = stamp.start_s, stamp.end_s
        if self.in_hours and stamp.fields == 2:
            start, end = start * 60, end * 60 if end is not None else None
            if self.half_days and start < after_s <= start + _HALF_DAY_S:
                start += _HALF_DAY_S
        day = day_number(stamp.day, month_first=self.month_first) if stamp.day else None
        if day is not None and self.first_day is not None and day > self.first_day:
            start += (day - self.first_day) * _DAY_S
        elif not stamp.day and self.first_day is not None:
            start += after_s // _DAY_S * _DAY_S
        return start, end


def time_scale_of(stamps: Sequence[Stamp], words: int, *, chat: bool) -> TimeScale:
    """Return the time scale of a file with these *stamps* and so many *words*.

    In a *chat* two numbers are the time of day; likewise if people would otherwise speak impossibly
    fast, and beside times with hours whose seconds are all zero.
    """
    days = [stamp.day for stamp in stamps if stamp.day]
    pairs = [tuple(map(int, match.groups())) for day in days if (match := _NUMERIC.match(day))]
    month_first = bool(pairs) and max(first for first, _ in pairs) <= 12
    month_first = month_first and (
        max(second for _, second in pairs) > 12
        or len({first for first, _ in pairs}) == 1 < len({second for _, second in pairs})
    )
    numbers = [day_number(day, month_first=month_first) for day in days[:1]]
    short = [stamp.start_s for stamp in stamps if stamp.fields == 2]
    long = [stamp.start_s for stamp in stamps if stamp.fields == 3]
    clocks = bool(short) and max(short) < 24 * 60
    fast = len(set(short)) > 2 and words > (max(short) - min(short)) * _MAX_WORDS_A_SECOND
    mixed = len(long) > 1 and not any(seconds % 60 for seconds in long)
    in_hours = clocks and (mixed if long else len(short) == len(stamps) and (chat or fast))
    return TimeScale(month_first, numbers[0] if numbers else None, in_hours, bool(long))
