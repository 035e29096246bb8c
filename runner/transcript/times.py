"""Time stamps such as `1:02:03`, `9/18/26, 10:02 AM` and `1 minute 3 seconds`; their scale."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from runner.transcript.words import PATTERNS

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_WEEKDAY = rf"(?:{'|'.join(_DAYS)})[a-z]{{0,6}}\.?"
DATE = (
    rf"(?:{_WEEKDAY},?\s)?"
    rf"(?:\d{{4}}[-./]\d{{1,2}}[-./]\d{{1,2}}|{_DAY}[-./]{_DAY}(?:[-./](?:\d{{4}}|\d{{2}})|(?!\d))"
    rf"|{MONTH}\s\d{{1,2}}(?:,?\s\d{{4}})?|\d{{1,2}}(?:\.?\s|-){MONTH}(?:\s\d{{4}}|-\d{{2,4}})?"
    r"|\d{4}[年년]\s?\d{1,2}[月월]\s?\d{1,2}[日일](?:\s?[(（][^\W\d]{1,4}[)）]|\s?(?:星期|[周週]).|\s?.(?:曜日|요일))?"
    rf"|today|yesterday|{_WEEKDAY})"
)
_CLOCK = (
    r"(?:(?:오전|오후|上午|下午|午前|午後)\s?)?\d{1,4}:\d{2}(?::\d{2}){0,2}(?:[.,]\d{1,6})?"
    r"(?:\s?(?:[ap](?:\.\s?)?m\b\.?|[صم]\b|[πμ]\.\s?μ\.))?"
    r"(?:Z\b|\+\d{2}:?\d{2}\b|-\d(?=#)"
    r"|\s(?:UTC|GMT|[ECMP][SD]T|CES?T|BST|IST|JST)(?:[+-]\d{1,2}(?::?\d{2})?)?\b)?"
)
_HOUR, _MINUTE, _SECOND = (PATTERNS[unit] for unit in ("hour", "minute", "second"))
_UNITS = (
    rf"(?:\d{{1,4}}\s?(?:{_HOUR}),?\s?)?(?:\d{{1,4}}\s?(?:{_MINUTE}),?\s?)?"
    rf"\d{{1,6}}(?:\.\d{{1,6}})?\s?(?:{_SECOND})\b"
)
_WITHOUT_SECONDS = rf"\A(?:\d{{1,4}}\s?(?:{_HOUR}),?\s?)?\d{{1,4}}\s?(?:{_MINUTE})\Z"  # alone only
_MILLIS = r"\d{1,9}\s?ms(?:ec)?\b"
_DECIMALS = r"\d{1,6}\.\d{1,3}(?=\s?(?:-->|->|-|–)\s?\d)|(?<=[->–\s])\d{1,6}\.\d{1,3}(?=\s?[\])])"
_DOTTED = r"(?<=[\d,.loà]\s)\d{1,2}\.\d{2}(?:\.\d{2})?(?![\d.])"  # of a day that is named
_AT = r"(?:at|à|um|kl\.?|klo|alle|om)\s"
_ONE = (
    rf"(?:{_UNITS[:-2]}(?=\d))?(?:({DATE})(?:[,،]?\s{{1,3}}(?:{_AT})?|T))?"
    rf"({_CLOCK}|{_UNITS}|{_MILLIS}|{_DECIMALS}|{_DOTTED}|{_WITHOUT_SECONDS})"
)
_TO = r"(?:\s?(?:-->|->|-|–|—|to)\s?|[ \t]{1,4}(?=\d{1,2}:\d\d:\d\d))"
_END = rf"(?:{_TO}({_CLOCK}|{_UNITS}|{_MILLIS}|{_DECIMALS}))?"
_OPEN = r"\\?([\[(（［【<{#])?\s?@?(-)?"
_CLOSE = r"(?:\s\|[^][()|]{1,40}(?=\]))?\s?\\?([\])）］】>}#])?(?:\(https?:[^\s()]{1,300}\))?"
_BEFORE = r"(?:^|[\s|,·•–—@*-]|(?<=[\w.)])(?=[\[(（［【]))"
_LEADING = re.compile(rf"{_OPEN}{_ONE}{_END}{_CLOSE}(?:(?<=[\])）］】}}])|(?!\w|:\S))", re.I)
_TRAILING = re.compile(rf"{_BEFORE}{_OPEN}{_ONE}{_END}{_CLOSE}$", re.I)
_READING = re.compile(r"(\d{1,4}(?::\d{2}){1,3})(?:[.,](\d{1,6}))?\s?([AaPpصمπμ])?")
_UNIT = re.compile(
    rf"(\d{{1,9}}(?:\.\d{{1,9}})?)\s?(?:({_HOUR})|({_MINUTE})|{_SECOND})(?![^\W\d_])", re.I
)
_SECOND_END = re.compile(rf"\d\s?(?:{_SECOND})$", re.I)
_WIDE_MARKS = str.maketrans("：．，／－", ":.,/-")
_NUMBERS = re.compile(r"\d+")
_FRAMES = re.compile(r"(?<![\d:])(\d{1,3}:(\d{2}):\d{2})[:;](\d{2})(?![\d:])")
# Other spellings, what to write in their place, and how often they must occur. Those that need
# occur only once begin with a fixed character or one of two, for speed.
_SPELLINGS = (
    (re.compile(r"([\[(]\d{1,3})['’′](\d\d)(?:[\"”″]|'')(?=[\])])"), r"\1:\2", 1),
    (re.compile(r"([\[(]\d{1,2}) : (\d\d) : (\d\d)(?=[\])])"), r"\1:\2:\3", 1),
    (re.compile(r"([\[(]\d{1,2}) : (\d\d)(?=[\])])"), r"\1:\2", 1),
    (re.compile(r";(?<=(?<![\d;])\d\d;)(\d\d);(\d\d);\d\d(?![\d;])"), r":\1:\2", 1),
    (re.compile(r"\](?<=\d\])\[\d{1,6}\.\d{1,3}\]$", re.M), "]", 1),  # a length, of Trint
    (re.compile(r"^(\d{1,6}\.\d{1,3}) (\d{1,6}\.\d{1,3})(?= \w{1,20}:)", re.M), r"[\1 - \2]", 2),
    (re.compile(r"^(\[?\d{2}) (\d{2}) (\d{2}) (\d{2})(?=\]|\s)", re.M), r"\1:\2:\3:\4", 2),
)
_NAMED = r"$| [-–—<\[(]| [^\W\d][^\n:]{0,60}:\s|(?-i:(?: [A-Z][\w'’-]{0,30}){1,3}$)"
_WEEKDAYS = re.compile(rf"^({_WEEKDAY},? {_CLOCK})(?={_NAMED})", re.IGNORECASE | re.MULTILINE)
_FOUR_NUMBERS = re.compile(r":\d{2}:\d{2}[:;]\d")  # begins with a fixed character, for speed
_PAIRS = dict(zip("[(（［【<{#", "])）］】>}#", strict=True))
_STARTS = frozenset("[(（［【<{#@\\오上下午")  # and digits
_HALVES = {"오전": "a", "上午": "a", "午前": "a", "오후": "p", "下午": "p", "午後": "p"}
_ENDS = frozenset("0123456789mMsScCdDtTzZ.)]）］】>}#")
_WORDS = frozenset((*_MONTHS, *_DAYS, "tod", "yes"))
_HEAD_CHARS, _MIN_FRAMES = 200, 8
_FRAMED_PACES = (0.01, 0.08)  # words in a second, which are 60 times as many if frames are read


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time stamp: *start_s* in seconds, *end_s* if it is a span, else None.

    Before zero, as in `[-00:00:10]`, *start_s* is negative. *fields* counts the numbers between its
    colons, 0 for a stamp in words; *day* is its date as written, or empty.
    """

    start_s: float
    end_s: float | None
    bracketed: bool
    fields: int
    day: str = ""

    @property
    def plain(self) -> bool:
        """Whether it may as well be a number of the text, such as `10:30` or `3 s`."""
        return not self.bracketed and self.fields < 3 and not self.day


