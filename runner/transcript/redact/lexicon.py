"""Lexicon of redaction: lists of names and non-names, and how words are compared."""

import pkgutil
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import regex

from runner.base.files import packaged
from runner.base.tokens import tokenizer_for

# A rank in the vocabulary below which a word is common in lower case, even if it is more so as a
# name: o200k has 200,000 tokens in the order of their frequency.
_COMMON_RANK = 27_000
_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "’": "'", "ʼ": "'"}
_FOLDED = str.maketrans(_LETTERS)
SHORT = 3  # letters at most of a short name
_MOSTLY = 4  # times that the rank of a name in lower case is above its own
_ENDINGS = ("", "a", "o", "а", "я", "и", "ь")  # of names, replaced by case endings
_MARKS = regex.compile(r"[\u0300-\u036f]")
# Scripts whose words are not separated, or carry particles: names in them are found as text.
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}]"
UNSPACED = regex.compile(_UNSPACED)
SPACED = rf"[[\p{{L}}\p{{M}}]--{_UNSPACED}]"  # a letter of other scripts
WORD = regex.compile(rf"(?V1){SPACED}+(?:['’ʼ]{SPACED}+)*|[{_UNSPACED}\p{{M}}ー々]+")


def fold(text: str) -> str:
    """Return *text* in the form in which names are compared: without case and diacritics."""
    if text.isascii():
        return text.lower()
    marked = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", _MARKS.sub("", marked)).translate(_FOLDED)


def folded(text: str) -> frozenset[str]:
    """Return the words of *text*, folded."""
    return frozenset(map(fold, text.split()))


def listed(name: str) -> frozenset[str]:
    """Return the words of a list of lexicon.toml, folded."""
    return folded(LEXICON[name])


LEXICON = packaged(__package__, "lexicon.toml")
ANY = {name: "|".join(patterns) for name, patterns in LEXICON["any"].items()}
TITLES, PARTICLES, ROLES = map(listed, ("titles", "particles", "roles"))
NO_NAMES, PLACES, MONTHS = map(listed, ("no_names", "places", "months"))
ORGANISATIONS, OPENERS, _WORDS = map(listed, ("organisations", "openers", "words"))
SHORT_WORDS = listed("short_words") | NO_NAMES | _WORDS


@cache
def places() -> frozenset[str]:
    """Return words in names of places: some cities, all countries, the states of America."""
    address = import_module("faker.providers.address").Provider
    states = import_module("faker.providers.address.en_US").Provider.states
    words = {fold(word) for name in (*address.countries, *states) for word in WORD.findall(name)}
    single = {fold(name) for name in (*address.countries, *states)}
    return PLACES | {word for word in words if word in single or word not in given_names()}


@cache
def given_names() -> frozenset[str]:
    """Return given names of 70 languages and countries, folded."""
    return frozenset(fold(name) for name in _listed("first"))


@cache
def family_names() -> frozenset[str]:
    """Return family names, as `given_names`."""
    return frozenset(fold(name) for name in _listed("last"))


def is_inflected(word: str) -> bool:
    """Return whether the folded *word* is a given name with an ending of a case."""
    stems = (word[:-cut] for cut in range(1, 4) if len(word) > cut + 2)
    return any(f"{stem}{end}" in given_names() for stem in stems for end in _ENDINGS)


def is_listed(word: str) -> bool:
    """Return whether the folded *word* is a given or family name."""
    return word in given_names() or word in family_names()


@cache
def is_common(word: str) -> bool:
    """Return whether the folded *word* is as often a common word as a name: Will, Mark, Brown.

    Frequencies are approximated by ranks in the vocabulary of tokens.
    """
    low, capital = _rank(word), _rank(word.capitalize())
    return word in _WORDS or (
        low is not None and (capital is None or low < capital or low < _COMMON_RANK)
    )


def is_short_name(word: str) -> bool:
    """Return whether the folded *word* has few letters and is no English word: li, ana, ng.

    Ranks say little of short words, which are words of some language.
    """
    return 1 < len(word) <= SHORT and word not in SHORT_WORDS


def is_mostly_name(word: str) -> bool:
    """Return whether the folded *word*, in lower case, is still most likely a name: johannes."""
    low, capital = _rank(word), _rank(word.capitalize())
    return low is None or (capital is not None and low >= _MOSTLY * capital)


def is_unknown(word: str) -> bool:
    """Return whether the folded *word* is too rare for a token of its own in lower case."""
    return _rank(word) is None


def _rank(word: str) -> int | None:
    codec = tokenizer_for("openai/gpt-4o").codec
    try:
        return None if codec is None else codec.encode_single_token(f" {word}")
    except KeyError:
        return None


def _listed(which: str) -> Iterator[str]:
    """Yield the names of Faker's providers whose lists are called *which*."""
    package = import_module("faker.providers.person")
    for module in pkgutil.iter_modules(package.__path__):
        provider = import_module(f"{package.__name__}.{module.name}").Provider
        for attribute in dir(provider):
            if f"{which}_" in attribute and not attribute.startswith("_"):
                yield from _strings(getattr(provider, attribute))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (name for name in (value.strip(),) if len(name) > 1 or UNSPACED.match(name))
    elif isinstance(value, (tuple, list, dict)):
        for each in value:
            yield from _strings(each)
