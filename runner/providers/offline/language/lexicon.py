"""Lexicon: word lists of general English, from lexicon.toml, and patterns, from patterns.toml."""

import re

from runner.base.files import packaged

_LISTS = packaged(__package__, "lexicon.toml")

STOP_WORDS = frozenset(_LISTS["stop_words"].split())
NOT_NOUNS = frozenset(_LISTS["not_nouns"].split())
NOUNS_IN_LY = frozenset(_LISTS["nouns_in_ly"].split())
PROMPT_WORDS = frozenset(_LISTS["prompt_words"].split())
ASKING_WORDS = frozenset(_LISTS["asking_words"].split())
WORK = frozenset(_LISTS["work"].split())
LOOSE_WORK = frozenset(_LISTS["loose_work"].split())
ABBREVIATIONS = frozenset(_LISTS["abbreviations"].split())
LEADING_MARKERS = tuple(_LISTS["leading_markers"])

_PATTERNS = packaged(__package__, "patterns.toml")
_PARTS = _PATTERNS["parts"]


def completed(source: str) -> str:
    """Return the pattern *source* without its line breaks, and with what each `<name>` means."""
    for name, words in _PARTS.items():
        source = source.replace(f"<{name}>", words)
    return source.replace("\n", "")


def pattern(*names: str) -> re.Pattern[str]:
    """Return the patterns *names*, each `MODULE.KEY` of patterns.toml, as alternatives of one."""
    found = (_PATTERNS[module][key] for module, key in (name.split(".") for name in names))
    return re.compile(completed("|".join(found)), re.IGNORECASE)