def seconds_of(numbers: Sequence[str], fraction: str = "") -> float | None:
    """Return the seconds of two to four *numbers*, such as hours, minutes, seconds; or None."""
    if not 2 <= len(numbers) <= 4:
        return None
    days, hours, minutes, seconds = map(int, ("0", "0", *numbers)[-4:])
    if seconds > 59 or (len(numbers) > 2 and minutes > 59) or (len(numbers) > 3 and hours > 23):
        return None
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds + float(f"0.{fraction or 0}")


def clock_seconds(text: str) -> float | None:
    """Return the seconds of `dd:hh:mm:ss`, `h:mm:ss` or `mm:ss`; None if invalid.

    With AM or PM, two numbers are hours and minutes.
    """
    match = _READING.search(text[:_HEAD_CHARS])
    before = text[: match.start()].strip() if match else ""
    if match is None or (before and before not in _HALVES):
        return None
    numbers, half = match[1].split(":"), _HALVES.get(before) or match[3]
    if half and len(numbers) < 4:
        hour = int(numbers[0]) % 12 + (12 if half in "pPمμ" else 0)
        numbers = [str(hour), *numbers[1:], *["0"] * (3 - len(numbers))]
    return seconds_of(numbers, match[2])


def leading_stamp(text: str) -> tuple[Stamp, str] | None:
    """Return the stamp at the start of *text* and the text after it, or None."""
    if not (text[:1] in _STARTS or text[:1].isdecimal() or text[:3].lower() in _WORDS):
        return None
    head = text[:_HEAD_CHARS].translate(_WIDE_MARKS)
    match = _LEADING.match(head)
    stamp = _stamp(match)
    if match is None or stamp is None:
        return None
    rest = text[match.end() :]
    word = stamp.day.isalpha() and not stamp.bracketed  # `Monday 10:30` may begin a sentence
    return None if word and (len(stamp.day) > 4 or rest.strip()) else (stamp, rest)


