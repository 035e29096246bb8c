"""Due dates: the words that state when something is due."""

import re

from runner.providers.offline.language.lexicon import pattern

_DAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|tues?|wed|thurs?|fri)\b)"
_MONTH = (
    r"(?:january|february|march|april|may(?! (?:be|have|not|well|also|need|i|we|want))|june|july|"
    r"august|september|october|november|december)"
)
_NTH = (
    r"(?:\d{1,2}(?:st|nd|rd|th)?|(?:twenty|thirty)[- ](?:first|second|third|fourth|fifth|sixth|"
    r"seventh|eighth|ninth)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|"
    r"eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|"
    r"nineteenth|twentieth|thirtieth)"
)
_NUMBER = (
    r"(?:\d+|an?|half an|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|fifteen|"
    r"twenty|thirty|forty|sixty|ninety|a few|a couple of|the next (?:\w+ )?)"
)
_UNIT = r"(?:minute|hour|(?:working |business )?day|week|month|quarter|year)s?"
_CLOCK = (
    r"(?:\d{1,2}(?::\d\d)?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
    r"(?: ?[ap]\.?m\b\.?| o'clock)(?: (?:eastern|central|pacific|local)(?: time)?| utc| gmt)?"
)
_BY = r"(?:by|before|until|no later than|not later than)"
_PART = r"(?:morning|noon|afternoon|evening|night)"
_DUE = re.compile(
    r"\b(?:"
    rf"(?:{_BY} )?(?:later )?(?:today|tonight|tomorrow(?: {_PART})?|tmrw)(?! 's)"
    rf"|(?:{_BY} |at )?(?:the )?end of (?:the |this |next |{_MONTH}\b)(?:day|week|month|quarter|"
    r"year|hour|session|meeting|sprint)?"
    rf"|(?:(?:{_BY}|on|early|late|at) )?(?:this|next) (?:{_PART}|week|weekend|month|quarter|{_DAY})"
    rf"|(?:{_BY}|at|to) (?:the |our )?next (?:meeting|session|call|review|year)"
    rf"|(?:{_BY}|on) (?:the )?(?:{_DAY}|{_NTH} of {_MONTH}|{_MONTH} {_NTH}\b|{_NTH} {_MONTH}|"
    rf"{_MONTH}|{_NTH}(?=[.,;]|$)|\d{{4}}-\d\d-\d\d|\d{{1,2}}[./]\d{{1,2}}[./]?(?:\d{{2,4}})?)"
    rf"(?: {_PART})?(?:,? (?:19|20)\d\d)?|{_DAY}(?: {_PART})?(?=[.,;]|$)"
    rf"|in {_MONTH}|(?:within|in) (?:about )?{_NUMBER} ?{_UNIT}(?:'s? time)?"
    rf"|(?:{_BY}|at|around|about) {_CLOCK}"
    r")(?!\w)(?! ago\b)",
    re.IGNORECASE,
)
# Words before a past time, a recurring time or a length of time.
_NOT_DUE = pattern("due_dates.not_due")
_SPEECH = pattern("due_dates.speech")


def due_in(text: str) -> str | None:
    """Return the first due date in *text*, verbatim, or None."""
    for match in _DUE.finditer(text.replace("’", "'")):
        before = text[: match.start()]
        if not _NOT_DUE.search(before) and not _SPEECH.search(before):
            return text[match.start() : match.end()]
    return None
