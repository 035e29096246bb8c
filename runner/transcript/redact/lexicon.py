"""Lexicon of redaction: lists of names and non-names, and how words are compared."""

import pkgutil
import unicodedata
from functools import cache, partial
from importlib import import_module

import regex

from runner.base.files import packaged
from runner.base.json import strings_in
from runner.base.tokens import tokenizer_for

# A rank in the vocabulary below which a word is common in lower case, even if it is more so as a
# name: o200k has 200,000 tokens in the order of their frequency.
_COMMON_RANK = 27_000
_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "’": "'", "ʼ": "'"}
_FOLDED = str.maketrans(_LETTERS)
SHORT = 3  # letters at most of a short name
_MOSTLY = 4  # times that the rank of a name in lower case is above its own
_ENDINGS = ("", "a", "o", "а", "я", "и", "ь")  # of names, replaced by case endings
GRADATION = regex.compile(r"(?<=[aeiouy])([kpt])([aeiouy])$")  # Finnish: Matti, Matin
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


def listed(name: str) -> frozenset[str]:
    """Return the words of a list of lexicon.toml, folded."""
    return frozenset(map(fold, LEXICON[name].split()))


LEXICON = packaged(__package__, "lexicon.toml")
ANY = {name: "|".join(patterns) for name, patterns in LEXICON["any"].items()}
TITLES, PARTICLES, ROLES = map(listed, ("titles", "particles", "roles"))
NO_NAMES, PLACES, MONTHS = map(listed, ("no_names", "places", "months"))
NUMBERED_ROLES, SUFFIXES = map(listed, ("numbered_roles", "suffixes"))
ORGANISATIONS, OPENERS, _WORDS = map(listed, ("organisations", "openers", "words"))
SHORT_WORDS = listed("short_words") | NO_NAMES | _WORDS


@cache
def places() -> frozenset[str]:
    """Return words in names of places: some cities, all countries, the states of America."""
    address = import_module("faker.providers.address").Provider
    states = import_module("faker.providers.address.en_US").Provider.states
    names = (*address.countries, *states)
    words = {fold(word) for name in names for word in WORD.findall(name)}
    return PLACES | {*map(fold, names)} | (words - given_names())


@cache
def _names(which: str) -> frozenset[str]:
    """Return the names, folded, in Faker's lists called *which*, of 70 languages and countries."""
    package = import_module("faker.providers.person")
    found = set[str]()
    for module in pkgutil.iter_modules(package.__path__):
        provider = import_module(f"{package.__name__}.{module.name}").Provider
        for attribute in dir(provider):
            if f"{which}_" in attribute and not attribute.startswith("_"):
                value = getattr(provider, attribute)
                names = [*value] if isinstance(value, dict) else value
                found |= {*map(str.strip, strings_in(names))}
    return frozenset(fold(name) for name in found if len(name) > 1 or UNSPACED.match(name))


given_names, family_names = partial(_names, "first"), partial(_names, "last")


def is_inflected(word: str) -> bool:
    """Return whether the folded *word* is a given name with an ending of a case."""
    stems = [word[:-cut] for cut in range(1, 4) if len(word) > cut + 2]
    stems += [GRADATION.sub(r"\1\1\2", stem) for stem in stems]
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
    return len(word) <= SHORT and word not in SHORT_WORDS


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