def may_end_in_time(text: str) -> bool:
    """Return quickly whether *text* can end in a stamp."""
    if text[-1:] in _ENDS:
        return any(map(str.isdigit, text[-_HEAD_CHARS:]))
    return text[-1:].isdecimal() or _SECOND_END.search(text[-16:]) is not None


def trailing_stamp(text: str) -> tuple[Stamp, str] | None:
    """Return the stamp at the end of the short *text* and the text before it, or None."""
    if not may_end_in_time(text):
        return None
    head = text[:_HEAD_CHARS].translate(_WIDE_MARKS)
    match = _TRAILING.search(head)
    stamp = _stamp(match)
    return (stamp, text[: match.start()]) if match and stamp else None


def with_plain_stamps(text: str) -> str:
    """Return *text* with stamps such as `02 07 55 35` written with colons, and without frames."""
    for pattern, written, least in _SPELLINGS:
        if least < 2 or len(pattern.findall(text)) >= least:
            text = pattern.sub(written, text)
    if (weekdays := len(_WEEKDAYS.findall(text))) > 2 and weekdays * 5 > text.count("\n"):
        text = _WEEKDAYS.sub(r"[\1]", text)
    return _without_frames(text)


def _without_frames(text: str) -> str:
    """Return *text* without the frames of its `hh:mm:ss:ff` stamps.

    Four numbers are days, hours, minutes and seconds unless all end below 30 and are many, or have
    more than 23 in the place of the hours, or people would speak far too slowly.
    """
    found = _FRAMES.findall(text) if _FOUR_NUMBERS.search(text) else []
    if not found or any(int(last) > 29 for _, _, last in found):
        return text
    seconds = [clock_seconds(f"{clock}:{last}") or 0.0 for clock, _, last in found]
    pace = len(text.split()) / (max(seconds) - min(seconds) or 1.0)
    few = len(found) < _MIN_FRAMES and all(int(second) < 24 for _, second, _ in found)
    slow = _FRAMED_PACES[0] < pace < _FRAMED_PACES[1]
    return text if few and not slow else _FRAMES.sub(r"\1", text)


