"""Lexicon of redaction: lists of names and non-names, and how words are compared."""

import pkgutil
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import regex

from runner.base.tokens import tokenizer_for

# A rank in the vocabulary below which a word is common in lower case, even if it is more so as a
# name: o200k has 200,000 tokens in the order of their frequency.
_COMMON_RANK = 27_000
_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "’": "'", "ʼ": "'"}
_FOLDED = str.maketrans(_LETTERS)
_MOSTLY = 4  # times that the rank of a name in lower case is above its own
_ENDINGS = ("", "a", "o", "а", "я", "и", "ь")  # of names, replaced by case endings
_MARKS = regex.compile(r"[\u0300-\u036f]")
# Scripts whose words are not separated, or carry particles: names in them are found as text.
UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}]")
WORD = regex.compile(r"[\p{L}\p{M}]+(?:['’ʼ][\p{L}\p{M}]+)*")


def fold(text: str) -> str:
    """Return *text* in the form in which names are compared: without case and diacritics."""
    if text.isascii():
        return text.lower()
    marked = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", _MARKS.sub("", marked)).translate(_FOLDED)


def folded(text: str) -> frozenset[str]:
    """Return the words of *text*, folded."""
    return frozenset(map(fold, text.split()))


TITLES = folded(
    "honorable honourable hon mr mrs ms miss mx dr doctor prof professor sir madam dame lord lady "
    "rev reverend father sister senator congressman congresswoman representative governor mayor "
    "president chairman chairwoman judge justice officer detective sergeant captain colonel "
    "general major lieutenant nurse inspector commissioner minister ambassador secretary "
    "councillor councilor herr frau señor señora sr sra don doña monsieur madame mme mlle senhor "
    "senhora dom dona signor signora dott dottor dottoressa meneer mevrouw pan pani pana panu "
    "panem panią paní господин госпожа доктор профессор"
)
PARTICLES = folded("de da do dos das del della di la le van von der den ter bin ibn al el y e zu")
ROLES = folded(
    "speaker interviewer interviewee moderator host guest chair chairman chairwoman chairperson "
    "operator agent customer caller client patient doctor nurse participant respondent witness "
    "judge counsel attorney lawyer clerk narrator announcer reporter analyst student teacher "
    "audience member male female man woman voice unknown unidentified all several question answer "
    "assistant user system presenter facilitator support representative sprecher sprecherin "
    "interviewerin befragter befragte moderatorin kunde kundin locuteur intervenant entrevistador "
    "entrevistadora entrevistado hablante orador falante intervistatore ведущий интервьюер спикер"
)
# Capitalised words that are not persons, with places whose names are also given names.
NO_NAMES = folded(
    "hallo hola ciao bonjour salut oi olá buenas guten goedemorgen jó "
    "fed congress parliament monday tuesday wednesday thursday friday saturday sunday january "
    "february march april may june july august september october november december spring summer "
    "autumn winter christmas easter ramadan i english french german spanish italian portuguese "
    "dutch polish russian chinese japanese korean arabic hebrew hindi turkish greek american "
    "british european african asian indian australian canadian mexican brazilian irish scottish "
    "welsh swedish danish norwegian finnish catholic christian muslim jewish god internet google "
    "microsoft apple amazon facebook linkedin twitter instagram youtube slack zoom excel word "
    "outlook python java linux windows visa mastercard android kubernetes docker github tesla "
    "oracle salesforce teams siri alexa the a an and or but if so we you he she they it my our "
    "your his her their yes no ok okay well hello hi hey us go case had has have was is are be "
    "been do does did not all any some more most many much one two other than then now here there "
    "this that these those what when where why how who which while because since after before "
    "with from for about into over under out up down off on in at by to of as let also just only "
    "even still again very really right left good great big new old first last next today "
    "tomorrow yesterday thanks thank dear please sorry oh ah um uh mai juni juli mayo mars avril "
    "abril maio maggio giugno luglio juin juillet marzo märz lunes martes jueves viernes sonntag "
    "montag"
)
PLACES = folded(
    "paris london berlin madrid rome vienna florence venice verona milan geneva sydney adelaide "
    "victoria alexandria charlotte austin dallas houston madison jordan georgia carolina virginia "
    "dakota montana israel america india china asia africa europe kenya chad cuba washington "
    "lincoln lancaster york chelsea brooklyn phoenix orlando savannah santiago valencia córdoba "
    "lisbon denver porto hamburg köln münchen moscow москва киев dublin oxford cambridge boston "
    "chicago francisco angeles diego antonio jose paulo janeiro kingston hamilton wellington "
    "lourdes trinidad manchester chester bristol devon kent jersey bali lima marrakesh tokyo "
    "beijing delhi mumbai"
)
MONTHS = folded("january february march april may june july august sunny")
ORGANISATIONS = folded(
    "inc ltd llc gmbh ag corp corporation company group bank university college school institute "
    "hospital clinic church street avenue road lane drive boulevard square park river lake "
    "mountain mountains valley county city state bridge airport station museum hotel foundation "
    "agency department ministry committee council court act bill project program programme team "
    "office center centre services systems technologies solutions sea ocean island islands coast "
    "bay"
)
# Common words whose rank suggests a name.
_WORDS = folded(
    "frank chase amber ruby sandy victor jack rose dean bishop carter hunter mason baker fisher "
    "king brown hill lake park bush ford marshall parker taylor tyler duke earl heather holly ivy "
    "hazel jasmine penny lily crystal melody harmony trinity destiny angel christian archer "
    "porter cooper miller potter sawyer shepherd weaver carpenter mercy patience prudence "
    "constance robin jay wren raven basil ginger rusty sonny buddy junior royal noble sterling "
    "dale glen forest roger buenos abend saal danke tag west north east south fox wolf bird swan "
    "crane drake nick rob don gene stew harry teddy"
)
# Names that may begin a sentence as another word, in any transcript.
OPENERS = folded(
    "will may can mark bill grant chase pat drew sue rob hope art rich frank grace joy faith page "
    "miles rush gene don jack buck cash lance pierce reed sky stone wade ward trip ash case cliff "
    "dale glen guy hunt jade jet rock star summer sunny storm max april june august major"
)


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
