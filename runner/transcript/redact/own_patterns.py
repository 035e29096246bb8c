"""Redaction patterns of users: checked before a run, and limited in time."""

import time
from collections.abc import Iterable, Iterator, Sequence

import regex

from runner.base.errors import ConfigError, one_line
from runner.base.patterns import pattern_of
from runner.config.schema import TranscriptSettings

MATCH_S = 5.0  # for all matches of one pattern in a transcript; a megabyte takes some 0.1 s
KEY = "transcript.redact_patterns"


def compile_patterns(patterns: Sequence[str]) -> tuple["regex.Pattern[str]", ...]:
    """Return *patterns* compiled; raise ConfigError for one that is wrong or matches nothing."""
    made = []
    for number, text in enumerate(patterns):
        try:
            pattern = pattern_of(text)
            empty = pattern.search("", timeout=MATCH_S) is not None
        except (ValueError, TimeoutError) as error:
            raise ConfigError(f"{KEY}[{number}]={text!r}: {one_line(str(error))}") from error
        if empty:
            raise ConfigError(f"{KEY}[{number}]={text!r} matches the empty text")
        made.append(pattern)
    return tuple(made)


def check_patterns(settings: TranscriptSettings) -> None:
    """Raise ConfigError for patterns that are wrong, or that `redact=off` would not use."""
    if settings.redact_patterns and settings.redact == "off":
        raise ConfigError(f"{KEY} has no effect with transcript.redact=off: set names or all")
    compile_patterns(settings.redact_patterns)


def matches(pattern: "regex.Pattern[str]", texts: Iterable[str]) -> Iterator[str]:
    """Yield the matches of *pattern* in *texts*, or of its first group.

    Raises ConfigError for a pattern that takes longer than MATCH_S for all *texts*.
    """
    left = MATCH_S
    for text in texts:
        began = time.process_time()
        try:
            found = list(pattern.finditer(text, timeout=max(left, 0.001)))
        except TimeoutError as error:
            raise ConfigError(
                f"{KEY}: {pattern.pattern!r} takes more than {MATCH_S:g} s for this transcript"
            ) from error
        left -= time.process_time() - began
        for match in found:
            form = match[1] if pattern.groups and match[1] else match[0]
            if form.strip():
                yield form