def day_number(day: str, *, month_first: bool) -> int | None:
    """Return the days of a date with a year from a fixed Sunday, 1 to 7 for a weekday, or None."""
    numbers = [int(each) for each in _NUMBERS.findall(day)]
    name = next((m for m, name in enumerate(_MONTHS, 1) if name in day.lower()), None)
    match numbers:
        case [of_month, year] if name is not None:
            month = name
        case [year, month, of_month] if year > 31:
            pass
        case [month, of_month, year] if month_first:
            pass
        case [of_month, month, year]:
            pass
        case []:
            return next((n for n, name in enumerate(_DAYS, 1) if day[:3].lower() == name), None)
        case _:
            return None
    with suppress(ValueError):
        return date(year + 2000 if year < 100 else year, month, of_month).toordinal()
    return None


def _stamp(match: re.Match[str] | None) -> Stamp | None:
    if match is None:
        return None
    opening, sign, day, first, last, closing = match.groups()
    if day and first[-1].isdigit() and ":" not in first:
        first = first.replace(".", ":")
    start = _seconds(first)
    if start is None or _PAIRS.get(opening or "") != closing:
        return None
    end = _seconds(last) if last else None
    fields = first.count(":") + 1 if ":" in first else 0
    halved = first[-1] in "mM.صم" or not first[0].isdigit()
    if fields == 2 and (day or halved):  # hours and minutes of a day
        fields, start = 3, start if halved else start * 60
    if not opening and (sign or not (":" in first or first[-1].isalpha())):
        return None
    return Stamp(-start if sign else start, end, bool(opening), fields, day or "")


def _seconds(text: str) -> float | None:
    if ":" in text:
        return clock_seconds(text)
    if not text.rstrip(".")[-1].isalpha():
        return float(text)
    if "ms" in text:
        return float(text.partition("m")[0]) / 1000
    return sum(
        float(number) * (3600.0 if hours else 60.0 if minutes else 1.0)
        for number, hours, minutes in _UNIT.findall(text)
    )


_NUMERIC = re.compile(r"(\d{1,2})[-./](\d{1,2})[-./]")
_MAX_WORDS_A_SECOND = 6  # nobody speaks faster, so that the numbers are hours and minutes
_DAY_S = 86_400
_HALF_DAY_S = 43_200


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Turns stamps into seconds; days count from the first date of the file."""

    month_first: bool = False
    first_day: int | None = None
    in_hours: bool = False
    half_days: bool = False  # AM or PM is written with some times only

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
        past = int(after_s // _DAY_S)
        if day is not None and self.first_day is not None and (day < 8 or self.first_day > 7):
            days = day - self.first_day
            start += max(0, days if day > 7 else past + (days - past) % 7) * _DAY_S
        elif not stamp.day and self.first_day is not None:
            start += past * _DAY_S
        return start, end


def time_scale_of(stamps: Sequence[Stamp], words: int, *, chat: bool) -> TimeScale:
    """Return the time scale of a file with these *stamps* and so many *words*.

    In a *chat* two numbers are the time of day. So they are where people would speak faster than
    anybody can, and beside times with hours whose seconds are all zero.
    """
    days = [stamp.day for stamp in stamps if stamp.day]
    pairs = [tuple(map(int, match.groups())) for day in days if (match := _NUMERIC.match(day))]
    month_first = bool(pairs) and max(first for first, _ in pairs) <= 12
    month_first = month_first and (
        max(second for _, second in pairs) > 12
        or len({first for first, _ in pairs}) == 1 < len({second for _, second in pairs})
    )
    numbers = [day_number(day, month_first=month_first) for day in days[:1]]
    short, long = ([stamp.start_s for stamp in stamps if stamp.fields == n] for n in (2, 3))
    clocks = bool(short) and max(short) < 24 * 60
    fast = len(set(short)) > 2 and words > (max(short) - min(short)) * _MAX_WORDS_A_SECOND
    mixed = len(long) > 1 and not any(seconds % 60 for seconds in long)
    in_hours = clocks and (mixed if long else len(short) == len(stamps) and (chat or fast))
    return TimeScale(month_first, numbers[0] if numbers else None, in_hours, bool(long))
